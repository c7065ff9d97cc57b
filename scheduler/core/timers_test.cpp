#include "scheduler/core/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "scheduler/core/apply.h"
#include "scheduler/core/testing/random_history.h"

namespace millrace::scheduler {
namespace {

constexpr Monotonic kEver(1'000'000'000);

std::vector<Timer> all_of(Timers& timers) {
  std::vector<Timer> taken;
  while (const auto timer = timers.take_due(kEver)) taken.push_back(*timer);
  return taken;
}

TEST(Timers, come_up_when_due_in_an_order_that_no_order_of_arming_changes) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    constexpr std::size_t kTimers = 200;
    std::vector<Timer> armed;
    armed.reserve(kTimers);
    while (armed.size() < kTimers)
      armed.push_back({Monotonic(static_cast<std::int64_t>(random() % 50)),
                       static_cast<TimerKind>(random() % 7), TaskIndex(0), random() % 3,
                       RunId(RawId{1, random() % 3})});
    Timers timers;
    for (const Timer& timer : armed) timers.arm(timer);
    const std::set<Timer> expected(armed.begin(), armed.end());  // armed twice is asked once
    EXPECT_EQ(all_of(timers), std::vector<Timer>(expected.begin(), expected.end()));
    std::shuffle(armed.begin(), armed.end(), random);
    for (const Timer& timer : armed) timers.arm(timer);
    EXPECT_EQ(all_of(timers), std::vector<Timer>(expected.begin(), expected.end()))
        << "seed " << seed;
  }
}

TEST(Timers, nothing_comes_up_before_it_is_due) {
  Timers timers;
  EXPECT_EQ(timers.next_due(), std::nullopt);
  timers.arm({Monotonic(20), TimerKind::kLease, {}, 1, {}});
  timers.arm({Monotonic(10), TimerKind::kLease, {}, 2, {}});
  EXPECT_EQ(timers.next_due(), Monotonic(10));
  EXPECT_EQ(timers.take_due(Monotonic(9)), std::nullopt);
  EXPECT_EQ(timers.take_due(Monotonic(10))->token, 2U);
  EXPECT_EQ(timers.take_due(Monotonic(19)), std::nullopt);
  EXPECT_EQ(timers.take_due(Monotonic(20))->token, 1U);
  EXPECT_EQ(timers.next_due(), std::nullopt);
}

// A run that lives on, so that its time limit is not moot.
State state_with_a_run(std::uint64_t seed) {
  State state;
  testing::RandomHistory history(seed);
  while (state.runs().empty() ||
         state.runs().begin()->second.header.desired == DesiredState::kCancelled)
    scheduler::apply(state, history.draw(state));
  return state;
}

TEST(Timers, what_became_moot_does_not_gather_and_nothing_else_is_dropped) {
  const State state = state_with_a_run(1);
  const RunId lives = state.runs().begin()->first;
  std::mt19937_64 random(3);
  Timers timers;
  std::set<Timer> live;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const Monotonic due(static_cast<std::int64_t>(random() % 1'000'000));
    if (i < 6'000) {
      live.insert({due, TimerKind::kRunTimeout, {}, i, lives});
      timers.arm({due, TimerKind::kRunTimeout, {}, i, lives});
    }
    timers.arm({due, TimerKind::kRunTimeout, {}, i, RunId(RawId{9, i})});
    timers.tidy(state);
    ASSERT_LE(timers.size(), std::max<std::size_t>(4'200, 3 * live.size())) << i;
  }
  std::vector<Timer> left = all_of(timers);
  EXPECT_TRUE(std::is_sorted(left.begin(), left.end()));
  std::erase_if(left, [&](const Timer& timer) { return timer.run != lives; });
  EXPECT_EQ(left, std::vector<Timer>(live.begin(), live.end()));
}

}  // namespace
}  // namespace millrace::scheduler
