#include "cli/stack/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <utility>
#include <variant>

#include "lib/process/handle.h"
#include "lib/process/owned_fd.h"
#include "lib/process/run.h"
#include "lib/process/start.h"
#include "lib/process/stat.h"

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

std::vector<std::string> command_line(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  return arguments;
}

// The very process, or none: signals through it can't hit a successor.
std::optional<process::Handle> open_daemon(const DaemonId& id) {
  auto handle = process::Handle::of(id.pid);
  return handle && is_alive(id) ? std::move(handle) : std::nullopt;
}

Error start_failed(const DaemonSpec& spec, const std::string& why) {
  return {ErrorClass::kInfrastructure, "up.start_failed",
          "can't start \"" + spec.program.string() + "\": " + why};
}

process::StartOptions start_options(const DaemonSpec& spec) {
  process::StartOptions options;
  options.program = spec.program;
  options.arguments = spec.arguments;
  options.environment = environment();
  return options;
}

}  // namespace

Result<DaemonId> start_daemon(const DaemonSpec& spec) {
  std::error_code ignored;
  if (fs::file_size(spec.log, ignored) > kMaxLogBytes && !ignored)
    fs::rename(spec.log, spec.log.string() + ".1", ignored);
  const process::OwnedFd log(
      ::open(spec.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!log)
    return start_failed(spec, "its log \"" + spec.log.string() + "\": " + std::strerror(errno));

  process::StartOptions options = start_options(spec);
  options.descriptors = {process::StartOptions::kNull, log.get(), log.get()};
  options.group = process::Group::kOwnSession;
  const auto started = process::start(options);
  if (const auto* fault = std::get_if<process::StartFault>(&started))
    return start_failed(spec, process::to_text(*fault));
  const pid_t pid = std::get<process::Handle>(started).pid();
  if (auto id = identify(pid)) return *id;
  // It has ended already; its log says why, which the caller shows.
  return DaemonId{pid, 0, boot_id()};
}

Result<process::Ran> run_to_end(const DaemonSpec& spec, std::chrono::milliseconds limit) {
  process::StartOptions options = start_options(spec);
  options.signal_at_parents_end = SIGKILL;
  auto ran = process::run(std::move(options), "", milliseconds(limit.count()));
  if (auto* end = std::get_if<process::Ran>(&ran)) return std::move(*end);
  const auto* fault = std::get_if<process::StartFault>(&std::get<process::RunFault>(ran));
  return start_failed(spec, fault != nullptr ? process::to_text(*fault) : "it did not end in time");
}

std::optional<DaemonId> identify(pid_t pid) {
  const auto stat = process::read_stat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return DaemonId{pid, stat->start_ticks, boot_id()};
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
  const auto daemon = open_daemon(id);
  if (!daemon) return ok_status();
  daemon->signal(SIGTERM);
  // One that was stopped hears SIGTERM only when it goes on.
  daemon->signal(SIGCONT);
  bool ended = daemon->wait(milliseconds(grace.count()));
  if (!ended) {
    daemon->signal(SIGKILL);
    ended = daemon->wait(seconds(10));
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
