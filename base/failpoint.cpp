#include "base/failpoint.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
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
    on = !kill_at.empty() || !log_file.empty() || times.is_open();
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
}

}  // namespace millrace
