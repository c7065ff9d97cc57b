// The api's streams over real sockets and the real engine: events of runs, and what happens to slow
// readers.
#include <gtest/gtest.h>

#include "scheduler/api/testing/api_fixture.h"

namespace millrace::api {
namespace {

// --- events ---

TEST_F(ApiTest, events_begin_with_what_is_and_end_with_the_run) {
  put_flights();
  const std::string name = start_run();
  EventReader events(host_, run_of(name) + "/events");
  ASSERT_EQ(events.status(), 200);
  for (const char* task : {"load", "delays", "out"}) {
    const Event event = events.next();
    EXPECT_EQ(event.type, "task");
    EXPECT_EQ(event.id, "") << "not yet a place to resume from";
    EXPECT_EQ(event.data["name"], task);
  }
  Event event = events.next();
  EXPECT_EQ(event.type, "run");
  EXPECT_NE(event.id, "");
  EXPECT_EQ(event.data["phase"], "Waiting");

  host_.join_worker();
  event = events.next_event();
  EXPECT_EQ(event.data["state"], "Running");
  EXPECT_EQ(event.data["attempt"], 1);
  host_.succeed("load", {{"flights", 3}});
  event = events.next_event();
  EXPECT_EQ(event.data["state"], "Succeeded");
  EXPECT_EQ(event.data["rows"], 3);
  EXPECT_EQ(events.next_event().data["state"], "Ready");
  EXPECT_EQ(events.next_event().data["state"], "Running");
  host_.fail("delays", "sql.broken");
  event = events.next_event();
  EXPECT_EQ(event.data["state"], "Failed");
  EXPECT_EQ(event.data["code"], "sql.broken");
  event = events.next_event();
  EXPECT_EQ(event.data["name"], "out");
  EXPECT_EQ(event.data["state"], "Skipped");
  event = events.next_event();
  EXPECT_EQ(event.type, "end");
  EXPECT_EQ(event.data["phase"], "Failed");
  EXPECT_EQ(events.next_event().type, "") << "the stream ends with the run";
}

// Whoever comes later sees what the tasks that have ended said, and how long they took: of a live
// run the store knows it, not the engine.
TEST_F(ApiTest, what_ended_before_the_watch_is_told_whole) {
  put_flights();
  host_.join_worker();
  const std::string name = start_run();
  host_.succeed("load", {{"flights", 3}});
  host_.wait_start("delays");
  EventReader events(host_, run_of(name) + "/events");
  const Event load = events.next();
  const Json tasks = body_of(host_.get(run_of(name) + "/tasks"));
  for (const Json& task : {load.data, tasks["items"][0]}) {
    EXPECT_EQ(task["state"], "Succeeded");
    EXPECT_EQ(task["message"], "done");
    ASSERT_TRUE(task.contains("startedAt"));
    EXPECT_NE(task["startedAt"], task["endedAt"]);
  }
}

// Each way of resuming gives exactly what was missed: from memory, from the log, after the end.
TEST_F(ApiTest, events_resume_after_any_of_them) {
  put_flights();
  host_.join_worker();
  const std::string name = start_run();
  EventReader live(host_, run_of(name) + "/events");
  host_.succeed("load", {{"flights", 3}});
  host_.succeed("delays", {{"delays", 2}});
  host_.succeed("out", {}, true);
  host_.succeed("out");
  std::vector<Event> seen;
  while (true) {
    Event event = live.next_event();
    if (event.type.empty()) break;
    if (!event.id.empty()) seen.push_back(std::move(event));
  }
  ASSERT_GE(seen.size(), 5u);
  for (const bool restarted : {false, true}) {
    // A new leader has no memory of what was before it: the log has.
    if (restarted) host_.depose();
    for (std::size_t known = 0; known < seen.size(); ++known) {
      const std::string header = "Last-Event-ID: " + seen[known].id + "\r\n";
      EventReader resumed(host_, run_of(name) + "/events", known % 2 == 0 ? header : "");
      EventReader by_query(host_, run_of(name) + "/events?after=" + seen[known].id);
      for (EventReader* reader : {&resumed, &by_query}) {
        if (reader == &resumed && known % 2 == 1) continue;
        ASSERT_EQ(reader->status(), 200);
        for (std::size_t i = known + 1; i < seen.size(); ++i) {
          const Event event = reader->next_event();
          EXPECT_EQ(event.id, seen[i].id);
          EXPECT_EQ(event.type, seen[i].type);
          EXPECT_EQ(event.data, seen[i].data);
        }
        EXPECT_EQ(reader->next_event().type, "");
      }
    }
  }
}

TEST_F(ApiTest, events_of_an_ended_run_are_its_tasks_and_its_end) {
  const std::string name = finish_run();
  EventReader events(host_, run_of(name) + "/events");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(events.next().data["state"], "Succeeded");
  const Event end = events.next();
  EXPECT_EQ(end.type, "end");
  EXPECT_EQ(end.data["phase"], "Succeeded");
  EXPECT_EQ(events.next().type, "");
}

TEST_F(ApiTest, events_too_old_are_gone_and_too_new_are_wrong) {
  const std::string name = finish_run();
  host_.depose();
  host_.reads().forget_events(EventId{scheduler::Sequence(3), 0});
  EXPECT_EQ(EventReader(host_, run_of(name) + "/events?after=2.0").status(), 410);
  EXPECT_EQ(EventReader(host_, run_of(name) + "/events?after=999.0").status(), 400);
  for (const char* wrong : {"x", "1.x", "1.", ".1", "-1", "1.99999999999", "1.0.0"})
    EXPECT_EQ(EventReader(host_, run_of(name) + "/events?after=" + wrong).status(), 400) << wrong;
}

TEST_F(ApiTest, progress_comes_without_an_id_and_only_when_it_changes) {
  put_flights();
  const std::string name = start_run();
  host_.join_worker();
  AttemptProgress progress;
  progress.attempt = host_.wait_start("load");
  progress.fraction = 0.5;
  progress.rows = 42;
  EventReader events(host_, run_of(name) + "/events");
  host_.set_progress({progress});
  Event event = events.next();
  while (event.type != "progress") {
    ASSERT_NE(event.type, "") << "the stream broke off";
    event = events.next();
  }
  EXPECT_EQ(event.id, "");
  EXPECT_EQ(event.data["name"], "load");
  EXPECT_EQ(event.data["rows"], 42);
  progress.rows = 43;
  host_.set_progress({progress});
  event = events.next();
  EXPECT_EQ(event.type, "progress");
  EXPECT_EQ(event.data["rows"], 43) << "the same figures are not told twice";
}

TEST_F(ApiTest, a_watcher_is_cut_off_when_another_leads) {
  put_flights();
  const std::string name = start_run();
  EventReader events(host_, run_of(name) + "/events");
  std::string last;
  for (int i = 0; i < 4; ++i) last = events.next().id;
  wait_watched(host_);  // whoever is still being told what was goes on under the next leader
  host_.depose();
  EXPECT_TRUE(events.broken());
  EventReader resumed(host_, run_of(name) + "/events", "Last-Event-ID: " + last + "\r\n");
  EXPECT_EQ(resumed.status(), 200);
  host_.join_worker();
  EXPECT_EQ(resumed.next_event().data["state"], "Running");
}

// --- load ---

TEST(ApiLoad, a_reader_that_does_not_read_is_dropped_and_resumes) {
  Host host({.token = "", .max_stream_buffer = 4 << 10}, {.send_buffer = 8 << 10});
  host.start();
  ASSERT_EQ(host.send("PUT", kWorkflow, kFlights, kYaml).status, 201);
  const std::string as_of = body_of(host.get(kRuns))["asOf"];
  http::RawClient slow(host.port(), 2 << 10);
  slow.send(http::raw_request("GET", kRuns + "?watch=true&after=" + as_of, Host::authorization()));
  slow.read_head();
  wait_watched(host);
  // Until the feed has let it go.
  std::size_t watchers = 1;
  int started = 0;
  while (watchers > 0 && started < 5'000) {
    for (int i = 0; i < 20; ++i, ++started)
      host.send("POST", kRuns, R"({"workflow":"flights"})", kJson);
    host.on_loop([&] { watchers = host.watchers(); });
  }
  EXPECT_EQ(watchers, 0u) << "after " << started << " runs";
  EventReader resumed(host, kRuns + "?watch=true&after=" + as_of);
  EXPECT_EQ(resumed.next().data["phase"], "Running");
}

}  // namespace
}  // namespace millrace::api
