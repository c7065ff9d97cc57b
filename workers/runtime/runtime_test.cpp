// The worker's pure parts: leases, pool, figures, process groups.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "workers/runtime/backoff.h"
#include "workers/runtime/journal.h"
#include "workers/runtime/lease_book.h"
#include "workers/runtime/meter.h"
#include "workers/runtime/pool_policy.h"
#include "workers/runtime/process_table.h"

namespace millrace::runtime {
namespace {

Monotonic at(std::int64_t second) { return Monotonic(second * 1'000'000); }

TEST(LeaseBook, an_epoch_that_is_over_is_known_while_its_start_could_come_again) {
  LeaseBook book;
  book.sent(Monotonic(0));
  book.hold(Epoch(1), Monotonic(0), seconds(10));
  EXPECT_FALSE(book.dropped(Epoch(1)));
  book.drop(Epoch(1));
  book.drop(Epoch(2));  // never held
  EXPECT_TRUE(book.expired(Monotonic(9'999'999)).empty());
  EXPECT_TRUE(book.dropped(Epoch(1)));
  EXPECT_FALSE(book.dropped(Epoch(2)));
  EXPECT_TRUE(book.expired(Monotonic(10'000'000)).empty());
  EXPECT_FALSE(book.dropped(Epoch(1))) << "kept for ever";
}

TEST(LeaseBook, a_lease_runs_from_what_was_sent_not_from_what_arrived) {
  LeaseBook book;
  book.sent(at(10));
  EXPECT_EQ(book.hold(Epoch(1), at(10), seconds(15)), at(25));
  book.sent(at(15));
  book.sent(at(20));
  EXPECT_EQ(book.renew(Epoch(1), at(15), seconds(15)), at(30));  // the answer came at 21
  EXPECT_EQ(book.deadline(Epoch(1)), at(30));
}

TEST(LeaseBook, an_old_answer_shortens_nothing) {
  LeaseBook book;
  book.sent(at(20));
  book.hold(Epoch(1), at(20), seconds(15));
  EXPECT_EQ(book.renew(Epoch(1), at(10), seconds(15)), std::nullopt);
  EXPECT_EQ(book.deadline(Epoch(1)), at(35));
}

TEST(LeaseBook, an_echo_of_what_was_never_sent_renews_nothing) {
  LeaseBook book;
  book.sent(at(20));
  book.hold(Epoch(1), at(20), seconds(15));
  EXPECT_EQ(book.renew(Epoch(1), at(21), seconds(15)), std::nullopt);
  EXPECT_EQ(book.renew(Epoch(1), at(20), Micros(-1)), std::nullopt);
  EXPECT_EQ(book.renew(Epoch(2), at(20), seconds(15)), std::nullopt) << "not held";
  EXPECT_EQ(book.hold(Epoch(3), at(99), seconds(15)), at(35))
      << "a start cannot have heard the future";
}

TEST(LeaseBook, a_start_that_was_long_under_way_has_less_left) {
  LeaseBook book;
  book.sent(at(40));
  EXPECT_EQ(book.hold(Epoch(1), at(20), seconds(15)), at(35));
  EXPECT_EQ(book.expired(at(40)), std::vector{Epoch(1)});
}

TEST(LeaseBook, tells_what_passed_and_what_comes_next) {
  LeaseBook book;
  EXPECT_EQ(book.next(), std::nullopt);
  book.sent(at(10));
  book.hold(Epoch(1), at(10), seconds(5));
  book.hold(Epoch(2), at(10), seconds(3));
  EXPECT_EQ(book.next(), at(13));
  EXPECT_TRUE(book.expired(Monotonic(12'999'999)).empty());
  EXPECT_EQ(book.expired(at(13)), std::vector{Epoch(2)});
  EXPECT_EQ(book.expired(at(15)), (std::vector{Epoch(1), Epoch(2)}));
  book.drop(Epoch(2));
  EXPECT_EQ(book.next(), at(15));
  EXPECT_FALSE(book.holds(Epoch(2)));
}

// Whatever is lost, late or doubled: the worker's deadline never lies beyond the scheduler's.
TEST(LeaseBook, never_outlives_the_schedulers_count) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    LeaseBook book;
    struct Answer {
      std::int64_t arrives, sent;
    };
    std::vector<Answer> answers;
    std::int64_t scheduler_until = 0;
    const std::int64_t lease = 10;
    book.sent(at(0));
    book.hold(Epoch(1), at(0), seconds(lease));
    scheduler_until = lease;
    for (std::int64_t now = 1; now < 60; ++now) {
      book.sent(at(now));
      if (random() % 3 == 0 && now < scheduler_until) {  // heard, a little later
        const std::int64_t heard = now + static_cast<std::int64_t>(random() % 3);
        scheduler_until = std::max(scheduler_until, heard + lease);
        for (auto copies = random() % 3; copies > 0; --copies)
          answers.push_back({heard + static_cast<std::int64_t>(random() % 20), now});
      }
      std::shuffle(answers.begin(), answers.end(), random);
      for (const Answer& answer : answers)
        if (answer.arrives == now) book.renew(Epoch(1), at(answer.sent), seconds(lease));
      ASSERT_LE(*book.deadline(Epoch(1)), at(scheduler_until)) << "seed " << seed << " at " << now;
    }
  }
}

