// query and `get quarantine`: what is asked, and how the answer looks.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cli/commands/commands.h"
#include "cli/parameters.h"
#include "cli/rows_text.h"
#include "lib/client/testing/scripted_server.h"

namespace millrace::cli {
namespace {

TEST(QueryParameters, texts_stand_for_what_they_look_like) {
  using manifest::Value;
  EXPECT_EQ(value_of_text("5"), Value(std::int64_t{5}));
  EXPECT_EQ(value_of_text("-9223372036854775808"), Value(INT64_MIN));
  EXPECT_EQ(value_of_text("true"), Value(true));
  EXPECT_EQ(value_of_text("\"5\""), Value(std::string("5")));
  for (const char* text :
       {"", "007", "-0", "1.5", "1e3", "9223372036854775808", "True", "null", "x y"})
    EXPECT_EQ(value_of_text(text), Value(std::string(text))) << text;
  EXPECT_EQ(split_parameters({"a=1", "b=x=y", "c="})->at(1).text, "x=y");
  EXPECT_FALSE(split_parameters({"=1"}).ok());
  EXPECT_FALSE(split_parameters({"a"}).ok());
}

TEST(RowsText, numbers_stand_to_the_right_and_nothing_steers_the_terminal) {
  const auto text = rows_text(
      R"({"columns":[{"name":"carrier","type":"VARCHAR"},{"name":"n","type":"BIGINT"},)"
      R"j({"name":"delay","type":"DECIMAL(10,2)"},{"name":"l","type":"BIGINT[]"}],)j"
      R"("rows":[{"carrier":"9E","n":17416,"delay":"-0.50","l":[1,null]},)"
      R"({"carrier":"B\u001b[31m6\nx","n":null,"delay":null,"l":null}],"truncated":false})",
      60);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->table,
            "carrier        n  delay  l\n"
            "9E         17416  -0.50  [1,null]\n"
            "B?[31m6 x\n");
  EXPECT_EQ(text->rows, 2U);
  EXPECT_FALSE(text->truncated);
  EXPECT_FALSE(rows_text("[]", 60).has_value());
  EXPECT_FALSE(rows_text("<html>", 60).has_value());
}

TEST(RowsText, long_cells_are_cut) {
  const auto text = rows_text(R"({"columns":[{"name":"a","type":"VARCHAR"}],"rows":[{"a":")" +
                                  std::string(100, 'x') + R"("}],"truncated":true})",
                              10);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(text->table, "a\nxxxxxxxxx…\n");
  EXPECT_TRUE(text->truncated);
}

// --- against a server that says what the test wrote down

using client::testing::reply;
using client::testing::ScriptedServer;

constexpr const char* kJson = "application/json";

struct Said {
  Exit exit = Exit::kUsage;
  std::string out;
  std::string err;
};

template <typename Options>
Said say(const ScriptedServer& server, const Options& options) {
  std::ostringstream out;
  std::ostringstream err;
  const CommonOptions common;
  const Environment environment = [](const char*) { return std::string(); };
  Session session{out, err, common, environment,
                  client::Client([url = server.url()]() -> Result<client::Endpoint> {
                    return client::Endpoint{url, ""};
                  })};
  const Exit exit = execute(options, session);
  return {exit, out.str(), err.str()};
}

commands::Query query(RowsFormat format) {
  commands::Query query;
  query.sql = "SELECT 1 AS a";
  query.format = format;
  return query;
}

std::string rows_reply(const std::string& rows, bool truncated) {
  std::string text = reply(200, kJson,
                           R"({"columns":[{"name":"a","type":"INTEGER"}],"rows":[)" + rows +
                               R"(],"truncated":)" + (truncated ? "true}" : "false}"));
  return text.insert(text.find("\r\n") + 2, "Millrace-Rows: 1\r\nMillrace-Truncated: " +
                                                std::string(truncated ? "true" : "false") + "\r\n");
}

TEST(Query, prints_a_table_and_counts_beside_it) {
  const ScriptedServer server({rows_reply(R"({"a":1})", false), rows_reply(R"({"a":1})", true)});
  const Said whole = say(server, query(RowsFormat::kTable));
  EXPECT_EQ(whole.exit, Exit::kDone);
  EXPECT_EQ(whole.out, "a\n1\n");
  EXPECT_EQ(whole.err, "1 row\n");
  const Said part = say(server, query(RowsFormat::kTable));
  EXPECT_EQ(part.exit, Exit::kDone);
  EXPECT_EQ(part.err, "the first 1 rows; --limit shows up to 1,000,000, and at most 64 MiB\n");
}

