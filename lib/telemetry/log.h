// Log: lines about what a process does, for people or for machines, on standard error.
//
//   telemetry::Log log(telemetry::Log::Format::kText);
//   log.info("leading", {{"epoch", "7"}});
//   // 2026-11-25T01:02:03.456Z info leading epoch=7
//
// Thread-safe; a line is written by one call. What is cut: values over 4 KiB.
#pragma once

#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::telemetry {

using Fields = std::vector<std::pair<std::string_view, std::string>>;

class Log {
 public:
  enum class Format { kText, kJson };
  explicit Log(Format format) : format_(format) {}

  void info(std::string_view message, const Fields& fields = {}) { write("info", message, fields); }
  void warn(std::string_view message, const Fields& fields = {}) { write("warn", message, fields); }
  void error(std::string_view message, const Fields& fields = {}) {
    write("error", message, fields);
  }

 private:
  void write(std::string_view level, std::string_view message, const Fields& fields);
  Format format_;
  std::mutex mutex_;
};

// One line without its newline: pure, for tests. `time` is RFC 3339.
std::string render_line(Log::Format format, std::string_view time, std::string_view level,
                        std::string_view message, const Fields& fields);

}  // namespace millrace::telemetry