TEST(Backoff, doubles_to_its_limit_and_starts_again) {
  Backoff backoff(milliseconds(100), milliseconds(350));
  EXPECT_EQ(backoff.failed(0), milliseconds(50));
  EXPECT_EQ(backoff.failed(0.5), milliseconds(150));
  EXPECT_EQ(backoff.failed(0), milliseconds(175));
  EXPECT_EQ(backoff.failed(0), milliseconds(175));
  EXPECT_EQ(backoff.failures(), 4U);
  backoff.succeeded();
  EXPECT_EQ(backoff.failed(0), milliseconds(50));
}

RunnerView runner(std::uint64_t id, RunnerPhase phase, std::string ns = "",
                  std::uint32_t served = 0) {
  return {RunnerId(id), phase, std::move(ns), served, mebibytes(40), mebibytes(40)};
}
const PoolSettings kPool{
    .max_runners = 4, .warm = 1, .max_attempts = 10, .max_idle_growth = mebibytes(100)};
using Waiting = std::vector<std::string>;

TEST(PoolPolicy, keeps_one_ready_ahead_of_need) {
  EXPECT_EQ(plan_pool(kPool, {}, {}, true).start, 1U);
  EXPECT_EQ(plan_pool(kPool, {}, {}, false).start, 0U) << "not while draining";
  const std::vector starting{runner(1, RunnerPhase::kStarting)};
  EXPECT_EQ(plan_pool(kPool, starting, {}, true).start, 0U);
  const std::vector busy{runner(1, RunnerPhase::kBusy, "a")};
  EXPECT_EQ(plan_pool(kPool, busy, {}, true).start, 1U);
}

TEST(PoolPolicy, prefers_the_runner_that_knows_the_namespace) {
  const std::vector runners{runner(1, RunnerPhase::kIdle), runner(2, RunnerPhase::kIdle, "a", 3)};
  const PoolPlan plan = plan_pool(kPool, runners, Waiting{"a", "b", "c"}, true);
  EXPECT_EQ(plan.assign, (std::vector<PoolPlan::Assignment>{{RunnerId(2), 0}, {RunnerId(1), 1}}));
  EXPECT_EQ(plan.start, 2U) << "one for \"c\", one to be ready";
}

TEST(PoolPolicy, a_runner_of_another_namespace_makes_way_only_when_there_is_no_room) {
  const std::vector runners{runner(1, RunnerPhase::kIdle, "a"), runner(2, RunnerPhase::kIdle, "a"),
                            runner(3, RunnerPhase::kBusy, "a")};
  const PoolPlan room = plan_pool(kPool, runners, Waiting{"b"}, true);
  EXPECT_TRUE(room.retire.empty());
  EXPECT_EQ(room.start, 1U);
  PoolSettings full = kPool;
  full.max_runners = 3;
  const PoolPlan plan = plan_pool(full, runners, Waiting{"b"}, true);
  EXPECT_TRUE(plan.assign.empty());
  EXPECT_EQ(plan.retire, std::vector{RunnerId(1)});
  EXPECT_EQ(plan.start, 0U) << "once the other is gone";
}

TEST(PoolPolicy, worn_runners_are_replaced) {
  RunnerView grown = runner(1, RunnerPhase::kIdle, "a");
  grown.idle_memory = mebibytes(141);
  EXPECT_TRUE(is_worn(grown, kPool));
  const std::vector runners{grown, runner(2, RunnerPhase::kIdle, "a", 10),
                            runner(3, RunnerPhase::kIdle, "a", 9)};
  const PoolPlan plan = plan_pool(kPool, runners, Waiting{"a"}, true);
  EXPECT_EQ(plan.retire, (std::vector{RunnerId(1), RunnerId(2)}));
  EXPECT_EQ(plan.assign, (std::vector<PoolPlan::Assignment>{{RunnerId(3), 0}}));
}

