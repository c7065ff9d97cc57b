// What /proc says about processes: who descends from whom, and what they use.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "lib/process/stat.h"

namespace millrace::runtime {

using ProcessStat = process::Stat;

struct MemoryUse {
  Bytes unshared;  // anonymous and shared-memory pages in RAM: what nobody else pays for
  Bytes file;      // pages of mapped files, mostly of libraries
  Bytes peak;      // VmHWM: most of both since the start or reset_peak()
};
// Text of /proc/<pid>/status.
MemoryUse parse_memory(std::string_view text);

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
