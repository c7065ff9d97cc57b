#include "workers/runtime/log_line.h"

#include <time.h>
#include <unistd.h>

#include <array>
#include <string>

namespace millrace::runtime {

void log_line(std::string_view text) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  std::array<char, 64> stamp{};
  const std::size_t size = ::strftime(stamp.data(), stamp.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string millis = std::to_string(1'000 + now.tv_nsec / 1'000'000);
  std::string line(stamp.data(), size);
  line.append(".").append(millis, 1).append("Z worker: ").append(text).push_back('\n');
  // One write, so that lines of several threads do not mix.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace millrace::runtime
