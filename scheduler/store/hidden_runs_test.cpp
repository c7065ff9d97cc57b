// Of a hidden run the database holds its body while it lives, and nothing afterwards.
#include <gtest/gtest.h>

#include <pqxx/pqxx>
#include <string>

#include "scheduler/store/log_writer.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/store_reader.h"
#include "tests/support/postgres_fixture.h"

namespace millrace::scheduler {
namespace {

constexpr RunId kRun{RawId{0x0190'0000'0000'0000ULL, 2}};
constexpr TaskRef kTask{kRun, TaskIndex(0)};
constexpr AttemptRef kAttempt{kRun, TaskIndex(0), AttemptNumber(1), Epoch(7)};

WorkflowSpecRef spec_with(bool hidden) {
  auto spec = std::make_shared<WorkflowSpec>();
  spec->tasks.emplace_back().name = "query";
  spec->hidden = hidden;
  EXPECT_TRUE(spec->finish().ok());
  return spec;
}

class HiddenRuns : public testing::Test {
 protected:
  HiddenRuns() : database_(testing_support::fresh_database()) {
    EXPECT_TRUE(migrate_store(database_).ok());
    connection_.emplace(database_);
  }

  void commit(std::vector<Event> events, AttachmentRef attachment = nullptr,
              std::shared_ptr<const scheduler::Run> finished = nullptr) {
    Batch batch;
    batch.sequence = last_ = last_.next();
    batch.id = BatchId(RawId{1, last_.value()});
    batch.leader_epoch = LeaderEpoch(1);
    batch.events = std::move(events);
    if (attachment != nullptr) batch.attachments.push_back({0, std::move(attachment)});
    if (finished != nullptr) batch.finished.push_back(std::move(finished));
    live_.before(batch);
    const auto written = write_batch(*connection_, 0, batch, live_);
    ASSERT_TRUE(written.ok()) << written.error().to_text();
    EXPECT_EQ(*written, CommitOutcome::kCommitted);
    live_.after(batch);
  }

  // The whole life of a run: it succeeds, or is cancelled before it was placed.
  void live_through(const WorkflowSpecRef& spec, bool succeeds) {
    auto body = std::make_shared<Attachment>();
    body->bodies.push_back({hash_, R"({"sql": "SELECT 1"})"});
    events::RunCreated created;
    created.run = kRun;
    created.ns = "team";
    created.name = ".query-1";
    created.spec = spec;
    created.body_hash = hash_;
    commit({created, events::TaskReady{kTask, {}}}, body);
    StoreReader reader(database_, 1);
    EXPECT_EQ(*reader.body(hash_), body->bodies.front().content);

    auto run = std::make_shared<scheduler::Run>();
    run->header.id = kRun;
    run->header.ns = "team";
    run->header.name = ".query-1";
    run->header.spec = spec;
    run->header.body_hash = hash_;
    run->tasks.emplace_back();
    if (!succeeds) {
      commit({events::TaskEnded{kTask, TaskState::kCancelled, "task.cancelled", "", {}},
              events::RunFinished{kRun, RunOutcome::kCancelled, "", {}}},
             nullptr, run);
      return;
    }
    events::AttemptPlaced placed;
    placed.attempt = kAttempt;
    commit({placed});
    events::AttemptSucceeded succeeded;
    succeeded.attempt = kAttempt;
    auto outputs = std::make_shared<Attachment>();
    outputs->outputs_json = R"({"rows": 1})";
    commit({succeeded, events::RunFinished{kRun, RunOutcome::kSucceeded, "", {}}}, outputs, run);
  }

  long rows_about_runs() {
    pqxx::work work(*connection_);
    long rows = 0;
    for (const char* table :
         {"bodies", "runs", "tasks", "attempts", "outputs", "task_ends", "specs"})
      rows += work.exec1("SELECT count(*) FROM millrace." + std::string(table))[0].as<long>();
    return rows;
  }

  std::string database_;
  std::optional<pqxx::connection> connection_;
  LiveRuns live_;
  Sequence last_;
  BodyHash hash_{1, 2, 3};
};

TEST_F(HiddenRuns, leave_nothing_when_they_succeed) {
  live_through(spec_with(true), true);
  EXPECT_EQ(rows_about_runs(), 0);
}

TEST_F(HiddenRuns, leave_nothing_when_they_are_cancelled) {
  live_through(spec_with(true), false);
  EXPECT_EQ(rows_about_runs(), 0);
}

TEST_F(HiddenRuns, others_leave_what_they_always_did) {
  live_through(spec_with(false), true);
  EXPECT_EQ(rows_about_runs(), 6) << "a body, a run, its task, its attempt, its outputs, its spec";
}

}  // namespace
}  // namespace millrace::scheduler
