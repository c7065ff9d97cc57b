#include "scheduler/core/transitions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace millrace::scheduler {
namespace {

constexpr TaskState kStates[] = {
    TaskState::kPending,    TaskState::kReady,      TaskState::kRunning,
    TaskState::kCancelling, TaskState::kBackingOff, TaskState::kSucceeded,
    TaskState::kFailed,     TaskState::kSkipped,    TaskState::kCancelled};
constexpr TaskChange kChanges[] = {
    TaskChange::kReady,   TaskChange::kPlaced, TaskChange::kSucceeded,       TaskChange::kStaged,
    TaskChange::kRetry,   TaskChange::kGaveUp, TaskChange::kCancelRequested, TaskChange::kCancelled,
    TaskChange::kSkipped, TaskChange::kTaken};

// A second opinion on the whole table, in another shape: what may happen to a task is said here
// once more, state by state, and whoever changes it has to mean it.
constexpr const char* kLegal = R"(
Pending: Ready -> Ready
Pending: Cancelled -> Cancelled
Pending: Skipped -> Skipped
Pending: Taken -> Succeeded
Ready: Placed -> Running
Ready: GaveUp -> Failed
Ready: Cancelled -> Cancelled
Running: Succeeded -> Succeeded
Running: Staged -> Ready
Running: Retry -> BackingOff
Running: GaveUp -> Failed
Running: CancelRequested -> Cancelling
Cancelling: Succeeded -> Succeeded
Cancelling: Staged -> Ready
Cancelling: Retry -> BackingOff
Cancelling: GaveUp -> Failed
Cancelling: CancelRequested -> Cancelling
Cancelling: Cancelled -> Cancelled
BackingOff: Ready -> Ready
BackingOff: GaveUp -> Failed
BackingOff: Cancelled -> Cancelled
)";

TEST(Transitions, exactly_these_are_legal) {
  std::string legal = "\n";
  for (const TaskState from : kStates)
    for (const TaskChange change : kChanges)
      if (const auto to = next_state(from, change))
        legal += std::string(to_string(from)) + ": " + std::string(to_string(change)) + " -> " +
                 std::string(to_string(*to)) + "\n";
  EXPECT_EQ(legal, kLegal);
  // next_state() is asked about each state and change above, so no row hides in others.
  EXPECT_EQ(transitions().size(), std::count(legal.begin(), legal.end(), '\n') - 1U);
}

TEST(Transitions, each_state_and_change_leads_to_one_place) {
  std::set<std::pair<TaskState, TaskChange>> seen;
  for (const Transition& row : transitions()) {
    EXPECT_TRUE(seen.insert({row.from, row.change}).second)
        << to_string(row.from) << " by " << to_string(row.change);
    EXPECT_EQ(next_state(row.from, row.change), row.to);
  }
}

TEST(Transitions, an_ended_task_never_goes_on) {
  for (const Transition& row : transitions())
    EXPECT_FALSE(is_terminal(row.from)) << to_string(row.from);
}

TEST(Transitions, only_placement_gives_a_lease) {
  for (const Transition& row : transitions()) {
    if (holds_lease(row.from)) continue;
    EXPECT_EQ(holds_lease(row.to), row.change == TaskChange::kPlaced) << to_string(row.from);
  }
}

TEST(Transitions, every_state_can_be_reached_and_left_for_an_end) {
  std::set<TaskState> reached{TaskState::kPending};
  for (std::size_t i = 0; i < transitions().size(); ++i)
    for (const Transition& row : transitions())
      if (reached.contains(row.from)) reached.insert(row.to);
  EXPECT_EQ(reached.size(), 9U);
  for (const TaskState start : reached) {
    std::set<TaskState> from_here{start};
    for (std::size_t i = 0; i < transitions().size(); ++i)
      for (const Transition& row : transitions())
        if (from_here.contains(row.from)) from_here.insert(row.to);
    bool ends = false;
    for (const TaskState state : from_here) ends = ends || is_terminal(state);
    EXPECT_TRUE(ends) << to_string(start);
  }
}

}  // namespace
}  // namespace millrace::scheduler
