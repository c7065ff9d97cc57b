// The worker's configuration: one validated struct, filled from flags.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "lib/telemetry/log.h"
#include "workers/runtime/pool_policy.h"

namespace millrace::runtime {

struct WorkerConfig {
  std::string scheduler;             // "unix:/run/millrace/dispatch.sock"
  std::filesystem::path token_file;  // mode 0600
  std::string name = "worker-0";     // stable across restarts
  std::filesystem::path data_root;   // of immutable data files
  std::filesystem::path
      scratch;  // of attempts: its folder "<name>" is this worker's and is emptied at start
  std::filesystem::path state_dir;  // journal and lock
  std::filesystem::path log_dir;    // of task logs; <data root>/.logs unless it is given
  std::filesystem::path runner;  // the program; millrace-runner beside this one unless it is given
  std::vector<std::filesystem::path> allowed_roots;  // file:// may reach below these
  MilliCpu cpu;                                      // capacity; of the machine unless given
  Bytes memory;                                      // likewise, four fifths of it
  Bytes disk;                                        // likewise, of scratch
  PoolSettings pool;
  Micros grace = seconds(10);                  // between TERM and KILL of a command
  Micros drain_limit = seconds(60);            // after SIGTERM, until what still runs is ended
  Micros sample_interval = milliseconds(100);  // of usage; the watchdog's step
  Micros ready_limit = seconds(30);            // from a runner's start to its Ready
  Bytes log_limit = mebibytes(64);             // of one attempt
  telemetry::Log::Format log_format = telemetry::Log::Format::kText;  // of its own log
};

// Flags as `--name value` or `--name=value`. Errors (User): flag.unknown, flag.invalid,
// flag.missing.
Result<WorkerConfig> parse_config(std::span<const char* const> arguments);
// What --help prints.
std::string config_help();

}  // namespace millrace::runtime
