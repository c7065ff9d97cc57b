#include "lib/sql/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/sql/error_place.h"

namespace millrace::sql {
namespace {

Error unavailable(const std::string& program, int code) {
  return Error{ErrorClass::kInfrastructure, "sql.parser_unavailable",
               "cannot start \"" + program + "\": " + std::strerror(code)};
}

// posix_spawn with both its objects destroyed on every path.
int spawn(const std::string& program, int socket, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (const int code = posix_spawn_file_actions_init(&actions); code != 0) return code;
  if (const int code = posix_spawnattr_init(&attributes); code != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return code;
  }
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  // A process group of its own: a Ctrl-C at the terminal is for us, who then close the socket.
  int code = posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  if (code == 0) code = posix_spawnattr_setsigmask(&attributes, &none);
  if (code == 0) code = posix_spawnattr_setsigdefault(&attributes, &all);
  if (code == 0) code = posix_spawnattr_setpgroup(&attributes, 0);
  if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
  if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
  if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  if (code == 0) {
    std::string name = program;
    std::array<char*, 2> arguments{name.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    code = posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(),
                       environment.data());
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::string& program) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return unavailable(program, errno);
  }
  Channel ours(sockets[0]);
  // Never standard input or output themselves: dup2 of a descriptor onto itself would leave it
  // close-on-exec.
  const int theirs = ::fcntl(sockets[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int dup_error = errno;
  ::close(sockets[1]);
  if (theirs < 0) return unavailable(program, dup_error);
  pid_t pid = -1;
  const int code = spawn(program, theirs, pid);
  ::close(theirs);
  if (code != 0) return unavailable(program, code);
  return ChildProcess(pid, std::move(ours));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), channel_(std::move(other.channel_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    channel_ = std::move(other.channel_);
  }
  return *this;
}

std::optional<int> ChildProcess::end() {
  channel_.close();
  if (pid_ < 0) return std::nullopt;
  const pid_t pid = std::exchange(pid_, -1);
  ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return std::nullopt;
}

}  // namespace millrace::sql
