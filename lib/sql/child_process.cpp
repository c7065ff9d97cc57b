#include "lib/sql/child_process.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "lib/process/owned_fd.h"
#include "lib/process/start.h"
#include "lib/sql/error_place.h"

namespace millrace::sql {
namespace {

Error unavailable(const std::string& program, const std::string& why) {
  return Error{ErrorClass::kInfrastructure, "sql.parser_unavailable",
               "cannot start \"" + program + "\": " + why};
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const std::string& program) {
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0)
    return unavailable(program, std::strerror(errno));
  Channel ours(sockets[0]);
  const process::OwnedFd theirs(sockets[1]);
  process::StartOptions options;
  options.program = program;
  options.descriptors = {theirs.get(), theirs.get(), STDERR_FILENO};
  // A Ctrl-C at the terminal is for us, who then close the socket.
  options.group = process::Group::kOwn;
  auto started = process::start(options);
  if (const auto* fault = std::get_if<process::StartFault>(&started))
    return unavailable(program, process::to_text(*fault));
  return ChildProcess(std::get<process::Handle>(std::move(started)), std::move(ours));
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    end();
    process_ = std::exchange(other.process_, process::Handle());
    channel_ = std::move(other.channel_);
  }
  return *this;
}

std::optional<int> ChildProcess::end() {
  channel_.close();
  const process::Handle process = std::exchange(process_, process::Handle());
  if (!process) return std::nullopt;
  process.signal(SIGKILL);
  const std::optional<process::End> end = process.reap();
  if (!end || end->signal == 0) return std::nullopt;
  return end->signal;
}

}  // namespace millrace::sql
