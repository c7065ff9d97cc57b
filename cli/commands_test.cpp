// Commands against a server that says what the test wrote down: requests, texts and exit codes.
#include "cli/commands/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "lib/client/testing/scripted_server.h"

namespace millrace::cli {
namespace {

using client::testing::chunked_reply;
using client::testing::reply;
using client::testing::ScriptedServer;
using ::testing::HasSubstr;

constexpr const char* kJson = "application/json";
constexpr const char* kProblem = "application/problem+json";
constexpr const char* kRun = R"({"metadata": {"name": "f-1"}, "spec": {"workflow": "f",
  "parameters": [{"name": "least", "value": 5}, {"name": "dry", "value": false},
                 {"name": "names", "value": ["a"]}, {"name": "word", "value": "x"}]}})";
constexpr const char* kAccepted = R"({"metadata": {"name": "f-2"}})";

struct Done {
  Exit exit = Exit::kUsage;
  std::string out;
  std::string err;
};

template <typename Options>
Done run(const ScriptedServer& server, const Options& options) {
  std::ostringstream out;
  std::ostringstream err;
  const CommonOptions common;
  const Environment environment = [](const char*) { return std::string(); };
  Session session{out, err, common, environment,
                  client::Client([url = server.url()]() -> Result<client::Endpoint> {
                    return client::Endpoint{url, ""};
                  })};
  Done done;
  done.exit = execute(options, session);
  done.out = out.str();
  done.err = err.str();
  return done;
}

commands::Retry retry(std::vector<std::string> parameters = {}) {
  commands::Retry options;
  options.run = "f-1";
  options.parameters = std::move(parameters);
  return options;
}

std::string problem(int status, const std::string& code, const std::string& detail,
                    const std::string& hint) {
  return reply(status, kProblem,
               R"({"status":)" + std::to_string(status) + R"(,"type":"https://millrace.io/e/)" +
                   code + R"(","code":")" + code + R"(","title":"t","detail":")" + detail +
                   R"(","hint":")" + hint + R"("})");
}

TEST(Retry, posts_a_rerun_and_prints_its_name) {
  ScriptedServer server({reply(201, kJson, kAccepted)});
  const Done done = run(server, retry());
  EXPECT_EQ(done.exit, Exit::kDone);
  EXPECT_EQ(done.out, "f-2\n");
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_THAT(server.requests()[0], HasSubstr("POST /v1/namespaces/default/runs/f-1/reruns "));
  EXPECT_THAT(server.requests()[0], HasSubstr("Idempotency-Key:"));
}

TEST(Retry, types_parameters_as_the_run_has_them) {
  ScriptedServer server({reply(200, kJson, kRun), reply(201, kJson, kAccepted)});
  EXPECT_EQ(run(server, retry({"least=7", "dry=true", R"(names=["b"])", "word=7"})).exit,
            Exit::kDone);
  EXPECT_THAT(server.requests()[0], HasSubstr("GET /v1/namespaces/default/runs/f-1 "));
  ScriptedServer refusing({reply(200, kJson, kRun)});
  const Done done = run(refusing, retry({"least=many"}));
  EXPECT_EQ(done.exit, Exit::kInvalidInput);
  EXPECT_EQ(done.err, "error: least: \"many\" is no integer. Give a whole number.\n");
}

TEST(Retry, says_what_is_wrong_with_its_arguments_before_it_asks) {
  ScriptedServer server({});
  const Done done = run(server, retry({"least"}));
  EXPECT_EQ(done.exit, Exit::kUsage);
  EXPECT_EQ(done.err, "error: -p \"least\" is not name=value\n");
  EXPECT_TRUE(server.requests().empty());
}

