// Which tasks stand in the ready index, and where: one rule for State and for the draft of a plan.
#pragma once

#include "scheduler/core/state.h"

namespace millrace::scheduler {

// The run has as many attempts as it may.
bool is_full(const RunFacts& run);
bool in_ready_index(const RunFacts& run, TaskIndex index, const Task& task);
ReadyGroup ready_group(const RunFacts& run, TaskIndex index);
RunPlace place_of(const RunFacts& run);

}  // namespace millrace::scheduler
