// Commands against a server that says what the test wrote down: requests, texts and exit codes.
#include "cli/commands/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>
#include <utility>

#include "lib/client/testing/scripted_server.h"

namespace millrace::cli {
namespace {

using client::testing::chunked_reply;
using client::testing::reply;
using client::testing::ScriptedServer;
using ::testing::EndsWith;
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

TEST(Run, takes_a_parameter_once_and_as_text) {
  for (const auto& [parameters, exit, text] :
       {std::tuple{std::vector<std::string>{"a=3", "b=1", "a=4"}, Exit::kUsage,
                   "error: -p \"a\" is given twice. Keep one.\n"},
        std::tuple{
            std::vector<std::string>{"msg=\xff\xfe"}, Exit::kInvalidInput,
            "error: -p \"msg\" is no UTF-8. Write it as base64, or put it into a file.\n"}}) {
    ScriptedServer server({});
    commands::Run options;
    options.workflow = "f";
    options.parameters = parameters;
    const Done done = run(server, options);
    EXPECT_EQ(done.exit, exit);
    EXPECT_EQ(done.err, text);
    EXPECT_TRUE(server.requests().empty());
  }
}

TEST(Get, filters_are_those_of_runs) {
  for (const auto& [kind, name] : {std::pair{"workflows", ""}, std::pair{"runs", "f-1"}}) {
    ScriptedServer server({});
    commands::Get options;
    options.kind = kind;
    options.name = name;
    options.state = "Failed";
    const Done done = run(server, options);
    EXPECT_EQ(done.exit, Exit::kUsage);
    EXPECT_EQ(done.err, "error: --workflow and --state choose from `millrace get runs`.\n");
    EXPECT_TRUE(server.requests().empty());
  }
}

TEST(Delete, of_an_ended_run_says_that_there_is_nothing_to_cancel) {
  ScriptedServer server({"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"});
  commands::Delete options;
  options.kind = "run";
  options.name = "f-1";
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kConflict);
  EXPECT_THAT(done.err, HasSubstr("error: run \"f-1\" has ended. "));
}

constexpr const char* kManifest =
    "apiVersion: millrace.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\n"
    "spec: {tasks: [{name: a, command: {argv: [a]}}]}\n";

Done validated(const std::string& text) {
  const std::string path = ::testing::TempDir() + "validated.yaml";
  std::ofstream(path) << text;
  ScriptedServer server({});
  commands::Validate options;
  options.files = {path};
  return run(server, options);
}

TEST(Validate, says_when_there_may_be_more) {
  std::string faults;
  for (int i = 0; i < 150; ++i) faults += "wrong" + std::to_string(i) + ": 1\n";
  const Done done = validated(kManifest + faults);
  EXPECT_EQ(done.exit, Exit::kInvalidInput);
  EXPECT_THAT(done.err, EndsWith("100 problems and perhaps more: of one file no more are told\n"));
}

TEST(Validate, counts_what_apply_would_send) {
  EXPECT_EQ(validated(kManifest).err, "1 manifest is valid\n");
  const Done twice = validated(std::string(kManifest) + "--- # again\n" + kManifest);
  EXPECT_EQ(twice.exit, Exit::kInvalidInput);
  EXPECT_THAT(twice.err, HasSubstr("Workflow a stands in "));
  EXPECT_THAT(twice.err, EndsWith("1 problem\n"));
}

TEST(Validate, of_a_folder_without_manifests_is_no_success) {
  const std::string folder = ::testing::TempDir() + "no_manifests";
  std::filesystem::create_directories(folder);
  ScriptedServer server({});
  commands::Validate options;
  options.files = {folder};
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kInvalidInput);
  EXPECT_THAT(done.err, HasSubstr("there is no manifest in what is named"));
}

