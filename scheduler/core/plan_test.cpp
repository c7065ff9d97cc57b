// The scheduler's behaviour, told as scenarios (scenario.h).
#include "scheduler/core/plan.h"

#include <gtest/gtest.h>

#include <vector>

#include "scheduler/core/apply.h"
#include "scheduler/core/testing/expect_scenario.h"

namespace millrace::scheduler {
namespace {

TEST(Runs, a_chain_goes_from_task_to_task) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a; b: a}  -> created r1, ready a, a#1 on w1
    1s  w1 ok a#1            -> ok a#1, ready b, b#1 on w1
    2s  w1 ok b#1            -> ok b#1, finished r1 Succeeded
  )");
}

TEST(Runs, a_join_waits_for_all_that_it_needs) {
  expect_scenario(R"(
    0s  worker w1 cpu=4000
    0s  submit r1 {a; b; c: a b}  -> created r1, ready b, ready a, a#1 on w1, b#1 on w1
    1s  w1 ok b#1                 -> ok b#1
    2s  w1 ok a#1                 -> ok a#1, ready c, c#1 on w1
  )");
}

TEST(Runs, skips_cascade_and_clean_up_still_runs) {
  expect_scenario(R"(
    0s  worker w1 cpu=8000
    0s  submit r1 {a; b: a; c: b; page: a b c (on=Failure); tidy: a b c (on=Always)}
    1s  w1 fails a#1 User data.bad -> failed a#1 data.bad gave up retry.never, skipped b, skipped c, ready tidy, ready page, page#1 on w1, tidy#1 on w1
    2s  w1 ok tidy#1, w1 ok page#1 -> ok tidy#1, ok page#1, finished r1 Failed
  )");
}

TEST(Runs, a_failure_task_is_skipped_when_nothing_failed) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a; page: a (on=Failure)}
    1s  w1 ok a#1  -> ok a#1, skipped page, finished r1 Succeeded
  )");
}

TEST(Runs, the_same_key_starts_one_run_and_another_body_is_refused) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a} key=k      -> created r1, ready a, a#1 on w1
    1s  submit r1 {a} key=k      -> nothing
    2s  submit r2 {a; b} key=k   -> count run.key_reused
    3s  w1 ok a#1                -> ok a#1, finished r1 Succeeded
    4s  submit r1 {a} key=k      -> nothing
  )");
}

TEST(Runs, a_key_is_forgotten_when_its_run_has_ended_long_enough) {
  Settings settings;
  settings.key_retention = seconds(600);
  expect_scenario(R"(
      0s  worker w1
      0s  submit r1 {a} key=k         -> created r1, ready a, a#1 on w1
      1s  w1 ok a#1                   -> ok a#1, finished r1 Succeeded
    600s  submit r1 {a} key=k         -> nothing
    601s  tick                        -> keys forgotten
    602s  submit r2 {a} key=k         -> created r2, ready r2/a
  )",
                  settings);
}

TEST(Runs, a_key_is_kept_as_long_as_its_run_lives) {
  Settings settings;
  settings.key_retention = seconds(10);
  expect_scenario(R"(
      0s  submit r1 {a} key=k  -> created r1, ready a
    100s  tick                 -> nothing
    101s  submit r1 {a} key=k  -> nothing
  )",
                  settings);
}

TEST(Runs, keys_are_forgotten_in_handfuls_a_minute_apart) {
  Settings settings;
  settings.key_retention = seconds(600);
  expect_scenario(R"(
      0s  worker w1 cpu=4000
      0s  submit r1 {a} key=k1, submit r2 {a} key=k2, submit r3 {a} key=k3
      1s  w1 ok a#1                   -> ok a#1, finished r1 Succeeded
      2s  w1 ok r2/a#1                -> ok r2/a#1, finished r2 Succeeded
     50s  w1 beats r3/a#1
     62s  w1 ok r3/a#1                -> ok r3/a#1, finished r3 Succeeded
    601s  tick                        -> keys forgotten
    602s  tick                        -> nothing
    660s  tick                        -> nothing
    661s  tick                        -> keys forgotten
    662s  tick                        -> nothing
    721s  tick                        -> keys forgotten
    999s  tick                        -> nothing
  )",
                  settings);
}

