#include "lib/telemetry/log.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace millrace::telemetry {
namespace {

constexpr std::size_t kValueLimit = 4096;

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = millis / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32];
  const std::size_t length = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  std::snprintf(text, sizeof text, "%.*s.%03dZ", static_cast<int>(length), date,
                static_cast<int>(millis % 1000));
  return text;
}

// A value in a line of text: quoted where a space or a quote would make it two.
std::string quoted(const std::string& value) {
  const bool plain = !value.empty() && value.find_first_of(" \"=\n\t\r\\") == std::string::npos;
  return plain
             ? value
             : nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string render_line(Log::Format format, std::string_view time, std::string_view level,
                        std::string_view message, const Fields& fields) {
  if (format == Log::Format::kJson) {
    nlohmann::ordered_json line{{"time", time}, {"level", level}, {"message", message}};
    for (const auto& [name, value] : fields) line[std::string(name)] = value.substr(0, kValueLimit);
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  std::string line = std::string(time) + " " + std::string(level) + " " + std::string(message);
  for (const auto& [name, value] : fields)
    line += " " + std::string(name) + "=" + quoted(value.substr(0, kValueLimit));
  return line;
}

void Log::write(std::string_view level, std::string_view message, const Fields& fields) {
  const std::string line = render_line(format_, now_text(), level, message, fields) + "\n";
  const std::lock_guard lock(mutex_);
  // A log that can't be written to is no reason to stop.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace millrace::telemetry
