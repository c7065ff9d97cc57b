// StackRecord: what `up` wrote down about a stack, so that the next `up`, `down`, `status` and
// every other command find it. A file of JSON in the stack's directory, replaced whole.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/stack/daemon.h"

namespace millrace::cli {

struct PartRecord {
  DaemonId id;
  std::vector<std::string> arguments;  // that it was started with
  std::string tokens;                  // fingerprint of those that it read then
  friend bool operator==(const PartRecord&, const PartRecord&) = default;
};

struct StackRecord {
  std::filesystem::path postgres_directory;
  std::filesystem::path sockets;
  int port = 0;                                // of REST, on 127.0.0.1; 0: none yet
  std::vector<std::filesystem::path> allowed;  // folders open to workflows, besides the stack's own
  std::string lease;                           // as --lease has it; empty: the scheduler's default
  std::string log_format;                      // of scheduler and worker; empty: their default
  std::vector<std::string> retention;          // the scheduler's flags of it
  std::map<std::string, PartRecord> parts;     // "scheduler", "worker"; Postgres keeps its own
  friend bool operator==(const StackRecord&, const StackRecord&) = default;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
};

std::string to_json(const StackRecord& record);
// Error: up.record_invalid for any text that to_json did not make.
Result<StackRecord> parse_record(const std::string& json);

// Nothing: there is no stack at this place. Errors: up.record_invalid, up.files.
Result<std::optional<StackRecord>> read_record(const std::filesystem::path& file);

}  // namespace millrace::cli
