// Reruns: what is taken over and what runs again, as a table and as scenarios; and, of random
// graphs, what must hold whatever was asked.
#include "scheduler/core/rerun.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "scheduler/core/apply.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/state.h"
#include "scheduler/core/testing/expect_scenario.h"

namespace millrace::scheduler {
namespace {

TEST(Reruns, what_failed_and_what_was_skipped_runs_again) {
  expect_scenario(R"(
    0s  worker w1 cpu=4000
    0s  submit r1 {a; b: a; c: b; d}
    1s  w1 ok d#1                     -> ok d#1
    1s  w1 ok a#1                     -> ok a#1, ready b, b#1 on w1
    2s  w1 fails b#1 User data.bad    -> failed b#1 data.bad gave up retry.never, skipped c, finished r1 Failed
    3s  rerun r2 of r1                -> created r2 with r2/a r2/d, ready r2/b, r2/b#1 on w1
    4s  w1 ok r2/b#1                  -> ok r2/b#1, ready r2/c, r2/c#1 on w1
    5s  w1 ok r2/c#1                  -> ok r2/c#1, finished r2 Succeeded
  )");
}

TEST(Reruns, a_named_task_runs_again_with_all_downstream) {
  expect_scenario(R"(
    0s  worker w1 cpu=4000
    0s  submit r1 {a; b: a; c: b; d}
    1s  w1 ok a#1, w1 ok d#1
    2s  w1 ok b#1
    3s  w1 ok c#1                -> ok c#1, finished r1 Succeeded
    4s  rerun r2 of r1           -> count rerun.nothing
    5s  rerun r3 of r1 again=b   -> created r3 with r3/a r3/d, ready r3/b, r3/b#1 on w1
    6s  rerun r4 of r1 changed=d -> created r4 with r4/a r4/b r4/c, ready r4/d, r4/d#1 on w1
  )");
}

TEST(Reruns, a_run_that_has_not_ended_is_not_run_again) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a; b: a}
    1s  rerun r2 of r1           -> count run.not_ended
    2s  w1 ok a#1
    3s  w1 ok b#1                -> ok b#1, finished r1 Succeeded
  )");
}

TEST(Reruns, a_cancelled_run_goes_on_where_it_was) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a; b: a; c: b}
    1s  w1 ok a#1                        -> ok a#1, ready b, b#1 on w1
    2s  cancel r1                        -> desired r1 Cancelled, cancelling b, cancelled c
    3s  w1 fails b#1 User cancelled      -> failed b#1 cancelled cancelled, finished r1 Cancelled
    4s  rerun r2 of r1                   -> created r2 with r2/a, ready r2/b, r2/b#1 on w1
  )");
}

TEST(Reruns, a_rerun_reads_what_its_origin_read) {
  auto spec = std::make_shared<WorkflowSpec>();
  spec->tasks.resize(2);
  spec->tasks[0].reads = {"d"};
  spec->tasks[1].reads = {"e"};
  spec->tasks[1].needs = {TaskIndex(0)};
  ASSERT_TRUE(spec->finish().ok());
  const auto snapshot = [](std::uint64_t n) { return SnapshotId(RawId{4, n}); };
  State state;  // both were replaced since
  state.put_head({"default", "d"}, {snapshot(10), {}});
  state.put_head({"default", "e"}, {snapshot(20), {}});
  const RunId origin(RawId{1, 1});
  state.put_hold(origin, {WallTime(), {snapshot(1), snapshot(2)}});
  Rerun rerun{origin,
              "r1",
              {{TaskState::kSucceeded, origin, {}}, {TaskState::kFailed, RunId(), {}}},
              {{"d", snapshot(1)}, {"e", snapshot(2)}},
              {},
              {}};
  SubmitRun submit;
  submit.request = RequestId(1);
  submit.run = RunId(RawId{1, 2});
  submit.ns = "default";
  submit.workflow = "flow";
  submit.spec = spec;
  submit.rerun = std::make_shared<const Rerun>(rerun);
  const auto planned = [&](const SubmitRun& input) {
    return plan(state, Liveness(), std::vector<Input>{input}, Now{}, Settings());
  };
  const Planned created = planned(submit);
  ASSERT_EQ(created.events.size(), 2U);  // created, ready
  EXPECT_EQ(std::get<events::RunCreated>(created.events[0]).pins, rerun.pins);

  rerun.pins.pop_back();
  submit.rerun = std::make_shared<const Rerun>(rerun);
  const Planned refused = planned(submit);
  EXPECT_TRUE(refused.events.empty());
  ASSERT_EQ(refused.replies.size(), 1U);
  EXPECT_EQ(refused.replies[0].body.error().code, "rerun.not_kept");
}

