#include "scheduler/engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace millrace::scheduler {
namespace {

constexpr LeaderEpoch kEpoch(7);

// Keeps what the engine asks for; the test answers, when and as it likes.
struct ScriptedStore final : StorePort {
  int campaigns = 0;
  int resigned = 0;
  std::vector<LeaderEpoch> recoveries;
  std::vector<BatchRef> commits;

  void campaign(LeaderId) override { ++campaigns; }
  void recover(LeaderEpoch epoch) override { recoveries.push_back(epoch); }
  void commit(BatchRef batch) override { commits.push_back(std::move(batch)); }
  void resign() override { ++resigned; }
};

// Hears all that leaves the engine, as text, in order.
struct Ear final : WorkerPort, ObserverPort {
  std::vector<std::string> heard;
  std::map<std::string, std::uint64_t> counts;

  void send(WorkerId, Command command) override {
    if (const auto* start = std::get_if<commands::Start>(&command))
      heard.push_back("start epoch " + std::to_string(start->attempt.epoch.value()));
    else if (const auto* ack = std::get_if<commands::HeartbeatAck>(&command))
      heard.push_back("beat: " + std::to_string(ack->renewed.size()) + " renewed, " +
                      std::to_string(ack->fenced.size()) + " fenced");
    else if (const auto* result = std::get_if<commands::ResultAck>(&command))
      heard.push_back(result->accepted ? "result accepted" : "result refused " + result->code);
    else
      heard.push_back("cancel");
  }
  void dismiss(WorkerId) override { heard.push_back("dismissed"); }
  void reply(Reply reply) override {
    heard.push_back("reply " + std::to_string(reply.request.value()) + " " +
                    (reply.body.ok() ? "ok" : reply.body.error().code));
  }
  void applied(const Batch& batch, const State&) override {
    heard.push_back("applied " + std::to_string(batch.sequence.value()));
  }
  void leading(bool leads) override { heard.push_back(leads ? "leads" : "leads no more"); }
  void counted(const std::string& reason, std::uint64_t count) override { counts[reason] += count; }

