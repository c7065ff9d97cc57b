// ETag, If-Match and If-None-Match of workflows and runs, over real sockets and the real engine.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "scheduler/api/testing/api_fixture.h"

namespace millrace::api {
namespace {

class ConditionsTest : public ApiTest {
 protected:
  static std::string if_match(const std::string& tags) { return "If-Match: " + tags + "\r\n"; }
  static std::string if_none_match(const std::string& tags) {
    return "If-None-Match: " + tags + "\r\n";
  }
  int put(const std::string& headers) const {
    return host_.send("PUT", kWorkflow, kFlights, kYaml + headers).status;
  }
  std::string etag(const std::string& run) const {
    return host_.get(run_of(run)).headers.at("etag");
  }
  std::string phase(const std::string& run) const {
    return body_of(host_.get(run_of(run)))["status"]["phase"];
  }
};

TEST_F(ConditionsTest, preconditions_hold_or_nothing_changes) {
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: \"1\"\r\n").status, 412);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: *\r\n").status, 412);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-None-Match: *\r\n").status, 201);
  const RawResponse second = host_.send("PUT", kWorkflow, kFlights, kYaml + "If-None-Match: *\r\n");
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(body_of(second)["code"], "document.conflict");
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: \"1\"\r\n").status, 200);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: *\r\n").status, 200);
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + "If-Match: what\r\n").status, 412);
  EXPECT_EQ(host_.send("DELETE", kWorkflow, "", "If-Match: \"7\"\r\n").status, 412);
  EXPECT_EQ(host_.get(kWorkflow).status, 200);
}

TEST_F(ConditionsTest, a_document_comes_back_as_it_was_shown_unless_it_changed_since) {
  put_flights();
  const Json shown = body_of(host_.get(kWorkflow));
  EXPECT_EQ(host_.send("PUT", kWorkflow, shown.dump(), kJson).status, 200) << "unchanged";
  Json changed = shown;
  changed["spec"]["parameters"][0]["integer"]["default"] = 200;
  const RawResponse update = host_.send("PUT", kWorkflow, changed.dump(), kJson);
  ASSERT_EQ(update.status, 200) << update.body;
  changed["spec"]["parameters"][0]["integer"]["default"] = 300;
  const RawResponse stale = host_.send("PUT", kWorkflow, changed.dump(), kJson);
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(body_of(stale)["code"], "document.conflict");
  EXPECT_EQ(host_.send("PUT", kWorkflow + "?dryRun=All", changed.dump(), kJson).status, 412);
  changed["metadata"]["resourceVersion"] = "of no kind";
  EXPECT_EQ(host_.send("PUT", kWorkflow, changed.dump(), kJson).status, 412);
  changed["metadata"]["resourceVersion"] = body_of(update)["metadata"]["resourceVersion"];
  EXPECT_EQ(host_.send("PUT", kWorkflow, changed.dump(), kJson + "If-Match: \"1\"\r\n").status, 412)
      << "both must hold";
  EXPECT_EQ(host_.send("PUT", kWorkflow, changed.dump(), kJson).status, 200);
}

TEST_F(ConditionsTest, a_version_is_never_used_again) {
  put_flights();
  const std::string first = host_.get(kWorkflow).headers.at("etag");
  EXPECT_EQ(host_.send("DELETE", kWorkflow).status, 204);
  put_flights();
  const RawResponse anew = host_.get(kWorkflow);
  EXPECT_NE(anew.headers.at("etag"), first);
  EXPECT_EQ(body_of(anew)["metadata"]["generation"], 1);
  const std::string stale = "If-Match: " + first + "\r\n";
  EXPECT_EQ(host_.send("PUT", kWorkflow, kFlights, kYaml + stale).status, 412);
  EXPECT_EQ(host_.send("DELETE", kWorkflow, "", stale).status, 412);
}

TEST_F(ConditionsTest, of_a_workflow_are_lists_of_tags) {
  put_flights();
  const std::string tag = host_.get(kWorkflow).headers.at("etag");
  for (const std::string& known : {tag, "W/" + tag, "\"a\", " + tag, std::string("*")}) {
    const RawResponse unchanged = host_.get(kWorkflow, if_none_match(known));
    EXPECT_EQ(unchanged.status, 304) << known;
    EXPECT_EQ(unchanged.headers.at("etag"), tag);
    EXPECT_EQ(put(if_none_match(known)), 412) << known;
  }
  EXPECT_EQ(host_.get(kWorkflow, if_none_match("\"a\"")).status, 200);
  EXPECT_EQ(put(if_none_match("\"a\"")), 200);
  EXPECT_EQ(put(if_match("\"x\", " + tag)), 200);
  EXPECT_EQ(put(if_match("\"x\", \"y\"")), 412);
  EXPECT_EQ(put(if_match("W/" + tag)), 412);
}

