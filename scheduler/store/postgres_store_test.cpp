#include "scheduler/store/postgres_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <optional>
#include <pqxx/pqxx>
#include <thread>
#include <utility>
#include <vector>

#include "scheduler/store/codec.h"
#include "scheduler/store/testing/answers.h"
#include "scheduler/store/testing/random_log.h"
#include "scheduler/store/testing/story.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::scheduler {
namespace {

using testing_support::eventually;

LeaderId leader(std::uint64_t number) { return LeaderId(RawId{1, number}); }

// A scheduler without its engine.
struct Party {
  explicit Party(PostgresStoreOptions options)
      : store(std::make_unique<PostgresStore>(
            std::move(options), [this](StoreAnswer answer) { answers.put(std::move(answer)); },
            [this](Error error) { answers.put_fatal(std::move(error)); })) {}

  Elected elect(std::uint64_t number) {
    store->campaign(leader(number));
    return std::get<Elected>(answers.next().value());
  }
  Recovered lead(std::uint64_t number) {
    store->recover(elect(number).epoch);
    return std::get<Recovered>(answers.next().value());
  }
  CommitOutcome commit(BatchRef batch) {
    store->commit(std::move(batch));
    return std::get<CommitAnswer>(answers.next().value()).outcome;
  }

  Answers answers;
  std::unique_ptr<PostgresStore> store;
};

class PostgresStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = testing_support::fresh_database();
    const Status migrated = migrate_store(database_);
    ASSERT_TRUE(migrated.ok()) << migrated.error().to_text();
  }
  void TearDown() override {
    let_backends_go_on();
    if (server_) {
      EXPECT_TRUE(server_->stop().ok());
    }
  }
  PostgresStoreOptions options(Micros lease = seconds(60)) const {
    PostgresStoreOptions options;
    options.connection_string = database_;
    options.leader_lease = lease;
    options.retry_pause = milliseconds(5);
    return options;
  }
  std::string ask(const std::string& sql) const {
    pqxx::connection connection(database_);
    pqxx::nontransaction work(connection);
    const pqxx::result result = work.exec(sql);
    return result.empty() || result[0][0].is_null() ? "" : result[0][0].as<std::string>();
  }
  // Tells `count` batches of the story, all committed.
  void tell(Party& party, Story& story, int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_EQ(party.commit(story.next()), CommitOutcome::kCommitted);
  }

  // A server of the test's own: others are not disturbed. Call it before anything else.
  void own_server() {
    auto server =
        postgres::PrivatePostgres::open({.directory = testing_support::reachable_folder() + "/db",
                                         .durable = false,
                                         .die_with_parent = true});
    ASSERT_TRUE(server.ok()) << server.error().to_text();
    server_.emplace(std::move(*server));
    const Status started = server_->start();
    ASSERT_TRUE(started.ok()) << started.error().to_text();
    database_ = server_->connection_string();
    ASSERT_TRUE(migrate_store(database_).ok());
  }
  // Every process of the server that would answer a store hangs, until they are let go on.
  void stop_backends() {
    pqxx::connection connection(database_);
    for (const auto& row :
         pqxx::nontransaction(connection)
             .exec("SELECT pid FROM pg_stat_activity WHERE application_name = 'millrace'")) {
      stopped_.push_back(row[0].as<pid_t>());
      ::kill(stopped_.back(), SIGSTOP);
    }
    ASSERT_FALSE(stopped_.empty());
  }
  void let_backends_go_on() {
    for (const pid_t pid : std::exchange(stopped_, {})) ::kill(pid, SIGCONT);
  }

  std::string database_;
  std::optional<postgres::PrivatePostgres> server_;  // where the test has its own
  std::vector<pid_t> stopped_;
};

TEST_F(PostgresStoreTest, what_was_committed_is_recovered) {
  Story story(1);
  {
    Party party(options());
    const Recovered empty = party.lead(1);
    EXPECT_EQ(empty.last, Sequence(0));
    EXPECT_EQ(difference(*empty.state, State()), "");
    story.leader_epoch = empty.epoch;
    tell(party, story, 200);
    EXPECT_EQ(party.store->health().committed_batches, 200U);
  }
  Party next(options());
  const Recovered recovered = next.lead(2);
  EXPECT_EQ(recovered.last, Sequence(200));
  EXPECT_EQ(difference(*recovered.state, story.state()), "");
  EXPECT_GT(story.finished.size(), 5U) << "runs ended meanwhile";
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.runs"), std::to_string(story.finished.size()));
}