  std::vector<std::string> take() { return std::exchange(heard, {}); }
};

struct Counter final : EntropyPort {
  std::uint64_t state = 0;
  std::uint64_t next() override { return ++state; }
};

using Heard = std::vector<std::string>;

class EngineTest : public ::testing::Test {
 protected:
  Now at(std::int64_t second) const {
    return {WallTime(1'700'000'000'000'000) + seconds(second),
            Monotonic(1'000'000) + seconds(second)};
  }
  Monotonic mono(std::int64_t second) const { return at(second).monotonic; }

  // Leads from second 0 on, until `until`; nothing is left to hear.
  void lead(std::int64_t until = 100'000) {
    engine_.start(at(0));
    elect(kEpoch, until);
    answer(CommitOutcome::kCommitted);
    engine_.step(at(0));
    ear_.take();
  }
  void elect(LeaderEpoch epoch, std::int64_t until) {
    engine_.answer(Elected{epoch, mono(until)}, at(0));
    engine_.answer(Recovered{epoch, std::make_shared<State>(), Sequence(0)}, at(0));
  }
  void answer(CommitOutcome outcome, std::int64_t second = 0) {
    engine_.answer(CommitAnswer{store_.commits.back()->id, outcome}, at(second));
  }
  void commit(std::int64_t second) {
    engine_.step(at(second));
    answer(CommitOutcome::kCommitted, second);
  }
  Status submit(std::uint64_t request, std::int64_t second = 0) {
    SubmitRun input;
    input.request = RequestId(request);
    input.run = RunId(RawId{2, request});
    input.ns = "default";
    input.workflow = "w";
    auto spec = std::make_shared<WorkflowSpec>();
    spec->tasks.resize(1);
    spec->tasks[0].name = "a";
    spec->tasks[0].request = {MilliCpu(1000), mebibytes(64), Bytes(0)};
    EXPECT_TRUE(spec->finish().ok());
    input.spec = spec;
    return engine_.offer(std::move(input), at(second));
  }
  Status join(std::int64_t second = 0, std::vector<AttemptRef> attempts = {}) {
    WorkerJoined joined;
    joined.worker = worker_;
    joined.attempts = std::move(attempts);
    joined.name = "w1";
    joined.capacity = {MilliCpu(8000), mebibytes(8192), mebibytes(1024)};
    return engine_.offer(std::move(joined), at(second));
  }
  // The attempt that holds the lease of run `request`'s one task.
  AttemptRef attempt(std::uint64_t request) const {
    const TaskRef ref{RunId(RawId{2, request}), TaskIndex(0)};
    const Task& task = *engine_.state().task(ref);
    return {ref.run, ref.task, task.attempt, task.epoch};
  }
  Status beat(std::vector<AttemptRef> attempts, std::int64_t second) {
    return engine_.offer(WorkerHeartbeat{worker_, 0, std::move(attempts), false}, at(second));
  }
  Status report(const AttemptRef& attempt, std::int64_t second) {
    return engine_.offer(AttemptSucceeded{worker_, attempt, {}, nullptr}, at(second));
  }
  static std::string code(const Status& status) { return status.ok() ? "" : status.error().code; }

  EngineLimits limits_{.max_pending = 4, .max_batch_inputs = 3};
  Settings settings_;
  ScriptedStore store_;
  Ear ear_;
  Counter entropy_;
  WorkerId worker_{RawId{1, 1}};
  Engine engine_{settings_, limits_, Engine::Ports{store_, ear_, ear_, entropy_}};
};

TEST_F(EngineTest, leads_only_when_its_first_word_is_in_the_log) {
  engine_.start(at(0));
  EXPECT_EQ(store_.campaigns, 1);
  EXPECT_EQ(code(submit(1)), "engine.not_leading");
  elect(kEpoch, 1'000);
  EXPECT_EQ(store_.recoveries, std::vector{kEpoch});
  ASSERT_EQ(store_.commits.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<events::LeaderStarted>(store_.commits[0]->events.at(0)));
  EXPECT_EQ(code(submit(1)), "engine.not_leading");
  EXPECT_EQ(code(join()), "engine.not_leading");
  EXPECT_EQ(ear_.take(), Heard{});
  answer(CommitOutcome::kCommitted);
  EXPECT_EQ(ear_.take(), (Heard{"leads", "applied 1"}));
  EXPECT_EQ(code(submit(1)), "");
}

TEST_F(EngineTest, answers_and_sends_nothing_before_the_commit) {
  lead();
  ASSERT_TRUE(join().ok());
  EXPECT_EQ(ear_.take(), Heard{"beat: 0 renewed, 0 fenced"});  // a greeting is answered at once
  ASSERT_TRUE(submit(1).ok());
  engine_.step(at(0));
  ASSERT_EQ(store_.commits.size(), 2U);
  engine_.step(at(1));
  EXPECT_EQ(ear_.take(), Heard{});
  EXPECT_TRUE(engine_.state().runs().empty()) << "memory runs ahead of the log";
  answer(CommitOutcome::kCommitted, 1);
  EXPECT_EQ(ear_.take(), (Heard{"applied 2", "reply 1 ok", "start epoch 1"}));
  EXPECT_EQ(engine_.state().runs().size(), 1U);

  ASSERT_TRUE(report(attempt(1), 2).ok());
  engine_.step(at(2));
  EXPECT_EQ(ear_.take(), Heard{}) << "a result is acknowledged before it is durable";
  answer(CommitOutcome::kCommitted, 2);
  EXPECT_EQ(ear_.take(), (Heard{"applied 3", "result accepted"}));
}

TEST_F(EngineTest, a_conflict_steps_down_and_tells_everyone_what_it_knows) {
  lead();
  ASSERT_TRUE(submit(1).ok());
  engine_.step(at(0));
  ASSERT_TRUE(submit(2).ok());  // planned by nobody yet
  ASSERT_TRUE(submit(3).ok());
  answer(CommitOutcome::kConflict);
  EXPECT_EQ(ear_.take(), (Heard{"reply 1 engine.outcome_unknown", "reply 2 engine.not_leading",
                                "reply 3 engine.not_leading", "leads no more"}));
  EXPECT_EQ(engine_.role(), Role::kFollower);
  EXPECT_EQ(store_.campaigns, 2) << "it stands again";
  EXPECT_EQ(code(submit(4)), "engine.not_leading");
  EXPECT_TRUE(engine_.state().runs().empty());
  EXPECT_TRUE(engine_.idle());
}

TEST_F(EngineTest, a_commit_without_an_answer_is_settled_by_the_very_same_batch) {
  lead();
  ASSERT_TRUE(submit(1).ok());
  engine_.step(at(0));
  const BatchRef first = store_.commits.back();
  ASSERT_TRUE(submit(2).ok());  // must not slip into the batch that may stand in the log already
  for (int again = 0; again < 3; ++again) {
    answer(CommitOutcome::kUnknown);
    ASSERT_EQ(store_.commits.back(), first);
    engine_.step(at(1));
    ASSERT_EQ(store_.commits.back(), first);
  }
  EXPECT_EQ(ear_.take(), Heard{});
  answer(CommitOutcome::kCommitted, 1);
  EXPECT_EQ(ear_.take(), (Heard{"applied 2", "reply 1 ok"}));
  // An answer to a batch that is settled means nothing any more.
  engine_.answer(CommitAnswer{first->id, CommitOutcome::kConflict}, at(1));
  EXPECT_EQ(engine_.role(), Role::kLeading);
}

TEST_F(EngineTest, deposed_of_its_own_epoch_steps_down_and_of_another_does_not) {
  lead();
  engine_.answer(Deposed{LeaderEpoch(6), "long ago"}, at(1));
  EXPECT_EQ(engine_.role(), Role::kLeading);
  engine_.answer(Deposed{kEpoch, "another leads"}, at(1));
  EXPECT_EQ(engine_.role(), Role::kFollower);
  EXPECT_EQ(ear_.take(), Heard{"leads no more"});
  EXPECT_EQ(ear_.counts["leader.stepped_down"], 1U);
}

TEST_F(EngineTest, elected_again_begins_anew) {
  lead();
  ASSERT_TRUE(submit(1).ok());
  engine_.step(at(0));
  const BatchRef under_way = store_.commits.back();
  engine_.answer(Elected{LeaderEpoch(8), mono(1'000)}, at(1));
  EXPECT_EQ(ear_.take(), (Heard{"reply 1 engine.outcome_unknown", "leads no more"}));
  EXPECT_EQ(engine_.role(), Role::kRecovering);
  EXPECT_EQ(store_.recoveries.back(), LeaderEpoch(8));
  engine_.answer(CommitAnswer{under_way->id, CommitOutcome::kCommitted}, at(1));
  EXPECT_EQ(engine_.role(), Role::kRecovering) << "a commit of the time before counts for nothing";
  EXPECT_EQ(ear_.take(), Heard{});
}

TEST_F(EngineTest, a_recovery_for_an_older_election_is_ignored) {
  engine_.start(at(0));
  engine_.answer(Elected{kEpoch, mono(1'000)}, at(0));
  engine_.answer(Elected{LeaderEpoch(8), mono(1'000)}, at(1));
  engine_.answer(Recovered{kEpoch, std::make_shared<State>(), Sequence(0)}, at(2));
  EXPECT_TRUE(store_.commits.empty());
  engine_.answer(Recovered{LeaderEpoch(8), std::make_shared<State>(), Sequence(41)}, at(3));
  ASSERT_EQ(store_.commits.size(), 1U);
  EXPECT_EQ(store_.commits[0]->sequence, Sequence(42));
  EXPECT_EQ(store_.commits[0]->leader_epoch, LeaderEpoch(8));
  // Said twice: one first word is enough.
  engine_.answer(Recovered{LeaderEpoch(8), std::make_shared<State>(), Sequence(41)}, at(3));
  EXPECT_EQ(store_.commits.size(), 1U);
}

TEST_F(EngineTest, renews_no_lease_when_its_own_may_be_over) {
  lead(10);
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(submit(1).ok());
  commit(0);
  ear_.take();
  EXPECT_EQ(code(beat({attempt(1)}, 9)), "");
  EXPECT_EQ(ear_.take(), Heard{"beat: 1 renewed, 0 fenced"});
  EXPECT_EQ(code(beat({attempt(1)}, 10)), "engine.not_leading");
  EXPECT_EQ(ear_.take(), Heard{});
  // A renewal of an older leadership changes nothing; its own does; a late one takes nothing back.
  engine_.answer(Renewed{LeaderEpoch(6), mono(1'000)}, at(11));
  EXPECT_EQ(code(beat({attempt(1)}, 11)), "engine.not_leading");
  engine_.answer(Renewed{kEpoch, mono(20)}, at(12));
  engine_.answer(Renewed{kEpoch, mono(15)}, at(12));
  EXPECT_EQ(code(beat({attempt(1)}, 19)), "");
  EXPECT_EQ(code(beat({attempt(1)}, 20)), "engine.not_leading");
  // People's inputs need no such care: the log's key decides.
  EXPECT_EQ(code(submit(2, 21)), "");
}

// Its streams may outlast a leadership: the next one may begin before anyone has closed them.
TEST_F(EngineTest, a_worker_that_did_not_greet_this_leadership_is_sent_for_it) {
  lead();
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(submit(1).ok());
  commit(0);
  const AttemptRef held = attempt(1);
  const auto state = std::make_shared<State>(engine_.state());
  const Sequence last = engine_.applied();
  engine_.answer(Deposed{kEpoch, "another leads"}, at(1));
  engine_.answer(Elected{LeaderEpoch(8), mono(100'000)}, at(1));
  engine_.answer(Recovered{LeaderEpoch(8), state, last}, at(1));
  answer(CommitOutcome::kCommitted, 1);
  ASSERT_EQ(engine_.role(), Role::kLeading);
  ear_.take();

  // "renewed" would let its runner live on while the lease that counts here runs out.
  ASSERT_TRUE(beat({held}, 2).ok());
  EXPECT_EQ(ear_.take(), Heard{"dismissed"});
  EXPECT_EQ(ear_.counts["worker.unknown"], 1U);

  ASSERT_TRUE(join(3, {held}).ok());
  EXPECT_EQ(ear_.take(), Heard{"beat: 1 renewed, 0 fenced"});
  ASSERT_TRUE(beat({held}, 4).ok());
  EXPECT_EQ(ear_.take(), Heard{"beat: 1 renewed, 0 fenced"});
  ASSERT_TRUE(submit(2, 4).ok());
  engine_.step(at(4));
  answer(CommitOutcome::kCommitted, 4);
  EXPECT_EQ(ear_.take().back(), "start epoch 2") << "there is a worker again";
}

TEST_F(EngineTest, heartbeats_are_answered_while_a_commit_is_under_way) {
  lead();
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(submit(1).ok());
  commit(0);
  ASSERT_TRUE(submit(2).ok());
  engine_.step(at(1));
  ear_.take();
  // The database restarts for longer than a lease; nobody loses his for it.
  AttemptRef stale = attempt(1);
  stale.epoch = Epoch(99);
  for (std::int64_t second = 5; second <= 40; second += 5) {
    ASSERT_TRUE(beat({attempt(1), stale}, second).ok());
    EXPECT_EQ(ear_.take(), Heard{"beat: 1 renewed, 1 fenced"});
    engine_.step(at(second));
  }
  answer(CommitOutcome::kCommitted, 41);
  EXPECT_EQ(ear_.take(), (Heard{"applied 3", "reply 2 ok", "start epoch 2"}));
  engine_.step(at(41));
  EXPECT_TRUE(engine_.idle()) << "a lease that was renewed has expired";
}

TEST_F(EngineTest, a_full_inbox_refuses_work_and_still_takes_results) {
  lead();
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(submit(1).ok());
  commit(0);
  ASSERT_TRUE(submit(2).ok());
  engine_.step(at(1));  // under way: from here on inputs gather
  for (std::uint64_t i = 0; i < limits_.max_pending; ++i) ASSERT_TRUE(submit(10 + i).ok());
  EXPECT_EQ(code(submit(20)), "engine.full");
  EXPECT_EQ(code(report(attempt(1), 1)), "");
  EXPECT_EQ(engine_.pending(), limits_.max_pending + 1);
  // Said again, as every unacknowledged result is, it takes no more room.
  EXPECT_EQ(code(report(attempt(1), 2)), "");
  EXPECT_EQ(engine_.pending(), limits_.max_pending + 1);
  // Results have their bound, too.
  AttemptRef other = attempt(1);
  do {
    other.epoch = other.epoch.next();
    ASSERT_LT(engine_.pending(), 100U);
  } while (report(other, 2).ok());
  EXPECT_EQ(engine_.pending(), limits_.max_pending * 2);
  EXPECT_EQ(code(report(other, 2)), "engine.full");
  // What waits for nothing is never refused: no lease is lost for a database that is slow.
  ear_.take();
  EXPECT_EQ(code(beat({attempt(1)}, 3)), "");
  EXPECT_EQ(ear_.take(), Heard{"beat: 1 renewed, 0 fenced"});
  EXPECT_EQ(code(report(attempt(1), 3)), "") << "one that waits is taken: it is here";
}

TEST_F(EngineTest, a_result_that_is_being_committed_takes_no_room_when_it_is_said_again) {
  lead();
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(submit(1).ok());
  commit(0);
  const AttemptRef done = attempt(1);
  ASSERT_TRUE(report(done, 1).ok());
  engine_.step(at(1));
  ear_.take();
  ASSERT_TRUE(report(done, 2).ok());
  EXPECT_EQ(engine_.pending(), 0U);
  // Another worker's word on it is another word, and is judged.
  ASSERT_TRUE(
      engine_.offer(AttemptSucceeded{WorkerId(RawId{1, 2}), done, {}, nullptr}, at(2)).ok());
  EXPECT_EQ(engine_.pending(), 1U);
  answer(CommitOutcome::kCommitted, 2);
  EXPECT_EQ(ear_.take(), (Heard{"applied 3", "result accepted"}));
  engine_.step(at(2));
  EXPECT_EQ(ear_.take(), Heard{"result refused lease.fenced"});
  // Its acknowledgement was lost: then it is answered once more (the run has ended meanwhile).
  ASSERT_TRUE(report(done, 3).ok());
  engine_.step(at(3));
  EXPECT_EQ(ear_.take(), Heard{"result refused lease.fenced"});
}

TEST_F(EngineTest, a_result_that_was_refused_with_its_leadership_is_taken_by_the_next) {
  lead();
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(submit(1).ok());
  commit(0);
  const AttemptRef done = attempt(1);
  const auto state = std::make_shared<State>(engine_.state());
  const Sequence last = engine_.applied();
  ASSERT_TRUE(report(done, 1).ok());
  engine_.step(at(1));  // under way
  engine_.answer(Deposed{kEpoch, "another leads"}, at(1));
  engine_.answer(Elected{LeaderEpoch(8), mono(100'000)}, at(1));
  engine_.answer(Recovered{LeaderEpoch(8), state, last}, at(1));
  answer(CommitOutcome::kCommitted, 1);
  ASSERT_TRUE(report(done, 2).ok());
  EXPECT_EQ(engine_.pending(), 1U);
  ear_.take();
  commit(2);
  EXPECT_EQ(ear_.take().back(), "result accepted");
}

TEST_F(EngineTest, a_loop_that_stalled_grants_every_lease_anew) {
  lead();
  ASSERT_TRUE(join().ok());
  ASSERT_TRUE(submit(1).ok());
  commit(0);
  engine_.step(at(0));  // expects to be called again when the lease ends, at 15
  EXPECT_EQ(engine_.next_wake(), mono(15));
  engine_.step(at(60));  // it was away; what it did not hear proves nothing
  EXPECT_EQ(ear_.counts["loop.stalled"], 1U);
  EXPECT_TRUE(engine_.idle()) << "the attempt was given up";
  EXPECT_EQ(engine_.next_wake(), mono(75));
  engine_.step(at(75));  // in time, and still nothing was heard
  EXPECT_EQ(ear_.counts["lease.expired"], 1U);
  EXPECT_EQ(ear_.counts["loop.stalled"], 1U);
}

TEST_F(EngineTest, what_gathers_during_a_commit_becomes_one_batch) {
  lead();
  ASSERT_TRUE(submit(1).ok());
  engine_.step(at(0));
  ASSERT_EQ(store_.commits.size(), 2U);
  ASSERT_TRUE(submit(2).ok());
  ASSERT_TRUE(submit(3).ok());
  engine_.step(at(0));
  ASSERT_EQ(store_.commits.size(), 2U) << "two batches are under way";
  answer(CommitOutcome::kCommitted);
  engine_.step(at(0));
  ASSERT_EQ(store_.commits.size(), 3U);
  EXPECT_EQ(std::count_if(store_.commits[2]->events.begin(), store_.commits[2]->events.end(),
                          [](const Event& event) {
                            return std::holds_alternative<events::RunCreated>(event);
                          }),
            2);
  EXPECT_EQ(store_.commits[2]->sequence, Sequence(3));
  answer(CommitOutcome::kCommitted);
  EXPECT_EQ(ear_.take(),
            (Heard{"applied 2", "reply 1 ok", "applied 3", "reply 2 ok", "reply 3 ok"}));
}

TEST_F(EngineTest, a_batch_takes_no_more_inputs_than_it_may) {
  lead();
  for (std::uint64_t i = 1; i <= limits_.max_pending; ++i) ASSERT_TRUE(submit(i).ok());
  engine_.step(at(0));
  EXPECT_EQ(engine_.pending(), limits_.max_pending - limits_.max_batch_inputs);
  EXPECT_EQ(engine_.next_wake(), std::nullopt) << "the commit's answer wakes it";
  answer(CommitOutcome::kCommitted);
  EXPECT_EQ(engine_.next_wake(), Monotonic(0)) << "the rest waits";
  engine_.step(at(0));
  EXPECT_EQ(engine_.pending(), 0U);
}

TEST_F(EngineTest, what_needs_no_event_is_answered_without_a_commit) {
  lead();
  ASSERT_TRUE(engine_.offer(SetDesiredState{RequestId(5), RunId(RawId{9, 9})}, at(0)).ok());
  engine_.step(at(0));
  EXPECT_EQ(store_.commits.size(), 1U);
  EXPECT_EQ(ear_.take(), Heard{"reply 5 run.ended"});
}

TEST_F(EngineTest, stopped_it_resigns_and_hears_nothing_more) {
  lead();
  ASSERT_TRUE(submit(1).ok());
  engine_.step(at(0));
  engine_.stop();
  EXPECT_EQ(store_.resigned, 1);
  answer(CommitOutcome::kCommitted);
  engine_.answer(Elected{LeaderEpoch(9), mono(1'000)}, at(1));
  engine_.step(at(2));
  EXPECT_EQ(ear_.take(), Heard{});
  EXPECT_EQ(engine_.next_wake(), std::nullopt);
}

}  // namespace
}  // namespace millrace::scheduler
