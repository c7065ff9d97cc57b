// Stack: Postgres, scheduler and worker of one directory, started, looked at and ended as one.
//
// Starting is repairing: what is alive and as wanted is kept, what is dead is started again. Calls
// block; two processes that work on one directory wait for each other.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/stack/layout.h"
#include "cli/stack/record.h"

namespace millrace::cli {

// Told what is being done, a line each: "starting the scheduler".
using Say = std::function<void(const std::string&)>;

struct UpOptions {
  std::filesystem::path directory;
  std::optional<int> port;  // nothing: the one of last time, else any
  // Folders that workflows may read and write; nothing: those of last time.
  std::optional<std::vector<std::filesystem::path>> allowed;
  std::string lease;       // empty: that of last time, else the scheduler's default
  std::string log_format;  // text or json; empty: that of last time, else text
  // The scheduler's flags of retention; nothing: those of last time.
  std::optional<std::vector<std::string>> retention;
  std::filesystem::path programs;  // folder of millrace-scheduler and its like
  std::chrono::seconds patience{60};
};

enum class PartState { kRunning, kStopped };
struct PartStatus {
  std::string name;  // postgres, scheduler, worker
  PartState state = PartState::kStopped;
  pid_t pid = 0;
  std::chrono::seconds uptime{0};
  std::string where;  // a folder, an address, or a socket
};

struct StackStatus {
  std::filesystem::path directory;
  std::string url;  // empty when none was ever given
  std::filesystem::path logs;
  std::vector<std::filesystem::path> allowed;
  std::vector<PartStatus> parts;
  bool running() const;  // all of it
};

// Ready when it returns: REST answers and the worker is connected. Errors: up.port_taken,
// up.directory_in_the_way, up.part_ended (with the end of its log), up.not_ready, postgres.*,
// file.*.
Result<StackStatus> bring_up(const UpOptions& options, const Say& say);

// Ends worker, scheduler, Postgres, in this order, also what is half dead. Fine, and said, when
// nothing runs.
Status bring_down(const std::filesystem::path& directory, const Say& say);

// bring_down, then removes the directory with all data, wherever parts of it lie. Only of a
// directory that holds a stack's record.
Status purge(const std::filesystem::path& directory, const Say& say);

// Error: up.not_found when no stack was ever made there.
Result<StackStatus> inspect(const std::filesystem::path& directory);

// Where this program's neighbours lie.
std::filesystem::path own_folder();

}  // namespace millrace::cli
