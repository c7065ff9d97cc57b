#include "scheduler/main/answers.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "lib/ipc/answer_file.h"
#include "lib/process/owned_fd.h"

namespace millrace::scheduler {
namespace {

class FileReader final : public api::AnswerReader {
 public:
  explicit FileReader(process::OwnedFd file) : file_(std::move(file)) {}

  Result<std::string> read(std::size_t limit) override {
    std::string piece(limit, '\0');
    ssize_t count = 0;
    do {
      count = ::read(file_.get(), piece.data(), limit);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
      return Error{ErrorClass::kInfrastructure, "answer.unreadable",
                   std::string("the answer can't be read: ") + std::strerror(errno)};
    piece.resize(static_cast<std::size_t>(count));
    return piece;
  }

 private:
  process::OwnedFd file_;
};

}  // namespace

Answers::Answers(const std::filesystem::path& data_root)
    : folder_(data_root / ipc::kAnswerFolder) {}

std::filesystem::path Answers::path_of(const AttemptRef& attempt) const {
  return folder_ / ipc::answer_file(attempt.run.to_text(), attempt.epoch.value());
}

Result<std::unique_ptr<api::AnswerReader>> Answers::take(const AttemptRef& attempt) {
  const std::filesystem::path path = path_of(attempt);
  process::OwnedFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file)
    return Error{ErrorClass::kInfrastructure, "answer.lost",
                 "the query's answer can't be opened: " + std::string(std::strerror(errno)),
                 "ask again"};
  ::unlink(path.c_str());
  return std::unique_ptr<api::AnswerReader>(std::make_unique<FileReader>(std::move(file)));
}

void Answers::discard(const AttemptRef& attempt) { ::unlink(path_of(attempt).c_str()); }

std::size_t Answers::sweep(std::filesystem::file_time_type before) {
  std::size_t removed = 0;
  std::error_code failure;
  for (auto it = std::filesystem::directory_iterator(folder_, failure);
       !failure && it != std::filesystem::directory_iterator(); it.increment(failure)) {
    std::error_code gone;  // another's sweep, or its reader
    if (!it->is_regular_file(gone)) continue;
    const auto written = it->last_write_time(gone);
    if (!gone && written < before && std::filesystem::remove(it->path(), gone)) ++removed;
  }
  return removed;
}

}  // namespace millrace::scheduler
