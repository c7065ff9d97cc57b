// Daemons: programs of ours that go on when the command line has ended. One is known by its process
// number together with the moment it started, so that a number that was given out again is never
// taken for it.
//
// Linux: reads /proc. Calls block at most as long as they say; single thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lib/process/run.h"

namespace millrace::cli {

struct DaemonId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  // since boot, /proc/PID/stat
  std::string boot_id;            // ticks of different boots don't compare
  friend bool operator==(const DaemonId&, const DaemonId&) = default;
};

struct DaemonSpec {
  std::filesystem::path program;
  std::vector<std::string> arguments;  // without argv[0]
  std::filesystem::path log;           // both outputs are appended
};

// Starts it in a session of its own, nothing but the log open, with a small environment: PATH,
// HOME, TZ and the settings of tests and sanitizers. Error: up.start_failed.
Result<DaemonId> start_daemon(const DaemonSpec& spec);

// Runs it to its end, for what it says; no log is written. Errors: up.start_failed, also where it
// takes longer than `limit`, after which it is killed.
Result<process::Ran> run_to_end(const DaemonSpec& spec, std::chrono::milliseconds limit);

// The process as it is now; nothing when it has ended (also one that nobody has waited for).
std::optional<DaemonId> identify(pid_t pid);
bool is_alive(const DaemonId& id);
// Since when it runs.
std::chrono::seconds uptime(const DaemonId& id);
// False when its program has been replaced on disk since, by a newer build or an upgrade.
bool runs_program(const DaemonId& id, const std::filesystem::path& program);

// Finds a process of ours that runs a program of this name with `marker` among its arguments: a
// daemon whose record was lost because `up` was killed in between.
std::optional<DaemonId> find_daemon(const std::string& program_name, const std::string& marker);

// SIGTERM, after `grace` SIGKILL; returns when it is gone. Fine when it is not there.
// Error: down.still_there.
Status stop_daemon(const DaemonId& id, std::chrono::milliseconds grace);

// The last `lines` lines of a log.
std::string tail_of(const std::filesystem::path& log, std::size_t lines);

}  // namespace millrace::cli
