// Which tasks stand in the ready index, and where: one rule for State and for the draft of a plan.
#pragma once

#include "scheduler/core/state.h"

namespace millrace::scheduler {

bool in_ready_index(const RunHeader& run, TaskIndex index, const Task& task);
ReadyGroup ready_group(const RunHeader& run, TaskIndex index);
ReadyKey ready_key(const RunHeader& run, TaskIndex index);

}  // namespace millrace::scheduler