// No scheduler can be asked of what it has no address for.
TEST(Apply, tells_the_faults_of_a_document_without_an_address) {
  const std::string path = ::testing::TempDir() + "no_address.yaml";
  struct Row {
    std::string text;
    std::string err;
  };
  for (const auto& [text, err] : {
           Row{"# first\nkind: Workflow\nmetadata: {name: a\nspec: {}\n",
               ":4:5 is no YAML: end of map flow not found. Check the indentation.\n"},
           Row{"---\napiVersion: millrace.io/v1alpha1\nkind: WorkflowRun\nmetadata: {name: A_b}\n"
               "spec: {workflow: f}\n",
               ":4:18 metadata.name: \"A_b\" is not an object's name. Use a-z, 0-9 and -, begin "
               "and "
               "end with a letter or digit, at most 63 characters.\n"},
           Row{"apiVersion: millrace.io/v1alpha1\nkind: WorkflowRun\nspec: {workflow: f}\n",
               ":1:1 metadata: missing. Write metadata: {name: …}.\n"},
       }) {
    std::ofstream(path) << text;
    ScriptedServer server({});
    commands::Apply apply;
    apply.files = {path};
    const Done applied = run(server, apply);
    EXPECT_EQ(applied.exit, Exit::kInvalidInput);
    EXPECT_EQ(applied.err, path + err);
    commands::Diff diff;
    diff.files = {path};
    EXPECT_EQ(run(server, diff).err, path + err);
    EXPECT_TRUE(server.requests().empty());
  }
}

class RunDocument : public ::testing::Test {
 protected:
  RunDocument() : path_(::testing::TempDir() + "run_document.yaml") {
    std::ofstream(path_) << "apiVersion: millrace.io/v1alpha1\nkind: WorkflowRun\n"
                            "metadata: {name: f-1}\nspec: {workflow: f}\n";
  }
  std::string path_;
};

TEST_F(RunDocument, is_put_under_its_name) {
  ScriptedServer server({reply(201, kJson, kRun)});
  commands::Apply options;
  options.files = {path_};
  const Done done = run(server, options);
  EXPECT_EQ(done.out, "runs/f-1 created\n") << done.err;
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_THAT(server.requests().at(0), HasSubstr("PUT /v1/namespaces/default/runs/f-1 "));
}

TEST_F(RunDocument, of_another_spec_is_a_conflict) {
  ScriptedServer server({problem(
      409, "run.exists", R"(run \"f-1\" was started with another workflow or other parameters)",
      "choose another name")});
  commands::Apply options;
  options.files = {path_};
  EXPECT_EQ(run(server, options).exit, Exit::kConflict);
}

TEST_F(RunDocument, has_a_diff) {
  ScriptedServer server({reply(
      200, kJson,
      R"({"kind":"WorkflowRun","metadata":{"name":"f-1"},"spec":{"workflow":"f"},"plan":{"change":"Create"}})")});
  commands::Diff options;
  options.files = {path_};
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kDone);
  EXPECT_EQ(done.err, "runs/f-1 would be created\n");
  EXPECT_THAT(done.out, HasSubstr("+  workflow: f\n"));
  EXPECT_THAT(server.requests().at(0),
              HasSubstr("PUT /v1/namespaces/default/runs/f-1?dryRun=All "));
}

TEST_F(RunDocument, of_a_workflow_that_comes_before_it_has_a_diff) {
  std::ofstream(path_, std::ios::app)
      << "---\napiVersion: millrace.io/v1alpha1\nkind: WorkflowRun\n"
         "metadata: {name: g-1}\nspec: {workflow: g}\n";
  std::ofstream(path_ + ".new") << "kind: Workflow\nmetadata: {name: f}\n";
  const std::string unknown = problem(422, "workflow.unknown", "no workflow named", "");
  ScriptedServer server({reply(200, kJson, R"({"plan":{"change":"Create"}})"), unknown, unknown});
  commands::Diff options;
  options.files = {path_ + ".new", path_};
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kNotFound);  // of g-1
  EXPECT_THAT(done.err, HasSubstr("runs/f-1 would be created after its workflow"));
  EXPECT_THAT(done.err, HasSubstr("run_document.yaml: error: no workflow named\n"));
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
  const std::string one(1 << 20, 'a');
  const std::string two(1 << 20, 'b');
  ScriptedServer server({log_page(one, 1 << 20, 2), log_page(two, 2 << 20, 2),
                         log_page("three\n", (2 << 20) + 6, 2)});
  commands::Logs options;
  options.target = "f-1/a";
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kDone);
  EXPECT_EQ(done.out, one + two + "three\n");
  ASSERT_EQ(server.requests().size(), 3U);
  EXPECT_EQ(server.requests()[0].find("offset="), std::string::npos);
  EXPECT_NE(server.requests()[1].find("offset=1048576"), std::string::npos);
  EXPECT_NE(server.requests()[1].find("attempt=2"), std::string::npos)
      << "a later attempt has another log";
  EXPECT_NE(server.requests()[2].find("offset=2097152"), std::string::npos);
}

