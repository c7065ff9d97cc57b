#include "scheduler/core/sweep.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "scheduler/core/apply.h"
#include "scheduler/core/draft.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/testing/random_history.h"

namespace millrace::scheduler {
namespace {

using testing::RandomHistory;

const NamespacedName kOrders{"team", "orders"};
constexpr Micros kHour = seconds(3600);
constexpr Now kNow{WallTime(1'700'000'000'000'000), Monotonic(50'000'000)};

SnapshotId snapshot(std::uint64_t number) { return SnapshotId(RawId{7, number}); }
WallTime ago(Micros age) { return kNow.wall + (Micros(0) - age); }

SweepSnapshots ask(std::vector<ReplacedSnapshot> snapshots) {
  return {RequestId(1), {{kOrders, std::move(snapshots)}}};
}

// What expires when the sweeper asks about these.
std::vector<SnapshotId> expired(const State& state, const SweepSnapshots& asked,
                                const Settings& settings) {
  const std::vector<Input> inputs{asked};
  const Planned planned = plan(state, Liveness(), inputs, kNow, settings);
  EXPECT_EQ(planned.replies.size(), 1U);
  std::vector<SnapshotId> all;
  for (const Event& event : planned.events)
    if (const auto* e = std::get_if<events::SnapshotsExpired>(&event))
      all.insert(all.end(), e->snapshots.begin(), e->snapshots.end());
  return all;
}

class Sweep : public ::testing::Test {
 protected:
  Sweep() {
    settings_.snapshot_retention = kHour;
    state_.put_head(kOrders, {snapshot(9), {}});
  }

  // A run whose one task reads the dataset.
  RunHeader run_with(std::vector<events::Pin> pins) const {
    auto spec = std::make_shared<WorkflowSpec>();
    spec->tasks.resize(1);
    spec->tasks[0].name = "a";
    EXPECT_TRUE(spec->finish().ok());
    RunHeader run;
    run.id = RunId(RawId{2, 1});
    run.ns = "team";
    run.name = "r";
    run.spec = spec;
    run.pins = std::move(pins);
    return run;
  }

  Settings settings_;
  State state_;
};

TEST_F(Sweep, a_snapshot_expires_when_it_was_replaced_long_enough_ago) {
  EXPECT_EQ(expired(state_,
                    ask({{snapshot(1), ago(kHour * 3), 3},
                         {snapshot(2), ago(kHour), 2},
                         {snapshot(3), ago(kHour + Micros(-1)), 1}}),
                    settings_),
            (std::vector<SnapshotId>{snapshot(1), snapshot(2)}));
}

TEST_F(Sweep, the_newest_ones_stay_however_old) {
  settings_.snapshots_kept = 3;
  EXPECT_EQ(expired(state_,
                    ask({{snapshot(1), ago(kHour * 9), 3},
                         {snapshot(2), ago(kHour * 8), 2},
                         {snapshot(3), ago(kHour * 7), 1}}),
                    settings_),
            std::vector<SnapshotId>{snapshot(1)});
}

TEST_F(Sweep, a_dataset_has_a_retention_of_its_own) {
  const SweepSnapshots asked = ask({{snapshot(1), ago(kHour * 3), 3}});
  settings_.dataset_retention[kOrders] = kHour * 4;
  EXPECT_TRUE(expired(state_, asked, settings_).empty());
  settings_.dataset_retention = {{{"team", "other"}, kHour * 4}};
  EXPECT_EQ(expired(state_, asked, settings_).size(), 1U);
}

TEST_F(Sweep, the_head_stays_whatever_the_sweeper_says_of_it) {
  EXPECT_TRUE(expired(state_, ask({{snapshot(9), ago(kHour * 3), 5}}), settings_).empty());
}

TEST_F(Sweep, of_a_dataset_that_the_state_does_not_know_nothing_expires) {
  EXPECT_TRUE(expired(State(), ask({{snapshot(1), ago(kHour * 3), 5}}), settings_).empty());
}

TEST_F(Sweep, what_a_live_run_has_pinned_stays) {
  const SweepSnapshots asked = ask({{snapshot(1), ago(kHour * 3), 5},
                                    {snapshot(2), ago(kHour * 3), 4},
                                    {snapshot(3), ago(kHour * 3), 3},
                                    {snapshot(4), ago(kHour * 3), 2}});
  RunHeader run = run_with({{"orders", snapshot(1)}});
  run.task_pins[TaskIndex(0)] = {{{"orders", snapshot(2)}}, {{"orders", snapshot(3)}}};
  state_.put_run(std::move(run), std::vector<Task>(1));
  EXPECT_EQ(expired(state_, asked, settings_), std::vector<SnapshotId>{snapshot(4)});
}

TEST_F(Sweep, what_a_run_had_pinned_is_held_as_long_after_its_end) {
  const SweepSnapshots asked = ask({{snapshot(1), ago(kHour * 3), 5}});
  state_.put_hold(RunId(RawId{2, 1}), {ago(kHour * 2), {snapshot(1)}});
  state_.put_hold(RunId(RawId{2, 2}), {ago(kHour + Micros(-1)), {snapshot(1)}});
  EXPECT_TRUE(expired(state_, asked, settings_).empty()) << "the second ended within the hour";
  state_.put_hold(RunId(RawId{2, 2}), {ago(kHour), {snapshot(1)}});
  EXPECT_EQ(expired(state_, asked, settings_).size(), 1U);
  // The retention of the dataset decides, not that of another.
  settings_.dataset_retention[{"team", "other"}] = kHour * 5;
  EXPECT_EQ(expired(state_, asked, settings_).size(), 1U);
  settings_.dataset_retention[kOrders] = kHour * 2;
  EXPECT_TRUE(expired(state_, asked, settings_).empty());
}

TEST_F(Sweep, what_a_run_read_and_wrote_is_held_from_its_end_on) {
  for (const RunOutcome outcome : {RunOutcome::kFailed, RunOutcome::kCancelled,
                                   RunOutcome::kTimedOut, RunOutcome::kSucceeded}) {
    State state = state_;
    Task task;
    task.state = TaskState::kFailed;
    RunHeader run = run_with({{"orders", snapshot(3)}, {"nothing yet", SnapshotId()}});
    run.outgrown = {snapshot(4), snapshot(1)};
    state.put_run(std::move(run), {task});
    apply(state, events::RunFinished{RunId(RawId{2, 1}), outcome, "", kNow.wall});
    ASSERT_EQ(state.holds().size(), 1U) << to_string(outcome);
    EXPECT_EQ(state.holds().begin()->second,
              (Hold{kNow.wall, {snapshot(1), snapshot(3), snapshot(4)}}));
  }
}

TEST_F(Sweep, what_a_run_began_with_is_kept_when_it_has_written_the_dataset_itself) {
  auto spec = std::make_shared<WorkflowSpec>();
  spec->tasks.resize(1);
  spec->tasks[0].name = "a";
  spec->tasks[0].writes = {{"orders", WriteMode::kOverwrite, OnConflict::kRetry}};
  ASSERT_TRUE(spec->finish().ok());
  RunHeader run = run_with({{"orders", snapshot(9)}});
  run.spec = spec;
  Task task;
  task.state = TaskState::kRunning;
  task.attempt = AttemptNumber(1);
  task.epoch = Epoch(5);
  state_.put_run(run, {task});
  events::AttemptSucceeded done{
      {run.id, TaskIndex(0), AttemptNumber(1), Epoch(5)}, {}, {}, {}, 0, {}, kNow.wall};
  done.snapshots.push_back({"orders", snapshot(10), snapshot(9), WriteMode::kOverwrite, 0, {}, 1});
  apply(state_, done);
  EXPECT_EQ(state_.run(run.id)->outgrown, std::vector<SnapshotId>{snapshot(9)});
  EXPECT_TRUE(expired(state_, ask({{snapshot(9), ago(kHour * 3), 1}}), settings_).empty());
}

TEST_F(Sweep, for_the_latest_runs_alone_something_is_held_when_there_are_too_many) {
  State state;
  for (std::uint64_t i = 0; i < State::kMostHolds + 5; ++i)
    state.put_hold(RunId(RawId{2, i}), {WallTime(static_cast<std::int64_t>(i)), {snapshot(1)}});
  EXPECT_EQ(state.holds().size(), State::kMostHolds);
  EXPECT_EQ(state.oldest_hold(), WallTime(5));
}

TEST_F(Sweep, a_run_that_pins_in_the_very_batch_is_in_time) {
  // Whichever of the two inputs comes first.
  auto spec = std::make_shared<WorkflowSpec>();
  spec->tasks.resize(1);
  spec->tasks[0].name = "a";
  spec->tasks[0].reads = {"orders"};
  ASSERT_TRUE(spec->finish().ok());
  SubmitRun submit;
  submit.run = RunId(RawId{2, 3});
  submit.ns = "team";
  submit.workflow = "w";
  submit.spec = spec;
  const SweepSnapshots asked = ask({{snapshot(9), ago(kHour * 3), 1}});
  for (const std::vector<Input>& inputs : {std::vector<Input>{submit, asked}, {asked, submit}}) {
    const Planned planned = plan(state_, Liveness(), inputs, kNow, settings_);
    for (const Event& event : planned.events)
      EXPECT_FALSE(std::holds_alternative<events::SnapshotsExpired>(event));
  }
}

// Any state that a log can give, asked about every snapshot that there ever was, the newest ones
// too, all of them long replaced: none of those that expire is a head, pinned or held.
TEST(SweepProperty, what_is_needed_never_expires) {
  Settings settings;
  settings.snapshot_retention = seconds(60);
  std::size_t gone = 0;
  std::size_t spared = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    RandomHistory history(seed);
    State state;
    std::map<NamespacedName, std::set<SnapshotId>> all;
    WallTime latest;
    for (std::uint64_t step = 0; step < 60 + seed * 4; ++step) {
      const Event event = history.draw(state);
      if (const auto* e = std::get_if<events::AttemptSucceeded>(&event)) {
        latest = e->at;
        for (const events::SnapshotCommitted& committed : e->snapshots)
          all[{state.run(e->attempt.run)->ns, committed.dataset}].insert(committed.snapshot);
      }
      apply(state, event);
    }
    SweepSnapshots asked;
    for (const auto& [dataset, snapshots] : all) {
      auto& of = asked.datasets.emplace_back(SweepSnapshots::OfDataset{dataset, {}});
      for (const SnapshotId& each : snapshots)
        of.snapshots.push_back({each, latest + seconds(-1000), 5});
    }
    const std::vector<Input> inputs{asked};
    const Planned planned = plan(state, Liveness(), inputs, {latest, Monotonic(0)}, settings);
    std::set<SnapshotId> expired;
    for (const Event& event : planned.events) {
      apply(state, event);
      if (const auto* e = std::get_if<events::SnapshotsExpired>(&event)) {
        for (const SnapshotId& each : e->snapshots)
          EXPECT_TRUE(expired.insert(each).second) << "twice, seed " << seed;
      }
    }
    std::set<SnapshotId> needed;
    for (const auto& [dataset, head] : state.heads()) needed.insert(head.snapshot);
    const auto need = [&needed](const std::vector<events::Pin>& pins) {
      for (const events::Pin& pin : pins) needed.insert(pin.snapshot);
    };
    for (const auto& [id, run] : state.runs()) {
      need(run.header.pins);
      needed.insert(run.header.outgrown.begin(), run.header.outgrown.end());
      for (const auto& [task, pins] : run.header.task_pins) {
        need(pins.inputs);
        need(pins.bases);
      }
    }
    for (const auto& [run, hold] : state.holds())
      needed.insert(hold.snapshots.begin(), hold.snapshots.end());
    for (const auto& [dataset, snapshots] : all) {
      for (const SnapshotId& each : snapshots) {
        EXPECT_NE(needed.contains(each), expired.contains(each)) << "seed " << seed;
        ++(expired.contains(each) ? gone : spared);
      }
    }
  }
  EXPECT_GT(gone, 500U);
  EXPECT_GT(spared, 500U);
}

TEST(SweepProperty, an_attempt_is_over_when_it_was_placed_and_holds_no_lease) {
  std::size_t over = 0;
  std::size_t held = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    RandomHistory history(seed);
    State state;
    std::map<AttemptPrefix, bool> holds;  // by what the log says of each
    for (std::uint64_t step = 0; step < 400; ++step) {
      const Event event = history.draw(state);
      if (const auto* e = std::get_if<events::AttemptPlaced>(&event))
        holds[{"default", e->attempt.run, e->attempt.task, e->attempt.epoch}] = true;
      if (const auto* e = std::get_if<events::AttemptSucceeded>(&event))
        holds[{"default", e->attempt.run, e->attempt.task, e->attempt.epoch}] = false;
      if (const auto* e = std::get_if<events::AttemptFailed>(&event))
        holds[{"default", e->attempt.run, e->attempt.task, e->attempt.epoch}] = false;
      apply(state, event);
    }
    for (const auto& [prefix, is_held] : holds) {
      EXPECT_EQ(fate_of(state, prefix).over, !is_held) << prefix.path();
      EXPECT_EQ(fate_of(state, prefix).run_over, state.run(prefix.run) == nullptr);
      ++(is_held ? held : over);
    }
    const AttemptPrefix later{"default", RunId(RawId{5, seed}), TaskIndex(0), state.next_epoch()};
    EXPECT_FALSE(fate_of(state, later).over) << "another leader may have placed it";
    EXPECT_FALSE(fate_of(state, later).run_over);
  }
  EXPECT_GT(over, 1000U);
  EXPECT_GT(held, 50U);
}

TEST(GracePeriods, begin_once_and_are_bounded) {
  GracePeriods<int> periods(2);
  periods.found_free(1, Monotonic(0));
  periods.found_free(1, Monotonic(900));
  periods.found_free(2, Monotonic(500));
  periods.found_free(3, Monotonic(500));
  EXPECT_EQ(periods.size(), 2U);
  EXPECT_TRUE(periods.over(Monotonic(999), Micros(1000), 9).empty());
  EXPECT_EQ(periods.over(Monotonic(1000), Micros(1000), 9), std::vector<int>{1});
  EXPECT_EQ(periods.over(Monotonic(1500), Micros(1000), 1), std::vector<int>{1});
  periods.forget(1);
  EXPECT_EQ(periods.over(Monotonic(1500), Micros(1000), 9), std::vector<int>{2});
  periods.clear();
  EXPECT_EQ(periods.size(), 0U);
}

}  // namespace
}  // namespace millrace::scheduler
