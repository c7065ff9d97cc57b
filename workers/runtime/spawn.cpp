#include "workers/runtime/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "workers/runtime/process_table.h"

namespace millrace::runtime {
namespace {

constexpr int kChannelFd = 3;
// Where descriptors wait in the child until they get their numbers: above all that they may become.
constexpr int kParkingFd = 10;

enum class Step : int { kSession, kDeathSignal, kDescriptors, kPrivileges, kExec };
struct ChildFailure {
  Step step;
  int number;
};

const char* text_of(Step step) {
  switch (step) {
    case Step::kSession:
      return "making a session";
    case Step::kDeathSignal:
      return "asking for a signal at the worker's death";
    case Step::kDescriptors:
      return "arranging descriptors";
    case Step::kPrivileges:
      return "giving up privileges";
    case Step::kExec:
      return "starting the program";
  }
  return "?";
}

Error failed(const std::string& program, const char* what, int number) {
  return {ErrorClass::kInfrastructure, "runner.spawn_failed",
          "cannot start \"" + program + "\": " + what + ": " + std::strerror(number), "", ""};
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

struct ChildPlan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int null_fd;
  int output;
  int channel;
  int failure;
  pid_t worker;
};

[[noreturn]] void give_up(const ChildPlan& plan, Step step) {
  const ChildFailure failure{step, errno};
  [[maybe_unused]] const ssize_t written = ::write(plan.failure, &failure, sizeof(failure));
  ::_exit(127);
}

// Between fork and exec beside other threads: only async-signal-safe calls (signal-safety(7)), no
// memory.
[[noreturn]] void become_runner(const ChildPlan& plan) {
  // Ignored signals and the mask survive exec; handlers do not.
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  if (::setsid() < 0) give_up(plan, Step::kSession);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(plan, Step::kDeathSignal);
  // The worker may have died before the line above: then nobody will send the signal.
  if (::getppid() != plan.worker) ::_exit(127);

  if (::dup2(plan.null_fd, 0) < 0 || ::dup2(plan.output, 1) < 0 || ::dup2(plan.output, 2) < 0 ||
      ::dup2(plan.channel, kChannelFd) < 0 ||
      ::syscall(SYS_close_range, kChannelFd + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    give_up(plan, Step::kDescriptors);

  const rlimit no_core{0, 0};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
      ::setrlimit(RLIMIT_CORE, &no_core) != 0)
    give_up(plan, Step::kPrivileges);
  // A wish: where it is refused, the kernel chooses by size.
  if (const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); score >= 0)
      [[maybe_unused]]
    const ssize_t written = ::write(score, "500", 3);
  if (::chdir("/") != 0) give_up(plan, Step::kDescriptors);
  ::execve(plan.program, plan.arguments, plan.environment);
  give_up(plan, Step::kExec);
}

ipc::OwnedFd parked(int fd) { return ipc::OwnedFd(::fcntl(fd, F_DUPFD_CLOEXEC, kParkingFd)); }

bool set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace

Result<Spawned> spawn(const SpawnOptions& options) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return failed(options.program, "making its channel", errno);
  ipc::OwnedFd ours(sockets[0]);
  const ipc::OwnedFd theirs(sockets[1]);
  int output[2];
  int failure[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return failed(options.program, "making its output", errno);
  ipc::OwnedFd output_reader(output[0]);
  const ipc::OwnedFd output_writer(output[1]);
  if (::pipe2(failure, O_CLOEXEC) != 0) return failed(options.program, "making a pipe", errno);
  const ipc::OwnedFd failure_reader(failure[0]);
  ipc::OwnedFd failure_writer(failure[1]);
  const ipc::OwnedFd null_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));

  const ipc::OwnedFd parked_null = parked(null_fd.get());
  const ipc::OwnedFd parked_output = parked(output_writer.get());
  const ipc::OwnedFd parked_channel = parked(theirs.get());
  ipc::OwnedFd parked_failure = parked(failure_writer.get());
  failure_writer.reset();
  if (!parked_null || !parked_output || !parked_channel || !parked_failure ||
      !set_nonblocking(ours.get()) || !set_nonblocking(output_reader.get()))
    return failed(options.program, "preparing descriptors", errno);

  std::vector<std::string> arguments = options.arguments;
  arguments.insert(arguments.begin(), options.program);
  std::vector<std::string> environment = options.environment;
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  const ChildPlan plan{options.program.c_str(),     argument_pointers.data(),
                       environment_pointers.data(), parked_null.get(),
                       parked_output.get(),         parked_channel.get(),
                       parked_failure.get(),        ::getpid()};

  // No signal handler of ours may run in the child before it has reset them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int fork_error = errno;
  if (pid == 0) become_runner(plan);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failed(options.program, "fork", fork_error);

  // The writing end closes with exec, so this returns as soon as the program runs or has failed to.
  parked_failure.reset();
  ChildFailure told{};
  ssize_t size = 0;
  do size = ::read(failure_reader.get(), &told, sizeof(told));
  while (size < 0 && errno == EINTR);
  if (size == sizeof(told)) {
    ::waitpid(pid, nullptr, 0);
    return failed(options.program, text_of(told.step), told.number);
  }
  const auto stat = read_stat(pid);
  return Spawned{pid, stat ? stat->start_ticks : 0, std::move(ours), std::move(output_reader)};
}

}  // namespace millrace::runtime
