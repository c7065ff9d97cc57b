#include "scheduler/main/task_logs.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>

namespace millrace::scheduler {

Result<api::LogText> TaskLogs::read(const AttemptRef& attempt, std::int64_t offset,
                                    std::size_t limit) {
  const std::string name =
      std::to_string(attempt.task.value()) + "-" + std::to_string(attempt.attempt.value()) + ".log";
  std::error_code failure;
  for (const auto& ns : std::filesystem::directory_iterator(log_dir_, failure)) {
    std::ifstream file(ns.path() / attempt.run.to_text() / name, std::ios::binary | std::ios::ate);
    if (!file) continue;
    const std::int64_t size = file.tellg();
    api::LogText log;
    log.size = size;
    const std::int64_t begin = std::clamp<std::int64_t>(offset, 0, size);
    log.text.resize(static_cast<std::size_t>(
        std::min<std::int64_t>(size - begin, static_cast<std::int64_t>(limit))));
    file.seekg(begin);
    file.read(log.text.data(), static_cast<std::streamsize>(log.text.size()));
    log.text.resize(static_cast<std::size_t>(file.gcount()));
    log.next = begin + static_cast<std::int64_t>(log.text.size());
    return log;
  }
  return Error{ErrorClass::kUser, "log.not_found",
               "attempt " + std::to_string(attempt.attempt.value()) + " has written no log",
               "only what a task prints is logged, once it has started"};
}

}  // namespace millrace::scheduler
