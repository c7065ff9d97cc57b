#include "scheduler/api/stream_event.h"

#include <gtest/gtest.h>

namespace millrace::api {
namespace {

namespace events = scheduler::events;
using scheduler::TaskIndex;
using scheduler::TaskState;

const scheduler::RunId kRun(RawId{0, 1});
const scheduler::WorkerId kWorker(RawId{0, 2});
const scheduler::SnapshotId kSnapshot(RawId{0, 3});
const WallTime kPlaced(1'000'000);
const WallTime kAt(2'500'000);

RunContext context() {
  auto spec = std::make_shared<scheduler::WorkflowSpec>();
  spec->tasks.resize(1);
  spec->tasks[0].name = "load";
  spec->tasks[0].kind = "ingest";
  return {.id = kRun, .ns = "default", .name = "r", .workflow = "w", .spec = std::move(spec)};
}

scheduler::AttemptRef attempt(std::uint32_t number) {
  return {kRun, TaskIndex(0), scheduler::AttemptNumber(number), scheduler::Epoch(7)};
}

events::AttemptFailed failed(events::Decision next) {
  return {.attempt = attempt(2),
          .worker = kWorker,
          .phase = scheduler::Phase::kExecute,
          .failure = {ErrorClass::kUser, "command.exit", "it \"broke\"", 3},
          .next = std::move(next),
          .placed_at = kPlaced,
          .at = kAt};
}

// Clients hold these texts, and logs are replayed with them for a day: a change here is a change of
// the interface.
TEST(StreamEvent, every_event_has_its_text) {
  const std::string run = R"({"name":"r","runId":"00000000000000000000000001","workflow":"w",)";
  const std::string task = R"({"name":"load","index":0,"kind":"ingest",)";
  const std::string on_worker = R"("workerId":"00000000000000000000000002")";
  const std::string placed = R"(,"startedAt":"1970-01-01T00:00:01Z")";
  const std::string at = R"("at":"1970-01-01T00:00:02.5Z")";
  const std::string failure =
      R"(,"attempt":2,"phase":"Execute",)" + on_worker + placed +
      R"(,"class":"User","code":"command.exit","message":"it \"broke\"","exitCode":3)";
  struct Case {
    scheduler::Event event;
    std::string type;  // empty: nobody is told
    std::string data;
  };
  events::RunCreated created;
  created.run = kRun;
  created.at = kAt;
  const Case cases[] = {
      {created, "run", run + R"("phase":"Running",)" + at + "}"},
      {events::RunDesired{kRun, scheduler::DesiredState::kPaused, "", kAt}, "run",
       run + R"("phase":"Paused",)" + at + "}"},
      {events::RunDesired{kRun, scheduler::DesiredState::kCancelled, "run.timed_out", kAt}, "run",
       run + R"("phase":"Cancelling",)" + at + R"(,"reason":"run.timed_out"})"},
      {events::RunFinished{kRun, scheduler::RunOutcome::kFailed, "load failed", kAt}, "end",
       run + R"("phase":"Failed",)" + at + R"(,"message":"load failed"})"},
      {events::TaskReady{{kRun, TaskIndex(0)}, kAt}, "task",
       task + R"("state":"Ready",)" + at + "}"},
      {events::TaskEnded{
           {kRun, TaskIndex(0)}, TaskState::kSkipped, "task.skipped.need_failed", "no", kAt},
       "task",
       task + R"("state":"Skipped",)" + at +
           R"(,"code":"task.skipped.need_failed","message":"no"})"},
      {events::CancelRequested{{kRun, TaskIndex(0)}, "x", kAt}, "task",
       task + R"("state":"Cancelling",)" + at + "}"},
      {events::AttemptPlaced{
           attempt(1), kWorker, scheduler::Phase::kExecute, {}, {}, {}, kAt, "laptop"},
       "task",
       task + R"("state":"Running",)" + at + R"(,"attempt":1,"phase":"Execute",)" + on_worker +
           R"(,"startedAt":"1970-01-01T00:00:02.5Z"})"},
      {events::AttemptSucceeded{
           .attempt = attempt(1),
           .worker = kWorker,
           .phase = scheduler::Phase::kExecute,
           .snapshots = {{.dataset = "flights", .snapshot = kSnapshot, .parent = {}, .rows = 5}},
           .publication_order = 0,
           .placed_at = kPlaced,
           .at = kAt},
       "task",
       task + R"("state":"Succeeded",)" + at + R"(,"attempt":1,"phase":"Execute",)" + on_worker +
           placed +
           R"(,"rows":5,"snapshots":[{"dataset":"flights","snapshot":"00000000000000000000000003","rows":5}]})"},
      {events::AttemptSucceeded{.attempt = attempt(1),
                                .worker = kWorker,
                                .phase = scheduler::Phase::kExecute,
                                .snapshots = {},
                                .publication_order = 4,
                                .placed_at = kPlaced,
                                .at = kAt},
       "task",
       task + R"("state":"Ready",)" + at + R"(,"attempt":1,"phase":"Publish",)" + on_worker +
           placed + "}"},
      {failed(events::Retry{
           .at = WallTime(9'000'000), .elsewhere = false, .reason = "retry.transient"}),
       "task",
       task + R"("state":"BackingOff",)" + at + failure +
           R"(,"retryAt":"1970-01-01T00:00:09Z","next":"retry.transient"})"},
      {failed(events::GiveUp{"retry.exhausted"}), "task",
       task + R"("state":"Failed",)" + at + failure + R"(,"next":"retry.exhausted"})"},
      {failed(events::Cancelled{}), "task", task + R"("state":"Cancelled",)" + at + failure + "}"},
      {events::DocumentPut{"workflows", {"default", "w"}, 3, {}, nullptr, kAt}, "object",
       R"({"kind":"workflows","name":"w","change":"Put","generation":3,)" + at + "}"},
      {events::DocumentDeleted{"workflows", {"default", "w"}, kAt}, "object",
       R"({"kind":"workflows","name":"w","change":"Deleted",)" + at + "}"},
      {events::LeaderStarted{}, "", ""},
      {events::KeysForgotten{}, "", ""},
      {events::SnapshotsExpired{}, "", ""},
      {events::HoldsReleased{}, "", ""},
  };
  const RunContext of_run = context();
  for (const Case& c : cases) {
    const auto told = stream_event(c.event, &of_run);
    EXPECT_EQ(told ? told->type : "", c.type) << scheduler::to_text(c.event);
    EXPECT_EQ(told ? told->data : "", c.data) << scheduler::to_text(c.event);
  }
}

TEST(StreamEvent, tasks_go_by_their_index_where_the_spec_is_not_kept) {
  RunContext of_run = context();
  of_run.spec = nullptr;
  const auto told = stream_event(events::TaskReady{{kRun, TaskIndex(3)}, kAt}, &of_run);
  ASSERT_TRUE(told);
  EXPECT_NE(told->data.find(R"("name":"3","index":3)"), std::string::npos) << told->data;
  EXPECT_FALSE(stream_event(events::TaskReady{{kRun, TaskIndex(3)}, kAt}, nullptr));
}

TEST(StreamEvent, bytes_of_a_command_do_no_harm) {
  const RunContext of_run = context();
  const auto told = stream_event(events::RunFinished{kRun, {}, "bad \xff\nbyte", kAt}, &of_run);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->data.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace millrace::api
