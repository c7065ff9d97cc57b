#include "scheduler/core/transitions.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace::scheduler {
namespace {

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
