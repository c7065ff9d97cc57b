// Starting the server's programs: as another user, detached, with a scrubbed environment.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "lib/process/handle.h"
#include "lib/process/run.h"
#include "lib/process/start.h"

namespace millrace::postgres {

struct ChildOptions {
  std::vector<std::string> argv;           // argv[0] is a path
  std::optional<process::User> user = {};  // nothing: the caller's own
  std::filesystem::path directory = {};    // working directory, "/" when empty
  int standard_input = process::StartOptions::kNull;
  int standard_output = process::StartOptions::kNull;  // also standard error
  int kept_open = process::StartOptions::kNull;  // further descriptor of ours, which it inherits
  bool own_session = false;                      // survives the terminal
  int parent_death_signal = 0;                   // 0: survives the parent
};

Result<process::Handle> start_child(const ChildOptions& options);

// Feeds `input`, collects what it says, and waits. It is killed after `timeout`. Errors:
// postgres.system, postgres.timeout.
Result<process::Ran> run_child(const ChildOptions& options, const std::string& input,
                               Micros timeout);

}  // namespace millrace::postgres