TEST(Retry, ends_as_its_refusal_demands) {
  struct Case {
    std::string answer;
    Exit exit;
    std::string text;
  };
  for (const Case& c : {
           Case{problem(409, "run.not_ended", R"(run \"f-1\" has not ended)",
                        "wait until it has, or cancel it"),
                Exit::kConflict,
                "error: run \"f-1\" has not ended. Wait until it has, or cancel it.\n"},
           Case{
               problem(409, "rerun.nothing", R"(every task of run \"f-1\" succeeded)",
                       "name the tasks to run again, or change a parameter that they see"),
               Exit::kConflict,
               "error: every task of run \"f-1\" succeeded. Name the tasks to run again, or change "
               "a parameter that they see.\n"},
           Case{problem(404, "run.not_found", R"(no run named \"f-1\")",
                        "`millrace get runs` lists them"),
                Exit::kNotFound, "error: no run named \"f-1\". `millrace get runs` lists them.\n"},
           Case{reply(422, kProblem,
                      R"({"status":422,"title":"t","detail":"Rerun of f-1: 1 problem","errors":[{)"
                      R"("code":"task.unknown","pointer":"/tasks/0","detail":)"
                      R"("the run has no task \"delay\"","hint":"did you mean delays?"}]})"),
                Exit::kInvalidInput,
                "tasks[0]: the run has no task \"delay\". Did you mean delays?\n"},
       }) {
    ScriptedServer server({c.answer});
    const Done done = run(server, retry());
    EXPECT_EQ(done.exit, c.exit) << done.err;
    EXPECT_EQ(done.err, c.text);
    EXPECT_EQ(done.out, "");
  }
}

TEST(Run, takes_its_types_from_the_workflow_as_it_is_shown) {
  ScriptedServer server(
      {reply(200, kJson,
             R"({"apiVersion": "millrace.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "f",
                "namespace": "default", "generation": 3, "resourceVersion": "17"},
                "spec": {"parameters": [{"name": "least", "integer": {}}],
                "tasks": [{"name": "a", "command": {"argv": ["/bin/true"]}}]}})")});
  commands::Run options;
  options.workflow = "f";
  options.parameters = {"least=many"};
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kInvalidInput);
  EXPECT_EQ(done.err, "error: least: \"many\" is no integer. Give a whole number.\n");
}

TEST(Logs, of_a_run_go_on_past_tasks_that_wrote_none) {
  ScriptedServer server(
      {reply(200, kJson,
             R"({"items": [{"name": "a", "state": "Succeeded", "attempt": 1},
                           {"name": "b", "state": "Succeeded", "attempt": 1}]})"),
       problem(404, "log.not_found", "attempt 1 has written no log", "it may not have started yet"),
       chunked_reply({"hello\n"}, true)});
  commands::Logs options;
  options.target = "f-1";
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kDone);
  EXPECT_EQ(done.err, "--- f-1/b\n");
  EXPECT_EQ(done.out, "hello\n");
}

// A page of a log, as the scheduler cuts it.
std::string log_page(const std::string& text, std::size_t next, int attempt) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nMillrace-Attempt: " +
         std::to_string(attempt) + "\r\nMillrace-Next-Offset: " + std::to_string(next) +
         "\r\nContent-Length: " + std::to_string(text.size()) + "\r\nConnection: close\r\n\r\n" +
         text;
}

TEST(Logs, of_many_pages_are_shown_to_their_end) {
  ScriptedServer server({log_page("one\n", 4, 2), log_page("two\n", 8, 2), log_page("", 8, 2)});
  commands::Logs options;
  options.target = "f-1/a";
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kDone);
  EXPECT_EQ(done.out, "one\ntwo\n");
  ASSERT_EQ(server.requests().size(), 3U);
  EXPECT_EQ(server.requests()[0].find("offset="), std::string::npos);
  EXPECT_NE(server.requests()[1].find("offset=4"), std::string::npos) << server.requests()[1];
  EXPECT_NE(server.requests()[1].find("attempt=2"), std::string::npos)
      << "a later attempt has another log";
  EXPECT_NE(server.requests()[2].find("offset=8"), std::string::npos) << server.requests()[2];
}

TEST(Logs, that_break_off_between_pages_say_so) {
  ScriptedServer server(
      {log_page("one\n", 4, 1), problem(503, "store.away", "the store is away", "ask again")});
  commands::Logs options;
  options.target = "f-1/a";
  const Done done = run(server, options);
  EXPECT_NE(done.exit, Exit::kDone);
  EXPECT_EQ(done.out, "one\n");
}

TEST(Logs, of_one_task_that_wrote_none_say_so) {
  ScriptedServer server({problem(404, "log.not_found", "attempt 1 has written no log",
                                 "it may not have started yet")});
  commands::Logs options;
  options.target = "f-1/a";
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kNotFound);
  EXPECT_EQ(done.err, "error: attempt 1 has written no log. It may not have started yet.\n");
}

}  // namespace
}  // namespace millrace::cli
