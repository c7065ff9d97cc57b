#include "scheduler/core/types.h"

namespace millrace::scheduler {

// Each switch names every value, so that a new one is a warning here, and warnings are errors.
std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kExecute:
      return "Execute";
    case Phase::kPublish:
      return "Publish";
  }
  return "?";
}

std::string_view to_string(RunOn run_on) {
  switch (run_on) {
    case RunOn::kSuccess:
      return "Success";
    case RunOn::kFailure:
      return "Failure";
    case RunOn::kAlways:
      return "Always";
  }
  return "?";
}

std::string_view to_string(WriteMode mode) {
  switch (mode) {
    case WriteMode::kOverwrite:
      return "Overwrite";
    case WriteMode::kAppend:
      return "Append";
  }
  return "?";
}

std::string_view to_string(OnConflict on_conflict) {
  switch (on_conflict) {
    case OnConflict::kRetry:
      return "Retry";
    case OnConflict::kFail:
      return "Fail";
  }
  return "?";
}

std::string_view to_string(DesiredState desired) {
  switch (desired) {
    case DesiredState::kRunning:
      return "Running";
    case DesiredState::kPaused:
      return "Paused";
    case DesiredState::kCancelled:
      return "Cancelled";
  }
  return "?";
}

std::string_view to_string(TaskState state) {
  switch (state) {
    case TaskState::kPending:
      return "Pending";
    case TaskState::kReady:
      return "Ready";
    case TaskState::kRunning:
      return "Running";
    case TaskState::kCancelling:
      return "Cancelling";
    case TaskState::kBackingOff:
      return "BackingOff";
    case TaskState::kSucceeded:
      return "Succeeded";
    case TaskState::kFailed:
      return "Failed";
    case TaskState::kSkipped:
      return "Skipped";
    case TaskState::kCancelled:
      return "Cancelled";
  }
  return "?";
}

std::string_view to_string(RunOutcome outcome) {
  switch (outcome) {
    case RunOutcome::kSucceeded:
      return "Succeeded";
    case RunOutcome::kFailed:
      return "Failed";
    case RunOutcome::kCancelled:
      return "Cancelled";
    case RunOutcome::kTimedOut:
      return "TimedOut";
  }
  return "?";
}

}  // namespace millrace::scheduler
