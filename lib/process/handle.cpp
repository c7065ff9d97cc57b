#include "lib/process/handle.h"

#include <poll.h>
#include <sys/wait.h>

// glibc 2.36 declares it for C alone.
extern "C" {
#include <sys/pidfd.h>
}

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace millrace::process {

std::optional<Handle> Handle::of(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  OwnedFd fd(::pidfd_open(pid, 0));
  if (!fd) return std::nullopt;
  Handle handle;
  handle.pid_ = pid;
  handle.fd_ = std::move(fd);
  return handle;
}

bool Handle::wait(Micros timeout) const {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + std::chrono::microseconds(timeout.value());
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) return true;
    if (ready == 0 && left.count() <= 0) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool Handle::signal(int number) const {
  return ::pidfd_send_signal(fd_.get(), number, nullptr, 0) == 0 || errno == ESRCH;
}

std::optional<End> Handle::reap() const {
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(fd_.get()), &info, WEXITED) != 0)
    if (errno != EINTR) return std::nullopt;
  if (info.si_code == CLD_EXITED) return End{info.si_status, 0};
  return End{0, info.si_status};
}

}  // namespace millrace::process
