// What `explain` prints for people. Pure.
#pragma once

#include <string>

#include "base/units.h"

namespace millrace::cli {

// `json` is REST's explanation of a task.
std::string explain_task_text(const std::string& target, const std::string& json, WallTime now);
// A run and its tasks: what failed, what waits and for what.
std::string explain_run_text(const std::string& run_json, const std::string& tasks_json,
                             WallTime now);

}  // namespace millrace::cli
