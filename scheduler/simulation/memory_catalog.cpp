#include "scheduler/simulation/memory_catalog.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace millrace::simulation {

using namespace scheduler;  // NOLINT(google-build-using-namespace): a file over the core's types

std::vector<std::string> committed_files(const AttemptPrefix& attempt,
                                         const events::SnapshotCommitted& snapshot,
                                         const Attachment* attachment) {
  if (attachment == nullptr) return {attempt.path() + "/" + snapshot.dataset};
  std::vector<std::string> files;
  for (const FileRow& file : attachment->writes.at(snapshot.write_index).files)
    files.push_back(file.path);
  return files;
}

void MemoryCatalog::appended(const Batch& batch) {
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const Event& event = batch.events[i];
    if (const auto* created = std::get_if<events::RunCreated>(&event)) {
      namespaces_[created->run] = created->ns;
    } else if (const auto* finished = std::get_if<events::RunFinished>(&event)) {
      namespaces_.erase(finished->run);
    } else if (const auto* expired = std::get_if<events::SnapshotsExpired>(&event)) {
      expire(*expired);
    } else if (const auto* succeeded = std::get_if<events::AttemptSucceeded>(&event)) {
      const Attachment* attachment = nullptr;
      for (const PlannedAttachment& planned : batch.attachments)
        if (planned.event == i) attachment = planned.attachment.get();
      const AttemptRef& attempt = succeeded->attempt;
      const std::string& ns = namespaces_.at(attempt.run);
      for (const events::SnapshotCommitted& committed : succeeded->snapshots)
        add({ns, committed.dataset}, committed, succeeded->at,
            committed_files({ns, attempt.run, attempt.task, attempt.epoch}, committed, attachment));
    }
  }
}

void MemoryCatalog::add(const NamespacedName& name, const events::SnapshotCommitted& committed,
                        WallTime at, std::vector<std::string> files) {
  Dataset& dataset = datasets_[name];
  const std::uint64_t sequence = dataset.newest + 1;
  std::uint64_t base = sequence;
  if (dataset.newest != 0) {
    Snapshot& parent = dataset.snapshots.at(dataset.newest);
    parent.replaced = at;
    if (committed.mode == WriteMode::kAppend) base = parent.base;
  }
  dataset.newest = sequence;
  dataset.snapshots[sequence] = {committed.snapshot, base, {}};
  for (std::string& file : files) dataset.files.emplace(sequence, std::move(file));
}

void MemoryCatalog::expire(const events::SnapshotsExpired& expired) {
  Dataset& dataset = datasets_[expired.dataset];
  std::erase_if(dataset.snapshots, [&](const auto& entry) {
    return entry.first != dataset.newest &&
           std::find(expired.snapshots.begin(), expired.snapshots.end(), entry.second.id) !=
               expired.snapshots.end();
  });
  for (auto file = dataset.files.begin(); file != dataset.files.end();) {
    const bool kept =
        std::any_of(dataset.snapshots.begin(), dataset.snapshots.end(), [&](const auto& entry) {
          return entry.second.base <= file->first && file->first <= entry.first;
        });
    if (kept) {
      ++file;
    } else {
      marked_[++last_mark_] = std::move(file->second);
      file = dataset.files.erase(file);
    }
  }
}

Result<ReplacedPage> MemoryCatalog::replaced(WallTime before, std::uint32_t newer,
                                             const std::optional<ReplacedCursor>& after,
                                             std::size_t limit) {
  using Row = std::tuple<WallTime, SnapshotId, NamespacedName, std::uint64_t>;
  std::vector<Row> rows;
  for (const auto& [name, dataset] : datasets_)
    for (const auto& [sequence, snapshot] : dataset.snapshots)
      if (sequence != dataset.newest && snapshot.replaced < before &&
          dataset.newest - sequence >= newer &&
          (!after ||
           std::tie(snapshot.replaced, snapshot.id) > std::tie(after->replaced, after->snapshot)))
        rows.emplace_back(snapshot.replaced, snapshot.id, name, dataset.newest - sequence);
  std::sort(rows.begin(), rows.end());
  ReplacedPage page;
  if (rows.size() > limit) rows.resize(limit);
  if (rows.size() == limit && limit > 0)
    page.next = ReplacedCursor{std::get<0>(rows.back()), std::get<1>(rows.back())};
  for (const auto& [at, id, name, since] : rows) {
    auto of = std::find_if(page.datasets.begin(), page.datasets.end(),
                           [&](const auto& each) { return each.dataset == name; });
    if (of == page.datasets.end()) of = page.datasets.insert(of, {name, {}});
    of->snapshots.push_back({id, at, static_cast<std::uint32_t>(since)});
  }
  return page;
}

Result<std::int64_t> MemoryCatalog::newest_mark() {
  return marked_.empty() ? 0 : marked_.rbegin()->first;
}

Result<std::vector<MarkedFile>> MemoryCatalog::marked(std::int64_t after, std::int64_t last,
                                                      std::size_t limit) {
  std::vector<MarkedFile> files;
  for (auto it = marked_.upper_bound(after);
       it != marked_.end() && it->first <= last && files.size() < limit; ++it)
    files.push_back({it->first, it->second});
  return files;
}

Status MemoryCatalog::forget(const std::vector<std::int64_t>& marks) {
  for (const std::int64_t mark : marks) marked_.erase(mark);
  return ok_status();
}

std::set<std::string> MemoryCatalog::files() const {
  std::set<std::string> all;
  for (const auto& [name, dataset] : datasets_)
    for (const auto& [sequence, file] : dataset.files) all.insert(file);
  for (const auto& [mark, file] : marked_) all.insert(file);
  return all;
}

Result<std::set<AttemptPrefix>> MemoryCatalog::referenced(
    const std::vector<AttemptPrefix>& prefixes) {
  const std::set<std::string> all = files();
  std::set<AttemptPrefix> found;
  for (const AttemptPrefix& prefix : prefixes) {
    const std::string below = prefix.path() + "/";
    const auto first = all.lower_bound(below);
    if (first != all.end() && first->starts_with(below)) found.insert(prefix);
  }
  return found;
}

}  // namespace millrace::simulation
