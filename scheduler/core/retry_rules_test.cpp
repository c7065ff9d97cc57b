#include "scheduler/core/retry_rules.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/overloaded.h"

namespace millrace::scheduler {
namespace {

constexpr WallTime kNow(1'700'000'000'000'000);

struct Case {
  ErrorClass error_class = ErrorClass::kTransient;
  std::string code = "x";
  int exit_code = 0;
  std::uint32_t failures = 0;  // before this one
  std::uint16_t crashes = 0;   // likewise
  Phase phase = Phase::kExecute;
  std::vector<RetryRow> task_rows = {};
  std::vector<RetryRow> run_rows = {};
};

RetryDecision decide(const Case& c, TaskRef ref = {RunId(RawId{1, 2}), TaskIndex(3)}) {
  const Failure failure{c.error_class, c.code, "", c.exit_code};
  Task task;
  task.state = TaskState::kRunning;
  task.phase = c.phase;
  task.failures = c.failures;
  task.crashes = c.crashes;
  TaskSpec task_spec;
  task_spec.on_error = c.task_rows;
  WorkflowSpec spec;
  spec.on_error = c.run_rows;
  return retry_decision({failure, task, ref, task_spec, spec}, kNow, Settings());
}

// "retry.crashed elsewhere", "gave up retry.exhausted", with ", the run too" at its end.
std::string text(const RetryDecision& decision) {
  const std::string next = std::visit(
      Overloaded{
          [](const events::Retry& r) { return r.reason + (r.elsewhere ? " elsewhere" : ""); },
          [](const events::GiveUp& g) { return "gave up " + g.reason; },
          [](const events::Cancelled&) { return std::string("cancelled"); }},
      decision.next);
  return next + (decision.fail_run ? ", the run too" : "");
}

using enum ErrorClass;

TEST(RetryRules, every_rule_of_the_house_is_reached_and_bounded) {
  const Phase publish = Phase::kPublish;
  const std::vector<std::pair<Case, std::string>> rows{
      {{kTransient, "destination.away", 0, 0, 0, publish}, "retry.publication"},
      {{kInfrastructure, "lease.expired", 0, 999, 0, publish}, "retry.publication"},
      {{kInfrastructure, "runner.crashed", 0, 9, 1, publish}, "retry.publication"},
      {{kInfrastructure, "runner.crashed", 0, 9, 2, publish}, "gave up retry.quarantined"},
      {{kUser, "folder.missing", 0, 0, 0, publish}, "gave up retry.never"},
      {{kPolicy, "forbidden", 0, 0, 0, publish}, "gave up retry.never"},
      {{kInfrastructure, "runner.crashed"}, "retry.crashed elsewhere"},
      {{kInfrastructure, "runner.crashed", 0, 1, 1}, "retry.crashed elsewhere"},
      {{kInfrastructure, "runner.crashed", 0, 2, 2}, "gave up retry.quarantined"},
      {{kTransient, "dataset.conflict"}, "retry.conflict"},
      {{kTransient, "dataset.conflict", 0, 18}, "retry.conflict"},
      {{kTransient, "dataset.conflict", 0, 19}, "gave up retry.exhausted"},
      {{kInfrastructure, "lease.expired"}, "retry.infrastructure elsewhere"},
      {{kInfrastructure, "lease.expired", 0, 8}, "retry.infrastructure elsewhere"},
      {{kInfrastructure, "lease.expired", 0, 9}, "gave up retry.exhausted"},
      {{kTransient, "net.reset", 0, 3}, "retry.transient"},
      {{kTransient, "net.reset", 0, 4}, "gave up retry.exhausted"},
      {{kResource, "disk.full", 0, 8}, "retry.disk_full elsewhere"},
      {{kResource, "disk.full", 0, 9}, "gave up retry.exhausted"},
      {{kResource, "memory.out", 0, 1}, "retry.resource elsewhere"},
      {{kResource, "memory.out", 0, 2}, "gave up retry.exhausted"},
      {{kUser, "data.bad"}, "gave up retry.never"},
      {{kPolicy, "forbidden"}, "gave up retry.never"},
  };
  std::set<std::string> reached;
  for (const auto& [c, expected] : rows) {
    const std::string came = text(decide(c));
    EXPECT_EQ(came, expected) << to_string(c.error_class) << " " << c.code << " after "
                              << c.failures << " failures";
    for (const std::string_view word : {"gave up ", " elsewhere"})
      if (const auto at = expected.find(word); at != std::string::npos)
        reached.insert(expected.substr(0, at) + expected.substr(at + word.size()));
    reached.insert(expected);
  }
  for (const HouseRule& rule : house_rules())
    EXPECT_TRUE(reached.contains(std::string(rule.code))) << rule.code << " is in no row above";
}

RetryRow row(RetryRow::Action action, std::uint32_t max_attempts = 3) {
  RetryRow row;
  row.action = action;
  row.max_attempts = max_attempts;
  return row;
}

TEST(RetryRules, the_documents_rows_come_first_and_the_tasks_before_the_runs) {
  using enum RetryRow::Action;
  RetryRow on_exit_7 = row(kFailRun);
  on_exit_7.exit_codes = {7, 8};
  RetryRow on_reset = row(kRetry, 9);
  on_reset.codes = {"net.reset"};
  on_reset.elsewhere = true;
  RetryRow on_user = row(kRetry, 2);
  on_user.classes = {kUser};
  RetryRow all_three = row(kFailTask);
  all_three.classes = {kTransient};
  all_three.codes = {"net.reset"};
  all_three.exit_codes = {7};

  const std::vector<std::pair<Case, std::string>> rows{
      {{.task_rows = {row(kRetry)}}, "retry.document"},
      {{.failures = 1, .task_rows = {row(kRetry)}}, "retry.document"},
      {{.failures = 2, .task_rows = {row(kRetry)}}, "gave up retry.exhausted"},
      {{.task_rows = {row(kRetry, 1)}}, "gave up retry.exhausted"},
      {{.task_rows = {row(kFailTask)}}, "gave up retry.document"},
      {{.task_rows = {row(kFailRun)}}, "gave up retry.document, the run too"},
      // The house would not.
      {{.error_class = kUser, .task_rows = {on_user}}, "retry.document"},
      // First match wins, in order; what matches none goes to the house.
      {{.code = "net.reset", .task_rows = {on_reset, row(kFailTask)}}, "retry.document elsewhere"},
      {{.code = "x", .task_rows = {on_reset, row(kFailTask)}}, "gave up retry.document"},
      {{.code = "x", .task_rows = {on_reset}}, "retry.transient"},
      {{.exit_code = 8, .task_rows = {on_exit_7}}, "gave up retry.document, the run too"},
      {{.exit_code = 9, .task_rows = {on_exit_7}}, "retry.transient"},
      // All that a row names must hold.
      {{.code = "net.reset", .exit_code = 7, .task_rows = {all_three}}, "gave up retry.document"},
      {{.code = "net.reset", .exit_code = 6, .task_rows = {all_three}}, "retry.transient"},
      {{.error_class = kResource, .code = "net.reset", .exit_code = 7, .task_rows = {all_three}},
       "retry.resource elsewhere"},
      // The task's, then the run's.
      {{.task_rows = {row(kFailTask)}, .run_rows = {row(kRetry)}}, "gave up retry.document"},
      {{.task_rows = {on_exit_7}, .run_rows = {row(kFailTask)}}, "gave up retry.document"},
      // What no document may say: a poison task for ever, a staged effect given up.
      {{.error_class = kInfrastructure,
        .code = "runner.crashed",
        .failures = 2,
        .crashes = 2,
        .task_rows = {row(kRetry, 99)}},
       "gave up retry.quarantined"},
      {{.phase = Phase::kPublish, .task_rows = {row(kFailTask)}}, "retry.publication"},
  };
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(text(decide(rows[i].first)), rows[i].second) << "row " << i;
}

TEST(RetryRules, a_documents_backoff_is_kept) {
  RetryRow slow = row(RetryRow::Action::kRetry, 99);
  slow.backoff_initial = seconds(10);
  slow.backoff_max = seconds(15);
  for (const std::uint32_t failures : {0U, 1U, 50U}) {
    const RetryDecision decision = decide({.failures = failures, .task_rows = {slow}});
    const Micros wait = std::get<events::Retry>(decision.next).at - kNow;
    const Micros whole = failures == 0 ? seconds(10) : seconds(15);
    EXPECT_GE(wait, Micros(whole.value() / 2)) << failures;
    EXPECT_LE(wait, whole) << failures;
  }
}

TEST(Backoff, doubles_up_to_its_limit_and_keeps_between_half_and_whole) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    std::mt19937_64 random(seed);
    const Micros initial(static_cast<std::int64_t>(random() % 10'000'000));
    const Micros max = initial + Micros(static_cast<std::int64_t>(random() % 600'000'000));
    const TaskRef ref{RunId(RawId{random(), random()}),
                      TaskIndex(static_cast<std::uint32_t>(random() % 10'000))};
    std::int64_t whole = initial.value();
    for (std::uint32_t failures = 0; failures < 70; ++failures) {
      const Micros wait = backoff(initial, max, failures, ref);
      ASSERT_GE(wait.value(), whole / 2) << "seed " << seed << " failures " << failures;
      ASSERT_LE(wait.value(), whole) << "seed " << seed << " failures " << failures;
      ASSERT_EQ(wait, backoff(initial, max, failures, ref)) << "it is a function of its arguments";
      whole = std::min(whole * 2, max.value());
    }
  }
}

TEST(Backoff, tasks_that_failed_together_come_back_evenly_spread) {
  constexpr int kTasks = 10'000;
  constexpr int kBins = 10;
  std::mt19937_64 random(7);
  const RunId run(RawId{random(), random()});
  for (const std::uint32_t failures : {0U, 3U}) {
    std::vector<int> bins(kBins);
    for (std::uint32_t task = 0; task < kTasks; ++task) {
      const Micros wait = backoff(seconds(1), seconds(1), failures, {run, TaskIndex(task)});
      const std::int64_t place = (wait.value() - 500'000) * kBins / 500'000;
      ++bins[static_cast<std::size_t>(std::min<std::int64_t>(place, kBins - 1))];
    }
    // 1,000 each, of which the standard deviation is 30.
    for (const int count : bins) {
      EXPECT_GT(count, 850) << "failures " << failures;
      EXPECT_LT(count, 1150) << "failures " << failures;
    }
  }
}

}  // namespace
}  // namespace millrace::scheduler
