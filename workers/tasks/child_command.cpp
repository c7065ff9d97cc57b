#include "workers/tasks/child_command.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace millrace::tasks {
namespace {

// Where the child stopped before its program began; goes through a pipe that exec closes.
enum class Step : int { kPrepare, kFolder, kExec };
struct ChildFault {
  Step step;
  int error;
};

Error start_failed(const std::string& what, int error) {
  return Error{ErrorClass::kInfrastructure, "command.start",
               what + " failed: " + std::strerror(error)};
}

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

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// All that the child needs, made before the fork.
struct ChildPlan {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* folder;
  pid_t parent;
  int go;     // a byte comes when the group is known; its end when the parent is gone
  int fault;  // ChildFault, when the program does not start
};

// Between fork and exec: nothing but what is safe after a fork beside threads.
[[noreturn]] void be_child(const ChildPlan& plan) {
  const auto give_up = [&](Step step) {
    const ChildFault fault{step, errno};
    static_cast<void>(!::write(plan.fault, &fault, sizeof fault));
    ::_exit(127);
  };
  if (::setpgid(0, 0) != 0) give_up(Step::kPrepare);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(Step::kPrepare);
  if (::getppid() != plan.parent) ::_exit(127);  // it was gone before the line above
  char byte = 0;
  if (::read(plan.go, &byte, 1) != 1) ::_exit(127);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(Step::kPrepare);
  const rlimit no_core{0, 0};
  if (::setrlimit(RLIMIT_CORE, &no_core) != 0) give_up(Step::kPrepare);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) give_up(Step::kPrepare);
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up(Step::kPrepare);
  if (::chdir(plan.folder) != 0) give_up(Step::kFolder);
  ::execve(plan.program, plan.argv, plan.environment);
  give_up(Step::kExec);
  ::_exit(127);
}

struct Pipe {
  ipc::OwnedFd read;
  ipc::OwnedFd write;
};
Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return start_failed("making a pipe", errno);
  return Pipe{ipc::OwnedFd(ends[0]), ipc::OwnedFd(ends[1])};
}

// Nothing when the program has begun.
std::optional<ChildFault> read_fault(int from) {
  ChildFault fault{};
  ssize_t count = 0;
  do {
    count = ::read(from, &fault, sizeof fault);
  } while (count < 0 && errno == EINTR);
  if (count == sizeof fault) return fault;
  return std::nullopt;
}

Error error_of(const ChildFault& fault, const CommandSpec& spec) {
  const std::string why = std::strerror(fault.error);
  switch (fault.step) {
    case Step::kFolder:
      return Error{ErrorClass::kUser, "command.folder",
                   "the folder \"" + spec.folder + "\" can't be entered: " + why,
                   "look at workingDirectory"};
    case Step::kExec:
      return Error{ErrorClass::kUser, "command.not_executable",
                   "\"" + spec.argv.front() + "\" can't be executed: " + why,
                   fault.error == ENOEXEC ? "begin a script with #! and its interpreter"
                                          : "look at its permissions"};
    case Step::kPrepare:
      break;
  }
  return start_failed("preparing the command", fault.error);
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
  const std::vector<char*> argv = pointers_to(spec.argv);
  const std::vector<char*> environment = pointers_to(spec.environment);
  MILLRACE_TRY(go, make_pipe());
  MILLRACE_TRY(fault, make_pipe());
  const ChildPlan plan{program.c_str(), argv.data(),   environment.data(), spec.folder.c_str(),
                       ::getpid(),      go.read.get(), fault.write.get()};
  const pid_t pid = ::fork();
  if (pid < 0) return start_failed("forking", errno);
  if (pid == 0) {
    ::close(go.write.get());  // so that its end is the parent's alone
    be_child(plan);
  }
  ipc::OwnedFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ChildCommand child(pid, std::move(pidfd));
  if (!child.pidfd_) return start_failed("watching the command", errno);
  // Both sides set the group, so that it is there whoever comes first.
  ::setpgid(pid, pid);
  report({pid, start_time_of(pid)});
  fault.write.reset();
  if (::write(go.write.get(), "g", 1) != 1) return start_failed("starting the command", errno);
  if (const auto stopped = read_fault(fault.read.get()); stopped.has_value())
    return error_of(*stopped, spec);
  return child;
}

ChildCommand::ChildCommand(ChildCommand&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

ChildCommand::~ChildCommand() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  reap();
}

CommandEnd ChildCommand::wait(const std::stop_token& stop, Micros grace) {
  const ipc::OwnedFd stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::stop_callback wake(stop, [&] { ::eventfd_write(stopped.get(), 1); });
  while (!readable(pidfd_.get(), stopped.get(), -1)) {
    if (!stop.stop_requested()) continue;
    ::kill(-pid_, SIGTERM);
    if (!readable(pidfd_.get(), -1, static_cast<int>(grace.value() / 1000))) ::kill(-pid_, SIGKILL);
    readable(pidfd_.get(), -1, -1);
    break;
  }
  // Before it is reaped: until then its number is nobody else's.
  ::kill(-pid_, SIGKILL);
  CommandEnd end = reap();
  end.stopped = stop.stop_requested();
  return end;
}

CommandEnd ChildCommand::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) return {0, WTERMSIG(status), false};
  return {WEXITSTATUS(status), 0, false};
}

void end_orphans() {
  int subreaper = 0;
  if (::prctl(PR_GET_CHILD_SUBREAPER, &subreaper) != 0 || subreaper == 0) return;
  // A killed one leaves its own children to us, so until there are none.
  for (;;) {
    std::vector<pid_t> children;
    std::error_code error;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
      std::ifstream list(thread.path() / "children");
      for (pid_t pid = 0; list >> pid;) children.push_back(pid);
    }
    if (children.empty()) return;
    for (const pid_t pid : children) ::kill(pid, SIGKILL);
    for (const pid_t pid : children)
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
  }
}

std::int64_t start_time_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  // The name, field 2, may hold anything; after its last parenthesis come the others.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::size_t at = name_end;
  for (int field = 3; field <= 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  if (at == std::string::npos) return 0;
  std::int64_t ticks = 0;
  std::from_chars(text.data() + at + 1, text.data() + text.size(), ticks);
  return ticks;
}

}  // namespace millrace::tasks
