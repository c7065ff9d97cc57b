// R/reruns over real sockets and the real engine.
#include <gtest/gtest.h>

#include "scheduler/api/testing/api_fixture.h"

namespace millrace::api {
namespace {

class RerunsTest : public ApiTest {
 protected:
  // A run whose query failed: its ingest is to be taken over.
  std::string failed_run() {
    put_flights();
    host_.join_worker();
    const std::string name = start_run();
    host_.succeed("load", {{"flights", 3}});
    host_.fail("delays", "query.bad");
    wait_end(name);
    return name;
  }
  RawResponse rerun(const std::string& run, const std::string& body = "{}",
                    const std::string& headers = "") {
    return host_.send("POST", run_of(run) + "/reruns", body, kJson + headers);
  }
  std::vector<std::string> taken_over(const std::string& run) {
    std::vector<std::string> names;
    const Json tasks = body_of(host_.get(run_of(run) + "/tasks"));
    for (const Json& task : tasks["items"])
      if (task.value("takenOver", false)) names.push_back(task["name"]);
    return names;
  }
};

TEST_F(RerunsTest, a_run_is_done_again_from_what_failed) {
  const std::string origin = failed_run();
  const RawResponse again = rerun(origin);
  ASSERT_EQ(again.status, 201) << again.body;
  const std::string name = body_of(again)["metadata"]["name"];
  EXPECT_EQ(again.headers.at("location"), run_of(name));
  EXPECT_EQ(body_of(again)["status"]["rerunOf"]["name"], origin);

  Json run = body_of(host_.get(run_of(name)));
  EXPECT_EQ(run["status"]["rerunOf"]["name"], origin);
  EXPECT_EQ(run["spec"]["parameters"], Json::parse(R"([{"name":"min_flights","value":100}])"));
  EXPECT_EQ(taken_over(name), std::vector<std::string>{"load"});
  host_.succeed("delays", {{"delays", 2}});
  host_.succeed("out", {}, true);
  host_.succeed("out");
  wait_end(name);
  run = body_of(host_.get(run_of(name)));
  EXPECT_EQ(run["status"]["phase"], "Succeeded");
  EXPECT_EQ(run["status"]["rerunOf"]["name"], origin);
  EXPECT_EQ(taken_over(name), std::vector<std::string>{"load"});
  // Committed once: by the origin.
  const Json snapshots =
      body_of(host_.get(std::string(kNamespace) + "/datasets/flights/snapshots"));
  ASSERT_EQ(snapshots["items"].size(), 1U);
  EXPECT_EQ(snapshots["items"][0]["run"], origin);
  EXPECT_FALSE(body_of(host_.get(run_of(origin)))["status"].contains("rerunOf"));
}

TEST_F(RerunsTest, an_empty_body_asks_for_nothing_more) {
  const std::string origin = failed_run();
  EXPECT_EQ(host_.send("POST", run_of(origin) + "/reruns").status, 201);
}

TEST_F(RerunsTest, named_tasks_and_changed_parameters_run_again) {
  const std::string origin = finish_run();
  RawResponse refused = rerun(origin);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(body_of(refused)["code"], "rerun.nothing");
  // min_flights as it was changes nothing; another value is seen by the query.
  EXPECT_EQ(rerun(origin, R"({"parameters": {"min_flights": 100}})").status, 409);
  const RawResponse seen = rerun(origin, R"({"parameters": {"min_flights": 5}})");
  ASSERT_EQ(seen.status, 201) << seen.body;
  EXPECT_EQ(body_of(seen)["spec"]["parameters"][0]["value"], 5);
  EXPECT_EQ(taken_over(body_of(seen)["metadata"]["name"]), std::vector<std::string>{"load"});
  const RawResponse named = rerun(origin, R"({"tasks": ["out"]})");
  ASSERT_EQ(named.status, 201) << named.body;
  EXPECT_EQ(taken_over(body_of(named)["metadata"]["name"]),
            (std::vector<std::string>{"load", "delays"}));
}

TEST_F(RerunsTest, what_can_not_be_done_is_refused_with_the_reason) {
  const std::string origin = failed_run();
  const RawResponse unknown = rerun(origin, R"({"tasks": ["delay"]})");
  EXPECT_EQ(unknown.status, 422);
  const Json error = body_of(unknown)["errors"][0];
  EXPECT_EQ(error["code"], "task.unknown");
  EXPECT_EQ(error["pointer"], "/tasks/0");
  EXPECT_EQ(error["hint"], "did you mean delays?");
  EXPECT_EQ(rerun(origin, R"({"parameters": {"min_flights": 0}})").status, 422);
  EXPECT_EQ(rerun(origin, R"({"parameters": {"least": 1}})").status, 422);
  EXPECT_EQ(rerun(origin, R"({"task": "delays"})").status, 422);
  EXPECT_EQ(rerun(origin, "[]").status, 400);
  EXPECT_EQ(rerun("nobody").status, 404);
  const std::string live = start_run();
  const RawResponse early = rerun(live);
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(body_of(early)["code"], "run.not_ended");
}

TEST_F(RerunsTest, a_key_makes_one_rerun) {
  const std::string origin = failed_run();
  const std::string key = "Idempotency-Key: again\r\n";
  const RawResponse first = rerun(origin, "{}", key);
  ASSERT_EQ(first.status, 201);
  const RawResponse second = rerun(origin, "{}", key);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(body_of(second)["metadata"], body_of(first)["metadata"]);
  const RawResponse other = rerun(origin, R"({"tasks": ["load"]})", key);
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(body_of(other)["code"], "run.key_reused");
}

}  // namespace
}  // namespace millrace::api