// The caller looked before the sweeper was asked: what may have expired in between is not read.
TEST(Reruns, of_what_may_have_expired_there_is_none) {
  auto spec = std::make_shared<WorkflowSpec>();
  spec->tasks.resize(1);
  spec->tasks[0].reads = {"d"};
  ASSERT_TRUE(spec->finish().ok());
  const SnapshotId read(RawId{4, 1});
  const RunId origin(RawId{1, 1});
  SubmitRun submit;
  submit.request = RequestId(1);
  submit.run = RunId(RawId{1, 2});
  submit.ns = "default";
  submit.workflow = "flow";
  submit.spec = spec;
  submit.rerun = std::make_shared<const Rerun>(
      Rerun{origin, "r1", {{TaskState::kFailed, RunId(), {}}}, {{"d", read}}, {}, {}});
  Settings settings;
  settings.snapshot_retention = seconds(3600);
  const Now now{WallTime(seconds(9'000).value()), Monotonic()};
  const auto code_of = [&](const State& state) -> std::string {
    const Planned planned = plan(state, Liveness(), std::vector<Input>{submit}, now, settings);
    return planned.replies.at(0).body.ok() ? "" : planned.replies[0].body.error().code;
  };
  State replaced;
  replaced.put_head({"default", "d"}, {SnapshotId(RawId{4, 9}), {}});
  EXPECT_EQ(code_of(replaced), "rerun.not_kept");

  State held = replaced;
  held.put_hold(origin, {now.wall + (Micros(1) - seconds(3600)), {read}});
  EXPECT_EQ(code_of(held), "");
  held.put_hold(origin, {now.wall + (Micros(0) - seconds(3600)), {read}});
  EXPECT_EQ(code_of(held), "rerun.not_kept");

  State newest;
  newest.put_head({"default", "d"}, {read, {}});
  EXPECT_EQ(code_of(newest), "");
}

TEST(Reruns, of_a_rerun_takes_over_what_that_took_over) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a; b: a; c: b}
    1s  w1 ok a#1
    2s  w1 fails b#1 User data.bad
    3s  rerun r2 of r1               -> created r2 with r2/a, ready r2/b, r2/b#1 on w1
    4s  w1 ok r2/b#1
    5s  w1 fails r2/c#1 User data.bad -> failed r2/c#1 data.bad gave up retry.never, finished r2 Failed
    6s  rerun r3 of r2               -> created r3 with r3/a r3/b, ready r3/c, r3/c#1 on w1
    7s  w1 ok r3/c#1                 -> ok r3/c#1, finished r3 Succeeded
  )");
}

TEST(Reruns, rows_are_appended_twice_only_when_asked_for) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a; b: a (appends=d)}
    1s  w1 ok a#1
    2s  w1 ok b#1 wrote d              -> ok b#1 wrote d, finished r1 Succeeded
    3s  rerun r2 of r1 again=a         -> count rerun.appends
    4s  rerun r3 of r1 changed=b       -> count rerun.appends
    5s  rerun r4 of r1 again=b         -> created r4 with r4/a, ready r4/b, r4/b#1 on w1
    6s  w1 ok r4/b#1 wrote d           -> ok r4/b#1 wrote d, finished r4 Succeeded
  )");
}

TEST(Reruns, what_appended_is_taken_over_when_it_may_be) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a (appends=d); b: a}
    1s  w1 ok a#1 wrote d
    2s  w1 fails b#1 User data.bad
    3s  rerun r2 of r1   -> created r2 with r2/a, ready r2/b, r2/b#1 on w1
  )");
}

