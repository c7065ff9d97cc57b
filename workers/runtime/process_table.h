// What /proc says about processes: who descends from whom, and what they use.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace millrace::runtime {

// Of /proc/<pid>/stat. Start time and pid together name a process: pids are reused.
struct ProcessStat {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  char state = '?';     // 'Z': ended, not waited for
  Micros children_cpu;  // of children that ended and were waited for
  std::uint64_t start_ticks = 0;
};

// Text of the stat file; nothing when it makes no sense. The command's name, in parentheses, may
// hold anything.
std::optional<ProcessStat> parse_stat(std::string_view text);

struct MemoryUse {
  Bytes unshared;  // anonymous and shared-memory pages in RAM: what nobody else pays for
  Bytes file;      // pages of mapped files, mostly of libraries
  Bytes peak;      // VmHWM: most of both since the start or reset_peak()
};
// Text of /proc/<pid>/status.
MemoryUse parse_memory(std::string_view text);

std::optional<ProcessStat> read_stat(pid_t pid);
std::optional<MemoryUse> read_memory(pid_t pid);
// Whether `ancestor` is the process's parent, or its parent's, …
bool descends_from(pid_t pid, pid_t ancestor);
// CPU time of a live process, all its threads.
Micros read_cpu(pid_t pid);
// Makes VmHWM start again from what is in use now.
void reset_peak(pid_t pid);

class ProcessTable {
 public:
  // As /proc is now.
  static ProcessTable read();
  explicit ProcessTable(std::vector<ProcessStat> processes);

  // `root` and all that descend from it, itself first.
  std::vector<pid_t> tree(pid_t root) const;
  std::vector<pid_t> children(pid_t parent) const;
  // Null when there is none of this number.
  const ProcessStat* find(pid_t pid) const;
  const std::vector<ProcessStat>& all() const { return processes_; }

 private:
  std::vector<ProcessStat> processes_;  // sorted by parent
};

}  // namespace millrace::runtime
