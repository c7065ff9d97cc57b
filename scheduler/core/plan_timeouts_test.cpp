// Time that runs out for attempts, tasks and queues, told as scenarios (scenario.h).
#include <gtest/gtest.h>

#include "scheduler/core/scenario.h"

namespace millrace::scheduler {
namespace {

void expect(std::string_view text, const Settings& settings = {}) {
  EXPECT_EQ(run_scenario(text, settings), "");
}

TEST(Timeouts, of_an_attempt_a_queue_and_a_task) {
  expect(R"(
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
  expect(R"(
     0s  worker w1 cpu=1000
     0s  submit r1 {a}
     0s  submit r2 {b (queue=6s)}
     6s  tick  -> failed r2/b task.queue_timed_out, finished r2 Failed
  )");
  expect(R"(
     0s  worker w1
     0s  submit r1 {a (timeout=4s retry=9)}
     4s  tick  -> cancelling a
     5s  w1 fails a#1 Transient x -> failed a#1 task.timed_out gave up task.timed_out, finished r1 Failed
  )");
}

// Its commands act on the world: a second attempt beside the first would act twice.
TEST(Timeouts, the_next_attempt_waits_for_the_end_of_the_first) {
  expect(R"(
     0s  worker w1, worker w2
     0s  submit r1 {a (attempt=5s retry=2)}
     5s  tick         -> cancelling a
    14s  tick         -> nothing
    15s  tick         -> failed a#1 attempt.timed_out retry.document, count lease.expired
    16s  w2 beats     -> ready a, a#2 on w2
  )");
}

TEST(Timeouts, what_was_done_before_the_word_arrived_is_done) {
  expect(R"(
     0s  worker w1
     0s  submit r1 {a (attempt=5s)}
     5s  tick       -> cancelling a
     6s  w1 ok a#1  -> ok a#1, finished r1 Succeeded
  )");
}

TEST(Timeouts, the_greater_reason_overrules_the_lesser) {
  expect(R"(
     0s  worker w1
     0s  submit r1 {a (attempt=3s timeout=4s retry=9)}
     3s  tick      -> cancelling a
     4s  tick      -> cancelling a
     5s  w1 fails a#1 User cancelled -> failed a#1 task.timed_out gave up task.timed_out, finished r1 Failed
  )");
  expect(R"(
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
