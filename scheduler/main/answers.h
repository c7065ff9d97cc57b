// Answers: what queries left beside the data, for the api to hand out, and the sweeping of what
// nobody fetched. Files that whoever owns the data root may remove at any time.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "scheduler/api/ports.h"

namespace millrace::scheduler {

// <data root>/.answers/<run id>-<epoch>, as lib/ipc/answer_file.h has it. Thread-safe; blocks on
// the disk.
class Answers final : public api::AnswerPort {
 public:
  explicit Answers(const std::filesystem::path& data_root);
  // Takes the file's name away at once: whatever becomes of this process, nothing is left of it.
  Result<std::unique_ptr<api::AnswerReader>> take(const AttemptRef& attempt) override;
  void discard(const AttemptRef& attempt) override;
  // Removes what was last written to before `before`; how many files that were.
  std::size_t sweep(std::filesystem::file_time_type before);

 private:
  std::filesystem::path path_of(const AttemptRef& attempt) const;

  const std::filesystem::path folder_;
};

}  // namespace millrace::scheduler