TEST_F(ConditionsTest, a_run_is_steered_as_it_was_read_or_not_at_all) {
  put_flights();
  const std::string run = start_run();
  const std::string first = etag(run);
  EXPECT_EQ(etag(run), first) << "nothing happened";
  EXPECT_EQ(host_.get(run_of(run), if_none_match(first)).status, 304);
  EXPECT_EQ(patch(run, "Paused", if_match("\"x\", " + first)).status, 200);
  const std::string paused = etag(run);
  EXPECT_NE(paused, first);
  EXPECT_EQ(host_.get(run_of(run), if_none_match(first)).status, 200);

  const RawResponse stale = patch(run, "Running", if_match(first));
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(body_of(stale)["code"], "run.conflict");
  EXPECT_EQ(host_.send("DELETE", run_of(run), "", if_match(first)).status, 412);
  EXPECT_EQ(phase(run), "Paused");
  EXPECT_EQ(patch(run, "Running", if_none_match(paused)).status, 412);
  EXPECT_EQ(patch(run, "Running", if_match("*")).status, 200);
  EXPECT_EQ(host_.send("DELETE", run_of(run), "", if_match(etag(run))).status, 202);
}

TEST_F(ConditionsTest, what_happens_to_a_run_is_a_new_version_of_it) {
  put_flights();
  const std::string run = start_run();
  const std::string waiting = etag(run);
  host_.join_worker();
  host_.wait_start("load");
  const std::string running = etag(run);
  EXPECT_NE(running, waiting);
  EXPECT_EQ(patch(run, "Paused", if_match(waiting)).status, 412);
  host_.fail("load", "file.missing");
  wait_end(run);
  EXPECT_EQ(phase(run), "Failed");
  EXPECT_NE(etag(run), running);
  EXPECT_EQ(patch(run, "Paused", if_match(running)).status, 412) << "rather than: it has ended";
  EXPECT_EQ(patch(run, "Paused", if_match(etag(run))).status, 409);
  EXPECT_EQ(host_.send("DELETE", run_of(run), "", if_match(running)).status, 412);
  EXPECT_EQ(host_.send("DELETE", run_of(run), "", if_match(etag(run))).status, 204);
}

TEST_F(ConditionsTest, a_run_is_made_only_where_they_hold) {
  put_flights();
  const std::string body = R"({"workflow":"flights"})";
  const auto make = [&](const std::string& headers) {
    return host_.send("PUT", run_of("mine"), body, kJson + headers).status;
  };
  EXPECT_EQ(make(if_match("*")), 412);
  EXPECT_EQ(make(if_none_match("*")), 201);
  EXPECT_EQ(make(if_none_match("*")), 412);
  EXPECT_EQ(make(if_match("\"x\"")), 412);
  EXPECT_EQ(make(if_match(etag("mine"))), 200);
  EXPECT_EQ(make(""), 200);
}

TEST_F(ConditionsTest, of_two_who_make_a_run_at_once_one_is_told_that_it_is_there) {
  put_flights();
  for (int round = 0; round < 10; ++round) {
    const std::string path = run_of("mine-" + std::to_string(round));
    host_.hold_commits(true);
    http::RawClient one(host_.port());
    http::RawClient other(host_.port());
    for (http::RawClient* client : {&one, &other})
      client->send(http::raw_request("PUT", path,
                                     Host::authorization() + kJson + if_none_match("*"),
                                     R"({"workflow":"flights"})"));
    // Time for both to find that there is none; what they are told is the same without it.
    for (int i = 0; i < 5; ++i) EXPECT_EQ(host_.get(kRuns).status, 200);
    host_.hold_commits(false);
    const std::multiset<int> statuses{one.read()->status, other.read()->status};
    EXPECT_EQ(statuses, (std::multiset<int>{201, 412}));
  }
}

}  // namespace
}  // namespace millrace::api
