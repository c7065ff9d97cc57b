#include "cli/stack/daemon.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 declares it for C alone
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <sstream>
#include <utility>

#include "lib/ipc/owned_fd.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxLogBytes = 16 << 20;

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

const std::string& boot_id() {
  static const std::string id = first_line("/proc/sys/kernel/random/boot_id");
  return id;
}

std::vector<std::string> environment() {
  std::vector<std::string> kept = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    for (const std::string_view prefix :
         {"HOME=", "TZ=", "MILLRACE_FAILPOINT_", "MILLRACE_LOG_",
          "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS="})
      if (text.starts_with(prefix)) kept.emplace_back(text);
  }
  return kept;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> command_line(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

// A descriptor of the very process, or none: signals through it can't hit a successor.
ipc::OwnedFd open_daemon(const DaemonId& id) {
  ipc::OwnedFd fd(::pidfd_open(id.pid, 0));
  return fd && is_alive(id) ? std::move(fd) : ipc::OwnedFd();
}

bool wait_for_end(int pidfd, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd entry{pidfd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) return true;
    if (ready == 0) return false;  // only a signal makes it try again
  }
}

}  // namespace

Result<DaemonId> start_daemon(const DaemonSpec& spec) {
  const auto failed = [&spec](int number) {
    return Error{ErrorClass::kInfrastructure, "up.start_failed",
                 "can't start \"" + spec.program.string() + "\": " + std::strerror(number)};
  };
  std::error_code ignored;
  if (fs::file_size(spec.log, ignored) > kMaxLogBytes && !ignored)
    fs::rename(spec.log, spec.log.string() + ".1", ignored);

  std::vector<std::string> arguments = {spec.program.string()};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> variables = environment();

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, spec.log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int number = posix_spawn(&pid, spec.program.c_str(), &actions, &attributes,
                                 pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (number != 0) return failed(number);
  if (auto id = identify(pid)) return *id;
  // It has ended already; its log says why, which the caller shows.
  return DaemonId{pid, 0, boot_id()};
}

std::optional<DaemonId> identify(pid_t pid) {
  const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
  // The second field, the name in parentheses, may hold anything; fields are counted behind it.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string state;
  fields >> state;
  if (state.empty() || state == "Z" || state == "X") return std::nullopt;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  DaemonId id{pid, 0, boot_id()};
  fields >> id.start_ticks;
  if (!fields) return std::nullopt;
  return id;
}

bool is_alive(const DaemonId& id) { return id.pid > 0 && identify(id.pid) == id; }

std::chrono::seconds uptime(const DaemonId& id) {
  std::ifstream file("/proc/uptime");
  double since_boot = 0;
  file >> since_boot;
  const double started =
      static_cast<double>(id.start_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return std::chrono::seconds(
      std::max<std::int64_t>(0, static_cast<std::int64_t>(since_boot - started)));
}

bool runs_program(const DaemonId& id, const fs::path& program) {
  const std::string process = "/proc/" + std::to_string(id.pid) + "/exe";
  struct stat running{};
  struct stat on_disk{};
  return ::stat(process.c_str(), &running) == 0 && ::stat(program.c_str(), &on_disk) == 0 &&
         running.st_dev == on_disk.st_dev && running.st_ino == on_disk.st_ino;
}

std::optional<DaemonId> find_daemon(const std::string& program_name, const std::string& marker) {
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", problem)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    struct stat info{};
    if (::stat(entry.path().c_str(), &info) != 0 || info.st_uid != ::geteuid()) continue;
    const auto pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
    const auto id = identify(pid);  // before the arguments are read, and compared after
    const std::vector<std::string> arguments = command_line(pid);
    if (!id || arguments.empty() || fs::path(arguments.front()).filename() != program_name)
      continue;
    if (std::ranges::find(arguments, marker) != arguments.end() && is_alive(*id)) return id;
  }
  return std::nullopt;
}

Status stop_daemon(const DaemonId& id, std::chrono::milliseconds grace) {
  const ipc::OwnedFd fd = open_daemon(id);
  if (!fd) return ok_status();
  ::pidfd_send_signal(fd.get(), SIGTERM, nullptr, 0);
  // One that was stopped hears SIGTERM only when it goes on.
  ::pidfd_send_signal(fd.get(), SIGCONT, nullptr, 0);
  bool ended = wait_for_end(fd.get(), grace);
  if (!ended) {
    ::pidfd_send_signal(fd.get(), SIGKILL, nullptr, 0);
    ended = wait_for_end(fd.get(), std::chrono::seconds(10));
  }
  ::waitpid(id.pid, nullptr, WNOHANG);  // it may be a child of ours
  if (ended) return ok_status();
  return Error{ErrorClass::kInfrastructure, "down.still_there",
               "process " + std::to_string(id.pid) + " does not end",
               "it may wait for a disk; try again", ""};
}

std::string tail_of(const fs::path& log, std::size_t lines) {
  std::ifstream file(log, std::ios::binary);
  file.seekg(0, std::ios::end);
  const auto size = static_cast<std::int64_t>(file.tellg());
  file.seekg(std::max<std::int64_t>(0, size - 16'384));
  std::deque<std::string> kept;
  for (std::string line; std::getline(file, line);) {
    kept.push_back(line);
    if (kept.size() > lines) kept.pop_front();
  }
  std::string text;
  for (const std::string& line : kept) text += line + "\n";
  return text;
}

}  // namespace millrace::cli
