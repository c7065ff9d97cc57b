#include "cli/report.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace millrace::cli {
namespace {

client::Problem invalid_manifest() {
  client::Problem problem;
  problem.status = 422;
  problem.code = "manifest.invalid";
  problem.detail = "Workflow flights: 2 problems; nothing changed";
  problem.defects = {
      {"field.unknown", "/spec/tasks/3/query/sqll", 20, 7, "unknown field", "did you mean sql?"},
      {"graph.circle", "", 0, 0, "circle: delays → report → delays", "remove one"}};
  return problem;
}

TEST(Report, points_into_the_file) {
  const DocumentPlace first{"f.yaml", 1};
  EXPECT_EQ(problem_text(invalid_manifest(), &first),
            "f.yaml:20:7 spec.tasks[3].query.sqll: unknown field. Did you mean sql?\n"
            "f.yaml: circle: delays → report → delays. Remove one.\n");
  const DocumentPlace third{"f.yaml", 31};
  EXPECT_EQ(problem_text(invalid_manifest(), &third).substr(0, 11), "f.yaml:50:7");
}

TEST(Report, a_subject_tells_more_than_the_pointer) {
  client::Problem problem = client::parse_problem(
      422,
      R"({"type":"x/manifest.invalid","errors":[{"code":"dataset.unknown","pointer":"/spec/tasks/0/deliver/dataset",
          "line":22,"column":14,"subject":"dataset flight","detail":"unknown or not permitted","hint":"did you mean flights?"}]})");
  const DocumentPlace place{"f.yaml", 1};
  EXPECT_EQ(problem_text(problem, &place),
            "f.yaml:22:14 dataset flight: unknown or not permitted. Did you mean flights?\n");
}

TEST(Report, says_what_to_do) {
  client::Problem problem;
  problem.detail = "no workflow named \"flight\"";
  problem.hint = "`millrace get workflows` lists them";
  EXPECT_EQ(problem_text(problem),
            "error: no workflow named \"flight\". `millrace get workflows` lists them.\n");
}

TEST(Report, text_of_others_cannot_steer_the_terminal) {
  client::Problem problem;
  problem.detail = "bad \x1b[31mname";
  EXPECT_EQ(problem_text(problem), "error: bad ?[31mname\n");
}

TEST(Report, output_that_was_not_written_is_no_success_and_no_failed_run) {
  std::ostringstream err;
  std::ostringstream good;
  EXPECT_EQ(finish_output(good, err, Exit::kDone), Exit::kDone);
  EXPECT_EQ(err.str(), "");
  std::ofstream full("/dev/full");
  full << "f-1\n";
  EXPECT_EQ(finish_output(full, err, Exit::kDone), Exit::kUnreachable);
  EXPECT_EQ(
      err.str(),
      "error: standard output could not be written (is the disk full?); what was asked for is "
      "done\n");
  EXPECT_EQ(finish_output(full, err, Exit::kRunFailed), Exit::kRunFailed);
}

TEST(Report, exit_codes) {
  const std::pair<int, Exit> kCases[] = {
      {400, Exit::kInvalidInput}, {401, Exit::kDenied},       {403, Exit::kDenied},
      {404, Exit::kNotFound},     {409, Exit::kConflict},     {410, Exit::kNotFound},
      {412, Exit::kConflict},     {422, Exit::kInvalidInput}, {500, Exit::kUnreachable},
      {0, Exit::kUnreachable},    {503, Exit::kUnreachable}};
  for (const auto& [status, exit] : kCases) {
    client::Problem problem;
    problem.status = status;
    EXPECT_EQ(exit_of(problem), exit) << status;
  }
  client::Problem unknown;
  unknown.status = 422;
  unknown.code = "workflow.unknown";
  EXPECT_EQ(exit_of(unknown), Exit::kNotFound);
  client::Problem timeout;
  timeout.code = "client.timeout";
  EXPECT_EQ(exit_of(timeout), Exit::kTimeout);
  std::ostringstream err;
  EXPECT_EQ(report(err, Error{ErrorClass::kUser, "up.not_found", "nothing"}), Exit::kNotFound);
}

// As a proxy in between may answer.
TEST(Report, an_answer_that_does_not_say_why_says_so) {
  for (const char* body : {"{}", "[]", "", R"({"error": "no"})", "<html>"})
    EXPECT_EQ(
        problem_text(client::parse_problem(502, body)),
        "error: the server answered 502 without saying why. Is this the address of a Millrace "
        "scheduler?\n")
        << body;
}

}  // namespace
}  // namespace millrace::cli