TEST_F(PostgresStoreTest, a_checkpoint_and_the_log_after_it_give_the_same_state) {
  Story story(2);
  Party party(options());
  story.leader_epoch = party.lead(1).epoch;
  Checkpointer checkpointer(database_, 0, {});
  const auto never = [] { return false; };
  for (int round = 1; round <= 4; ++round) {
    tell(party, story, 50);
    const auto written = checkpointer.checkpoint(never);
    ASSERT_TRUE(written.ok()) << written.error().to_text();
    EXPECT_EQ(*written, Sequence(static_cast<std::uint64_t>(round * 50)));
    EXPECT_EQ(*checkpointer.checkpoint(never), *written) << "nothing has happened since";
  }
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.checkpoints"), "2")
      << "the newest and the one before";
  EXPECT_EQ(ask("SELECT count(DISTINCT sequence) FROM millrace.checkpoint_chunks"), "2");
  tell(party, story, 20);
  // The part of the log that the checkpoint covers is not looked at.
  ask("DELETE FROM millrace.log WHERE sequence <= 200");
  party.store.reset();
  Party next(options());
  const Recovered recovered = next.lead(2);
  EXPECT_EQ(recovered.last, Sequence(220));
  EXPECT_EQ(difference(*recovered.state, story.state()), "");
}