TEST(Runs, a_new_leader_forgets_keys_when_the_old_one_would_have) {
  Settings settings;
  settings.key_retention = seconds(600);
  expect_scenario(R"(
      0s  worker w1
      0s  submit r1 {a} key=k   -> created r1, ready a, a#1 on w1
      1s  w1 ok a#1             -> ok a#1, finished r1 Succeeded
    400s  new leader, tick      -> nothing
    600s  tick                  -> nothing
    601s  tick                  -> keys forgotten
  )",
                  settings);
}

TEST(Runs, paused_places_nothing_new_and_goes_on_when_resumed) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a; b}   -> created r1, ready b, ready a, a#1 on w1
    1s  pause r1           -> desired r1 Paused
    2s  w1 ok a#1          -> ok a#1
    3s  resume r1          -> desired r1 Running, b#1 on w1
  )");
}

TEST(Runs, cancel_tells_what_runs_and_ends_what_waits) {
  expect_scenario(R"(
    0s  worker w1 cpu=1000
    0s  submit r1 {a; b; c: a; tidy: c (on=Always)}
    1s  cancel r1          -> desired r1 Cancelled, cancelling a, cancelled b, cancelled c, ready tidy
    2s  w1 fails a#1 User cancelled -> failed a#1 cancelled cancelled, tidy#1 on w1
    3s  w1 ok tidy#1       -> ok tidy#1, finished r1 Cancelled
    4s  cancel r1          -> count run.ended
  )");
}

// Given up only when its lease is over: until then it may still run.
TEST(Runs, an_attempt_that_does_not_hear_its_cancel_is_given_up) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a}
     1s  cancel r1     -> desired r1 Cancelled, cancelling a
    14s  w1 beats a#1
    25s  w1 beats a#1
    31s  tick          -> nothing
    32s  w1 beats a#1
    39s  w1 beats a#1
    40s  tick          -> failed a#1 cancel.unanswered cancelled, finished r1 Cancelled, count cancel.unanswered
  )");
}

// The word was sent on a stream that was down, or by a leader that is gone.
TEST(Runs, a_worker_that_comes_back_hears_again_what_it_is_to_stop) {
  const RunId run{RawId{1, 1}};
  const WorkerId worker{RawId{2, 2}};
  const AttemptRef attempt{run, TaskIndex(0), AttemptNumber(1), Epoch(1)};
  auto spec = std::make_shared<WorkflowSpec>();
  spec->tasks.emplace_back().name = "a";
  ASSERT_TRUE(spec->finish().ok());
  events::RunCreated created;
  created.run = run;
  created.spec = std::move(spec);
  events::AttemptPlaced placed;
  placed.attempt = attempt;
  placed.worker = worker;
  State state;
  for (const Event& event :
       std::vector<Event>{created, events::TaskReady{attempt.task_ref(), {}}, placed,
                          events::RunDesired{run, DesiredState::kCancelled, "", {}},
                          events::CancelRequested{attempt.task_ref(), "task.cancelled", {}}})
    apply(state, event);
  WorkerJoined joined;
  joined.worker = worker;
  joined.attempts = {attempt};
  joined.heard_at = state.next_epoch();
  const std::vector<Input> inputs{joined};
  const Planned planned = plan(state, Liveness(), inputs, {}, {});
  EXPECT_TRUE(planned.events.empty());
  ASSERT_EQ(planned.commands.size(), 1U);
  EXPECT_EQ(planned.commands[0].worker, worker);
  EXPECT_EQ(std::get<commands::Cancel>(planned.commands[0].command).attempt, attempt);
}

