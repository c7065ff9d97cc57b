#include "cli/run_view.h"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::cli {
namespace {
constexpr std::array<std::pair<TaskPhase, std::string_view>, 9> kNames{{
    {TaskPhase::kPending, "Pending"},
    {TaskPhase::kReady, "Ready"},
    {TaskPhase::kRunning, "Running"},
    {TaskPhase::kCancelling, "Cancelling"},
    {TaskPhase::kBackingOff, "BackingOff"},
    {TaskPhase::kSucceeded, "Succeeded"},
    {TaskPhase::kFailed, "Failed"},
    {TaskPhase::kSkipped, "Skipped"},
    {TaskPhase::kCancelled, "Cancelled"},
}};
}  // namespace

int RunView::done() const {
  return static_cast<int>(
      std::ranges::count_if(tasks, [](const TaskView& task) { return has_ended(task.phase); }));
}

std::string_view to_string(TaskPhase phase) {
  for (const auto& [value, name] : kNames)
    if (value == phase) return name;
  return "Pending";
}

TaskPhase parse_phase(std::string_view text) {
  for (const auto& [value, name] : kNames)
    if (name == text) return value;
  return TaskPhase::kPending;
}

}  // namespace millrace::cli
