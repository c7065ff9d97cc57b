#include "scheduler/simulation/transcript.h"

#include <gtest/gtest.h>

#include <sstream>

#include "scheduler/simulation/profiles.h"

namespace millrace::simulation {
namespace {

// A calm world with few and simple runs, of which a scenario can tell all that matters.
Options simple(std::uint64_t seed) {
  Options options = *profile("calm", seed);
  options.workers = 2;
  options.load.runs = 3;
  options.load.max_tasks = 4;
  options.load.over = seconds(2);
  options.load.task_time_max = seconds(3);
  options.load.task_fails = 0;
  options.load.long_tasks = false;
  options.load.steered = 0;
  options.load.rerun_within = seconds(3);
  options.transcript = true;
  return options;
}

TEST(Transcript, of_a_simple_course_can_be_pasted_as_a_test) {
  int told = 0;
  int reruns = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Outcome outcome = simulate(simple(seed));
    ASSERT_FALSE(outcome.violation) << *outcome.violation;
    const std::string wrong = scheduler::run_scenario(outcome.scenario, simulated_settings());
    if (!wrong.empty()) continue;
    ++told;
    if (outcome.scenario.find("rerun r") != std::string::npos) ++reruns;
  }
  EXPECT_GE(told, 20) << "of 40 seeds";
  EXPECT_GE(reruns, 3) << "of those told";
}

TEST(Transcript, goes_wrong_where_the_course_does) {
  std::string scenario;
  for (std::uint64_t seed = 1; scenario.empty(); ++seed) {
    scenario = simulate(simple(seed)).scenario;
    if (!scheduler::run_scenario(scenario, simulated_settings()).empty()) scenario.clear();
  }
  const auto at = scenario.rfind("finished ");
  ASSERT_NE(at, std::string::npos);
  scenario.replace(at, 9, "finisht ");
  EXPECT_NE(scheduler::run_scenario(scenario, simulated_settings()), "");
}

TEST(Transcript, tells_faults_too) {
  std::string told;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Options options = *profile("storm", seed);
    options.transcript = true;
    told += simulate(options).scenario;
  }
  for (const char* word :
       {"worker w1 cpu=", "submit r1 {t0", "new leader", " fails ", " back", "lease.expired"})
    EXPECT_NE(told.find(word), std::string::npos) << word;
}

TEST(Transcript, is_written_only_when_it_is_asked_for) {
  Options options = simple(1);
  options.transcript = false;
  EXPECT_EQ(simulate(options).scenario, "");
}

}  // namespace
}  // namespace millrace::simulation
