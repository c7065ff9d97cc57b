#include "workers/runner/lease_guard.h"

#include <unistd.h>

#include <chrono>
#include <csignal>

#include "lib/ipc/runner_exit.h"
#include "lib/process/orphans.h"

namespace millrace::runner {
namespace {

std::chrono::steady_clock::time_point time_point(Monotonic time) {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(time.value()));
}

}  // namespace

Monotonic monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return Monotonic(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

LeaseGuard::LeaseGuard() : thread_([this](const std::stop_token& stop) { watch(stop); }) {}

LeaseGuard::~LeaseGuard() {
  thread_.request_stop();
  thread_.join();
}

void LeaseGuard::hold(Monotonic deadline) {
  const std::lock_guard lock(mutex_);
  deadline_ = deadline;
  // A lease that ends later than the watch wakes needs no word: it looks again then. So an attempt
  // that is over in microseconds wakes nobody.
  if (!wakes_at_.has_value() || deadline < *wakes_at_) changed_.notify_one();
}

void LeaseGuard::release() {
  const std::lock_guard lock(mutex_);
  // A process that was stopped goes on with all its threads at once: the work may have come to its
  // end before the watch has looked.
  if (deadline_.has_value() && *deadline_ <= monotonic_now()) end_process(ipc::kLeasePassedExit);
  deadline_.reset();
}

void LeaseGuard::end_process(int exit_code) {
  if (const pid_t group = group_; group > 0) ::kill(-group, SIGKILL);
  // And what has left the group: nobody else may be there to end it.
  process::end_children_quickly();
  ::_exit(exit_code);
}

void LeaseGuard::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!deadline_.has_value()) {
      wakes_at_.reset();
      changed_.wait(lock, stop, [&] { return deadline_.has_value(); });
      continue;
    }
    wakes_at_ = *deadline_;
    changed_.wait_until(lock, stop, time_point(*wakes_at_),
                        [&] { return deadline_.has_value() && *deadline_ < *wakes_at_; });
    if (deadline_.has_value() && *deadline_ <= monotonic_now()) end_process(ipc::kLeasePassedExit);
  }
}

}  // namespace millrace::runner
