#include "scheduler/api/running_queries.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scheduler/core/apply.h"

namespace millrace::api {
namespace {

using namespace scheduler;  // NOLINT(google-build-using-namespace): the events' own words

class RunningQueriesTest : public ::testing::Test {
 protected:
  RunningQueriesTest() {
    auto spec = std::make_shared<WorkflowSpec>();
    spec->tasks.emplace_back().name = "query";
    spec->hidden = true;
    EXPECT_TRUE(spec->finish().ok());
    spec_ = std::move(spec);
  }

  void await() {
    queries_.await(kRun, queries_.enter(), seconds(30), [this](Result<QueryAnswer> answer) {
      told_.push_back(answer.ok() ? answer->outputs_json : answer.error().to_text());
    });
  }
  // Applies the events and tells of them; `ends`: the run ends in them.
  std::vector<AttemptRef> happen(std::vector<scheduler::Event> events, bool ends = false,
                                 const AttachmentRef& attachment = nullptr) {
    Batch batch;
    if (ends) {
      scheduler::Run run;
      run.header.id = kRun;
      run.header.spec = spec_;
      run.tasks.emplace_back();
      run.tasks.front().attempt = kAttempt.attempt;
      run.tasks.front().epoch = kAttempt.epoch;
      batch.finished.push_back(std::make_shared<const scheduler::Run>(std::move(run)));
    }
    if (attachment != nullptr) batch.attachments.push_back({0, attachment});
    batch.events = std::move(events);
    for (const scheduler::Event& event : batch.events) apply(state_, event);
    return queries_.applied(batch, state_);
  }
  scheduler::Event created() const {
    events::RunCreated created;
    created.run = kRun;
    created.spec = spec_;
    return created;
  }
  static scheduler::Event ready() { return events::TaskReady{{kRun, TaskIndex(0)}, {}}; }
  static scheduler::Event placed() {
    events::AttemptPlaced placed;
    placed.attempt = kAttempt;
    return placed;
  }
  static scheduler::Event times_out() {
    return events::RunDesired{kRun, DesiredState::kCancelled, "run.timed_out", {}};
  }
  static scheduler::Event ended() {
    return events::TaskEnded{{kRun, TaskIndex(0)}, TaskState::kCancelled, "run.timed_out", "", {}};
  }
  static scheduler::Event finished(RunOutcome outcome) {
    return events::RunFinished{kRun, outcome, "", {}};
  }

  static constexpr RunId kRun{RawId{1, 2}};
  static constexpr AttemptRef kAttempt{kRun, TaskIndex(0), AttemptNumber(1), Epoch(7)};
  WorkflowSpecRef spec_;
  State state_;
  RunningQueries queries_{1};
  std::vector<std::string> told_;
};

TEST_F(RunningQueriesTest, a_query_that_takes_too_long_is_told_at_once_and_keeps_its_place) {
  await();
  happen({created(), ready(), placed()});
  happen({times_out(), events::CancelRequested{{kRun, TaskIndex(0)}, "run.timed_out", {}}});
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("query.timed_out"), std::string::npos) << told_[0];
  EXPECT_NE(told_[0].find("30s"), std::string::npos) << told_[0];
  EXPECT_EQ(queries_.enter(), nullptr) << "its attempt has not ended";
  events::AttemptFailed failed;
  failed.attempt = kAttempt;
  failed.next = events::Cancelled{};
  happen({failed, finished(RunOutcome::kTimedOut)}, true);
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_NE(queries_.enter(), nullptr);
}

TEST_F(RunningQueriesTest, one_that_found_no_room_is_told_so) {
  await();
  happen({created(), ready()});
  happen({times_out(), ended(), finished(RunOutcome::kTimedOut)}, true);
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("query.no_room"), std::string::npos) << told_[0];
}

TEST_F(RunningQueriesTest, an_answer_that_came_too_late_is_nobodys) {
  await();
  happen({created(), ready(), placed()});
  happen({times_out(), events::CancelRequested{{kRun, TaskIndex(0)}, "run.timed_out", {}}});
  events::AttemptSucceeded succeeded;
  succeeded.attempt = kAttempt;
  const auto unwanted = happen({succeeded, finished(RunOutcome::kSucceeded)}, true);
  EXPECT_EQ(unwanted, std::vector<AttemptRef>{kAttempt});
  EXPECT_EQ(told_.size(), 1U);
}

TEST_F(RunningQueriesTest, an_answer_in_time_is_told_with_what_it_says_of_itself) {
  await();
  happen({created(), ready(), placed()});
  events::AttemptSucceeded succeeded;
  succeeded.attempt = kAttempt;
  auto attachment = std::make_shared<Attachment>();
  attachment->outputs_json = "{}";
  EXPECT_TRUE(happen({succeeded, finished(RunOutcome::kSucceeded)}, true, attachment).empty());
  EXPECT_EQ(told_, std::vector<std::string>{"{}"});
  EXPECT_NE(queries_.enter(), nullptr);
}

TEST_F(RunningQueriesTest, whoever_waits_is_told_when_leadership_is_lost) {
  await();
  EXPECT_EQ(queries_.enter(), nullptr);
  queries_.lost();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_NE(told_[0].find("query.interrupted"), std::string::npos) << told_[0];
  EXPECT_FALSE(queries_.waits(kRun));
  EXPECT_NE(queries_.enter(), nullptr);
}

}  // namespace
}  // namespace millrace::api
