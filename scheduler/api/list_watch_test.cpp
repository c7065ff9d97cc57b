// ?watch=true of lists, over real sockets and the real engine: what happens to runs and workflows,
// and how a watcher goes on where it was.
#include <gtest/gtest.h>

#include "scheduler/api/testing/api_fixture.h"

namespace millrace::api {
namespace {

class ListWatchTest : public ApiTest {
 protected:
  static std::vector<Event> take(EventReader& reader, std::size_t count) {
    std::vector<Event> events;
    while (events.size() < count) {
      events.push_back(reader.next());
      if (events.back().type.empty()) break;
    }
    EXPECT_EQ(events.size(), count);
    return events;
  }
  // Whoever knows the first n events, or none of them, is told the rest, as it was told live.
  void expect_resumed(const std::string& path, const std::string& before,
                      const std::vector<Event>& events) const {
    for (std::size_t known = 0; known <= events.size(); ++known) {
      const std::string& after = known == 0 ? before : events[known - 1].id;
      EventReader by_query(host_, std::string(path).append("&after=").append(after));
      EventReader by_header(host_, path, "Last-Event-ID: " + after + "\r\n");
      for (EventReader* reader : {&by_query, &by_header}) {
        ASSERT_EQ(reader->status(), 200) << after;
        for (std::size_t i = known; i < events.size(); ++i) {
          const Event event = reader->next();
          EXPECT_EQ(event.id, events[i].id);
          EXPECT_EQ(event.type, events[i].type);
          EXPECT_EQ(event.data, events[i].data);
        }
      }
    }
  }
};

TEST_F(ListWatchTest, lists_can_be_watched) {
  const std::string as_of = body_of(host_.get(kRuns))["asOf"];
  EventReader runs(host_, kRuns + "?watch=true&after=" + as_of);
  EventReader workflows(host_, std::string(kNamespace) + "/workflows?watch=true");
  EventReader elsewhere(host_, "/v1/namespaces/other/runs?watch=true");
  put_flights();
  const std::string name = start_run();
  host_.send("DELETE", run_of(name));
  EXPECT_EQ(workflows.next().data["name"], "flights");
  EXPECT_EQ(runs.next().data["phase"], "Running");
  EXPECT_EQ(runs.next().data["phase"], "Cancelling");
  const Event end = runs.next();
  EXPECT_EQ(end.type, "end");
  EXPECT_EQ(end.data["name"], name);
  EXPECT_EQ(elsewhere.status(), 200);
  wait_watched(host_, 3);
  host_.depose();
  EXPECT_TRUE(elsewhere.broken()) << "nothing of another namespace";
}

// Whatever the feed remembers, of runs that live, that have ended and that began in what is
// replayed.
TEST_F(ListWatchTest, lists_resume_after_any_event) {
  const std::string workflows_path = std::string(kNamespace) + "/workflows?watch=true";
  const std::string runs_path = kRuns + "?watch=true";
  const std::string as_of = body_of(host_.get(kRuns))["asOf"];
  EventReader workflows(host_, workflows_path);
  EventReader runs(host_, runs_path);
  put_flights();
  const std::string ended = start_run();
  const std::string live = start_run();
  host_.send("DELETE", run_of(ended));
  EXPECT_EQ(patch(live, "Paused").status, 200);
  host_.send("DELETE", kWorkflow);
  std::vector<Event> of_workflows = take(workflows, 2);
  std::vector<Event> of_runs = take(runs, 5);
  EXPECT_EQ(of_runs[3].type, "end");
  EXPECT_EQ(of_runs[4].data["phase"], "Paused");
  for (int leaders = 1; leaders <= 3; ++leaders) {
    expect_resumed(workflows_path, as_of, of_workflows);
    expect_resumed(runs_path, as_of, of_runs);
    // What comes then is told as it comes.
    EventReader resumed(host_, runs_path + "&after=" + of_runs.front().id);
    take(resumed, of_runs.size() - 1);
    EXPECT_EQ(patch(live, leaders % 2 == 1 ? "Running" : "Paused").status, 200);
    of_runs.push_back(resumed.next());
    EXPECT_EQ(of_runs.back().data["name"], live);
    host_.depose();
  }
}

TEST_F(ListWatchTest, a_position_that_is_none_is_refused_with_and_without_watching) {
  for (const std::string& list : {kRuns, std::string(kNamespace) + "/workflows"})
    for (const char* watch : {"", "?watch=true"})
      for (const char* position : {"FALSE", "999999999999999999999999999999", "1.2.3"})
        EXPECT_EQ(
            host_.get(list + watch, std::string("Last-Event-ID: ") + position + "\r\n").status, 400)
            << list << watch << " " << position;
  for (const std::string& list : {kRuns, std::string(kNamespace) + "/workflows"}) {
    EXPECT_EQ(host_.get(list, "Last-Event-ID:\r\n").status, 200) << "as of a stream that saw none";
    EXPECT_EQ(host_.get(list + "?watch=true&after=").status, 400);
  }
}

TEST_F(ListWatchTest, lists_too_old_are_gone_and_too_new_are_wrong) {
  finish_run();
  host_.depose();
  host_.reads().forget_events(EventId{scheduler::Sequence(3), 0});
  for (const std::string& list : {kRuns, std::string(kNamespace) + "/workflows"}) {
    EXPECT_EQ(EventReader(host_, list + "?watch=true&after=2.0").status(), 410);
    EXPECT_EQ(EventReader(host_, list + "?watch=true&after=4.0").status(), 200);
    EXPECT_EQ(EventReader(host_, list + "?watch=true&after=999.0").status(), 400);
  }
}

}  // namespace
}  // namespace millrace::api
