// POST N/queries over real sockets and the real engine, with a worker that does as it is told.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "scheduler/api/testing/api_fixture.h"
#include "tests/support/eventually.h"

namespace millrace::api {
namespace {

const std::string kQueries = std::string(kNamespace) + "/queries";
constexpr const char* kAnswer = "{\"columns\":[],\n\"rows\":[\n],\n\"truncated\":false}\n";
constexpr const char* kOutputs = R"({"rows":3,"bytes":52,"truncated":true})";

class QueriesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    host_.start();
    host_.send("PUT", kWorkflow, kFlights, kYaml);
    host_.join_worker();
  }
  void TearDown() override { host_.stop(); }

  // A dataset "flights", by a run.
  void make_dataset() {
    host_.send("POST", kRuns, R"({"workflow":"flights"})", kJson);
    host_.succeed("load", {{"flights", 3}});
    host_.wait_start("delays");
  }

  // A query that waits for its answer.
  std::unique_ptr<http::RawClient> ask(const std::string& body, const std::string& headers = {}) {
    auto client = std::make_unique<http::RawClient>(host_.port());
    client->send(
        http::raw_request("POST", kQueries, Host::authorization() + kJson + headers, body));
    return client;
  }
  Json refused(const std::string& body, int status) {
    const RawResponse response = host_.send("POST", kQueries, body, kJson);
    EXPECT_EQ(response.status, status) << response.body;
    return body_of(response);
  }

  Host host_{Api::Options{.token = "", .max_queries = 1}};
};

TEST_F(QueriesTest, rows_are_streamed_and_nothing_is_left) {
  make_dataset();
  const auto client = ask(R"({"sql":"SELECT * FROM flights WHERE n > $n","parameters":{"n":1}})");
  const scheduler::AttemptRef attempt = host_.wait_start("query");
  host_.leave_answer(attempt, kAnswer);
  host_.succeed_with_outputs("query", kOutputs);
  const auto response = client->read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_TRUE(response->complete);
  EXPECT_EQ(response->body, kAnswer);
  EXPECT_EQ(response->headers.at("content-type"), "application/json");
  EXPECT_EQ(response->headers.at("millrace-rows"), "3");
  EXPECT_EQ(response->headers.at("millrace-truncated"), "true");
  EXPECT_EQ(host_.answers_left(), 0U);
}

TEST_F(QueriesTest, a_long_answer_comes_whole_as_csv) {
  const auto client = ask(R"({"sql":"SELECT 1"})", "Accept: text/csv\r\n");
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + "\n";
  host_.leave_answer(host_.wait_start("query"), text);
  host_.succeed_with_outputs("query", kOutputs);
  const auto response = client->read();
  ASSERT_TRUE(response.has_value() && response->complete);
  EXPECT_EQ(response->headers.at("content-type"), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(response->body, text);
}

TEST_F(QueriesTest, the_statements_faults_have_places) {
  Json problem = refused(R"({"sql":"syntax error"})", 422);
  EXPECT_EQ(problem["code"], "query.invalid");
  EXPECT_EQ(problem["errors"][0]["code"], "sql.syntax");
  EXPECT_EQ(problem["errors"][0]["line"], 1);
  EXPECT_EQ(problem["errors"][0]["pointer"], "/sql");
  make_dataset();
  problem = refused(R"({"sql":"SELECT $a FROM flight","parameters":{"b":1}})", 422);
  ASSERT_EQ(problem["errors"].size(), 3U) << problem;
  EXPECT_EQ(problem["errors"][0]["code"], "query.parameter_missing");
  EXPECT_EQ(problem["errors"][1]["code"], "query.parameter_unused");
  EXPECT_EQ(problem["errors"][2]["code"], "dataset.unknown");
  EXPECT_EQ(problem["errors"][2]["hint"], "did you mean flights?");
  EXPECT_EQ(refused(R"({"sql":5,"limit":1})", 422)["errors"].size(), 2U);
  refused("[]", 400);
  refused(R"({"sql":"no parser"})", 500);
  EXPECT_EQ(
      host_.send("POST", kQueries, R"({"sql":"SELECT 1"})", kJson + "Accept: text/html\r\n").status,
      406);
}

TEST_F(QueriesTest, what_an_attempt_failed_of_is_told) {
  struct Case {
    std::string code;
    ErrorClass error_class;
    int status;
    std::string told;
  };
  for (const Case& c :
       {Case{"query.failed", ErrorClass::kUser, 422, "query.invalid"},
        Case{"sql.function_refused", ErrorClass::kPolicy, 422, "query.invalid"},
        Case{"engine.out_of_memory", ErrorClass::kResource, 422, "engine.out_of_memory"},
        Case{"runner.crashed", ErrorClass::kInfrastructure, 503, "query.interrupted"},
        Case{"lease.expired", ErrorClass::kInfrastructure, 503, "query.interrupted"}}) {
    const auto client = ask(R"({"sql":"SELECT 1"})");
    host_.fail("query", c.code, c.error_class);
    const auto response = client->read();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, c.status) << c.code << response->body;
    const Json problem = body_of(*response);
    EXPECT_EQ(problem["code"], c.told);
    EXPECT_NE(response->body.find("it went wrong"), std::string::npos) << response->body;
  }
}

