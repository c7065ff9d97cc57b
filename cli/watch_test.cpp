#include "cli/watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "lib/client/testing/scripted_server.h"

namespace millrace::cli {
namespace {

using client::testing::chunked_reply;
using client::testing::reply;
using client::testing::ScriptedServer;
using ::testing::HasSubstr;

constexpr const char* kJson = "application/json";

std::string event(const std::string& id, const std::string& type, const std::string& data) {
  return (id.empty() ? "" : "id: " + id + "\n") + "event: " + type + "\ndata: " + data + "\n\n";
}

const std::string kTask =
    event("", "task", R"({"name":"load","state":"Ready","attempt":0,"needs":[]})");
const std::string kRun = event("1", "run",
                               R"({"name":"f-1","workflow":"f","phase":"Running",)"
                               R"("createdAt":"2026-01-01T00:00:00Z"})");
const std::string kStarted =
    event("2", "task",
          R"({"name":"load","state":"Running","attempt":1,"startedAt":"2026-01-01T00:00:01Z"})");
const std::string kLoaded =
    event("3", "task",
          R"({"name":"load","state":"Succeeded","attempt":1,"rows":1234,)"
          R"("startedAt":"2026-01-01T00:00:01Z","at":"2026-01-01T00:00:03Z"})");

std::string end(const std::string& phase) {
  return event("4", "end", R"({"phase":")" + phase + R"(","at":"2026-01-01T00:00:04Z"})");
}

struct Watched {
  Exit exit = Exit::kUsage;
  std::string out;
  std::string err;
};

Watched watch(const ScriptedServer& server,
              std::optional<std::chrono::milliseconds> timeout = std::chrono::seconds(30)) {
  ::setenv("TERM", "dumb", 1);  // lines, also where the test itself runs on a terminal
  std::ostringstream out;
  std::ostringstream err;
  const CommonOptions common;
  const Environment environment = [](const char*) { return std::string(); };
  Session session{out, err, common, environment,
                  client::Client([url = server.url()]() -> Result<client::Endpoint> {
                    return client::Endpoint{url, ""};
                  })};
  Watched watched;
  watched.exit = watch_run({"f-1", timeout}, session);
  watched.out = out.str();
  watched.err = err.str();
  return watched;
}

TEST(Watch, a_line_for_each_change_through_a_lost_connection) {
  ScriptedServer server({reply(200, kJson, "{}"),
                         chunked_reply({kTask, kRun, kStarted.substr(0, 40)}, /*whole=*/false),
                         chunked_reply({kStarted, kLoaded, end("Succeeded")}, /*whole=*/true)});
  const Watched watched = watch(server);
  EXPECT_EQ(watched.exit, Exit::kDone);
  EXPECT_EQ(watched.out,
            "f-1 Running\n"
            "load Running\n"
            "load Succeeded: 1,234 rows, 2.0s\n"
            "f-1 Succeeded 1/1, 4.0s\n");
  EXPECT_THAT(watched.err, HasSubstr("trying again\nconnected again\n"));
  EXPECT_THAT(server.requests().at(2), HasSubstr("/events?after=1 "));
}

TEST(Watch, a_gap_begins_the_picture_anew) {
  ScriptedServer server(
      {reply(200, kJson, "{}"), chunked_reply({kTask, kRun, kStarted}, /*whole=*/false),
       reply(410, "application/problem+json", R"({"type":"https://millrace.io/e/log.expired"})"),
       chunked_reply({event("", "task", R"({"name":"load","state":"Succeeded","attempt":3})"), kRun,
                      end("Succeeded")},
                     /*whole=*/true)});
  const Watched watched = watch(server);
  EXPECT_EQ(watched.exit, Exit::kDone);
  EXPECT_THAT(watched.out, HasSubstr("load Succeeded: attempt 3\n"));
  EXPECT_THAT(server.requests().at(3), HasSubstr("/events HTTP"));
}

TEST(Watch, the_exit_code_is_the_runs) {
  for (const auto& [phase, exit] :
       {std::pair{"Succeeded", Exit::kDone}, std::pair{"Failed", Exit::kRunFailed},
        std::pair{"TimedOut", Exit::kRunFailed}, std::pair{"Cancelled", Exit::kCancelled}}) {
    ScriptedServer server(
        {reply(200, kJson, "{}"), chunked_reply({kTask, kRun, end(phase)}, /*whole=*/true)});
    EXPECT_EQ(watch(server).exit, exit) << phase;
  }
}

TEST(Watch, its_own_exit_codes) {
  ScriptedServer unknown(
      {reply(404, "application/problem+json", R"({"type":"x/run.not_found","detail":"no run"})")});
  EXPECT_EQ(watch(unknown).exit, Exit::kNotFound);

  ScriptedServer silent({reply(200, kJson, "{}"), ""});
  const Watched watched = watch(silent, std::chrono::milliseconds(200));
  EXPECT_EQ(watched.exit, Exit::kTimeout);
  EXPECT_THAT(watched.err, HasSubstr("has not ended in time; it goes on"));
}

}  // namespace
}  // namespace millrace::cli
