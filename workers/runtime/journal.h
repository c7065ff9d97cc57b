// Journal: the process groups that this worker has started, on disk, so that its next start can end
// those that outlived it. PDEATHSIG ends a killed worker's runners; the journal is for what got
// away.
//
// A group is named by its number and its leader's start time, which tells a reused number apart,
// and by the session it was made in, for when the leader is gone. The boot's id voids it all after
// a restart of the machine. Each group is on disk (fdatasync) before record() returns.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"
#include "lib/process/owned_fd.h"
#include "lib/telemetry/log.h"
#include "workers/runtime/process_table.h"

namespace millrace::runtime {

struct ProcessGroup {
  pid_t pgid = 0;
  std::uint64_t start_ticks = 0;  // of its leader
  pid_t session = 0;              // of the process that made it
  friend auto operator<=>(const ProcessGroup&, const ProcessGroup&) = default;
};

struct JournalContent {
  std::string boot;
  RawId incarnation;  // nil: nothing was read
  std::map<pid_t, ProcessGroup> groups;
};
// Pure; a last line that is torn is left out.
JournalContent parse_journal(std::string_view text);

// The processes of `group` that live: all with its number while its leader is the one that was
// recorded; once the leader is gone, those of its session.
std::vector<pid_t> members_of(const ProcessGroup& group, const ProcessTable& processes);

class Journal {
 public:
  // Locks the folder (worker.state_in_use when another worker has it), ends what the former
  // incarnation left behind (SIGKILL, and waits until it is gone), and begins anew.
  static Result<Journal> open(const std::filesystem::path& state_dir, RawId incarnation,
                              telemetry::Log& log);

  // The incarnation before, once every process group of it is known to be ended; nil otherwise.
  RawId ended_incarnation() const { return ended_; }
  Status record(const ProcessGroup& group);
  void forget(pid_t pgid);

 private:
  explicit Journal(telemetry::Log& log) : log_(&log) {}
  Status begin(RawId incarnation);
  Status append(const std::string& line, bool sync);
  Status rewrite();

  telemetry::Log* log_;
  std::filesystem::path file_;
  process::OwnedFd lock_;
  process::OwnedFd fd_;
  std::string head_;  // boot and incarnation
  std::map<pid_t, ProcessGroup> groups_;
  std::size_t lines_ = 0;
  RawId ended_;
};

}  // namespace millrace::runtime
