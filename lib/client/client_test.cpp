#include "lib/client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/client/testing/scripted_server.h"

namespace millrace::client {
namespace {

using std::chrono::milliseconds;
using testing::chunked_reply;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::reply;
using testing::ScriptedServer;
using ::testing::StartsWith;

Client client_of(const ScriptedServer& server) {
  return Client([url = server.url()]() -> Result<Endpoint> { return Endpoint{url, "secret"}; },
                "team-a");
}

TEST(Client, sends_what_the_call_says) {
  ScriptedServer server({reply(201, "application/json", R"({"name":"r1"})")});
  const Answer answer = client_of(server).call({.method = "PUT",
                                                .path = {"workflows", "a b/c"},
                                                .query = {{"dryRun", "All"}, {"x", "1&2"}},
                                                .body = "kind: Workflow\n",
                                                .content_type = "application/yaml",
                                                .idempotency_key = "k1"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.status, 201);
  const std::string head = server.requests().at(0);
  EXPECT_THAT(
      head,
      StartsWith("PUT /v1/namespaces/team-a/workflows/a%20b%2Fc?dryRun=All&x=1%262 HTTP/1.1"));
  EXPECT_THAT(head, HasSubstr("Authorization:Bearer secret\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Type:application/yaml\r\n"));
  EXPECT_THAT(head, HasSubstr("Idempotency-Key:k1\r\n"));
}

TEST(Client, body_of_any_success_comes_back) {
  for (const int status : {200, 201, 202}) {
    ScriptedServer server({reply(status, "application/json", "{}")});
    const Answer answer = client_of(server).call({.path = {"runs"}});
    EXPECT_TRUE(answer.ok());
    EXPECT_EQ(answer.body, "{}") << status;
  }
}

TEST(Client, problem_document_is_read) {
  ScriptedServer server({reply(422, "application/problem+json", R"({
    "type":"https://millrace.io/e/manifest.invalid","status":422,"title":"Invalid manifest",
    "detail":"Workflow flights: 1 problem; nothing changed","class":"User","errors":[{"code":"field.unknown",
    "pointer":"/spec/tasks/3/query/sqll","line":20,"column":7,"detail":"unknown field sqll",
    "hint":"did you mean sql?"}]})")});
  const Answer answer = client_of(server).call({.path = {"runs"}});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.problem.code, "manifest.invalid");
  EXPECT_EQ(answer.problem.status, 422);
  ASSERT_EQ(answer.problem.defects.size(), 1U);
  EXPECT_EQ(answer.problem.defects[0].path(), "spec.tasks[3].query.sqll");
  EXPECT_EQ(answer.problem.defects[0].line, 20);
}

TEST(Client, an_answer_that_is_no_problem_document_is_named) {
  ScriptedServer server({reply(502, "text/html", "<html>")});
  const Answer answer = client_of(server).call({.path = {"runs"}});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.problem.code, "client.unexpected");
}

TEST(Client, nobody_listening_is_unreachable) {
  std::string url;
  {
    ScriptedServer server({});
    url = server.url();
  }
  const Client client([url]() -> Result<Endpoint> { return Endpoint{url, ""}; });
  const Answer answer = client.call({.path = {"runs"}});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.problem.code, "client.unreachable");
  EXPECT_EQ(answer.status, 0);
}

TEST(Client, keeps_trying_through_a_cut_answer_and_503) {
  ScriptedServer server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
       reply(503, "application/problem+json", R"({"type":"x/engine.not_leading"})"),
       reply(200, "application/json", "whole")});
  const Answer answer = client_of(server).call(
      {.path = {"runs"}, .keep_trying_until = SteadyTime::clock::now() + std::chrono::seconds(30)});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.body, "whole");
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(Client, a_cut_answer_is_not_taken_for_a_whole_one) {
  for (const std::string& cut : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
                                 chunked_reply({"half"}, /*whole=*/false)}) {
    ScriptedServer server({cut});
    const Answer answer = client_of(server).call({.path = {"runs"}});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.problem.code, "client.broken");
  }
}

