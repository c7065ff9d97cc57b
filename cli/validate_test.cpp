#include "cli/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/contents.h"

namespace millrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string example() {
  return contents_of_file(std::string(std::getenv("MILLRACE_SOURCE_DIR")) +
                          "/examples/flights.yaml");
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::vector<std::string> problems_of(const std::string& text) {
  sql::Parser parser({.program = std::string(std::getenv("MILLRACE_BIN_DIR")) + "/millrace-sql"});
  std::vector<std::string> texts;
  const auto problems = validate_text(text, "f.yaml", parser);
  EXPECT_TRUE(problems.ok()) << problems.error().to_text();
  if (!problems.ok()) return texts;
  for (const manifest::Problem& problem : *problems) texts.push_back(problem.to_text());
  return texts;
}

TEST(Validate, the_example_is_sound) { EXPECT_THAT(problems_of(example()), ElementsAre()); }

TEST(Validate, a_parser_that_is_not_there_is_no_fault_of_the_file) {
  sql::Parser parser({.program = "/nonexistent/millrace-sql"});
  const auto problems = validate_text(example(), "f.yaml", parser);
  ASSERT_FALSE(problems.ok());
  EXPECT_EQ(problems.error().code, "sql.parser_unavailable");
}

TEST(Validate, sql_errors_point_into_the_file) {
  EXPECT_THAT(problems_of(with(example(), "FROM flights f", "FROM flights f f")),
              ElementsAre(HasSubstr("f.yaml:33:24 spec.tasks[3].query.sql: syntax error")));
}

TEST(Validate, names_in_sql_are_checked_against_the_workflow) {
  EXPECT_THAT(problems_of(with(example(), "$min_flights", "$min_flight")),
              ElementsAre(HasSubstr(
                  "f.yaml:37:28 spec.tasks[3].query.sql: there is no parameter \"min_flight\"")));
}

TEST(Validate, a_circle_through_data_is_found) {
  const std::string circle = with(example(), "  - name: load_planes\n",
                                  "  - name: load_planes\n    dependsOn: [delays]\n");
  EXPECT_THAT(problems_of(circle), ElementsAre(HasSubstr("circle")));
}

TEST(Validate, all_problems_come_at_once_in_order) {
  const std::string text =
      with(with(example(), "sql: |", "sqll: |"), "maxRows: 100", "maxRow: 100");
  EXPECT_THAT(problems_of(text),
              ElementsAre(HasSubstr("quarantine.maxRow"), HasSubstr("query.sqll")));
}

}  // namespace
}  // namespace millrace::cli