// The caller looked before, and decided by what it saw: what came in between must not pass.
TEST(Runs, are_steered_only_as_they_were_seen) {
  State state;
  WorkflowSpec spec;
  spec.tasks.emplace_back().name = "a";
  ASSERT_TRUE(spec.finish().ok());
  events::RunCreated created;
  created.run = RunId(RawId{1, 1});
  created.spec = std::make_shared<const WorkflowSpec>(std::move(spec));
  apply(state, created);
  const RunFacts& run = *state.run(created.run);
  RunCounts other = run.counts;
  ++other.failed;
  struct Row {
    std::optional<RunSeen> seen;
    bool passes;
  };
  for (const Row& row : {Row{std::nullopt, true}, Row{RunSeen{run.desired, run.counts}, true},
                         Row{RunSeen{DesiredState::kPaused, run.counts}, false},
                         Row{RunSeen{run.desired, other}, false}}) {
    const std::vector<Input> inputs{
        SetDesiredState{RequestId(1), created.run, DesiredState::kCancelled, row.seen}};
    const Planned planned = plan(state, Liveness(), inputs, {}, {});
    EXPECT_EQ(planned.events.empty(), !row.passes);
    ASSERT_EQ(planned.replies.size(), 1U);
    EXPECT_EQ(planned.replies[0].body.ok(), row.passes);
    const Result<ReplyBody>& body = planned.replies[0].body;
    EXPECT_EQ(body.ok() ? "" : body.error().code, row.passes ? "" : "run.conflict");
  }
}

TEST(Runs, a_success_that_crosses_the_cancel_counts) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a; b: a}
    1s  cancel r1          -> desired r1 Cancelled, cancelling a, cancelled b
    2s  w1 ok a#1          -> ok a#1, finished r1 Cancelled
  )");
}

TEST(Runs, time_runs_out_for_a_run) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a; b: a} timeout=10s
    10s  tick  -> desired r1 Cancelled, cancelling a, cancelled b
    11s  w1 fails a#1 User cancelled -> failed a#1 cancelled cancelled, finished r1 TimedOut
  )");
}

TEST(Runs, no_more_at_once_than_the_run_wants) {
  expect_scenario(R"(
    0s  worker w1 cpu=8000
    0s  submit r1 {a; b; c} parallel=2  -> created r1, ready c, ready b, ready a, a#1 on w1, b#1 on w1
    0s  submit r2 {d}                   -> created r2, ready r2/d, r2/d#1 on w1
    1s  w1 ok a#1                       -> ok a#1, c#1 on w1
  )");
}

TEST(Runs, no_more_at_once_than_the_run_wants_whatever_its_tasks_ask_for) {
  expect_scenario(R"(
    0s  worker w1 cpu=8000
    0s  submit r1 {a (cpu=100); b (cpu=200); c (cpu=300)} parallel=1  -> created r1, ready c, ready b, ready a, a#1 on w1
    1s  w1 ok a#1                                                     -> ok a#1, b#1 on w1
    2s  w1 fails b#1 Transient x                                      -> failed b#1 x retry.transient, c#1 on w1
    4s  tick                                                          -> ready b
    5s  w1 ok c#1                                                     -> ok c#1, b#2 on w1
  )");
}

TEST(Runs, no_more_at_once_than_the_queue_allows) {
  Settings settings;
  settings.queue_limits["default"] = 2;
  expect_scenario(R"(
    0s  worker w1 cpu=8000
    0s  submit r1 {a; b; c}  -> created r1, ready c, ready b, ready a, a#1 on w1, b#1 on w1
    1s  w1 ok b#1            -> ok b#1, c#1 on w1
  )",
                  settings);
}

TEST(Runs, admission_is_refused_when_full) {
  Settings settings;
  settings.max_live_tasks = 2;
  expect_scenario(R"(
    0s  submit r1 {a; b}  -> created r1, ready b, ready a
    1s  submit r2 {a}     -> count admission.full
  )",
                  settings);
}

TEST(Runs, a_row_of_the_document_may_end_the_whole_run) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a (fail-run); b}
    1s  w1 fails a#1 Transient x  -> failed a#1 x gave up retry.document, desired r1 Cancelled, cancelling b
    2s  w1 ok b#1                 -> ok b#1, finished r1 Failed
  )");
}

