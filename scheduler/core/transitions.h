// The one table of legal transitions of a task: state × what happened → state. plan() asks it
// before it emits an event, apply() checks with it, and the tests walk it whole.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "scheduler/core/types.h"

namespace millrace::scheduler {

// What can happen to a task, each the essence of one event.
enum class TaskChange : std::uint8_t {
  kReady,            // events::TaskReady
  kPlaced,           // events::AttemptPlaced
  kSucceeded,        // events::AttemptSucceeded
  kStaged,           // events::AttemptSucceeded with a publication to come
  kRetry,            // events::AttemptFailed with Retry
  kGaveUp,           // events::AttemptFailed with GiveUp; events::TaskEnded with kFailed
  kCancelRequested,  // events::CancelRequested
  kCancelled,        // events::AttemptFailed with Cancelled; events::TaskEnded with kCancelled
  kSkipped,          // events::TaskEnded with kSkipped
  kTaken,            // events::RunCreated of a rerun, which takes the task over
};

struct Transition {
  TaskState from;
  TaskChange change;
  TaskState to;
};

std::span<const Transition> transitions();
// Where the change leads; nothing: it is not legal there.
std::optional<TaskState> next_state(TaskState from, TaskChange change);
std::string_view to_string(TaskChange change);

}  // namespace millrace::scheduler