TEST(PoolPolicy, holds_its_rules_for_every_pool) {
  for (unsigned seed = 0; seed < 5'000; ++seed) {
    std::mt19937 random(seed);
    const PoolSettings settings{
        .max_runners = 1 + random() % 6, .warm = random() % 3, .max_attempts = 5};
    std::vector<RunnerView> runners;
    const std::size_t count = random() % (settings.max_runners + 1);
    for (std::size_t i = 0; i < count; ++i) {
      const bool used = random() % 2 == 0;
      auto phase = static_cast<RunnerPhase>(random() % 4);
      runners.push_back(runner(i + 1, phase,
                               used ? std::string(1, static_cast<char>('a' + random() % 3)) : "",
                               used ? static_cast<std::uint32_t>(random() % 7) : 0));
    }
    Waiting waiting;
    for (auto i = random() % 5; i > 0; --i)
      waiting.emplace_back(1, static_cast<char>('a' + random() % 3));
    const PoolPlan plan = plan_pool(settings, runners, waiting, random() % 2 == 0);
    ASSERT_LE(runners.size() + plan.start, settings.max_runners) << "seed " << seed;
    std::set<RunnerId> taken;
    std::set<std::size_t> served;
    for (const auto& assignment : plan.assign) {
      const RunnerView& view = runners[assignment.runner.value() - 1];
      ASSERT_EQ(view.phase, RunnerPhase::kIdle) << "seed " << seed;
      ASSERT_FALSE(is_worn(view, settings)) << "seed " << seed;
      ASSERT_TRUE(view.ns.empty() || view.ns == waiting[assignment.waiting]) << "seed " << seed;
      ASSERT_TRUE(taken.insert(assignment.runner).second) << "seed " << seed;
      ASSERT_TRUE(served.insert(assignment.waiting).second) << "seed " << seed;
    }
    for (const RunnerId id : plan.retire) {
      ASSERT_EQ(runners[id.value() - 1].phase, RunnerPhase::kIdle) << "seed " << seed;
      ASSERT_TRUE(taken.insert(id).second) << "seed " << seed;
    }
    // What waits makes progress: something starts, is starting, is being freed, or all are busy.
    std::size_t moving = plan.assign.size() + plan.start + plan.retire.size();
    for (const RunnerView& view : runners)
      moving += view.phase == RunnerPhase::kStarting || view.phase == RunnerPhase::kEnding ||
                        view.phase == RunnerPhase::kBusy
                    ? 1
                    : 0;
    if (served.size() < waiting.size()) {
      ASSERT_GT(moving, 0U) << "seed " << seed;
    }
  }
}

ProcessSample sample(pid_t pid, std::int64_t cpu_ms, std::int64_t memory_mib, std::int64_t file_mib,
                     std::int64_t peak_mib) {
  return {pid,
          milliseconds(cpu_ms),
          Micros(0),
          {mebibytes(memory_mib), mebibytes(file_mib), mebibytes(peak_mib)}};
}

