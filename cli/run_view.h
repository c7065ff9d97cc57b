// RunView: a run as a person watches it. Made from what REST answers and kept up to date by its
// events; all that the screen shows is computed from it. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace millrace::cli {

enum class TaskPhase {
  kPending,
  kReady,
  kRunning,
  kCancelling,
  kBackingOff,
  kSucceeded,
  kFailed,
  kSkipped,
  kCancelled,
};

struct TaskView {
  std::string name;
  std::string kind;
  std::vector<std::string> needs;  // names of tasks that must end before
  TaskPhase phase = TaskPhase::kPending;
  bool publishing = false;  // puts in place what a finished attempt staged
  int attempt = 0;
  double fraction = -1;  // of the running attempt, 0 to 1; negative: not known
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  WallTime started;  // of the latest attempt; 0: none
  WallTime ended;    // 0: it has not
  WallTime retry_at;
  std::string message;  // "336,776 rows", or why it failed, waits or was skipped
  friend bool operator==(const TaskView&, const TaskView&) = default;
};

struct RunView {
  std::string name;
  std::string workflow;
  std::string phase;  // Pending, Running, Waiting, Paused, Cancelling, Succeeded, Failed,
                      // Cancelled, TimedOut
  std::string message;
  WallTime created;
  WallTime finished;            // 0: it has not ended
  std::vector<TaskView> tasks;  // in the order of the workflow

  bool ended() const { return finished.value() != 0; }
  int done() const;  // tasks that have ended
  friend bool operator==(const RunView&, const RunView&) = default;
};

constexpr bool has_ended(TaskPhase phase) { return phase >= TaskPhase::kSucceeded; }
std::string_view to_string(TaskPhase phase);
// kPending for a word that is none: a newer scheduler's states are shown as not begun.
TaskPhase parse_phase(std::string_view text);

}  // namespace millrace::cli
