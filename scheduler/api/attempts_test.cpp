// Attempts and their logs, of tasks at work and of tasks that have ended, over real sockets and the
// real engine.
#include <gtest/gtest.h>

#include "scheduler/api/testing/api_fixture.h"

namespace millrace::api {
namespace {

class AttemptsTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    put_flights();
    run_ = start_run();
  }
  // The attempt of "load" that has begun.
  scheduler::AttemptRef begun() { return host_.wait_start("load"); }
  std::string log_path(const std::string& more = {}) const {
    return run_of(run_) + "/logs?task=load" + more;
  }
  RawResponse log(const std::string& more = {}) const { return host_.get(log_path(more)); }
  Json attempts() const {
    return body_of(host_.get(run_of(run_) + "/tasks/load/attempts"))["items"];
  }
  Json explained() const { return body_of(host_.get(run_of(run_) + "/tasks/load/explanation")); }
  std::unique_ptr<http::RawClient> follow(const std::string& more = {}) const {
    auto client = std::make_unique<http::RawClient>(host_.port());
    client->send(http::raw_request("GET", log_path("&follow=true" + more), Host::authorization()));
    const auto head = client->read_head();
    EXPECT_EQ(head->status, 200);
    return client;
  }
  // A failure after which the next attempt begins; that one.
  scheduler::AttemptRef fail_once() {
    host_.fail("load", "disk.lost", ErrorClass::kInfrastructure);
    wait_event(run_, [](const Event& event) {
      return event.type == "task" && event.data.value("state", "") == "BackingOff";
    });
    host_.pass(seconds(1));
    return begun();
  }

  std::string run_;
};

constexpr const char* kEnd = "0\r\n\r\n";

TEST_F(AttemptsTest, one_at_work_is_listed_and_explained) {
  EXPECT_EQ(attempts().size(), 0u);
  host_.join_worker();
  const scheduler::AttemptRef attempt = begun();
  Json listed = attempts();
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0]["attempt"], 1);
  EXPECT_EQ(listed[0]["epoch"], attempt.epoch.value());
  EXPECT_EQ(listed[0]["state"], "Running");
  EXPECT_EQ(listed[0]["phase"], "Execute");
  EXPECT_EQ(listed[0]["worker"], "laptop");
  EXPECT_TRUE(listed[0].contains("placedAt"));
  EXPECT_FALSE(listed[0].contains("endedAt"));
  EXPECT_GT(listed[0]["request"]["cpuMillis"], 0);
  Json explanation = explained();
  EXPECT_EQ(explanation["attempts"], listed);
  EXPECT_EQ(explanation["worker"], "laptop");

  fail_once();
  listed = attempts();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0]["state"], "Failed");
  EXPECT_EQ(listed[1]["state"], "Running");
  EXPECT_EQ(listed[1]["attempt"], 2);
  host_.succeed("load", {{"flights", 3}});
  host_.wait_start("delays");
  EXPECT_EQ(attempts().size(), 2u);
  EXPECT_EQ(attempts()[1]["state"], "Succeeded");
}

TEST_F(AttemptsTest, one_that_is_told_to_stop_is_at_work_until_it_has) {
  host_.join_worker();
  const scheduler::AttemptRef attempt = begun();
  EXPECT_EQ(patch(run_, "Cancelled").status, 200);
  host_.wait_cancel(attempt);
  EXPECT_EQ(explained()["state"], "Cancelling");
  ASSERT_EQ(attempts().size(), 1u);
  EXPECT_EQ(attempts()[0]["state"], "Running");
  EXPECT_EQ(log().headers.at("millrace-log-ended"), "false");
}

TEST_F(AttemptsTest, the_log_of_one_at_work_is_read_in_pieces) {
  EXPECT_EQ(host_.get(run_of(run_) + "/logs").status, 400);
  EXPECT_EQ(log().status, 404) << "not attempted yet";
  host_.join_worker();
  const scheduler::AttemptRef attempt = begun();
  RawResponse empty = log();
  EXPECT_EQ(empty.status, 200) << "it may yet say something";
  EXPECT_EQ(empty.body, "");
  EXPECT_EQ(empty.headers.at("millrace-log-ended"), "false");
  host_.append_log(attempt, "first\n");
  const RawResponse first = log();
  EXPECT_EQ(first.body, "first\n");
  EXPECT_EQ(first.headers.at("millrace-attempt"), "1");
  EXPECT_EQ(first.headers.at("millrace-next-offset"), "6");
  EXPECT_EQ(first.headers.at("millrace-log-ended"), "false");
  EXPECT_EQ(log("&offset=2&limit=2").body, "rs");
  EXPECT_EQ(log("&attempt=1").body, "first\n");
  EXPECT_EQ(log("&attempt=2").status, 404);
  EXPECT_EQ(host_.get(run_of(run_) + "/logs?task=lod").status, 404);
}

TEST_F(AttemptsTest, the_log_has_ended_with_its_attempt_and_its_last_byte) {
  host_.join_worker();
  host_.append_log(begun(), "abc\n");
  host_.succeed("load", {{"flights", 3}});
  host_.wait_start("delays");
  EXPECT_EQ(log().headers.at("millrace-log-ended"), "true");
  EXPECT_EQ(log("&limit=3").headers.at("millrace-log-ended"), "false") << "a byte is to come";
  EXPECT_EQ(log("&offset=3").headers.at("millrace-log-ended"), "true");
  // Nor does one that has ended keep anybody who follows it.
  EXPECT_NE(follow()->read_until(kEnd).find("abc\n"), std::string::npos);
}

TEST_F(AttemptsTest, a_follower_goes_with_the_attempt_to_its_end) {
  host_.join_worker();
  const scheduler::AttemptRef attempt = begun();
  const auto early = follow();  // before it has said anything
  host_.append_log(attempt, "first\n");
  EXPECT_NE(early->read_until("first\n").find("first"), std::string::npos);
  host_.append_log(attempt, "last\n");
  host_.succeed("load", {{"flights", 3}});
  EXPECT_NE(early->read_until(kEnd).find("last\n"), std::string::npos);
}

TEST_F(AttemptsTest, a_follower_of_one_that_says_nothing_ends_with_it) {
  host_.join_worker();
  begun();
  const auto follower = follow();
  host_.succeed("load", {{"flights", 3}});
  EXPECT_EQ(follower->read_until(kEnd), kEnd);
  // Afterwards there is no log to follow.
  EXPECT_EQ(log("&follow=true").status, 404);
  EXPECT_EQ(log().status, 404);
}

TEST_F(AttemptsTest, the_latest_is_meant_also_while_it_is_at_work) {
  host_.join_worker();
  host_.append_log(begun(), "one\n");
  const auto first = follow();
  const scheduler::AttemptRef next = fail_once();
  EXPECT_NE(first->read_until(kEnd).find("one\n"), std::string::npos)
      << "it ends with its attempt, though the run goes on";
  host_.append_log(next, "two\n");
  EXPECT_EQ(log().body, "two\n");
  EXPECT_EQ(log().headers.at("millrace-attempt"), "2");
  EXPECT_EQ(log().headers.at("millrace-log-ended"), "false");
  EXPECT_EQ(log("&attempt=1").body, "one\n");
  EXPECT_EQ(log("&attempt=1").headers.at("millrace-log-ended"), "true");
  const auto second = follow();
  host_.succeed("load", {{"flights", 3}});
  EXPECT_NE(second->read_until(kEnd).find("two\n"), std::string::npos);
}

}  // namespace
}  // namespace millrace::api
