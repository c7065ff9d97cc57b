#include "scheduler/api/query_request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::api {
namespace {

ReadQuery read(const std::string& body) {
  http::Request request;
  request.body = body;
  auto read = read_query(request);
  EXPECT_TRUE(read.ok()) << read.error().to_text();
  return read.ok() ? *std::move(read) : ReadQuery{};
}

// "pointer code" of each problem.
std::vector<std::string> wrong(const std::string& body) {
  std::vector<std::string> found;
  for (const manifest::Problem& problem : read(body).problems)
    found.push_back(problem.pointer + " " + problem.error.code);
  return found;
}

TEST(QueryRequest, takes_what_it_knows) {
  const ReadQuery all =
      read(R"({"sql":"SELECT 1","parameters":{"n":5,"t":"x","b":true,"l":["a"]},"maxRows":7,)"
           R"("timeout":"1m30s"})");
  EXPECT_TRUE(all.problems.empty());
  EXPECT_EQ(all.query.sql, "SELECT 1");
  EXPECT_EQ(all.query.max_rows, 7);
  EXPECT_EQ(all.query.timeout, seconds(90));
  EXPECT_EQ(all.query.parameters.at("n"), manifest::Value(std::int64_t{5}));
  EXPECT_EQ(all.query.parameters.at("l"), manifest::Value(std::vector<std::string>{"a"}));
  EXPECT_EQ(read(R"({"sql":"SELECT 1"})").query.max_rows, kDefaultQueryRows);
}

TEST(QueryRequest, names_everything_that_is_wrong_at_once) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(wrong(R"({"sq":"x"})"), (Found{"/sq field.unknown", " field.missing"}));
  EXPECT_EQ(wrong(R"({"sql":1,"parameters":[],"maxRows":0,"timeout":5})"),
            (Found{"/sql value.type", "/parameters value.type", "/maxRows value.range",
                   "/timeout value.duration"}));
  EXPECT_EQ(wrong(R"({"sql":"","parameters":{"a":{},"b":1.5,"c":null}})"),
            (Found{"/sql value.length", "/parameters/a value.type", "/parameters/b value.type",
                   "/parameters/c value.type"}));
  for (const char* rows : {"-1", "1000001", "18446744073709551615", "1.5", "\"5\"", "true"})
    EXPECT_EQ(wrong(std::string(R"({"sql":"x","maxRows":)") + rows + "}"),
              Found{"/maxRows value.range"})
        << rows;
  for (const char* timeout : {"\"99ms\"", "\"10m1s\"", "\"soon\"", "null"})
    EXPECT_EQ(wrong(std::string(R"({"sql":"x","timeout":)") + timeout + "}"),
              Found{"/timeout value.duration"})
        << timeout;
  EXPECT_EQ(wrong(R"({"sql":")" + std::string((256 << 10) + 1, 'x') + "\"}"),
            Found{"/sql value.length"});
}

TEST(QueryRequest, the_form_is_what_accept_prefers) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"", "json"},
      {"*/*", "json"},
      {"application/json", "json"},
      {"text/csv", "csv"},
      {"text/*", "csv"},
      {"text/csv; header=present", "csv"},
      {"application/json;q=0.5, text/csv", "csv"},
      {"text/csv;q=0.1,application/json;q=0.2", "json"},
      {"text/html, */*;q=0.1", "json"},
      {"text/html", "none"},
      {"text/csv;q=0", "none"},
      {",;,", "none"},
  };
  for (const auto& [accept, expected] : kCases) {
    const auto format = row_format_of(accept);
    const std::string got = !format.ok()                           ? "none"
                            : *format == manifest::RowFormat::kCsv ? "csv"
                                                                   : "json";
    EXPECT_EQ(got, expected) << accept;
  }
}

TEST(QueryRequest, a_place_is_found_in_the_path_or_in_the_text) {
  const auto at = [](const Error& error) {
    const manifest::Problem problem = sql_problem(error);
    return std::to_string(problem.line) + ":" + std::to_string(problem.column) + " " +
           problem.error.message;
  };
  EXPECT_EQ(at({ErrorClass::kUser, "sql.syntax", "bad", "", "2:7"}), "2:7 bad");
  EXPECT_EQ(at({ErrorClass::kUser, "query.invalid", "at 3:14: no column \"x\""}),
            "3:14 no column \"x\"");
  const manifest::Problem hinted =
      sql_problem({ErrorClass::kUser, "query.invalid", "at 3:14: no column \"x\" (mend it)"});
  EXPECT_EQ(hinted.error.message, "no column \"x\"");
  EXPECT_EQ(hinted.error.hint, "mend it");
  EXPECT_EQ(at({ErrorClass::kUser, "query.failed", "at noon: it stops"}), "0:0 at noon: it stops");
  EXPECT_EQ(at({ErrorClass::kUser, "query.failed", "plain"}), "0:0 plain");
}

TEST(QueryRequest, parameters_and_datasets_are_checked_by_name) {
  sql::Statement statement;
  statement.parameters = {{"far", {.offset = 9, .line = 2, .column = 5}}};
  statement.tables = {{"flight", {.offset = 1, .line = 1, .column = 2}},
                      {"flight", {.offset = 5, .line = 1, .column = 6}},
                      {"planes", {}}};
  QueryRequest query;
  query.parameters = {{"fra", std::int64_t{1}}};
  const auto parameters = parameter_problems(query, statement);
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_EQ(parameters[0].error.code, "query.parameter_missing");
  EXPECT_EQ(parameters[0].line, 2);
  EXPECT_EQ(parameters[1].error.code, "query.parameter_unused");
  EXPECT_EQ(parameters[1].pointer, "/parameters/fra");
  EXPECT_EQ(parameters[1].error.hint, "did you mean far?");
  const auto datasets = dataset_problems(statement, {"flights", "planes"});
  ASSERT_EQ(datasets.size(), 1U);
  EXPECT_EQ(datasets[0].error.code, "dataset.unknown");
  EXPECT_EQ(datasets[0].error.hint, "did you mean flights?");
  EXPECT_EQ(datasets[0].column, 2);
}

}  // namespace
}  // namespace millrace::api
