// What /proc/<pid>/stat says of a process. Linux; thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/units.h"

namespace millrace::process {

// Start time and pid together name a process: pids are reused.
struct Stat {
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
std::optional<Stat> parse_stat(std::string_view text);
// Nothing when there is no such process.
std::optional<Stat> read_stat(pid_t pid);

}  // namespace millrace::process
