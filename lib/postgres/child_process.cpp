#include "lib/postgres/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// glibc 2.36 forgets to say so itself.
extern "C" {
#include <sys/pidfd.h>
}

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace millrace::postgres {
namespace {

constexpr std::size_t kMaxOutput = 64 * 1024;

Error system_error(const std::string& what, int number) {
  return Error{ErrorClass::kInfrastructure, "postgres.system",
               what + ": " + std::string(std::strerror(number))};
}

OsUser to_user(const passwd& entry) { return {entry.pw_name, entry.pw_uid, entry.pw_gid}; }

// All that the child needs, laid out before the fork: between fork and exec only async-signal-safe
// calls are allowed.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::vector<gid_t> groups;
  const char* directory = "/";
};

[[noreturn]] void become(const ChildOptions& options, const Prepared& prepared, pid_t parent,
                         int report) {
  const auto fail = [report] {
    const int number = errno;
    // Nobody to tell where even this fails; the parent then sees an early end of file.
    [[maybe_unused]] const auto written = ::write(report, &number, sizeof number);
    ::_exit(127);
  };
  if (options.own_session && ::setsid() < 0) fail();
  const auto connect = [&](int from, int to, int flags) {
    const int fd = from >= 0 ? from : ::open("/dev/null", flags);
    if (fd < 0 || ::dup2(fd, to) < 0) fail();
  };
  connect(options.standard_input, STDIN_FILENO, O_RDONLY);
  connect(options.standard_output, STDOUT_FILENO, O_WRONLY);
  connect(options.standard_output, STDERR_FILENO, O_WRONLY);
  if (options.user) {
    if (::setgroups(prepared.groups.size(), prepared.groups.data()) != 0 ||
        ::setresgid(options.user->gid, options.user->gid, options.user->gid) != 0 ||
        ::setresuid(options.user->uid, options.user->uid, options.user->uid) != 0) {
      fail();
    }
  }
  // After the change of user, which clears it.
  if (options.parent_death_signal != 0) {
    if (::prctl(PR_SET_PDEATHSIG, options.parent_death_signal) != 0) fail();
    if (::getppid() != parent) ::_exit(127);  // it died before we could ask
  }
  ::umask(0077);
  if (::chdir(prepared.directory) != 0) fail();
  if (::close_range(3, static_cast<unsigned>(report) - 1, 0) != 0 && report > 3) fail();
  if (::close_range(static_cast<unsigned>(report) + 1, ~0U, 0) != 0) fail();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGCHLD}) ::signal(number, SIG_DFL);
  ::execve(prepared.argv[0], prepared.argv.data(), prepared.environment.data());
  fail();
  ::_exit(127);
}

Micros now() {
  return Micros(std::chrono::duration_cast<std::chrono::microseconds>(
                    std::chrono::steady_clock::now().time_since_epoch())
                    .count());
}

}  // namespace

std::optional<OsUser> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16'384);
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return std::nullopt;
  return to_user(entry);
}

std::optional<OsUser> find_user(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16'384);
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return std::nullopt;
  return to_user(entry);
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<ProcessHandle> ProcessHandle::of(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  OwnedFd fd(::pidfd_open(pid, 0));
  if (!fd) return std::nullopt;
  ProcessHandle handle;
  handle.pid_ = pid;
  handle.fd_ = std::move(fd);
  return handle;
}

bool ProcessHandle::wait(Micros timeout) const {
  pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  const auto milliseconds = static_cast<int>(std::max<std::int64_t>(0, timeout.value() / 1000));
  return ::poll(&entry, 1, milliseconds) > 0;
}

void ProcessHandle::signal(int number) const { ::pidfd_send_signal(fd_.get(), number, nullptr, 0); }

int ProcessHandle::reap() const {
  siginfo_t info{};
  if (::waitid(P_PIDFD, static_cast<id_t>(fd_.get()), &info, WEXITED) != 0) return -1;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

Result<ProcessHandle> start_child(const ChildOptions& options) {
  Prepared prepared;
  for (const std::string& argument : options.argv) {
    prepared.argv.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: execve's signature
  }
  prepared.argv.push_back(nullptr);
  static const char* const kEnvironment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"};
  for (const char* entry : kEnvironment) {
    prepared.environment.push_back(const_cast<char*>(entry));  // NOLINT: execve's signature
  }
  prepared.environment.push_back(nullptr);
  if (!options.directory.empty()) prepared.directory = options.directory.c_str();
  if (options.user) {
    int count = 64;
    prepared.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(options.user->name.c_str(), options.user->gid, prepared.groups.data(), &count);
    prepared.groups.resize(static_cast<std::size_t>(std::clamp(count, 0, 64)));
  }
  // The child tells through this pipe why it could not exec; exec itself closes it.
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
  OwnedFd read_end(pipe_ends[0]);
  OwnedFd write_end(pipe_ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("fork", errno);
  if (pid == 0) become(options, prepared, parent, write_end.get());
  write_end = OwnedFd();
  int number = 0;
  ssize_t got = 0;
  do {
    got = ::read(read_end.get(), &number, sizeof number);
  } while (got < 0 && errno == EINTR);
  std::optional<ProcessHandle> handle = ProcessHandle::of(pid);
  if (!handle) return system_error("pidfd_open", errno);
  if (got == sizeof number) {
    handle->reap();
    return system_error("can't start \"" + options.argv.front() + "\"", number);
  }
  return std::move(*handle);
}

Result<ChildResult> run_child(ChildOptions options, const std::string& input, Micros timeout) {
  // A memory file and not a pipe: nothing to interleave, and a child that doesn't read can't block
  // us.
  OwnedFd source(::memfd_create("input", MFD_CLOEXEC));
  OwnedFd sink(::memfd_create("output", MFD_CLOEXEC));
  if (!source || !sink) return system_error("memfd_create", errno);
  if (::write(source.get(), input.data(), input.size()) != static_cast<ssize_t>(input.size())) {
    return system_error("write", errno);
  }
  ::lseek(source.get(), 0, SEEK_SET);
  options.standard_input = source.get();
  options.standard_output = sink.get();
  MILLRACE_TRY(child, start_child(options));
  const Micros deadline = now() + timeout;
  while (!child.wait(std::max(Micros(0), deadline - now()))) {
    if (now() < deadline) continue;  // a signal interrupted the wait
    child.signal(SIGKILL);
    child.wait(seconds(10));
    child.reap();
    return Error{ErrorClass::kInfrastructure, "postgres.timeout",
                 "\"" + options.argv.front() + "\" did not end in time"};
  }
  ChildResult result;
  result.exit_code = child.reap();
  const off_t size = ::lseek(sink.get(), 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(kMaxOutput));
  result.output.resize(static_cast<std::size_t>(std::max<off_t>(0, size - start)));
  const ssize_t got = ::pread(sink.get(), result.output.data(), result.output.size(), start);
  result.output.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  return result;
}

}  // namespace millrace::postgres