TEST(Leases, expired_lease_result_changes_nothing) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a}   -> created r1, ready a, a#1 on w1
     5s  worker w2
    14s  w2 beats
    15s  tick            -> failed a#1 lease.expired retry.infrastructure, count lease.expired
    16s  tick            -> ready a, a#2 on w2
    17s  w1 ok a#1       -> count lease.fenced
    18s  w2 ok a#2       -> ok a#2, finished r1 Succeeded
    19s  w2 ok a#2       -> count lease.fenced
  )");
}

TEST(Leases, heartbeats_keep_a_long_attempt_alive) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a; b: a}
    10s  w1 beats a#1  -> nothing
    20s  w1 beats a#1  -> nothing
    30s  w1 beats a#1  -> nothing
    44s  tick          -> nothing
    45s  tick          -> failed a#1 lease.expired retry.infrastructure, count lease.expired
  )");
}

TEST(Leases, a_heartbeat_that_does_not_name_the_attempt_does_not_renew_it) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a}
    10s  w1 beats
    15s  tick  -> failed a#1 lease.expired retry.infrastructure, count lease.expired
  )");
}

TEST(Leases, belong_to_the_incarnation_not_to_the_name) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a}
     1s  w1 leaves, worker w1b
     2s  w1b ok a#1             -> count lease.fenced
     3s  w1b beats a#1
    15s  w1b beats a#1, tick    -> failed a#1 lease.expired retry.infrastructure, count lease.expired
  )");
}

TEST(Leases, a_restarted_worker_that_ended_its_past_frees_it_at_once) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a}
    1s  w1 leaves              -> nothing
    2s  w1 restarts as w1b     -> failed a#1 worker.restarted retry.infrastructure
    3s  tick                   -> ready a, a#2 on w1b
  )");
}

TEST(Leases, a_new_leader_grants_every_attempt_a_full_lease) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a; b: a}
    14s  new leader, tick   -> nothing
    20s  w1 back a#1        -> nothing
    34s  w1 ok a#1          -> ok a#1, ready b, b#1 on w1
  )");
}

TEST(Leases, what_a_worker_that_is_back_does_not_have_is_lost_and_never_started_again) {
  expect_scenario(R"(
    0s  worker w1
    0s  submit r1 {a; b}
    1s  w1 leaves
    2s  w1 back b#1   -> failed a#1 attempt.lost retry.infrastructure
    3s  w1 ok a#1     -> ready a, a#2 on w1, count lease.fenced
    4s  w1 ok b#1     -> ok b#1
  )");
}

TEST(Retries, transient_failures_back_off_and_end) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (retry=3)}
     1s  w1 fails a#1 Transient net.reset  -> failed a#1 net.reset retry.document
     3s  tick                              -> ready a, a#2 on w1
     4s  w1 fails a#2 Transient net.reset  -> failed a#2 net.reset retry.document
     7s  w1 beats                          -> ready a, a#3 on w1
     8s  w1 fails a#3 Transient net.reset  -> failed a#3 net.reset gave up retry.exhausted, finished r1 Failed
  )");
}

TEST(Retries, a_task_that_takes_its_runner_down_three_times_is_quarantined_and_others_go_on) {
  expect_scenario(R"(
     0s  worker w1 cpu=4000
     0s  submit r1 {poison (retry=50); other}
     1s  w1 fails poison#1 Infrastructure runner.crashed -> failed poison#1 runner.crashed retry.document
     4s  tick                                            -> ready poison, poison#2 on w1
     5s  w1 fails poison#2 Infrastructure runner.crashed -> failed poison#2 runner.crashed retry.document
     9s  w1 beats other#1                                -> ready poison, poison#3 on w1
    10s  w1 fails poison#3 Infrastructure runner.crashed -> failed poison#3 runner.crashed gave up retry.quarantined
    11s  w1 ok other#1                                   -> ok other#1, finished r1 Failed
  )");
}

TEST(Retries, elsewhere_means_another_worker_while_there_is_one) {
  expect_scenario(R"(
     0s  worker w1, worker w2
     0s  submit r1 {a}                                   -> created r1, ready a, a#1 on w1
     1s  w1 fails a#1 Infrastructure disk.broken         -> failed a#1 disk.broken retry.infrastructure
     2s  tick                                            -> ready a, a#2 on w2
     3s  w1 leaves, w2 fails a#2 Infrastructure x        -> failed a#2 x retry.infrastructure
     4s  tick                                            -> ready a, a#3 on w2
  )");
}

