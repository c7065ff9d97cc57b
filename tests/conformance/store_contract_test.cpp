#include "tests/conformance/store_contract.h"

#include <random>
#include <vector>

#include "scheduler/core/apply.h"
#include "scheduler/store/testing/random_log.h"
#include "scheduler/store/testing/story.h"

namespace millrace::conformance {
namespace {

using scheduler::BatchRef;
using scheduler::CommitAnswer;
using scheduler::CommitOutcome;
using scheduler::Elected;
using scheduler::LeaderEpoch;
using scheduler::LeaderId;
using scheduler::Recovered;
using scheduler::Sequence;
using scheduler::State;
using scheduler::StorePort;
using scheduler::Story;

LeaderId leader(int number) { return LeaderId(RawId{1, static_cast<std::uint64_t>(number) + 1}); }

class StoreContract : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    world_ = GetParam().make();
    for (int i = 0; i < 3; ++i) stores_.push_back(&world_->open());
  }

  StorePort& store(int number) { return *stores_.at(static_cast<std::size_t>(number)); }
  LeaderEpoch elect(int number) {
    store(number).campaign(leader(number));
    return std::get<Elected>(world_->answer(number)).epoch;
  }
  Recovered recover(int number, LeaderEpoch epoch) {
    store(number).recover(epoch);
    return std::get<Recovered>(world_->answer(number));
  }
  CommitOutcome answer_to(int number, const BatchRef& batch) {
    const auto answer = std::get<CommitAnswer>(world_->answer(number));
    EXPECT_EQ(answer.batch, batch->id);
    return answer.outcome;
  }
  CommitOutcome commit(int number, const BatchRef& batch) {
    store(number).commit(batch);
    return answer_to(number, batch);
  }
  // As the engine does: again, until it is known.
  CommitOutcome commit_until_known(int number, const BatchRef& batch) {
    CommitOutcome outcome = commit(number, batch);
    while (outcome == CommitOutcome::kUnknown) outcome = commit(number, batch);
    return outcome;
  }
  // As another leader would write it in its place.
  static BatchRef by(LeaderEpoch epoch, const BatchRef& batch) {
    auto other = std::make_shared<scheduler::Batch>(*Story::rival_of(batch));
    other->leader_epoch = epoch;
    return other;
  }

  std::unique_ptr<StoreWorld> world_;
  std::vector<StorePort*> stores_;
};

TEST_P(StoreContract, an_empty_log_gives_an_empty_state) {
  const LeaderEpoch epoch = elect(0);
  EXPECT_GE(epoch, LeaderEpoch(1));
  const Recovered recovered = recover(0, epoch);
  EXPECT_EQ(recovered.epoch, epoch);
  EXPECT_EQ(recovered.last, Sequence(0));
  EXPECT_EQ(difference(*recovered.state, State()), "");
}

TEST_P(StoreContract, the_state_that_is_recovered_is_the_one_that_was_told) {
  Story story(1);
  story.leader_epoch = elect(0);
  recover(0, story.leader_epoch);
  for (std::uint64_t told = 1; told <= 150; ++told) {
    ASSERT_EQ(commit(0, story.next()), CommitOutcome::kCommitted);
    if (told % 50 != 0) continue;
    const Recovered recovered = recover(0, story.leader_epoch);
    EXPECT_EQ(recovered.last, Sequence(told));
    EXPECT_EQ(difference(*recovered.state, story.state()), "");
  }
}

TEST_P(StoreContract, a_sequence_is_taken_once) {
  Story story(2);
  story.leader_epoch = elect(0);
  recover(0, story.leader_epoch);
  ASSERT_EQ(commit(0, story.next()), CommitOutcome::kCommitted);
  world_->lapse();
  const LeaderEpoch second = elect(1);
  EXPECT_GT(second, story.leader_epoch) << "epochs grow";
  const BatchRef batch = story.next();
  EXPECT_EQ(commit(1, by(second, batch)), CommitOutcome::kCommitted);
  EXPECT_EQ(commit(0, batch), CommitOutcome::kConflict);
  EXPECT_EQ(world_->log_size(), 2U);
}

