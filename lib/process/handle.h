// A process held by descriptor, so that a signal never reaches a stranger under a reused number.
#pragma once

#include <sys/types.h>

#include <optional>

#include "base/units.h"
#include "lib/process/owned_fd.h"

namespace millrace::process {

// How a child ended.
struct End {
  int exit_code = 0;  // when signal is 0
  int signal = 0;
  // As a shell says it: 128 + n for a signal.
  int shell_code() const { return signal != 0 ? 128 + signal : exit_code; }
};

// A process, alive or ended, that cannot be confused with another. Says nothing of its end: who
// owns a child and who outlives whom is its holder's affair. Not thread-safe while it is moved.
class Handle {
 public:
  Handle() = default;
  // Nothing when there is none under this number (any more).
  static std::optional<Handle> of(pid_t pid);

  pid_t pid() const { return pid_; }
  int descriptor() const { return fd_.get(); }  // readable once it has ended
  explicit operator bool() const { return static_cast<bool>(fd_); }
  // Also true of one that is ended and not yet waited for.
  bool ended() const { return wait(Micros(0)); }
  // True once it has ended, however often signals interrupt the wait.
  bool wait(Micros timeout) const;
  // False where this process may not send it one; to one that has ended it is nothing.
  bool signal(int number) const;
  // Waits for a child's end, and its number is free again. Nothing when it is no child of this
  // process, or another has waited for it.
  std::optional<End> reap() const;

 private:
  pid_t pid_ = 0;
  OwnedFd fd_;
};

}  // namespace millrace::process
