#include "scheduler/core/transitions.h"

namespace millrace::scheduler {
namespace {

using enum TaskState;
using C = TaskChange;

// clang-format off
constexpr std::array<Transition, 21> kTransitions{{
    {kPending,    C::kReady,           kReady},
    {kPending,    C::kSkipped,         kSkipped},
    {kPending,    C::kCancelled,       kCancelled},
    {kPending,    C::kTaken,           kSucceeded},   // in the run that is done again
    {kReady,      C::kPlaced,          kRunning},
    {kReady,      C::kGaveUp,          kFailed},      // waited too long for room
    {kReady,      C::kCancelled,       kCancelled},
    {kRunning,    C::kSucceeded,       kSucceeded},
    {kRunning,    C::kStaged,          kReady},
    {kRunning,    C::kRetry,           kBackingOff},
    {kRunning,    C::kGaveUp,          kFailed},
    {kRunning,    C::kCancelRequested, kCancelling},
    {kCancelling, C::kSucceeded,       kSucceeded},   // it was done before it heard
    {kCancelling, C::kStaged,          kReady},       // likewise: what is staged is published
    {kCancelling, C::kCancelRequested, kCancelling},  // for a reason that overrules the first
    {kCancelling, C::kRetry,           kBackingOff},  // the attempt's time ran out
    {kCancelling, C::kGaveUp,          kFailed},      // likewise, or the task's own
    {kCancelling, C::kCancelled,       kCancelled},
    {kBackingOff, C::kReady,           kReady},
    {kBackingOff, C::kGaveUp,          kFailed},      // the task's own time ran out
    {kBackingOff, C::kCancelled,       kCancelled},
}};
// clang-format on

}  // namespace

std::span<const Transition> transitions() { return kTransitions; }

std::optional<TaskState> next_state(TaskState from, TaskChange change) {
  for (const Transition& row : kTransitions)
    if (row.from == from && row.change == change) return row.to;
  return std::nullopt;
}

std::string_view to_string(TaskChange change) {
  switch (change) {
    case C::kReady:
      return "Ready";
    case C::kPlaced:
      return "Placed";
    case C::kSucceeded:
      return "Succeeded";
    case C::kStaged:
      return "Staged";
    case C::kRetry:
      return "Retry";
    case C::kGaveUp:
      return "GaveUp";
    case C::kCancelRequested:
      return "CancelRequested";
    case C::kCancelled:
      return "Cancelled";
    case C::kSkipped:
      return "Skipped";
    case C::kTaken:
      return "Taken";
  }
  return "?";
}

}  // namespace millrace::scheduler