TEST_F(QueriesTest, no_list_and_no_stream_knows_of_it) {
  EventReader watcher(host_, kRuns + "?watch=true");
  const auto client = ask(R"({"sql":"SELECT 1"})");
  const scheduler::AttemptRef attempt = host_.wait_start("query");
  EXPECT_TRUE(body_of(host_.get(kRuns))["items"].empty());
  const std::string run_path = kRuns + "/" + attempt.run.to_text();
  for (const std::string tail : {"", "/tasks", "/events", "/logs?task=query"})
    EXPECT_EQ(host_.get(run_path + tail).status, 404) << tail;
  host_.leave_answer(attempt, kAnswer);
  host_.succeed_with_outputs("query", kOutputs);
  ASSERT_TRUE(client->read().has_value());
  EXPECT_TRUE(body_of(host_.get(kRuns))["items"].empty());
  // The first thing that the watcher hears is a run that came after.
  host_.send("POST", kRuns, R"({"workflow":"flights","name":"seen"})", kJson);
  EXPECT_EQ(watcher.next_event().data["name"], "seen");
}

TEST_F(QueriesTest, only_so_many_at_once) {
  const auto client = ask(R"({"sql":"SELECT 1"})");
  host_.wait_start("query");
  const RawResponse response = host_.send("POST", kQueries, R"({"sql":"SELECT 2"})", kJson);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(body_of(response)["code"], "query.too_many");
  EXPECT_EQ(response.headers.at("retry-after"), "1");
  host_.fail("query", "query.failed");
  EXPECT_EQ(client->read()->status, 422);
  EXPECT_EQ(refused(R"({"sql":"syntax error"})", 422)["code"], "query.invalid");
}

TEST_F(QueriesTest, a_client_that_goes_away_stops_its_query) {
  auto client = ask(R"({"sql":"SELECT 1"})");
  const scheduler::AttemptRef attempt = host_.wait_start("query");
  client.reset();
  host_.wait_cancel(attempt);
  // It came to its end all the same: its answer is nobody's.
  host_.leave_answer(attempt, kAnswer);
  host_.succeed_with_outputs("query", kOutputs);
  EXPECT_TRUE(testing_support::eventually([&] { return host_.answers_left() == 0; }));
  EXPECT_TRUE(body_of(host_.get(kRuns))["items"].empty());
}

TEST_F(QueriesTest, a_new_leader_stops_what_the_one_before_began) {
  const auto client = ask(R"({"sql":"SELECT 1"})");
  const scheduler::AttemptRef attempt = host_.wait_start("query");
  host_.depose();
  const auto response = client->read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(body_of(*response)["code"], "query.interrupted");
  host_.wait_cancel(attempt);
}

}  // namespace
}  // namespace millrace::api
