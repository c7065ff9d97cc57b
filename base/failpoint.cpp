#include "base/failpoint.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>

namespace millrace {
namespace {

struct Failpoints {
  std::string kill_at;
  long kill_count = 1;
  std::string log_file;
  std::ofstream times;  // stays open: opening it each time would be most of what is measured
  std::string stop_folder;
  std::atomic<bool> on{false};
  std::mutex mutex;  // guards kill_count's countdown and the log

  Failpoints() {
    if (const char* kill = std::getenv("MILLRACE_FAILPOINT_KILL"); kill != nullptr) {
      kill_at = kill;
      if (const auto colon = kill_at.rfind(':'); colon != std::string::npos) {
        kill_count = std::strtol(kill_at.c_str() + colon + 1, nullptr, 10);
        kill_at.resize(colon);
      }
    }
    if (const char* log = std::getenv("MILLRACE_FAILPOINT_LOG"); log != nullptr) log_file = log;
    if (const char* file = std::getenv("MILLRACE_FAILPOINT_TIMES"); file != nullptr)
      times.open(file, std::ios::app);
    if (const char* stop = std::getenv("MILLRACE_FAILPOINT_STOP"); stop != nullptr)
      stop_folder = stop;
    on = !kill_at.empty() || !log_file.empty() || times.is_open() || !stop_folder.empty();
  }
};

Failpoints& instance() {
  static Failpoints failpoints;
  return failpoints;
}

}  // namespace

const std::atomic<bool>& failpoints_on = instance().on;

void pass_failpoint(const char* name) {
  const auto at = std::chrono::steady_clock::now().time_since_epoch();
  Failpoints& failpoints = instance();
  const std::lock_guard lock(failpoints.mutex);
  if (!failpoints.log_file.empty())
    std::ofstream(failpoints.log_file, std::ios::app) << name << '\n';
  if (failpoints.times.is_open())  // one write of a short line: whole among those of others
    failpoints.times << std::string(name) + ' ' +
                            std::to_string(
                                std::chrono::duration_cast<std::chrono::microseconds>(at).count()) +
                            '\n'
                     << std::flush;
  if (failpoints.kill_at == name && --failpoints.kill_count == 0) std::raise(SIGKILL);
  if (failpoints.stop_folder.empty()) return;
  const std::string armed = failpoints.stop_folder + "/" + name;
  // At once, though the whole process stops: what is sent to the process may stop this thread
  // later.
  if (std::rename(armed.c_str(),
                  (armed + "." + std::filesystem::read_symlink("/proc/self").string()).c_str()) ==
      0)
    std::raise(SIGSTOP);
}

}  // namespace millrace
