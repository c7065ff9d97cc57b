#include "lib/process/start.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace millrace::process {
namespace {

using Step = StartFault::Step;

constexpr std::size_t kMaxGroups = 64;

const char* text_of(Step step) {
  switch (step) {
    case Step::kResources:
      return "making a process";
    case Step::kGroup:
      return "making its process group";
    case Step::kUser:
      return "changing its user";
    case Step::kDescriptors:
      return "arranging its descriptors";
    case Step::kConfine:
      return "giving up privileges";
    case Step::kFolder:
      return "entering its folder";
    case Step::kExec:
      return "executing it";
  }
  return "?";
}

// exec's own signature takes pointers to what it does not change.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts)
    pointers.push_back(const_cast<char*>(text.c_str()));  // NOLINT
  pointers.push_back(nullptr);
  return pointers;
}

struct Pipe {
  OwnedFd read;
  OwnedFd write;
};
std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{OwnedFd(ends[0]), OwnedFd(ends[1])};
}

// All that the child needs, made before the fork: after it there is no memory to be had.
struct Plan {
  const StartOptions* options = nullptr;
  std::vector<std::string> texts;  // argv
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::vector<gid_t> groups;
  // Copies of the descriptors given, above all numbers that they may become.
  std::vector<OwnedFd> parked;
  OwnedFd fault;   // takes a StartFault, and closes with exec
  OwnedFd go;      // a byte comes when before_exec has returned, its end when the parent is gone
  OwnedFd go_end;  // the parent's end of it
  pid_t parent = 0;
};

[[noreturn]] void give_up(const Plan& plan, Step step) {
  const StartFault fault{step, errno};
  // Nobody to tell where even this fails; the parent then sees an early end.
  [[maybe_unused]] const ssize_t written = ::write(plan.fault.get(), &fault, sizeof fault);
  ::_exit(127);
}

void change_user(const Plan& plan, const User& user) {
  if (::setgroups(plan.groups.size(), plan.groups.data()) != 0 ||
      ::setresgid(user.gid, user.gid, user.gid) != 0 ||
      ::setresuid(user.uid, user.uid, user.uid) != 0)
    give_up(plan, Step::kUser);
}

void confine(const Plan& plan) {
  const rlimit no_core{0, 0};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::setrlimit(RLIMIT_CORE, &no_core) != 0)
    give_up(plan, Step::kConfine);
}

[[noreturn]] void become(const Plan& plan) {
  const StartOptions& options = *plan.options;
  // Ignored signals and the mask survive exec; handlers do not.
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  if (options.group == Group::kOwn && ::setpgid(0, 0) != 0) give_up(plan, Step::kGroup);
  if (options.group == Group::kOwnSession && ::setsid() < 0) give_up(plan, Step::kGroup);
  if (options.user) change_user(plan, *options.user);
  // After the change of user, which clears it.
  if (options.signal_at_parents_end != 0) {
    if (::prctl(PR_SET_PDEATHSIG, options.signal_at_parents_end) != 0)
      give_up(plan, Step::kConfine);
    if (::getppid() != plan.parent) ::_exit(127);  // it was gone before the line above
  }
  if (options.before_exec) {
    ::close(plan.go_end.get());  // so that its end is the parent's alone
    char byte = 0;
    if (::read(plan.go.get(), &byte, 1) != 1) ::_exit(127);
  }
  int next = 0;
  for (const OwnedFd& fd : plan.parked)
    if (::dup2(fd.get(), next++) < 0) give_up(plan, Step::kDescriptors);
  if (::close_range(static_cast<unsigned>(next), ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    give_up(plan, Step::kDescriptors);
  if (options.confined) confine(plan);
  if (options.adopts_orphans && ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    give_up(plan, Step::kConfine);
  if (options.killed_first) {
    const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) [[maybe_unused]]
      const ssize_t written = ::write(score, "500", 3);
  }
  if (options.umask) ::umask(*options.umask);
  if (::chdir(options.folder.c_str()) != 0) give_up(plan, Step::kFolder);
  ::execve(options.program.c_str(), plan.arguments.data(), plan.environment.data());
  give_up(plan, Step::kExec);
}

// False, with errno, where a descriptor cannot be had.
bool park(Plan& plan, const std::vector<int>& descriptors) {
  const OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto above = static_cast<int>(descriptors.size());
  for (const int fd : descriptors) {
    const int source = fd == StartOptions::kNull ? null.get() : fd;
    plan.parked.emplace_back(::fcntl(source, F_DUPFD_CLOEXEC, above));
    if (!plan.parked.back()) return false;
  }
  // These must not lie where one of the others goes, either.
  for (OwnedFd* const end : {&plan.fault, &plan.go}) {
    if (!*end) continue;
    *end = OwnedFd(::fcntl(end->get(), F_DUPFD_CLOEXEC, above));
    if (!*end) return false;
  }
  return true;
}

// No signal handler of this process may run in the child before it has reset them.
pid_t fork_masked(const Plan& plan) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int number = errno;
  if (pid == 0) become(plan);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = number;
  return pid;
}

// Nothing when the program runs, or has ended before it could say why it does not.
std::optional<StartFault> read_fault(int from) {
  StartFault fault;
  ssize_t size = 0;
  do size = ::read(from, &fault, sizeof fault);
  while (size < 0 && errno == EINTR);
  if (size == sizeof fault) return fault;
  return std::nullopt;
}

}  // namespace

std::string to_text(const StartFault& fault) {
  return std::string(text_of(fault.step)) + ": " + std::strerror(fault.number);
}

Started start(const StartOptions& options) {
  const auto failed = [] { return StartFault{Step::kResources, errno}; };
  auto fault = make_pipe();
  if (!fault) return failed();
  auto go = options.before_exec ? make_pipe() : Pipe{};
  if (!go) return failed();
  Plan plan;
  plan.options = &options;
  plan.texts = options.arguments;
  plan.texts.insert(plan.texts.begin(), options.name.empty() ? options.program : options.name);
  plan.arguments = pointers_to(plan.texts);
  plan.environment = pointers_to(options.environment);
  plan.fault = std::move(fault->write);
  plan.go = std::move(go->read);
  plan.go_end = std::move(go->write);
  plan.parent = ::getpid();
  if (options.user) {
    int count = kMaxGroups;
    plan.groups.resize(kMaxGroups);
    ::getgrouplist(options.user->name.c_str(), options.user->gid, plan.groups.data(), &count);
    plan.groups.resize(std::clamp<std::size_t>(static_cast<std::size_t>(count), 0, kMaxGroups));
  }
  if (!park(plan, options.descriptors)) return StartFault{Step::kDescriptors, errno};

  const pid_t pid = fork_masked(plan);
  if (pid < 0) return failed();
  std::optional<Handle> child = Handle::of(pid);
  if (!child) {
    const StartFault none = failed();
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return none;
  }
  if (options.before_exec) {
    // Both sides make the group, so that it is there whoever comes first.
    if (options.group == Group::kOwn) ::setpgid(pid, pid);
    options.before_exec(pid);
    // One that has ended meanwhile is no fault of this: its holder sees the end.
    [[maybe_unused]] const ssize_t written = ::write(plan.go_end.get(), "g", 1);
  }
  plan.fault.reset();
  if (const auto told = read_fault(fault->read.get())) {
    child->reap();
    return *told;
  }
  return std::move(*child);
}

}  // namespace millrace::process
