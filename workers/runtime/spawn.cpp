#include "workers/runtime/spawn.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "lib/process/start.h"
#include "lib/process/stat.h"

namespace millrace::runtime {
namespace {

Error failed(const std::string& program, const std::string& why) {
  return {ErrorClass::kInfrastructure, "runner.spawn_failed",
          "cannot start \"" + program + "\": " + why, "", ""};
}

bool set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace

Result<Spawned> spawn(const SpawnOptions& options) {
  int sockets[2];
  int output[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return failed(options.program, std::string("making its channel: ") + std::strerror(errno));
  process::OwnedFd ours(sockets[0]);
  const process::OwnedFd theirs(sockets[1]);
  if (::pipe2(output, O_CLOEXEC) != 0)
    return failed(options.program, std::string("making its output: ") + std::strerror(errno));
  process::OwnedFd output_reader(output[0]);
  const process::OwnedFd output_writer(output[1]);
  if (!set_nonblocking(ours.get()) || !set_nonblocking(output_reader.get()))
    return failed(options.program, std::string("preparing it: ") + std::strerror(errno));

  process::StartOptions start;
  start.program = options.program;
  start.arguments = options.arguments;
  start.environment = options.environment;
  start.descriptors = {process::StartOptions::kNull, output_writer.get(), output_writer.get(),
                       theirs.get()};
  start.group = process::Group::kOwnSession;
  // No signal at this process's end: a runner learns of it by the end of its channel, and then ends
  // all that it has started, before itself.
  start.confined = true;
  start.adopts_orphans = true;
  start.killed_first = true;
  const auto started = process::start(start);
  if (const auto* fault = std::get_if<process::StartFault>(&started))
    return failed(options.program, process::to_text(*fault));
  const pid_t pid = std::get<process::Handle>(started).pid();
  const auto stat = process::read_stat(pid);
  return Spawned{pid, stat ? stat->start_ticks : 0, std::move(ours), std::move(output_reader)};
}

}  // namespace millrace::runtime
