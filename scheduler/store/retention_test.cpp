// What goes of what the store keeps, and what stays, through the checkpointer.
#include "scheduler/store/retention.h"

#include <gtest/gtest.h>

#include <memory>
#include <pqxx/pqxx>

#include "scheduler/store/checkpointer.h"
#include "scheduler/store/log_writer.h"
#include "scheduler/store/postgres_store.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::scheduler {
namespace {

constexpr WallTime kLongAgo{1'600'000'000'000'000};

class StoreRetentionTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = testing_support::fresh_database();
    const Status migrated = migrate_store(database_);
    ASSERT_TRUE(migrated.ok()) << migrated.error().to_text();
    connection_ = std::make_unique<pqxx::connection>(database_);
    spec_ = std::make_shared<WorkflowSpec>();
    spec_->tasks.resize(1);
    spec_->tasks[0].name = "a";
    ASSERT_TRUE(spec_->finish().ok());
  }

  void commit(Event event, AttachmentRef attachment = nullptr,
              std::shared_ptr<const scheduler::Run> finished = nullptr) {
    Batch batch;
    batch.sequence = Sequence(++sequence_);
    batch.id = BatchId(RawId{1, sequence_});
    batch.leader_epoch = LeaderEpoch(1);
    batch.at = kLongAgo;
    batch.events.push_back(std::move(event));
    if (attachment != nullptr) batch.attachments.push_back({0, std::move(attachment)});
    if (finished != nullptr) batch.finished.push_back(std::move(finished));
    runs_.before(batch);
    const auto written = write_batch(*connection_, 0, batch, runs_);
    ASSERT_TRUE(written.ok()) << written.error().to_text();
    ASSERT_EQ(*written, CommitOutcome::kCommitted);
    runs_.after(batch);
  }
  void commit_idle(int count) {
    for (int i = 0; i < count; ++i) commit(events::LeaderStarted{{}, LeaderEpoch(1), kLongAgo});
  }
  static BodyHash hash(std::uint8_t number) {
    BodyHash hash{};
    hash[0] = number;
    return hash;
  }
  static AttachmentRef with_bodies(std::initializer_list<std::uint8_t> numbers) {
    auto attachment = std::make_shared<Attachment>();
    for (const std::uint8_t number : numbers)
      attachment->bodies.push_back({hash(number), "{\"n\": " + std::to_string(number) + "}"});
    return attachment;
  }
  void put(const std::string& name, std::uint64_t generation, std::uint8_t body) {
    commit(
        events::DocumentPut{"workflows", {"team", name}, generation, hash(body), spec_, kLongAgo},
        with_bodies({body}));
  }
  RunId create_run(std::uint64_t number, WallTime at, std::uint8_t body, std::uint8_t parameters) {
    events::RunCreated created;
    created.run = RunId::make(at, 7, number);
    created.ns = "team";
    created.name = "r" + std::to_string(number);
    created.spec = spec_;
    created.body_hash = hash(body);
    created.parameters_hash = hash(parameters);
    created.at = at;
    commit(created, with_bodies({parameters}));
    return created.run;
  }
  void finish_run(RunId id, std::uint8_t body, std::uint8_t parameters) {
    commit(events::TaskEnded{{id, TaskIndex(0)}, TaskState::kCancelled, "", "", kLongAgo});
    RunHeader header;
    header.id = id;
    header.ns = "team";
    header.name = "ended";
    header.spec = spec_;
    header.body_hash = hash(body);
    header.parameters_hash = hash(parameters);
    Task task;
    task.state = TaskState::kCancelled;
    commit(events::RunFinished{id, RunOutcome::kCancelled, "", kLongAgo}, nullptr,
           std::make_shared<const scheduler::Run>(scheduler::Run{std::move(header), {task}}));
  }

  std::string ask(const std::string& sql) {
    pqxx::nontransaction work(*connection_);
    const pqxx::result rows = work.exec(sql);
    std::string text;
    for (const pqxx::row& row : rows)
      text += (text.empty() ? "" : " ") + std::string(row[0].c_str());
    return text;
  }
  WallTime database_time() {
    pqxx::nontransaction work(*connection_);
    return WallTime(
        work.exec1("SELECT (extract(epoch FROM now()) * 1000000)::bigint")[0].as<std::int64_t>());
  }
  std::string bodies() {
    return ask("SELECT get_byte(hash, 0) FROM millrace.bodies ORDER BY hash");
  }
  void run(CheckpointPolicy policy = {}) {
    const auto done = Checkpointer(database_, 0, policy).run([] { return false; });
    ASSERT_TRUE(done.ok()) << done.error().to_text();
  }

  std::string database_;
  std::unique_ptr<pqxx::connection> connection_;
  std::shared_ptr<WorkflowSpec> spec_;
  LiveRuns runs_;
  std::uint64_t sequence_ = 0;
};

