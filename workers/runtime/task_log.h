// TaskLog: what an attempt's processes write to standard output and error, in a file of its own:
//
//   <log dir>/<namespace>/<run id>/<task index>-<attempt>.log
//
// Capped, whole lines at a time, with secrets masked. The file is made with its first line; it
// outlives the worker, and the api reads it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "lib/process/owned_fd.h"

namespace millrace::runtime {

// Whether a namespace, run or task name may be a folder's name: letters, digits, '-', '_', '.', not
// first.
bool is_path_part(std::string_view name);

// Splits a stream into lines and masks secrets in each. Pure. A line longer than kMaxLine comes in
// parts, between which no secret is cut.
class LineMasker {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{64} << 10;
  explicit LineMasker(std::vector<std::string> secrets);
  // The lines that are whole by now, each with its '\n'.
  std::string feed(std::string_view bytes);
  // What is left, without its '\n'.
  std::string finish();

 private:
  std::string take(bool line_goes_on);
  bool may_begin(std::string_view end) const;
  std::vector<std::string> secrets_;  // longest first
  std::array<bool, 256> begins_{};    // whether one begins with the byte
  std::string partial_;
};

class TaskLog {
 public:
  TaskLog(std::filesystem::path file, Bytes limit, std::vector<std::string> secrets)
      : masker_(std::move(secrets)), file_(std::move(file)), left_(limit), limit_(limit) {}
  void write(std::string_view bytes);
  // The rest of a last line; the file is closed.
  void finish();
  // The last lines that were written, at most 2 KiB: what a process said before it died. Bytes as
  // they came, which may be no text.
  std::string tail() const { return tail_; }
  // Why lines are missing; empty when none are. A log that can't be written fails no attempt.
  const std::string& error() const { return error_; }

 private:
  void put(std::string text);
  bool open();

  LineMasker masker_;
  std::filesystem::path file_;
  process::OwnedFd fd_;
  Bytes left_;
  Bytes limit_;
  bool capped_ = false;
  std::string error_;
  std::string tail_;
};

}  // namespace millrace::runtime
