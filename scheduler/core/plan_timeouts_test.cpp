// Time that runs out for attempts, tasks and queues, told as scenarios (scenario.h).
#include <gtest/gtest.h>

#include "scheduler/core/testing/expect_scenario.h"

namespace millrace::scheduler {
namespace {

TEST(Timeouts, of_an_attempt_a_queue_and_a_task) {
  expect_scenario(R"(
     0s  worker w1 cpu=1000
     0s  submit r1 {a (attempt=5s retry=2)}
     0s  submit r2 {b (queue=6s)}
     5s  tick         -> cancelling a
     5s  w1 fails a#1 User cancelled -> failed a#1 attempt.timed_out retry.document, r2/b#1 on w1
     6s  tick         -> ready a
     7s  w1 ok r2/b#1 -> ok r2/b#1, finished r2 Succeeded, a#2 on w1
    12s  tick         -> cancelling a
    13s  w1 fails a#2 User cancelled -> failed a#2 attempt.timed_out gave up retry.exhausted, finished r1 Failed
  )");
  expect_scenario(R"(
     0s  worker w1 cpu=1000
     0s  submit r1 {a}
     0s  submit r2 {b (queue=6s)}
     6s  tick  -> failed r2/b task.queue_timed_out, finished r2 Failed
  )");
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (timeout=4s retry=9)}
     4s  tick  -> cancelling a
     5s  w1 fails a#1 Transient x -> failed a#1 task.timed_out gave up task.timed_out, finished r1 Failed
  )");
}

// Nobody beats in between.
Settings long_lease() {
  Settings settings;
  settings.lease = seconds(60);
  return settings;
}

TEST(Timeouts, of_a_queue_do_not_count_while_the_run_is_paused) {
  expect_scenario(R"(
     0s  worker w1 cpu=1000
     0s  submit r1 {a}
     0s  submit r2 {b (queue=6s)}
     4s  pause r2   -> desired r2 Paused
     9s  tick       -> nothing
    18s  tick       -> nothing
    21s  resume r2  -> desired r2 Running
    26s  tick       -> nothing
    27s  tick       -> failed r2/b task.queue_timed_out, finished r2 Failed
  )",
                  long_lease());
  // Resumed before the first time was over: the pause is over, and with it what it interrupted.
  expect_scenario(R"(
     0s  worker w1 cpu=1000
     0s  submit r1 {a}
     0s  submit r2 {b (queue=6s)}
     4s  pause r2   -> desired r2 Paused
     5s  tick       -> nothing
     5s  resume r2  -> desired r2 Running
    10s  tick       -> nothing
    11s  tick       -> failed r2/b task.queue_timed_out, finished r2 Failed
  )",
                  long_lease());
}

TEST(Timeouts, of_a_queue_do_not_count_while_the_run_has_all_its_attempts) {
  expect_scenario(R"(
     0s  worker w1 cpu=2000
     0s  submit r1 {a (cpu=1000); b (cpu=1000 queue=6s)} parallel=1
     9s  tick       -> nothing
    10s  w1 ok a#1  -> ok a#1, b#1 on w1
  )",
                  long_lease());
  // Once the run would let it, what it waits for is room.
  expect_scenario(R"(
     0s  worker w1 cpu=2000
     0s  submit r1 {a (cpu=1000); b (cpu=2000 queue=6s)} parallel=1
     0s  submit r2 {c (cpu=1000)}
     9s  tick       -> nothing
    10s  w1 ok a#1  -> ok a#1
    15s  tick       -> nothing
    16s  tick       -> failed b task.queue_timed_out, finished r1 Failed
  )",
                  long_lease());
}

// Its commands act on the world: a second attempt beside the first would act twice.
TEST(Timeouts, the_next_attempt_waits_for_the_end_of_the_first) {
  expect_scenario(R"(
     0s  worker w1, worker w2
     0s  submit r1 {a (attempt=5s retry=2)}
     5s  tick         -> cancelling a
    14s  tick         -> nothing
    15s  tick         -> failed a#1 attempt.timed_out retry.document, count lease.expired
    16s  w2 beats     -> ready a, a#2 on w2
  )");
}

TEST(Timeouts, what_was_done_before_the_word_arrived_is_done) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (attempt=5s)}
     5s  tick       -> cancelling a
     6s  w1 ok a#1  -> ok a#1, finished r1 Succeeded
  )");
}

TEST(Timeouts, the_greater_reason_overrules_the_lesser) {
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (attempt=3s timeout=4s retry=9)}
     3s  tick      -> cancelling a
     4s  tick      -> cancelling a
     5s  w1 fails a#1 User cancelled -> failed a#1 task.timed_out gave up task.timed_out, finished r1 Failed
  )");
  expect_scenario(R"(
     0s  worker w1
     0s  submit r1 {a (attempt=3s timeout=4s retry=9)}
     3s  tick       -> cancelling a
     3s  cancel r1  -> desired r1 Cancelled, cancelling a
     4s  tick       -> nothing
     5s  w1 fails a#1 User cancelled -> failed a#1 cancelled cancelled, finished r1 Cancelled
  )");
}

}  // namespace
}  // namespace millrace::scheduler