TEST(Logs, characters_are_whole_wherever_their_pieces_were_cut) {
  ScriptedServer server({chunked_reply({"a\xE2\x86", "\x92", "b\xE2"}, true)});
  commands::Logs options;
  options.target = "f-1/a";
  const Done done = run(server, options);
  EXPECT_EQ(done.out, "a→b?");
}

TEST(Logs, that_are_followed_go_on_where_the_connection_was_lost) {
  ScriptedServer server({log_page("one\n", 4, 2), chunked_reply({"two\n", "thr"}, false),
                         problem(503, "engine.not_leading", "not yet", ""),
                         chunked_reply({"ee\n"}, true)});
  commands::Logs options;
  options.target = "f-1/a";
  options.follow = true;
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kDone) << done.err;
  EXPECT_EQ(done.out, "one\ntwo\nthree\n");
  EXPECT_THAT(done.err, HasSubstr("trying again\nconnected again\n"));
  const std::vector<std::string> requests = server.requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_NE(requests[1].find("attempt=2&offset=4&follow=true"), std::string::npos) << requests[1];
  EXPECT_NE(requests[3].find("attempt=2&offset=11&follow=true"), std::string::npos) << requests[3];
}

// One that grows as fast as it is read would otherwise never be over.
TEST(Logs, of_an_attempt_at_work_end_with_what_there_is) {
  ScriptedServer server({log_page("so far\n", 7, 1)});
  commands::Logs options;
  options.target = "f-1/a";
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kDone);
  EXPECT_EQ(done.out, "so far\n");
  ASSERT_EQ(server.requests().size(), 1U);
}

TEST(Logs, that_break_off_between_pages_say_so) {
  ScriptedServer server({log_page(std::string(1 << 20, 'a'), 1 << 20, 1),
                         problem(503, "store.away", "the store is away", "ask again")});
  commands::Logs options;
  options.target = "f-1/a";
  const Done done = run(server, options);
  EXPECT_NE(done.exit, Exit::kDone);
  EXPECT_EQ(done.out, std::string(1 << 20, 'a'));
}

TEST(Logs, that_are_followed_wait_for_the_task_to_begin) {
  const std::string none = problem(404, "log.not_found", "the task has not been attempted", "");
  ScriptedServer server({none, reply(200, kJson, R"({"items": [{"name": "a", "state": "Ready"}]})"),
                         none, problem(503, "engine.not_leading", "not yet", ""),
                         problem(503, "engine.not_leading", "not yet", ""), log_page("one\n", 4, 1),
                         chunked_reply({"two\n"}, true)});
  commands::Logs options;
  options.target = "f-1/a";
  options.follow = true;
  const Done done = run(server, options);
  EXPECT_EQ(done.exit, Exit::kDone) << done.err;
  EXPECT_EQ(done.out, "one\ntwo\n");
  EXPECT_THAT(done.err, ::testing::StartsWith("f-1/a has not begun; waiting\n"));
}

TEST(Logs, that_are_followed_say_so_of_a_task_that_never_began) {
  ScriptedServer server(
      {problem(404, "log.not_found", "the task has not been attempted", ""),
       reply(200, kJson, R"({"items": [{"name": "a", "state": "Skipped", "attempt": 0}]})")});
  commands::Logs options;
  options.target = "f-1/a";
  options.follow = true;
  EXPECT_EQ(run(server, options).exit, Exit::kNotFound);
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