TEST(Query, pipes_get_the_bytes_and_people_the_truth) {
  const ScriptedServer server({rows_reply(R"({"a":1})", true)});
  const Said said = say(server, query(RowsFormat::kJson));
  EXPECT_EQ(said.out,
            R"({"columns":[{"name":"a","type":"INTEGER"}],"rows":[{"a":1}],"truncated":true})");
  EXPECT_EQ(said.err, "the first 1 rows; --limit shows up to 1,000,000, and at most 64 MiB\n");
}

TEST(Query, faults_of_the_text_have_their_places) {
  const ScriptedServer server(
      {reply(422, "application/problem+json",
             R"({"type":"https://millrace.io/e/query.invalid","status":422,"code":"query.invalid",)"
             R"("title":"Invalid query","detail":"query: 2 problems","class":"User","errors":[)"
             R"({"code":"dataset.unknown","pointer":"/sql","line":2,"column":6,)"
             R"("detail":"no dataset named \"flight\"","hint":"did you mean flights?"},)"
             R"({"code":"query.parameter_unused","pointer":"/parameters/x",)"
             R"("detail":"the statement does not use $x"}]})")});
  const Said said = say(server, query(RowsFormat::kTable));
  EXPECT_EQ(said.exit, Exit::kInvalidInput);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err,
            "sql:2:6 no dataset named \"flight\". Did you mean flights?\n"
            "sql parameters.x: the statement does not use $x\n");
}

TEST(Query, one_that_takes_too_long_has_an_exit_code_of_its_own) {
  const ScriptedServer server(
      {reply(504, "application/problem+json",
             R"({"type":"https://millrace.io/e/query.timed_out","status":504,)"
             R"("code":"query.timed_out","detail":"the query did not end within 1s",)"
             R"("hint":"ask for less, or give it more time"})")});
  const Said said = say(server, query(RowsFormat::kCsv));
  EXPECT_EQ(said.exit, Exit::kTimeout);
  EXPECT_EQ(said.err,
            "error: the query did not end within 1s. Ask for less, or give it more time.\n");
}

const std::string kDataset = R"({"kind":"Dataset","metadata":{"name":"flights"},"status":)"
                             R"({"schema":{"columns":[{"name":"a","type":"BIGINT"}]}}})";
const std::string kBadRows =
    R"({"columns":[],"rows":[{"file":"/in/f.csv","record":3,"line":4,"byte_offset":1234,)"
    R"("column":"dep_delay","error_class":"value.type","message":"\"x\" is no BIGINT",)"
    R"("raw":"UA,x,\\xFF"}],"truncated":false})";

commands::Get quarantine(Format format) {
  commands::Get get;
  get.kind = "quarantine";
  get.name = "flights";
  get.format = format;
  return get;
}

TEST(GetQuarantine, shows_where_each_bad_row_stands) {
  for (const auto& [format, expected] :
       {std::pair<Format, std::string>{
            Format::kTable,
            "FILE       RECORD  LINE   BYTE  COLUMN     ERROR       RAW\n"
            "/in/f.csv       3     4  1,234  dep_delay  value.type  UA,x,\\xFF\n"},
        {Format::kName, "/in/f.csv:4\n"}}) {
    const ScriptedServer server(
        {reply(200, kJson, kDataset), reply(200, kJson, kDataset), reply(200, kJson, kBadRows)});
    const Said said = say(server, quarantine(format));
    EXPECT_EQ(said.exit, Exit::kDone) << said.err;
    EXPECT_EQ(said.out, expected);
    ASSERT_EQ(server.requests().size(), 3U);
    EXPECT_NE(server.requests()[1].find("/datasets/flights_quarantine "), std::string::npos);
    EXPECT_NE(server.requests()[2].find("POST /v1/namespaces/default/queries "), std::string::npos);
  }
}

TEST(GetQuarantine, says_what_is_missing) {
  const std::string missing =
      reply(404, "application/problem+json",
            R"({"type":"https://millrace.io/e/dataset.not_found","status":404,)"
            R"("code":"dataset.not_found","detail":"no dataset named \"flights_quarantine\""})");
  const ScriptedServer server({reply(200, kJson, kDataset), missing});
  const Said said = say(server, quarantine(Format::kTable));
  EXPECT_EQ(said.exit, Exit::kNotFound);
  EXPECT_EQ(said.err,
            "error: dataset \"flights\" has no quarantine named \"flights_quarantine\". Give the "
            "name under quarantine.dataset of its ingest.\n");
  commands::Get nothing;
  nothing.kind = "quarantine";
  EXPECT_EQ(say(ScriptedServer({}), nothing).exit, Exit::kUsage);
}

}  // namespace
}  // namespace millrace::cli
