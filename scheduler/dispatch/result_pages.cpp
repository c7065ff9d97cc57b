#include "scheduler/dispatch/result_pages.h"

#include "lib/ipc/files_checksum.h"

namespace millrace::scheduler {
namespace {

std::size_t size_of(const PagedRow& paged) {
  return sizeof(PagedRow) + paged.row.path.size() + paged.row.checksum.size() +
         paged.row.statistics_json.size();
}

}  // namespace

void ResultPages::add(const AttemptRef& attempt, std::vector<PagedRow> rows) {
  // More attempts than a worker can run at once: nothing of the new one is kept, and its success
  // will not find its rows.
  if (!attempts_.contains(attempt) && attempts_.size() >= limits_.max_attempts) return;
  Gathered& gathered = attempts_[attempt];
  for (PagedRow& paged : rows) {
    const Bytes size(static_cast<std::int64_t>(size_of(paged)));
    gathered.over_limit = gathered.over_limit || gathered.rows.size() >= limits_.max_files ||
                          held_ + size > limits_.max_bytes ||
                          size_of(paged) > limits_.max_row_bytes;
    if (gathered.over_limit) break;
    gathered.bytes += size;
    held_ += size;
    gathered.rows.push_back(std::move(paged));
  }
  if (!gathered.over_limit) return;
  held_ -= gathered.bytes;
  gathered.bytes = Bytes(0);
  gathered.rows = {};
}

Result<std::vector<PagedRow>> ResultPages::take(const AttemptRef& attempt, std::uint32_t file_count,
                                                const std::string& files_checksum) {
  Gathered gathered;
  if (const auto it = attempts_.find(attempt); it != attempts_.end()) {
    gathered = std::move(it->second);
    held_ -= gathered.bytes;
    attempts_.erase(it);
  }
  if (gathered.over_limit)
    return Error{ErrorClass::kUser, "result.too_large",
                 "the result has more than " + std::to_string(limits_.max_files) + " files or " +
                     std::to_string(limits_.max_bytes.value()) + " bytes of file rows",
                 "write fewer, larger files"};
  ipc::FilesChecksum checksum;
  for (const PagedRow& paged : gathered.rows) checksum.add(paged.row.path, paged.row.checksum);
  const bool counted = gathered.rows.size() == file_count;
  const bool matches =
      files_checksum == checksum.text() || (file_count == 0 && files_checksum.empty());
  if (!counted || !matches)
    return Error{ErrorClass::kInfrastructure, "result.incomplete",
                 "the result names " + std::to_string(file_count) + " files with checksum \"" +
                     files_checksum + "\", what arrived is " +
                     std::to_string(gathered.rows.size()) + " with \"" + checksum.text() + "\"",
                 ""};
  return std::move(gathered.rows);
}

void ResultPages::forget(const AttemptRef& attempt) {
  const auto it = attempts_.find(attempt);
  if (it == attempts_.end()) return;
  held_ -= it->second.bytes;
  attempts_.erase(it);
}

}  // namespace millrace::scheduler
