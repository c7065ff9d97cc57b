#include "workers/tasks/child_command.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>
#include <variant>

#include "lib/process/owned_fd.h"
#include "lib/process/start.h"
#include "lib/process/stat.h"

namespace millrace::tasks {
namespace {

std::string_view path_variable(const std::vector<std::string>& environment) {
  for (const std::string& variable : environment)
    if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
  return "";
}

// The program's file, looked for before the fork: a child of a process with threads may not.
Result<std::string> find_program(const CommandSpec& spec) {
  const std::string& name = spec.argv.front();
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), F_OK) != 0)
      return Error{ErrorClass::kUser, "command.not_found", "there is no program \"" + name + "\"",
                   "look at argv and at the worker's machine"};
    return name;
  }
  std::string_view folders = path_variable(spec.environment);
  while (!folders.empty()) {
    const std::size_t colon = std::min(folders.find(':'), folders.size());
    const std::string candidate = std::string(folders.substr(0, colon)) + "/" + name;
    struct stat status{};
    if (colon > 0 && ::stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    folders.remove_prefix(std::min(colon + 1, folders.size()));
  }
  return Error{ErrorClass::kUser, "command.not_found",
               "there is no program \"" + name + "\" on PATH", "give its absolute path"};
}

Error error_of(const process::StartFault& fault, const CommandSpec& spec) {
  using Step = process::StartFault::Step;
  const std::string why = std::strerror(fault.number);
  if (fault.step == Step::kFolder)
    return Error{ErrorClass::kUser, "command.folder",
                 "the folder \"" + spec.folder + "\" can't be entered: " + why,
                 "look at workingDirectory"};
  if (fault.step == Step::kExec)
    return Error{ErrorClass::kUser, "command.not_executable",
                 "\"" + spec.argv.front() + "\" can't be executed: " + why,
                 fault.number == ENOEXEC ? "begin a script with #! and its interpreter"
                                         : "look at its permissions"};
  return Error{ErrorClass::kInfrastructure, "command.start",
               "the command can't be started: " + process::to_text(fault)};
}

bool readable(int descriptor, int other, int timeout_ms) {
  std::array<pollfd, 2> wanted{{{descriptor, POLLIN, 0}, {other, POLLIN, 0}}};
  ::poll(wanted.data(), other < 0 ? 1 : 2, timeout_ms);
  return (wanted[0].revents & POLLIN) != 0;
}

}  // namespace

Result<ChildCommand> ChildCommand::start(const CommandSpec& spec,
                                         const std::function<void(const ProcessGroup&)>& report) {
  MILLRACE_TRY(program, find_program(spec));
  process::StartOptions options;
  options.program = program;
  options.name = spec.argv.front();
  options.arguments.assign(spec.argv.begin() + 1, spec.argv.end());
  options.environment = spec.environment;
  options.folder = spec.folder;
  options.descriptors = {process::StartOptions::kNull, STDOUT_FILENO, STDERR_FILENO};
  options.group = process::Group::kOwn;
  options.signal_at_parents_end = SIGKILL;
  options.confined = true;
  options.before_exec = [&report](pid_t pid) {
    const auto stat = process::read_stat(pid);
    report({pid, stat ? static_cast<std::int64_t>(stat->start_ticks) : 0});
  };
  auto started = process::start(options);
  if (const auto* fault = std::get_if<process::StartFault>(&started)) return error_of(*fault, spec);
  return ChildCommand(std::get<process::Handle>(std::move(started)));
}

ChildCommand::~ChildCommand() {
  if (!process_) return;
  ::kill(-process_.pid(), SIGKILL);
  process_.signal(SIGKILL);
  process_.reap();
}

CommandEnd ChildCommand::wait(const std::stop_token& stop, Micros grace) {
  const process::OwnedFd stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback wake(stop, [&] { ::eventfd_write(stopped.get(), 1); });
  const pid_t group = process_.pid();
  while (!readable(process_.descriptor(), stopped.get(), -1)) {
    if (!stop.stop_requested()) continue;
    ::kill(-group, SIGTERM);
    if (!process_.wait(grace)) ::kill(-group, SIGKILL);
    readable(process_.descriptor(), -1, -1);
    break;
  }
  // Before it is reaped: until then its number is nobody else's.
  ::kill(-group, SIGKILL);
  const process::End end =
      std::exchange(process_, process::Handle()).reap().value_or(process::End{});
  return {end.exit_code, end.signal, stop.stop_requested()};
}

}  // namespace millrace::tasks