TEST(Datasets, of_two_writers_one_wins_and_the_other_tries_again) {
  expect_scenario(R"(
     0s  worker w1 cpu=8000
     0s  submit r1 {a (writes=d)}
     0s  submit r2 {b (writes=d)}
     1s  w1 ok a#1 wrote d      -> ok a#1 wrote d, finished r1 Succeeded
     2s  w1 ok r2/b#1 wrote d   -> failed r2/b#1 dataset.conflict retry.conflict, count dataset.conflict
     3s  tick                   -> ready r2/b, r2/b#2 on w1
     4s  w1 ok r2/b#2 wrote d   -> ok r2/b#2 wrote d, finished r2 Succeeded
  )");
}

TEST(Datasets, of_two_writers_in_one_batch_one_wins) {
  expect_scenario(R"(
     0s  worker w1 cpu=8000
     0s  submit r1 {a (writes=d)}
     0s  submit r2 {b (writes=d conflict=Fail)}
     1s  w1 ok a#1 wrote d, w1 ok r2/b#1 wrote d -> ok a#1 wrote d, failed r2/b#1 dataset.conflict_fails gave up retry.never, finished r1 Succeeded, finished r2 Failed, count dataset.conflict
  )");
}

// What another run wrote since this one's was read would be lost, and reading again would read the
// same.
TEST(Datasets, what_a_task_reads_and_overwrites_must_be_as_it_was_read) {
  expect_scenario(R"(
     0s  worker w1 cpu=8000
     0s  submit r1 {a (writes=d)}
     1s  w1 ok a#1 wrote d      -> ok a#1 wrote d, finished r1 Succeeded
     2s  submit r2 {w; b: w (reads=d writes=d)}
     2s  submit r3 {c (reads=d writes=d)}
     3s  w1 ok r3/c#1 wrote d   -> ok r3/c#1 wrote d, finished r3 Succeeded
     4s  w1 ok r2/w#1           -> ok r2/w#1, ready r2/b, r2/b#1 on w1
     5s  w1 ok r2/b#1 wrote d   -> failed r2/b#1 dataset.conflict_fails gave up retry.never, finished r2 Failed, count dataset.conflict
  )");
}

// What a task writes beside its own target.
TEST(Datasets, a_run_tells_of_rows_that_were_set_aside) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (writes=d appends=q); b: a (writes=e appends=q)}
     1s  w1 ok a#1 wrote d q  -> ok a#1 wrote d wrote q, ready b, b#1 on w1
     2s  new leader
     2s  w1 back b#1          -> nothing
     3s  w1 ok b#1 wrote e q  -> ok b#1 wrote e wrote q, finished r1 Succeeded: a: 1 row quarantined in q; b: 1 row quarantined in q
  )");
}

TEST(Datasets, what_is_set_aside_takes_the_place_of_its_like_and_of_nothing_else) {
  expect_scenario(R"(
     0s  worker w1 cpu=8000
     0s  submit r1 {a (writes=q)}
     1s  w1 ok a#1 wrote q:mine      -> ok a#1 wrote q, finished r1 Succeeded
     2s  submit r2 {b (writes=d+q)}
     3s  w1 ok r2/b#1 wrote d q:bad  -> failed r2/b#1 dataset.quarantine_taken gave up retry.never, finished r2 Failed
     4s  submit r3 {c (writes=d+p)}
     5s  w1 ok r3/c#1 wrote d p:bad  -> ok r3/c#1 wrote d wrote p, finished r3 Succeeded: c: 1 row quarantined in p
     6s  submit r4 {e (writes=d+p)}
     7s  w1 ok r4/e#1 wrote d p:bad  -> ok r4/e#1 wrote d wrote p, finished r4 Succeeded: e: 1 row quarantined in p
  )");
}