TEST_P(StoreContract, a_batch_that_is_handed_over_again_is_committed_once) {
  Story story(3);
  story.leader_epoch = elect(0);
  recover(0, story.leader_epoch);
  for (int i = 0; i < 20; ++i) {
    const BatchRef batch = story.next();
    EXPECT_EQ(commit(0, batch), CommitOutcome::kCommitted);
    EXPECT_EQ(commit(0, batch), CommitOutcome::kCommitted);
  }
  EXPECT_EQ(world_->log_size(), 20U);
  EXPECT_EQ(difference(*recover(0, story.leader_epoch).state, story.state()), "");
}

TEST_P(StoreContract, a_commit_whose_answer_is_lost_is_settled) {
  Story story(4);
  story.leader_epoch = elect(0);
  recover(0, story.leader_epoch);
  for (std::uint64_t i = 1; i <= 40; ++i) {
    if (i % 4 == 0) world_->lose_answer(0);
    EXPECT_EQ(commit_until_known(0, story.next()), CommitOutcome::kCommitted);
    EXPECT_EQ(world_->log_size(), i);
  }
  EXPECT_EQ(difference(*recover(0, story.leader_epoch).state, story.state()), "");
}

TEST_P(StoreContract, a_lost_answer_may_hide_a_conflict) {
  Story story(5);
  story.leader_epoch = elect(0);
  recover(0, story.leader_epoch);
  ASSERT_EQ(commit(0, story.next()), CommitOutcome::kCommitted);
  world_->lapse();
  const LeaderEpoch second = elect(1);
  const BatchRef batch = story.next();
  ASSERT_EQ(commit(1, by(second, batch)), CommitOutcome::kCommitted);
  EXPECT_EQ(commit_until_known(0, batch), CommitOutcome::kConflict);
}

// Two that both believe they lead, at every sequence at once: exactly one gets it, and the other
// may go on only after it has recovered.
TEST_P(StoreContract, two_leaders_never_both_append) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    world_ = GetParam().make();
    stores_ = {&world_->open(), &world_->open()};
    std::mt19937_64 random(seed);
    Story story(seed);
    story.leader_epoch = elect(0);
    recover(0, story.leader_epoch);
    ASSERT_EQ(commit(0, story.next()), CommitOutcome::kCommitted);
    world_->lapse();
    const LeaderEpoch second = elect(1);
    recover(1, second);
    int won[2] = {0, 0};
    for (int i = 0; i < 60; ++i) {
      const BatchRef ours = story.next();
      const BatchRef theirs = by(second, ours);
      const int first = static_cast<int>(random() % 2);
      if (random() % 5 == 0) world_->lose_answer(static_cast<int>(random() % 2));
      store(first).commit(first == 0 ? ours : theirs);
      store(1 - first).commit(first == 0 ? theirs : ours);
      CommitOutcome outcome[2];
      for (const int number : {first, 1 - first}) {
        const BatchRef& batch = number == 0 ? ours : theirs;
        outcome[number] = answer_to(number, batch);
        if (outcome[number] == CommitOutcome::kUnknown) {
          outcome[number] = commit_until_known(number, batch);
        }
      }
      ASSERT_NE(outcome[0], outcome[1]) << "at " << ours->sequence;
      ++won[outcome[0] == CommitOutcome::kCommitted ? 0 : 1];
    }
    EXPECT_GT(won[0], 0);
    EXPECT_GT(won[1], 0);
    EXPECT_EQ(world_->log_size(), 61U);
    // Whoever wrote a batch, its events were the same.
    EXPECT_EQ(difference(*recover(1, second).state, story.state()), "");
  }
}

TEST_P(StoreContract, leadership_that_is_given_up_is_free) {
  const LeaderEpoch first = elect(0);
  store(0).resign();
  const LeaderEpoch second = elect(1);
  EXPECT_GT(second, first);
  store(1).resign();
  EXPECT_GT(elect(0), second) << "also for who had it before";
}

TEST_P(StoreContract, who_stands_again_is_elected_anew) {
  const LeaderEpoch first = elect(0);
  EXPECT_GT(elect(0), first);
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract,
                         testing::Values(StoreKind{"memory", &make_memory_world},
                                         StoreKind{"postgres", &make_postgres_world}),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace millrace::conformance