TEST_F(PostgresStoreTest, a_checkpoint_is_due_after_enough_batches) {
  Story story(3);
  Party party(options());
  story.leader_epoch = party.lead(1).epoch;
  CheckpointPolicy policy;
  policy.every_batches = 10;
  policy.every_time = seconds(1'000'000'000);
  Checkpointer checkpointer(database_, 0, policy);
  const auto never = [] { return false; };
  tell(party, story, 9);
  EXPECT_EQ(checkpointer.run(never).value(), Sequence(0));
  tell(party, story, 1);
  EXPECT_EQ(checkpointer.run(never).value(), Sequence(10));
  EXPECT_EQ(checkpointer.run(never).value(), Sequence(0));
  tell(party, story, 10);
  EXPECT_EQ(checkpointer.run([] { return true; }).error().code, "store.cancelled");
}

TEST_F(PostgresStoreTest, retention_drops_what_is_covered_and_old) {
  Story story(4);
  Party party(options());
  story.leader_epoch = party.lead(1).epoch;
  tell(party, story, 3);
  ask("SELECT millrace.make_log_partitions(0, 3)");
  EXPECT_EQ(ask("SELECT millrace.drop_log_partitions(99999)"), "0");
  EXPECT_EQ(ask("SELECT millrace.drop_log_partitions(200000)"), "2");
  EXPECT_EQ(ask("SELECT to_regclass('millrace.log_2') IS NOT NULL"), "t");
  // Weeks of runs: those that ended before.
  ask("SELECT millrace.make_run_partitions(0, 3)");
  EXPECT_EQ(ask("SELECT millrace.drop_run_partitions(2 * 7 * 24 * 3600 * 1000::bigint)"), "16");
  EXPECT_EQ(ask("SELECT to_regclass('millrace.runs_2') IS NOT NULL"), "t");
}

TEST_F(PostgresStoreTest, a_head_that_differs_stops_the_start) {
  Story story(5);
  {
    Party party(options());
    story.leader_epoch = party.lead(1).epoch;
    tell(party, story, 100);
  }
  ASSERT_FALSE(story.state().heads().empty());
  ask("DELETE FROM catalog.dataset_heads WHERE dataset = 'flights'");
  Party next(options());
  next.store->recover(next.elect(2).epoch);
  const auto fatal = next.answers.wait_fatal();
  ASSERT_TRUE(fatal.has_value());
  EXPECT_EQ(fatal->code, "store.heads_differ");
  EXPECT_NE(fatal->message.find("\"team/flights\""), std::string::npos) << fatal->to_text();
}

TEST_F(PostgresStoreTest, a_log_with_a_gap_stops_the_start) {
  Story story(6);
  {
    Party party(options());
    story.leader_epoch = party.lead(1).epoch;
    tell(party, story, 20);
  }
  ask("DELETE FROM millrace.log WHERE sequence = 7");
  Party next(options());
  next.store->recover(next.elect(2).epoch);
  const auto fatal = next.answers.wait_fatal();
  ASSERT_TRUE(fatal.has_value());
  EXPECT_EQ(fatal->code, "log.broken");
}

TEST_F(PostgresStoreTest, leadership_is_renewed_and_its_loss_is_told) {
  Party party(options(milliseconds(300)));
  const Elected elected = party.elect(1);
  ASSERT_TRUE(party.answers.wait_renewals(3));
  EXPECT_TRUE(party.answers.empty()) << "nobody was deposed";
  ask("UPDATE millrace.leadership SET leader_epoch = leader_epoch + 1, leader = '" +
      std::string("00000000-0000-0000-0000-000000000009'"));
  const auto deposed = std::get<Deposed>(party.answers.next().value());
  EXPECT_EQ(deposed.epoch, elected.epoch);
  EXPECT_EQ(deposed.reason, "another scheduler leads");
}

// Told the other way round, the engine would wait for a recovery that nobody begins, and stand for
// nothing.
TEST_F(PostgresStoreTest, an_election_is_told_before_it_has_lapsed) {
  const Micros lease = milliseconds(50);
  Answers answers;
  std::promise<void> deposed;
  PostgresStore store(
      options(lease),
      [&, lapsed = deposed.get_future().share()](StoreAnswer answer) {
        // The telling thread is away for long after the lease: whatever can overtake it does.
        if (std::holds_alternative<Elected>(answer))
          (void)lapsed.wait_for(std::chrono::microseconds(lease.value() * 10));
        const bool lost = std::holds_alternative<Deposed>(answer);
        answers.put(std::move(answer));
        if (lost) deposed.set_value();
      },
      [&](Error error) { answers.put_fatal(std::move(error)); });
  store.campaign(leader(1));
  const StoreAnswer first = answers.next().value();
  ASSERT_TRUE(std::holds_alternative<Elected>(first)) << "answer " << first.index();
  const LeaderEpoch epoch = std::get<Elected>(first).epoch;
  store.recover(epoch);
  const StoreAnswer second = answers.next().value();
  if (const auto* recovered = std::get_if<Recovered>(&second))
    EXPECT_EQ(recovered->epoch, epoch);
  else
    EXPECT_EQ(std::get<Deposed>(second).epoch, epoch);
}

TEST_F(PostgresStoreTest, a_leader_whose_process_is_gone_is_replaced_at_once) {
  // The lease of an hour would be waited for.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Party party(options(seconds(3600)));
    party.elect(1);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  Party next(options(seconds(3600)));
  EXPECT_EQ(next.elect(2).epoch, LeaderEpoch(2));
}

TEST_F(PostgresStoreTest, a_server_that_restarts_costs_no_batch) {
  ASSERT_NO_FATAL_FAILURE(own_server());
  Story story(8);
  Party party(options());
  story.leader_epoch = party.lead(1).epoch;
  for (int round = 0; round < 4; ++round) {
    tell(party, story, 10);
    EXPECT_FALSE(party.store->health().trouble.has_value());
    // The restarts on this thread: the server dies with the one that started it.
    std::jthread teller([&] { tell(party, story, 30); });
    if (round % 2 == 0) {
      EXPECT_TRUE(testing_support::kill_server(*server_));
    } else {
      EXPECT_TRUE(server_->stop().ok());
    }
    EXPECT_FALSE(server_->status().running);
    const Status started = server_->start();
    ASSERT_TRUE(started.ok()) << started.error().to_text();
  }
  EXPECT_GE(party.store->health().lost_connections, 1U);
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.log"), "160");
  party.store.reset();
  Party next(options());
  EXPECT_EQ(difference(*next.lead(2).state, story.state()), "");
}

TEST_F(PostgresStoreTest, a_server_that_hangs_deposes_the_leader) {
  ASSERT_NO_FATAL_FAILURE(own_server());
  Story story(9);
  Party party(options(milliseconds(500)));
  const Recovered recovered = party.lead(1);
  story.leader_epoch = recovered.epoch;
  tell(party, story, 5);
  ASSERT_NO_FATAL_FAILURE(stop_backends());
  party.store->commit(story.next());
  const auto deposed = std::get<Deposed>(party.answers.next().value());
  EXPECT_EQ(deposed.epoch, recovered.epoch);
  EXPECT_EQ(std::get<CommitAnswer>(party.answers.next().value()).outcome, CommitOutcome::kUnknown);
  let_backends_go_on();
  EXPECT_GE(party.lead(2).last, Sequence(5)) << "it stands again, and is elected";
}

// Long before anybody breaks the call off.
TEST_F(PostgresStoreTest, a_server_that_hangs_does_not_count_as_connected) {
  ASSERT_NO_FATAL_FAILURE(own_server());
  Story story(9);
  std::atomic<int> commits = 0;
  PostgresStoreOptions patient = options(seconds(3600));
  patient.silence = milliseconds(50);
  patient.on_commit = [&](Micros) { ++commits; };
  Party party(patient);
  story.leader_epoch = party.lead(1).epoch;
  tell(party, story, 5);
  EXPECT_EQ(commits, 5);
  ASSERT_NO_FATAL_FAILURE(stop_backends());
  party.store->commit(story.next());
  EXPECT_TRUE(eventually([&] { return !party.store->health().connected; }));
  let_backends_go_on();
  EXPECT_EQ(std::get<CommitAnswer>(party.answers.next().value()).outcome,
            CommitOutcome::kCommitted);
  EXPECT_TRUE(eventually([&] { return party.store->health().connected; }));
  EXPECT_EQ(party.store->health().lost_connections, 0U);
  EXPECT_EQ(commits, 6);
}

TEST_F(PostgresStoreTest, stopping_gives_leadership_up) {
  {
    Party party(options(seconds(3600)));
    party.elect(1);
  }
  Party next(options());
  next.elect(2);
  next.store->resign();
  Party third(options());
  EXPECT_EQ(third.elect(3).epoch, LeaderEpoch(3));
}

TEST_F(PostgresStoreTest, no_server_does_not_hold_up_the_end) {
  PostgresStoreOptions nowhere = options();
  nowhere.connection_string = "host=/nowhere";
  Party party(nowhere);
  party.store->campaign(leader(1));
  ASSERT_TRUE(eventually([&] { return !party.store->health().last_error.empty(); }));
  EXPECT_FALSE(party.store->health().connected);
  ASSERT_TRUE(party.store->health().trouble.has_value());
  EXPECT_EQ(party.store->health().trouble->code, "postgres.unavailable");
  party.store.reset();
  EXPECT_TRUE(party.answers.empty());
}

}  // namespace
}  // namespace millrace::scheduler