TEST(Datasets, appends_add_to_whatever_is_there) {
  expect_scenario(R"(
     0s  worker w1 cpu=8000
     0s  submit r1 {a (appends=d)}
     0s  submit r2 {b (appends=d)}
     1s  w1 ok a#1 wrote d, w1 ok r2/b#1 wrote d -> ok a#1 wrote d, ok r2/b#1 wrote d, finished r1 Succeeded, finished r2 Succeeded
  )");
}

TEST(Datasets, what_is_appended_has_the_columns_that_are_there) {
  expect_scenario(R"(
     0s  worker w1 cpu=8000
     0s  submit r1 {a (appends=d)}
     0s  submit r2 {b (appends=d)}
     1s  w1 ok a#1 wrote d:x       -> ok a#1 wrote d, finished r1 Succeeded
     2s  w1 ok r2/b#1 wrote d:y    -> failed r2/b#1 dataset.schema_differs gave up retry.never, finished r2 Failed
     3s  submit r3 {c (writes=d)}
     4s  w1 ok r3/c#1 wrote d:y    -> ok r3/c#1 wrote d, finished r3 Succeeded
     5s  submit r4 {e (appends=d)}
     6s  w1 ok r4/e#1 wrote d:y    -> ok r4/e#1 wrote d, finished r4 Succeeded
  )");
}

TEST(Datasets, a_dataset_that_nobody_has_or_makes_is_refused) {
  expect_scenario(R"(
     0s  submit r1 {a (reads=d)}              -> count dataset.unknown
     1s  submit r2 {a (writes=d); b: a (reads=d)} -> created r2, ready r2/a
  )");
}

TEST(Datasets, a_write_that_the_manifest_does_not_name_is_refused) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (retry=1)}
     1s  w1 ok a#1 wrote d  -> failed a#1 result.unexpected_dataset gave up retry.exhausted, finished r1 Failed
  )");
}

TEST(Deliveries, are_staged_then_published_until_acknowledged_even_when_cancelled) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (publishes)}
     1s  w1 ok a#1                          -> staged a#1, publish a#2 on w1
     2s  cancel r1                          -> desired r1 Cancelled
     3s  w1 fails a#2 Transient dest.away   -> failed a#2 dest.away retry.publication
     5s  tick                               -> ready a, publish a#3 on w1
     6s  w1 ok a#3                          -> ok a#3, finished r1 Succeeded
  )");
}

TEST(Deliveries, that_take_their_runners_down_are_not_published_for_ever) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (publishes)}
     1s  w1 ok a#1                                  -> staged a#1, publish a#2 on w1
     2s  w1 fails a#2 Infrastructure runner.crashed -> failed a#2 runner.crashed retry.publication
     4s  tick                                       -> ready a, publish a#3 on w1
     5s  w1 fails a#3 Infrastructure runner.crashed -> failed a#3 runner.crashed retry.publication
     9s  tick                                       -> ready a, publish a#4 on w1
     9s  cancel r1                                  -> desired r1 Cancelled
    10s  w1 fails a#4 Infrastructure runner.crashed -> failed a#4 runner.crashed gave up retry.quarantined, finished r1 Failed
  )");
}

TEST(Placement, goes_by_vectors_and_skips_what_does_not_fit) {
  expect_scenario(R"(
     0s  worker w1 cpu=2000 mem=1024
     0s  submit r1 {big (mem=2048); small (mem=512)}  -> created r1, ready small, ready big, small#1 on w1
     1s  worker w2 cpu=2000 mem=8192                  -> big#1 on w2
  )");
}

TEST(Placement, a_worker_whose_old_stream_is_noticed_late_is_used_again_once_it_is_heard) {
  expect_scenario(R"(
     0s  worker w1
     1s  w1 back, w1 leaves
     2s  submit r1 {a}  -> created r1, ready a
     3s  w1 beats       -> a#1 on w1
  )");
}

TEST(Placement, a_worker_that_left_gets_nothing) {
  expect_scenario(R"(
     0s  worker w1
     1s  w1 leaves
     2s  submit r1 {a}  -> created r1, ready a
     3s  w1 back        -> a#1 on w1
  )");
}

}  // namespace
}  // namespace millrace::scheduler
