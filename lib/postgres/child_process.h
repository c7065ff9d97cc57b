// Starting the server's programs: as another user, detached, with a scrubbed environment; and
// holding on to a process by descriptor, so that a signal never reaches a stranger under a reused
// number.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace millrace::postgres {

struct OsUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};
// Nothing when there is no such user.
std::optional<OsUser> find_user(const std::string& name);
std::optional<OsUser> find_user(uid_t uid);

// A descriptor, closed at the end.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct ChildOptions {
  std::vector<std::string> argv;         // argv[0] is a path
  std::optional<OsUser> user = {};       // nothing: the caller's own
  std::filesystem::path directory = {};  // working directory, "/" when empty
  int standard_input = -1;               // -1: /dev/null
  int standard_output = -1;              // also standard error; -1: /dev/null
  bool own_session = false;              // survives the terminal
  int parent_death_signal = 0;           // 0: survives the parent
};

// A process, alive or ended, that cannot be confused with another.
class ProcessHandle {
 public:
  ProcessHandle() = default;
  // Nothing when there is none under this number (any more).
  static std::optional<ProcessHandle> of(pid_t pid);
  pid_t pid() const { return pid_; }
  // Also true of one that is ended and not yet waited for.
  bool ended() const { return wait(Micros(0)); }
  // True once it has ended.
  bool wait(Micros timeout) const;
  void signal(int number) const;
  // Exit code of a child that has ended (128 + n for a signal), and its number is free again.
  int reap() const;

 private:
  pid_t pid_ = 0;
  OwnedFd fd_;
};

Result<ProcessHandle> start_child(const ChildOptions& options);

struct ChildResult {
  int exit_code = 0;
  std::string output;  // both streams, at most 64 KiB, the end of it
};
// Feeds `input`, collects what it says, and waits. It is killed after `timeout`.
Result<ChildResult> run_child(ChildOptions options, const std::string& input, Micros timeout);

}  // namespace millrace::postgres
