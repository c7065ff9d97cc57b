#include "scheduler/simulation/world.h"

#include <gtest/gtest.h>

#include "scheduler/simulation/profiles.h"

namespace millrace::simulation {
namespace {

Options options(std::uint64_t seed) {
  Options options;
  options.seed = seed;
  options.settings = simulated_settings();
  return options;
}

std::string text(const Outcome& outcome, std::uint64_t seed) {
  std::string all = "seed " + std::to_string(seed) + ": " + outcome.violation.value_or("") + "\n";
  for (const std::string& line : outcome.tail) all += "  " + line + "\n";
  return all;
}

TEST(Simulation, without_faults_everything_ends) {
  Options calm = options(1);
  calm.faults = Faults::none();
  const Outcome outcome = simulate(calm);
  EXPECT_FALSE(outcome.violation) << text(outcome, 1);
  const auto happened = [&](const char* what) {
    const auto it = outcome.happened.find(what);
    return it == outcome.happened.end() ? 0U : it->second;
  };
  const std::uint64_t reruns = happened("created again") + happened("created again, taking over");
  EXPECT_EQ(outcome.runs, calm.load.runs + reruns);
}

TEST(Simulation, runs_are_done_again_and_take_over_what_succeeded) {
  std::uint64_t taking_over = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome outcome = simulate(options(seed));
    const auto it = outcome.happened.find("created again, taking over");
    if (it != outcome.happened.end()) taking_over += it->second;
  }
  EXPECT_GT(taking_over, 10U);
}

// `simulate --profile day --twice` of tests/simulation does the same with a whole day.
TEST(Simulation, the_same_seed_gives_the_same_trace_in_every_profile) {
  for (const char* name : {"calm", "faults", "storm", "split"}) {
    SCOPED_TRACE(name);
    const Outcome first = simulate(*profile(name, 7));
    const Outcome second = simulate(*profile(name, 7));
    EXPECT_EQ(first.trace_hash, second.trace_hash);
    EXPECT_EQ(first.events, second.events);
    EXPECT_NE(first.trace_hash, simulate(*profile(name, 8)).trace_hash);
  }
}

TEST(Simulation, the_day_is_24_hours_of_2000_runs_of_30_tasks_and_more_under_all_faults) {
  const Options day = *profile("day", 1);
  EXPECT_GE(day.load.over, seconds(24 * 3600));
  EXPECT_GE(day.load.runs, 2000U);
  EXPECT_GE(day.load.min_tasks, 30U);
  for (const FaultKind& kind : fault_kinds()) EXPECT_TRUE(kind.is_set(day.faults)) << kind.name;
}

TEST(Simulation, under_faults_nothing_is_lost_or_doubled_and_everything_ends) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome outcome = simulate(options(seed));
    ASSERT_FALSE(outcome.violation) << text(outcome, seed);
  }
}

}  // namespace
}  // namespace millrace::simulation