TEST(Reruns, clean_up_tasks_run_again_with_what_they_watch) {
  expect_scenario(R"(
    0s  worker w1 cpu=4000
    0s  submit r1 {a; page: a (on=Failure); tidy: a (on=Always)}
    1s  w1 fails a#1 User data.bad
    2s  w1 ok tidy#1, w1 ok page#1   -> ok tidy#1, ok page#1, finished r1 Failed
    3s  rerun r2 of r1               -> created r2, ready r2/a, r2/a#1 on w1
    4s  w1 ok r2/a#1                 -> ok r2/a#1, ready r2/tidy, skipped r2/page, r2/tidy#1 on w1
  )");
}

TEST(Reruns, the_same_key_makes_one_rerun) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a}
    1s  w1 fails a#1 User data.bad
    2s  rerun r2 of r1 key=k   -> created r2, ready r2/a, r2/a#1 on w1
    3s  rerun r3 of r1 key=k   -> nothing
  )");
}

TEST(Reruns, a_rerun_outlives_its_leader) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a; b: a; c: b}
    1s  w1 ok a#1
    2s  w1 fails b#1 User data.bad
    3s  rerun r2 of r1               -> created r2 with r2/a, ready r2/b, r2/b#1 on w1
    4s  new leader, w1 back r2/b#1
    5s  w1 ok r2/b#1                 -> ok r2/b#1, ready r2/c, r2/c#1 on w1
    6s  w1 ok r2/c#1                 -> ok r2/c#1, finished r2 Succeeded
  )");
}

TEST(Reruns, a_task_reads_what_stood_before_its_run_wrote_there_itself) {
  // The first task reads d before the second writes it. Run again, it must not see what the second
  // wrote in the origin.
  const auto make = [](std::string name, std::vector<TaskIndex> needs) {
    TaskSpec task;
    task.name = std::move(name);
    task.needs = std::move(needs);
    return task;
  };
  WorkflowSpec spec;
  spec.tasks = {make("reader", {}), make("writer", {TaskIndex(0)})};
  spec.tasks[0].reads = {"d"};
  spec.tasks[1].writes = {{"d", WriteMode::kOverwrite, OnConflict::kRetry}};
  ASSERT_TRUE(spec.finish().ok());
  const RunId origin(RawId{1, 1});
  const events::Pin before{"d", SnapshotId(RawId{4, 1})};
  const events::Pin after{"d", SnapshotId(RawId{4, 2})};
  Rerun rerun{origin,
              "r1",
              {{TaskState::kSucceeded, origin, {}}, {TaskState::kSucceeded, origin, {after}}},
              {before},
              {TaskIndex(0)},
              {}};
  const auto taken = taken_by(spec, rerun);
  ASSERT_TRUE(taken.ok());
  EXPECT_TRUE(taken->empty());
  // The writer alone: the run goes on from what its origin wrote.
  rerun.asked = {TaskIndex(1)};
  const auto reader = taken_by(spec, rerun);
  ASSERT_TRUE(reader.ok());
  ASSERT_EQ(reader->size(), 1U);
  EXPECT_EQ(reader->front().task, TaskIndex(0));
}

TEST(Reruns, of_two_writers_the_later_one_counts_wherever_it_stands) {
  // The first in the list needs the second.
  auto spec = std::make_shared<WorkflowSpec>();
  spec->tasks.resize(3);
  for (const std::uint32_t writer : {0U, 1U})
    spec->tasks[writer].writes = {{"d", WriteMode::kOverwrite, OnConflict::kRetry}};
  spec->tasks[0].needs = {TaskIndex(1)};
  spec->tasks[2].needs = {TaskIndex(0), TaskIndex(1)};
  ASSERT_TRUE(spec->finish().ok());
  const RunId origin(RawId{1, 1});
  const events::Pin first{"d", SnapshotId(RawId{4, 1})};
  const events::Pin second{"d", SnapshotId(RawId{4, 2})};
  const Rerun rerun{origin,
                    "r1",
                    {{TaskState::kSucceeded, origin, {second}},
                     {TaskState::kSucceeded, origin, {first}},
                     {TaskState::kFailed, RunId(), {}}},
                    {},
                    {},
                    {}};
  auto taken = taken_by(*spec, rerun);
  ASSERT_TRUE(taken.ok());
  State state;
  events::RunCreated created;
  created.run = RunId(RawId{1, 2});
  created.spec = spec;
  created.taken = *std::move(taken);
  apply(state, created);
  EXPECT_EQ(state.run(created.run)->pins, std::vector<events::Pin>{second});
  EXPECT_EQ(state.run(created.run)->counts.succeeded, 2U);
  EXPECT_EQ(state.task({created.run, TaskIndex(2)})->needs_open, 0U);
}

