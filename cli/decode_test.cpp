#include "cli/decode.h"

#include <gtest/gtest.h>

#include "cli/explain_text.h"
#include "cli/text.h"

namespace millrace::cli {
namespace {

constexpr const char* kRun =
    R"({"metadata":{"name":"f-1","creationTimestamp":"2026-01-01T00:00:00Z"},
  "spec":{"workflow":"f"},"status":{"phase":"Failed","finishedAt":"2026-01-01T00:00:09Z","message":"load: no such file"}})";

client::ServerEvent event(const std::string& type, const std::string& data) {
  return {"", type, data};
}

// What a stream begins with, and what follows.
RunView beginning() {
  RunView run;
  apply_event(
      event(
          "task",
          R"({"name":"load","index":0,"kind":"ingest","state":"Pending","phase":"Execute","attempt":0,"needs":[]})"),
      run);
  apply_event(
      event(
          "task",
          R"({"name":"send","index":1,"kind":"deliver","state":"Pending","phase":"Execute","attempt":0,"needs":["load"]})"),
      run);
  apply_event(
      event(
          "run",
          R"({"name":"f-1","workflow":"f","phase":"Running","createdAt":"2026-01-01T00:00:00Z"})"),
      run);
  return run;
}

TEST(Decode, run) {
  const auto run = decode_run(kRun);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->name, "f-1");
  EXPECT_EQ(run->phase, "Failed");
  EXPECT_EQ(run->message, "load: no such file");
  EXPECT_EQ(run->finished, parse_time("2026-01-01T00:00:09Z"));
}

TEST(Decode, a_stream_begins_with_the_state_of_things) {
  const RunView run = beginning();
  ASSERT_EQ(run.tasks.size(), 2U);
  EXPECT_EQ(run.tasks[1].needs, std::vector<std::string>{"load"});
  EXPECT_EQ(run.workflow, "f");
  EXPECT_EQ(run.created, parse_time("2026-01-01T00:00:00Z"));
  EXPECT_FALSE(run.ended());
}

TEST(Decode, an_attempt_its_progress_and_its_end) {
  RunView run = beginning();
  apply_event(
      event(
          "task",
          R"({"name":"load","state":"Running","phase":"Execute","attempt":1,"startedAt":"2026-01-01T00:00:01Z","at":"2026-01-01T00:00:01Z"})"),
      run);
  apply_event(
      event("progress",
            R"({"tasks":[{"name":"load","attempt":1,"fraction":0.5,"rows":1000,"bytes":64}]})"),
      run);
  EXPECT_EQ(run.tasks[0].phase, TaskPhase::kRunning);
  EXPECT_EQ(run.tasks[0].fraction, 0.5);
  EXPECT_EQ(run.tasks[0].rows, 1000);
  apply_event(
      event(
          "task",
          R"({"name":"load","state":"Succeeded","phase":"Execute","attempt":1,"startedAt":"2026-01-01T00:00:01Z","at":"2026-01-01T00:00:03Z","rows":2000})"),
      run);
  EXPECT_EQ(run.tasks[0].rows, 2000);
  EXPECT_EQ(run.tasks[0].ended, parse_time("2026-01-01T00:00:03Z"));
  EXPECT_EQ(run.done(), 1);
}

TEST(Decode, a_retry_forgets_the_figures_of_the_attempt_before) {
  RunView run = beginning();
  apply_event(
      event(
          "task",
          R"({"name":"load","state":"Running","phase":"Execute","attempt":1,"startedAt":"2026-01-01T00:00:01Z"})"),
      run);
  apply_event(event("progress", R"({"tasks":[{"name":"load","fraction":0.5,"rows":1000}]})"), run);
  apply_event(
      event(
          "task",
          R"({"name":"load","state":"BackingOff","phase":"Execute","attempt":1,"retryAt":"2026-01-01T00:00:05Z","message":"lease expired"})"),
      run);
  EXPECT_EQ(run.tasks[0].retry_at, parse_time("2026-01-01T00:00:05Z"));
  EXPECT_EQ(run.tasks[0].message, "lease expired");
  apply_event(
      event(
          "task",
          R"({"name":"load","state":"Running","phase":"Execute","attempt":2,"startedAt":"2026-01-01T00:00:05Z"})"),
      run);
  EXPECT_EQ(run.tasks[0].attempt, 2);
  EXPECT_EQ(run.tasks[0].rows, 0);
  EXPECT_LT(run.tasks[0].fraction, 0);
  EXPECT_EQ(run.tasks[0].message, "");
}