TEST(Meter, counts_the_attempt_and_not_what_its_runner_did_before) {
  Meter meter({}, sample(10, 5'000, 40, 100, 140));
  meter.sample({sample(10, 5'200, 50, 100, 150), sample(11, 300, 10, 5, 15)});
  EXPECT_EQ(meter.cpu(), milliseconds(500));
  EXPECT_EQ(meter.memory(), mebibytes(60));
  // The child ended and was not waited for yet: its time is not taken back.
  meter.sample({sample(10, 5'250, 50, 100, 150)});
  EXPECT_EQ(meter.cpu(), milliseconds(500));
  EXPECT_EQ(meter.memory(), mebibytes(50));
  EXPECT_EQ(meter.memory_peak(), mebibytes(60));
}

TEST(Meter, a_peak_between_samples_counts) {
  Meter meter({}, sample(10, 0, 40, 100, 140));
  meter.sample({sample(10, 1, 45, 100, 400)});
  EXPECT_EQ(meter.memory_peak(), mebibytes(300));
  EXPECT_EQ(meter.memory(), mebibytes(45));
}

TEST(Meter, exceeding_is_judged_by_what_is_used_now) {
  Meter meter({mebibytes(64), Bytes(0)}, sample(10, 0, 40, 100, 140));
  EXPECT_FALSE(meter.exceeded());
  meter.sample({sample(10, 1, 60, 100, 400)});
  EXPECT_FALSE(meter.exceeded()) << "the peak is over";
  meter.sample({sample(10, 1, 60, 100, 160), sample(11, 0, 5, 0, 5)});
  ASSERT_TRUE(meter.exceeded());
  EXPECT_EQ(meter.exceeded()->code, "memory.exceeded");
  EXPECT_EQ(meter.exceeded()->error_class, ErrorClass::kResource);
  EXPECT_EQ(meter.exceeded()->message,
            "the attempt used 65.0 MiB of memory, it was granted 64.0 MiB");
}

TEST(Meter, exceeds_its_disk) {
  Meter meter({Bytes(0), mebibytes(10)}, sample(10, 0, 40, 100, 140));
  meter.sample_disk(mebibytes(10));
  EXPECT_FALSE(meter.exceeded());
  meter.sample_disk(mebibytes(11));
  EXPECT_EQ(meter.exceeded()->code, "disk.exceeded");
  meter.sample_disk(mebibytes(1));
  EXPECT_FALSE(meter.exceeded());
  EXPECT_EQ(meter.disk_peak(), mebibytes(11));
}

TEST(ProcessTable, memory_is_taken_apart) {
  const MemoryUse memory = parse_memory(
      "Name:\tVmHWM:\nVmHWM:\t  2048 kB\nVmRSS:\t 9 kB\nRssAnon:\t 1024 kB\nRssFile:\t 512 "
      "kB\nRssShmem:\t 16 kB\n");
  EXPECT_EQ(memory.peak, Bytes(2048 << 10));
  EXPECT_EQ(memory.unshared, Bytes(1040 << 10));
  EXPECT_EQ(memory.file, Bytes(512 << 10));
  EXPECT_EQ(parse_memory("").peak, Bytes(0));
}

ProcessStat process(pid_t pid, pid_t parent, pid_t group, pid_t session, std::uint64_t ticks,
                    char state = 'S') {
  return {pid, parent, group, session, state, Micros(0), ticks};
}

TEST(ProcessTable, a_tree_is_all_that_descends) {
  const ProcessTable table({process(5, 1, 5, 5, 1), process(6, 5, 5, 5, 1), process(7, 6, 7, 7, 1),
                            process(8, 1, 8, 8, 1), process(9, 7, 7, 7, 1)});
  EXPECT_EQ(table.tree(5), (std::vector<pid_t>{5, 6, 7, 9}));
  EXPECT_EQ(table.tree(8), std::vector<pid_t>{8});
  EXPECT_EQ(table.children(1), (std::vector<pid_t>{5, 8}));
  // Of a snapshot that caught a reused number.
  const ProcessTable cycle({process(5, 6, 5, 5, 1), process(6, 5, 5, 5, 1)});
  EXPECT_LE(cycle.tree(5).size(), 4U);
}

TEST(Journal, a_torn_last_line_is_left_out) {
  const std::string text =
      "boot b1\nincarnation 00000000000000000000000007\ngroup 100 5 90\ngroup 200 6 90\nend "
      "100\ngroup 300 7 9";
  const JournalContent content = parse_journal(text);
  EXPECT_EQ(content.boot, "b1");
  EXPECT_EQ(content.incarnation, (RawId{0, 7}));
  ASSERT_EQ(content.groups.size(), 1U);
  EXPECT_EQ(content.groups.at(200), (ProcessGroup{200, 6, 90}));
  EXPECT_TRUE(parse_journal("").incarnation.is_nil());
  EXPECT_TRUE(parse_journal("group 1 1 1\ngroup 0 1 1\ngroup -5 1 1\ngroup x\n").groups.empty())
      << "numbers that would reach every process";
}

TEST(Journal, a_group_is_told_from_another_with_its_number) {
  const ProcessGroup group{100, 5, 90};
  const auto members = [&](std::vector<ProcessStat> processes) {
    return members_of(group, ProcessTable(std::move(processes)));
  };
  EXPECT_EQ(members({process(100, 1, 100, 90, 5), process(101, 100, 100, 90, 6),
                     process(102, 1, 102, 90, 6)}),
            (std::vector<pid_t>{100, 101}));
  EXPECT_TRUE(members({process(100, 1, 100, 90, 6), process(101, 100, 100, 90, 7)}).empty())
      << "the number is another process's";
  EXPECT_EQ(members({process(101, 1, 100, 90, 6)}), std::vector<pid_t>{101})
      << "its leader is gone";
  EXPECT_TRUE(members({process(101, 1, 100, 80, 6)}).empty()) << "of another session";
  EXPECT_TRUE(members({process(100, 1, 100, 90, 5, 'Z')}).empty()) << "ended already";
}

}  // namespace
}  // namespace millrace::runtime