TEST(Reruns, what_is_not_kept_whole_is_not_done_again) {
  WorkflowSpec spec;
  spec.tasks.resize(2);
  ASSERT_TRUE(spec.finish().ok());
  const auto taken = taken_by(spec, Rerun{RunId(), "r1", {OriginTask{}}, {}, {TaskIndex(0)}, {}});
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, "rerun.not_kept");
}

// --- of any graph, any end and any wish ---

WorkflowSpec random_spec(std::mt19937_64& random) {
  WorkflowSpec spec;
  const std::uint64_t count = 1 + random() % 12;
  for (std::uint32_t i = 0; i < count; ++i) {
    TaskSpec task;
    task.name = "t" + std::to_string(i);
    for (std::uint32_t need = 0; need < i; ++need)
      if (random() % 4 == 0) task.needs.emplace_back(need);
    if (random() % 4 == 0)
      task.writes = {{"d", random() % 2 == 0 ? WriteMode::kAppend : WriteMode::kOverwrite,
                      OnConflict::kRetry}};
    spec.tasks.push_back(std::move(task));
  }
  EXPECT_TRUE(spec.finish().ok());
  return spec;
}

Rerun random_rerun(std::mt19937_64& random, const WorkflowSpec& spec) {
  Rerun rerun;
  rerun.origin = RunId(RawId{1, 1});
  for (std::uint32_t i = 0; i < spec.tasks.size(); ++i) {
    static constexpr TaskState kEnds[] = {TaskState::kSucceeded, TaskState::kSucceeded,
                                          TaskState::kFailed, TaskState::kSkipped,
                                          TaskState::kCancelled};
    OriginTask task{kEnds[random() % 5], rerun.origin, {}};
    if (task.state == TaskState::kSucceeded && !spec.tasks[i].writes.empty())
      task.snapshots = {{"d", SnapshotId(RawId{4, random()})}};
    rerun.tasks.push_back(std::move(task));
    if (random() % 8 == 0) rerun.asked.emplace_back(i);
    if (random() % 8 == 0) rerun.changed.emplace_back(i);
  }
  return rerun;
}

TEST(Reruns, hold_together_whatever_was_asked) {
  std::mt19937_64 random(14);
  int granted = 0;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    const WorkflowSpec spec = random_spec(random);
    const Rerun rerun = random_rerun(random, spec);
    const auto taken = taken_by(spec, rerun);
    SCOPED_TRACE("round " + std::to_string(round));
    if (!taken.ok()) {
      ++refused;
      continue;
    }
    ++granted;
    std::set<TaskIndex> before;
    for (const events::TakenTask& task : *taken) {
      const std::size_t i = task.task.value();
      EXPECT_EQ(rerun.tasks[i].state, TaskState::kSucceeded);
      EXPECT_EQ(task.snapshots, rerun.tasks[i].snapshots);
      for (const TaskIndex need : spec.tasks[i].needs)
        EXPECT_TRUE(before.contains(need)) << "taken over before, or without, what it needs";
      EXPECT_TRUE(before.insert(task.task).second) << "taken over twice";
    }
    for (const auto* wish : {&rerun.asked, &rerun.changed})
      for (const TaskIndex task : *wish) EXPECT_FALSE(before.contains(task));
    // No more runs again than must: each has a reason of its own, or a need that runs again.
    for (std::uint32_t i = 0; i < spec.tasks.size(); ++i) {
      if (before.contains(TaskIndex(i))) continue;
      const auto wanted = [&](const std::vector<TaskIndex>& list) {
        return std::find(list.begin(), list.end(), TaskIndex(i)) != list.end();
      };
      const auto& needs = spec.tasks[i].needs;
      EXPECT_TRUE(rerun.tasks[i].state != TaskState::kSucceeded || wanted(rerun.asked) ||
                  wanted(rerun.changed) ||
                  std::any_of(needs.begin(), needs.end(),
                              [&](TaskIndex need) { return !before.contains(need); }));
    }
  }
  EXPECT_GT(granted, 5'000);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace millrace::scheduler