TEST(Client, the_deadline_ends_a_silent_exchange) {
  ScriptedServer server({""});
  const Answer answer = client_of(server).call(
      {.path = {"runs"}, .deadline = SteadyTime::clock::now() + milliseconds(50)});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.problem.code, "client.timeout");
}

TEST(Client, no_address_is_an_error_of_the_caller) {
  const Client client([]() -> Result<Endpoint> { return Endpoint{"not a url", ""}; });
  EXPECT_EQ(client.call({.path = {"runs"}}).problem.code, "client.invalid");
}

std::string event(const std::string& id, const std::string& data) {
  return "id: " + id + "\nevent: task\ndata: " + data + "\n\n";
}

TEST(Follow, resumes_after_the_last_id_it_saw) {
  ScriptedServer server(
      {chunked_reply({event("3.0", "a"), ": ping\n\n", "id: 3.1\nda"}, /*whole=*/false),
       reply(503, "application/problem+json", "{}"),
       chunked_reply({event("3.1", "b"), event("4.0", "c")}, /*whole=*/true)});
  std::vector<std::string> seen;
  std::vector<std::string> connection;
  const auto problem =
      follow(client_of(server), {.path = {"runs", "r", "events"},
                                 .after = "2",
                                 .on_event =
                                     [&](const ServerEvent& event) {
                                       seen.push_back(event.data);
                                       return event.data != "c";
                                     },
                                 .on_connection =
                                     [&](const std::string& reason) {
                                       connection.push_back(reason.empty() ? "back" : "lost");
                                     },
                                 .on_gap = nullptr});
  EXPECT_FALSE(problem.has_value());
  EXPECT_THAT(seen, ElementsAre("a", "b", "c"));
  EXPECT_THAT(connection, ElementsAre("lost", "back"));
  EXPECT_THAT(server.requests(),
              ElementsAre(HasSubstr("events?after=2 "), HasSubstr("events?after=3.0 "),
                          HasSubstr("after=3.0 ")));
}

TEST(Follow, a_gap_is_bridged_by_reading_the_state_again) {
  ScriptedServer server({reply(410, "application/problem+json", R"({"type":"x/log.expired"})"),
                         chunked_reply({event("9.1", "z")}, /*whole=*/true)});
  const auto problem =
      follow(client_of(server), {.path = {"runs", "r", "events"},
                                 .after = "2",
                                 .on_event = [](const ServerEvent&) { return false; },
                                 .on_connection = nullptr,
                                 .on_gap = [] { return std::optional<std::string>("9"); }});
  EXPECT_FALSE(problem.has_value());
  EXPECT_THAT(server.requests(), ElementsAre(HasSubstr("after=2 "), HasSubstr("after=9 ")));
}

TEST(Follow, what_cannot_pass_ends_it) {
  ScriptedServer server({reply(404, "application/problem+json", R"({"type":"x/run.not_found"})")});
  const auto problem =
      follow(client_of(server), {.path = {"runs", "r", "events"},
                                 .on_event = [](const ServerEvent&) { return true; },
                                 .on_connection = nullptr,
                                 .on_gap = nullptr});
  ASSERT_TRUE(problem.has_value());
  EXPECT_EQ(problem->code, "run.not_found");
}

TEST(Follow, the_deadline_ends_a_silent_stream) {
  ScriptedServer server({""});
  const auto problem =
      follow(client_of(server), {.path = {"runs", "r", "events"},
                                 .deadline = SteadyTime::clock::now() + milliseconds(50),
                                 .on_event = [](const ServerEvent&) { return true; },
                                 .on_connection = nullptr,
                                 .on_gap = nullptr});
  ASSERT_TRUE(problem.has_value());
  EXPECT_EQ(problem->code, "client.timeout");
}

}  // namespace
}  // namespace millrace::client
