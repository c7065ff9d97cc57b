// Failpoints: named places where a test may end the process, as kill -9 would, or stop it, as
// SIGSTOP does, between two steps whose order matters. Off, one costs a load of a bool.
//
//   MILLRACE_FAILPOINT("store.after_commit");
//
// Environment: MILLRACE_FAILPOINT_KILL=NAME[:N] kills at the N-th time (from 1) that NAME is
// passed; MILLRACE_FAILPOINT_LOG=FILE appends the name of each one passed, a line each, for the
// histogram of a test; MILLRACE_FAILPOINT_TIMES=FILE appends name and time, in microseconds of the
// monotonic clock that all processes of a machine share, for a profile of what lies between them;
// MILLRACE_FAILPOINT_STOP=FOLDER stops whoever passes NAME while there is a file FOLDER/NAME, and
// renames that to NAME.PID: so one process stops, whichever comes first. All are read once.
// Thread-safe.
#pragma once

#include <atomic>

namespace millrace {
extern const std::atomic<bool>& failpoints_on;
void pass_failpoint(const char* name);
}  // namespace millrace

#define MILLRACE_FAILPOINT(name)                                                \
  do {                                                                          \
    if (::millrace::failpoints_on.load(std::memory_order_relaxed)) [[unlikely]] \
      ::millrace::pass_failpoint(name);                                         \
  } while (false)
