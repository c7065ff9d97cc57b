// Options of millrace-scheduler: one validated struct.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "lib/telemetry/log.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/types.h"
#include "scheduler/store/checkpointer.h"

namespace millrace::scheduler {

// How long things are kept that nobody has asked to delete.
struct RetentionOptions {
  Micros snapshots = Settings{}.snapshot_retention;          // after they were replaced
  std::map<NamespacedName, Micros> of_datasets;              // where it is another one
  std::uint32_t kept_snapshots = Settings{}.snapshots_kept;  // of each dataset, however old
  Micros runs = CheckpointPolicy{}.run_retention;            // and their logs, from their start on
  Micros events = CheckpointPolicy{}.log_retention;          // for those who follow them
};

struct SchedulerOptions {
  std::string postgres;                     // connection string for libpq
  std::filesystem::path socket;             // of the workers' gRPC
  std::filesystem::path token_file;         // of REST, mode 0600
  std::filesystem::path worker_token_file;  // of the workers, mode 0600
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 0;    // 0: any that is free
  std::filesystem::path port_file;  // where the port is written once it listens; empty: nowhere
  std::filesystem::path data_root;
  std::filesystem::path log_dir;     // of tasks; empty: data_root/logs
  std::filesystem::path sql_parser;  // millrace-sql; empty: beside this program
  Micros lease = seconds(15);
  Micros checkpoint_interval = seconds(60);  // between looks whether a checkpoint is due
  std::int64_t checkpoint_batches = 10'000;  // of the log, after which one is
  std::map<std::string, std::uint32_t> queue_limits;
  RetentionOptions retention;
  telemetry::Log::Format log_format = telemetry::Log::Format::kText;
};

// Nothing, with the exit code to leave with, when the command line asked for help or was wrong;
// what there is to say has been said then.
struct ParsedOptions {
  std::optional<SchedulerOptions> options;
  int exit_code = 0;
};
ParsedOptions parse_options(int argc, char** argv);

// "15s", "500ms", "2m", "12h", "7d".
Result<Micros> parse_duration(const std::string& text);

}  // namespace millrace::scheduler