TEST(Decode, a_publication_keeps_the_beginning_of_its_task) {
  RunView run = beginning();
  apply_event(
      event(
          "task",
          R"({"name":"send","state":"Running","phase":"Execute","attempt":1,"startedAt":"2026-01-01T00:00:01Z"})"),
      run);
  apply_event(
      event(
          "task",
          R"({"name":"send","state":"Running","phase":"Publish","attempt":2,"startedAt":"2026-01-01T00:00:02Z"})"),
      run);
  EXPECT_TRUE(run.tasks[1].publishing);
  EXPECT_EQ(run.tasks[1].started, parse_time("2026-01-01T00:00:01Z"));
}

TEST(Decode, the_end) {
  RunView run = beginning();
  EXPECT_FALSE(apply_event(event("run", R"({"name":"f-1","phase":"Paused"})"), run));
  EXPECT_EQ(run.phase, "Paused");
  EXPECT_TRUE(apply_event(
      event("end", R"({"name":"f-1","phase":"Succeeded","at":"2026-01-01T00:00:09Z"})"), run));
  EXPECT_TRUE(run.ended());
}

TEST(Decode, what_it_does_not_know_changes_nothing) {
  for (const auto& [type, data] : std::vector<std::pair<std::string, std::string>>{
           {"task", "no json"},
           {"task", "[]"},
           {"progress", R"({"tasks":7})"},
           {"progress", R"({"tasks":[{"name":"nobody"}]})"},
           {"news", R"({"a":1})"},
           {"task", R"({"name":7,"state":{}})"}}) {
    RunView run = beginning();
    const RunView before = run;
    EXPECT_FALSE(apply_event(event(type, data), run));
    run.tasks.resize(before.tasks.size());  // a task without a name is shown, and harms nothing
    EXPECT_EQ(run, before) << data;
  }
  EXPECT_FALSE(decode_run("no json").has_value());
  EXPECT_FALSE(decode_run("{}").has_value());
}

TEST(Explain, a_task_that_waits) {
  EXPECT_EQ(explain_task_text("churn-p0x/train",
                              R"({"name":"train","state":"Ready","since":"2026-01-01T00:00:00Z",
     "request":{"cpuMillis":4000,"memoryBytes":24696061952,"diskBytes":1073741824},
     "explanation":{"code":"NoRoom","message":"no worker has room","workers":["worker-0 short 2 CPU, 14.0 GiB"]},
     "attempts":[]})",
                              parse_time("2026-01-01T00:02:10Z")),
            "churn-p0x/train Ready for 2m10s\n"
            "NoRoom: no worker has room\n"
            "- worker-0 short 2 CPU, 14.0 GiB\n"
            "asks for 4 CPU, 23.0 GiB memory, 1.0 GiB disk\n");
}

TEST(Explain, attempts_and_why_one_failed) {
  EXPECT_EQ(explain_task_text("f-1/load",
                              R"({"name":"load","state":"Failed","since":"2026-01-01T00:00:09Z",
     "explanation":{"code":"csv.bad_rows","message":"7 bad rows, 0 allowed"},
     "attempts":[{"attempt":1,"phase":"Execute","state":"Failed","worker":"local","placedAt":"2026-01-01T00:00:01Z",
       "endedAt":"2026-01-01T00:00:03Z","usage":{"wallMicros":2000000,"cpuMicros":1500000,"memoryPeakBytes":104857600},
       "error":{"class":"User","code":"csv.bad_rows","message":"7 bad rows"},"next":"retry.user"}]})",
                              parse_time("2026-01-01T00:00:10Z")),
            "f-1/load Failed for 1.0s\n"
            "csv.bad_rows: 7 bad rows, 0 allowed\n"
            "attempt 1 on local: Failed after 2.0s, 100.0 MiB peak, 1.5s CPU\n"
            "  User csv.bad_rows: 7 bad rows\n"
            "  then retry.user\n");
}

TEST(Explain, a_run) {
  const std::string text =
      explain_run_text(kRun, R"({"items":[{"name":"load","state":"Failed","message":"no such file"},
                         {"name":"send","state":"Skipped","message":"load failed"},{"name":"ok","state":"Succeeded"}]})",
                       WallTime());
  EXPECT_EQ(
      text,
      "f-1 of f Failed, 3/3 done, 9.0s\n"
      "load: no such file\n"
      "load Failed: no such file\n"
      "send Skipped: load failed\n"
      "`millrace explain task f-1/TASK` shows attempts, `millrace logs f-1/TASK` their output\n");
}

}  // namespace
}  // namespace millrace::cli
