#include "scheduler/simulation/world.h"

#include <gtest/gtest.h>

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

TEST(Simulation, the_same_seed_gives_the_same_trace) {
  const Outcome first = simulate(options(7));
  const Outcome second = simulate(options(7));
  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_EQ(first.events, second.events);
  EXPECT_NE(first.trace_hash, simulate(options(8)).trace_hash);
}

TEST(Simulation, under_faults_nothing_is_lost_or_doubled_and_everything_ends) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome outcome = simulate(options(seed));
    ASSERT_FALSE(outcome.violation) << text(outcome, seed);
  }
}

}  // namespace
}  // namespace millrace::simulation
