#include "scheduler/api/rerun_request.h"

#include <gtest/gtest.h>

#include "manifest/document.h"
#include "scheduler/api/testing/fake_sql.h"

namespace millrace::api {
namespace {

using scheduler::TaskIndex;

manifest::Workflow workflow() {
  manifest::Parsed parsed = manifest::parse(R"(apiVersion: millrace.io/v1alpha1
kind: Workflow
metadata: {name: flow}
spec:
  parameters:
  - {name: source, string: {default: "file:///in"}}
  - {name: least, integer: {default: 1}}
  - {name: unseen, integer: {default: 1}}
  tasks:
  - name: load
    ingest: {from: {url: "${{parameters.source}}/a.csv", csv: {}}, into: {dataset: a}}
  - name: pick
    query: {sql: "SELECT * FROM a WHERE n >= $least", into: {dataset: b}}
  - name: out
    deliver: {dataset: b, to: {objectStore: {url: "file:///out", csv: {}}}}
  - name: tell
    command: {argv: [/bin/echo, "${{run.id}}", "${{parameters.least}}"]}
)",
                                            "");
  EXPECT_TRUE(parsed.ok()) << parsed.problems.front().to_text();
  return std::get<manifest::Workflow>(parsed.documents.front().resource);
}

std::vector<TaskIndex> seeing(const std::set<std::string>& parameters) {
  auto found = tasks_seeing(parameters, workflow(), fake_analyze);
  EXPECT_TRUE(found.ok());
  return *found;
}

TEST(RerunRequest, a_parameter_is_seen_in_holes_and_in_sql) {
  EXPECT_EQ(seeing({"source"}), std::vector<TaskIndex>{TaskIndex(0)});
  EXPECT_EQ(seeing({"least"}), (std::vector<TaskIndex>{TaskIndex(1), TaskIndex(3)}));
  EXPECT_TRUE(seeing({"unseen"}).empty());
  EXPECT_TRUE(seeing({}).empty());
}

TEST(RerunRequest, sql_that_can_not_be_judged_is_an_error) {
  const auto found = tasks_seeing({"least"}, workflow(), [](const std::string&) {
    return Result<sql::Statement>(Error{ErrorClass::kTransient, "sql.crashed", "no parser"});
  });
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, "sql.crashed");
}

TEST(RerunRequest, values_change_by_what_they_are_not_by_who_says_them) {
  const std::string before = R"({"a":1,"b":"x","c":["p"]})";
  EXPECT_TRUE(changed_parameters(before, R"({"c":["p"],"b":"x","a":1})").empty());
  EXPECT_EQ(changed_parameters(before, R"({"a":2,"b":"x","c":["p","q"]})"),
            (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(changed_parameters(before, R"({"a":1,"b":"x","d":1})"),
            (std::set<std::string>{"c", "d"}));
}

TEST(RerunRequest, what_is_not_given_stays_what_it_was) {
  const auto merged = merged_parameters({{"a", std::int64_t{5}}}, R"({"a":1,"b":true})");
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_EQ(merged[0].value, manifest::Value(std::int64_t{5}));
  EXPECT_EQ(merged[1].name, "b");
  EXPECT_EQ(merged[1].value, manifest::Value(true));
}

TEST(RerunRequest, bodies_are_read_with_all_their_problems) {
  const ReadRerun good =
      read_rerun(Json::parse(R"({"tasks": ["load"], "parameters": {"least": 2}})"));
  EXPECT_TRUE(good.problems.empty());
  EXPECT_EQ(good.rerun.tasks, std::vector<std::string>{"load"});
  ASSERT_EQ(good.rerun.parameters.size(), 1U);
  const ReadRerun bad =
      read_rerun(Json::parse(R"({"task": [], "tasks": [1], "parameters": {"least": 1.5}})"));
  ASSERT_EQ(bad.problems.size(), 3U);
  EXPECT_EQ(bad.problems[0].error.hint, "did you mean tasks?");
  EXPECT_EQ(bad.problems[1].pointer, "/tasks/0");
  EXPECT_EQ(bad.problems[2].pointer, "/parameters/least");
  EXPECT_EQ(read_rerun(Json::parse(R"({"tasks": "load", "parameters": []})")).problems.size(), 2U);
}

TEST(RerunRequest, one_request_has_one_hash) {
  const scheduler::RunId run(RawId{1, 1});
  const RerunRequest request{{"a", "b"}, {{"x", std::int64_t{1}}, {"y", std::string("1")}}};
  const RerunRequest same{{"b", "a", "a"}, {{"y", std::string("1")}, {"x", std::int64_t{1}}}};
  const RerunRequest other{{"a", "b"}, {{"x", std::string("1")}, {"y", std::string("1")}}};
  EXPECT_EQ(rerun_hash(run, request), rerun_hash(run, same));
  EXPECT_NE(rerun_hash(run, request), rerun_hash(run, other));
  EXPECT_NE(rerun_hash(run, request), rerun_hash(scheduler::RunId(RawId{1, 2}), request));
}

}  // namespace
}  // namespace millrace::api
