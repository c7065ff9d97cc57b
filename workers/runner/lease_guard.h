// LeaseGuard: ends this process, and the process group of its command, when the attempt's lease
// passes without renewal. It has a thread of its own, so neither work that hangs nor a worker that
// does not read can keep the process alive. Thread-safe.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/units.h"

namespace millrace::runner {

// CLOCK_MONOTONIC, which worker and runner share.
Monotonic monotonic_now();

class LeaseGuard {
 public:
  LeaseGuard();
  LeaseGuard(const LeaseGuard&) = delete;
  LeaseGuard& operator=(const LeaseGuard&) = delete;
  ~LeaseGuard();

  // From now on the lease ends at `deadline`; one that has passed ends the process at once. An
  // earlier deadline than the one held is taken as well: the last word counts.
  void hold(Monotonic deadline);
  // The attempt is over: no lease, nothing ends. One that ends after its lease ends the process.
  void release();
  // The group that must not outlive the process; 0 for none.
  void set_group(pid_t group) { group_ = group; }
  // Kills the group and all other descendants, and ends the process without waiting for any thread.
  [[noreturn]] void end_process(int exit_code);

 private:
  void watch(const std::stop_token& stop);

  std::atomic<pid_t> group_{0};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Monotonic> deadline_;
  std::optional<Monotonic> wakes_at_;  // when the thread looks again; nothing: when it is told
  std::jthread thread_;                // last: it uses the others
};

}  // namespace millrace::runner
