// TaskLogs: reads what attempts wrote, from the files that workers leave beside the data.
#pragma once

#include <filesystem>

#include "scheduler/api/ports.h"

namespace millrace::scheduler {

// <log dir>/<namespace>/<run id>/<task index>-<attempt>.log; a run id is unique over namespaces, so
// the namespace is found by looking. Thread-safe; blocks on the disk.
class TaskLogs final : public api::LogPort {
 public:
  explicit TaskLogs(std::filesystem::path log_dir) : log_dir_(std::move(log_dir)) {}
  Result<api::LogText> read(const AttemptRef& attempt, std::int64_t offset,
                            std::size_t limit) override;

 private:
  std::filesystem::path log_dir_;
};

}  // namespace millrace::scheduler
