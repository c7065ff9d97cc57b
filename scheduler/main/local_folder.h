// LocalFolder: the folder of data files on a file system. Every step below its root is taken from
// an open folder to the next (openat) and never through a link, so that nothing is listed or
// deleted outside, whatever lies in there and however it changes meanwhile.
//
// No state but the path; thread-safe.
#pragma once

#include <filesystem>
#include <utility>

#include "scheduler/engine/sweeper.h"

namespace millrace::scheduler {

class LocalFolder final : public DataFolder {
 public:
  // The root itself may be a link: it is the operator's word. One that is not there (yet) is empty.
  explicit LocalFolder(std::filesystem::path root) : root_(std::move(root)) {}

  // Errors of all: sweep.failed (Infrastructure), which names what could not be done to which path;
  // sweep.not_ours when the path leads out, or through a link.
  Result<std::vector<AttemptPrefix>> attempts(const std::optional<AttemptPrefix>& after,
                                              std::size_t limit) override;
  Status remove(const std::string& file) override;
  Status remove(const AttemptPrefix& prefix, bool run_over) override;

  // The folder of a run: NAMESPACE/RUN.
  struct RunFolder {
    std::string ns;
    RunId run;
  };
  // Of runs before `before`, in order, at most `limit`.
  Result<std::vector<RunFolder>> runs_before(RunId before, std::size_t limit) const;
  // With all that is below.
  Status remove(const RunFolder& folder) const;

 private:
  const std::filesystem::path root_;
};

}  // namespace millrace::scheduler