TEST_F(StoreRetentionTest,
       a_log_in_which_nothing_happens_is_checkpointed_and_dropped_all_the_same) {
  commit_idle(3);
  CheckpointPolicy policy;
  policy.every_time = seconds(1);
  run(policy);
  EXPECT_EQ(ask("SELECT sequence FROM millrace.checkpoints"), "3") << "its first batch is old";
  // As if 200,000 batches more had been written, all of them old and covered.
  ask("SELECT millrace.make_log_partitions(0, 4)");
  ask("UPDATE millrace.checkpoints SET sequence = 200001");
  ask("UPDATE millrace.checkpoint_chunks SET sequence = 200001");
  ask("INSERT INTO millrace.log SELECT shard, 150000, leader_epoch, batch_id, at, event_count, "
      "events "
      "FROM millrace.log WHERE sequence = 3");
  run(policy);
  EXPECT_EQ(ask("SELECT to_regclass('millrace.log_0') IS NULL"), "t");
  EXPECT_EQ(ask("SELECT to_regclass('millrace.log_1') IS NULL"), "t");
  EXPECT_EQ(ask("SELECT to_regclass('millrace.log_2') IS NULL"), "f");
}

TEST_F(StoreRetentionTest, the_log_is_kept_where_somebody_may_follow_it) {
  commit_idle(3);
  CheckpointPolicy policy;
  policy.every_time = seconds(1);
  run(policy);
  ask("SELECT millrace.make_log_partitions(0, 4)");
  ask("UPDATE millrace.checkpoints SET sequence = 200001");
  ask("UPDATE millrace.checkpoint_chunks SET sequence = 200001");
  ask("INSERT INTO millrace.log SELECT shard, 150000, leader_epoch, batch_id, now(), event_count, "
      "events FROM millrace.log WHERE sequence = 3");
  run(policy);
  EXPECT_EQ(ask("SELECT to_regclass('millrace.log_0') IS NULL"), "t");
  EXPECT_EQ(ask("SELECT to_regclass('millrace.log_1') IS NULL"), "f") << "150000 is of today";
}

TEST_F(StoreRetentionTest, what_no_checkpoint_covers_stays) {
  commit_idle(3);
  CheckpointPolicy policy;
  policy.every_time = seconds(1'000'000'000);
  ask("SELECT millrace.make_log_partitions(0, 4)");
  run(policy);
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.checkpoints"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.log"), "3");
}

TEST_F(StoreRetentionTest, bodies_that_nothing_refers_to_are_collected) {
  put("kept", 1, 1);
  put("replaced", 1, 2);
  put("replaced", 2, 3);
  put("deleted", 1, 4);
  commit(events::DocumentDeleted{"workflows", {"team", "deleted"}, kLongAgo});
  const WallTime today = database_time();
  create_run(1, today, 1, 5);  // lives
  finish_run(create_run(2, today, 2, 6), 2, 6);
  commit_idle(static_cast<int>(kTouchSlack) + 20);
  run();
  EXPECT_EQ(bodies(), "1 2 3 5 6") << "2 is of a run that ended, 4 of nothing";
  ask("DELETE FROM millrace.runs");
  run();
  EXPECT_EQ(bodies(), "1 3 5");
}

TEST_F(StoreRetentionTest, a_body_that_was_referred_to_lately_stays) {
  put("deleted", 1, 1);
  commit_idle(static_cast<int>(kTouchSlack) + 20);
  // What a batch after the collector's look would do: it is written again, and keeps its row.
  put("deleted", 2, 1);
  commit(events::DocumentDeleted{"workflows", {"team", "deleted"}, kLongAgo});
  run();
  EXPECT_EQ(bodies(), "1");
  commit_idle(static_cast<int>(kTouchSlack) + 20);
  run();
  EXPECT_EQ(bodies(), "");
}

TEST_F(StoreRetentionTest, runs_of_long_ago_go_with_their_specs_but_for_those_that_live) {
  const WallTime today = database_time();
  finish_run(create_run(1, kLongAgo, 1, 1), 1, 1);
  finish_run(create_run(2, today, 1, 1), 1, 1);
  run();
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.runs"), "1") << "also out of the default partition";
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.task_ends"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.specs"), "1");
  ask("DELETE FROM millrace.runs");
  commit_idle(static_cast<int>(kTouchSlack) + 20);
  run();
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.specs"), "0");
  // One that began long ago and lives keeps what was written of it.
  finish_run(create_run(4, kLongAgo + seconds(5), 1, 1), 1, 1);
  create_run(3, kLongAgo, 1, 1);
  run();
  EXPECT_EQ(ask("SELECT count(*) FROM millrace.runs"), "1");
}

}  // namespace
}  // namespace millrace::scheduler
