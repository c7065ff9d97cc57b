// Rows for whoever asked: every type of the map in both forms, the bounds, and that nothing is left
// of what went wrong.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/contents.h"
#include "workers/kernel/query_engine.h"
#include "workers/kernel/testing/stop_once_it_runs.h"
#include "workers/kernel/testing/temp_folder.h"

namespace millrace::kernel {
namespace {

using millrace::testing::TempFolder;

class RowsTest : public ::testing::Test {
 protected:
  Result<WrittenRows> run(const std::string& sql, RowFormat format = RowFormat::kJson,
                          RowLimits limits = {.max_rows = 1000, .max_bytes = 1 << 20}) {
    auto engine = open_query_engine();
    EXPECT_TRUE(engine.ok()) << engine.error().to_text();
    EXPECT_TRUE((*engine)
                    ->limit({.threads = 2,
                             .memory = mebibytes(512),
                             .spill = mebibytes(64),
                             .spill_folder = folder_ / "spill"})
                    .ok());
    path_ = folder_ / std::to_string(++count_);
    return (*engine)->run_rows({.sql = sql, .views = {}, .parameters = {}, .ordered = true}, format,
                               limits, path_, {stop_.get_token(), activity_});
  }
  std::string text(const std::string& sql, RowFormat format = RowFormat::kJson) {
    const auto written = run(sql, format);
    if (!written.ok()) return written.error().to_text();
    std::string content = contents_of_file(path_);
    EXPECT_EQ(static_cast<std::int64_t>(content.size()), written->bytes);
    return content;
  }
  // The one value of a statement, as JSON has it.
  std::string value(const std::string& expression) {
    const std::string json = text("SELECT " + expression + " AS x");
    const std::size_t begin = json.find("{\"x\":");
    if (begin == std::string::npos) return json;
    EXPECT_TRUE(nlohmann::json::accept(json)) << json;
    return json.substr(begin + 5, json.rfind("}\n]") - begin - 5);
  }

  TempFolder folder_;
  std::stop_source stop_;
  Activity activity_;
  int count_ = 0;
  std::string path_;
};

TEST_F(RowsTest, a_whole_answer_in_both_forms) {
  const std::string sql =
      "SELECT * FROM (VALUES (1, 'a', NULL), (2, '', true), (3, 'x\"y,\nz', false)) v(n, t, b)";
  EXPECT_EQ(text(sql),
            "{\"columns\":[{\"name\":\"n\",\"type\":\"INTEGER\"},{\"name\":\"t\",\"type\":"
            "\"VARCHAR\"},{\"name\":\"b\",\"type\":\"BOOLEAN\"}],\n"
            "\"rows\":[\n"
            "{\"n\":1,\"t\":\"a\",\"b\":null},\n"
            "{\"n\":2,\"t\":\"\",\"b\":true},\n"
            "{\"n\":3,\"t\":\"x\\\"y,\\nz\",\"b\":false}\n"
            "],\n"
            "\"truncated\":false}\n");
  EXPECT_EQ(text(sql, RowFormat::kCsv), "n,t,b\n1,a,\n2,\"\",true\n3,\"x\"\"y,\nz\",false\n");
  EXPECT_EQ(text("SELECT 1 AS a WHERE false"),
            "{\"columns\":[{\"name\":\"a\",\"type\":\"INTEGER\"}],\n\"rows\":[\n],\n"
            "\"truncated\":false}\n");
}

TEST_F(RowsTest, json_has_numbers_where_they_are_exact_and_texts_where_they_might_not_be) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"true", "true"},
      {"(-128)::TINYINT", "-128"},
      {"255::UTINYINT", "255"},
      {"(-32768)::SMALLINT", "-32768"},
      {"65535::USMALLINT", "65535"},
      {"(-2147483648)::INTEGER", "-2147483648"},
      {"4294967295::UINTEGER", "4294967295"},
      {"(-9223372036854775808)::BIGINT", "-9223372036854775808"},
      {"18446744073709551615::UBIGINT", "18446744073709551615"},
      {"170141183460469231731687303715884105727::HUGEINT",
       "\"170141183460469231731687303715884105727\""},
      {"1.5::FLOAT", "1.5"},
      {"0.1::DOUBLE", "0.1"},
      {"1e300::DOUBLE", "1e+300"},
      {"'nan'::DOUBLE", "\"NaN\""},
      {"'-inf'::FLOAT", "\"-Infinity\""},
      {"12345678901234567890.10::DECIMAL(38,2)", "\"12345678901234567890.10\""},
      {"-0.05::DECIMAL(4,2)", "\"-0.05\""},
      {"DATE '2013-01-31'", "\"2013-01-31\""},
      {"TIME '23:59:59.5'", "\"23:59:59.5\""},
      {"TIMESTAMP '2013-01-01 05:00:00.123456'", "\"2013-01-01 05:00:00.123456\""},
      {"TIMESTAMPTZ '2013-01-01 05:00:00+02'", "\"2013-01-01 03:00:00+00\""},
      {"INTERVAL 90 MINUTE", "\"01:30:00\""},
      {"'5e8ecd3a-0b8c-4e5f-8a71-0123456789ab'::UUID", "\"5e8ecd3a-0b8c-4e5f-8a71-0123456789ab\""},
      {"'a\\x00\\xFF'::BLOB", "\"a\\\\x00\\\\xFF\""},
      // Printable ASCII is itself, but for the backslash, which begins what is not.
      {"'\"it''s\" \\x5Cn~\\x1F\\x7F'::BLOB", "\"\\\"it's\\\" \\\\x5Cn~\\\\x1F\\\\x7F\""},
      {"[''::BLOB, NULL, '\"'::BLOB]", "[\"\",null,\"\\\"\"]"},
      {"'b'::ENUM('a','b')", "\"b\""},
      {"NULL", "null"},
      {"chr(27) || chr(9) || '\\'", "\"\\u001b\\u0009\\\\\""},
      {"'{\"a\": [1, null]}'::JSON", "{\"a\": [1, null]}"},
      {"[1, NULL, 3]", "[1,null,3]"},
      {"[]::BIGINT[]", "[]"},
      {"[[1.5::DECIMAL(3,1)], NULL]", "[[\"1.5\"],null]"},
      {"array_value(1, 2)", "[1,2]"},
      {"{'a': 1, 'b\"c': [DATE '2013-01-31'], 'n': NULL}",
       "{\"a\":1,\"b\\\"c\":[\"2013-01-31\"],\"n\":null}"},
      {"MAP {'k': 1, 'l': NULL}", "{\"k\":1,\"l\":null}"},
      {"MAP {2: 0.5::DECIMAL(2,1)}", "{\"2\":\"0.5\"}"},
      {"[{'t': TIMESTAMPTZ '2013-01-01 05:00:00+00'}]", "[{\"t\":\"2013-01-01 05:00:00+00\"}]"},
  };
  for (const auto& [expression, expected] : kCases)
    EXPECT_EQ(value(expression), expected) << expression;
}

// Values sit at another place in each vector of a chunk; nested ones at another offset.
TEST_F(RowsTest, nested_values_keep_their_rows) {
  const std::string json = text(
      "SELECT range AS i, [range, range + 1] AS l, {'s': CASE WHEN range % 2 = 0 THEN 'e' END} AS "
      "s, "
      "array_value(range, -range) AS a FROM range(3000) ORDER BY i");
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  ASSERT_TRUE(parsed.is_object()) << json.substr(0, 200);
  EXPECT_TRUE(parsed["truncated"].get<bool>());
  ASSERT_EQ(parsed["rows"].size(), 1000U);
  for (std::int64_t i = 0; i < 1000; ++i) {
    const auto& row = parsed["rows"][static_cast<std::size_t>(i)];
    EXPECT_EQ(row["l"], nlohmann::json::array({i, i + 1}));
    EXPECT_EQ(row["s"]["s"], i % 2 == 0 ? nlohmann::json("e") : nlohmann::json());
    EXPECT_EQ(row["a"], nlohmann::json::array({i, -i}));
  }
}

TEST_F(RowsTest, csv_has_every_value_as_a_delivery_has_it) {
  EXPECT_EQ(text("SELECT 1.50::DECIMAL(4,2) AS d, TIMESTAMPTZ '2013-01-01 05:00:00+02' AS z, "
                 "[1, NULL] AS l, {'a': 'x,y'} AS s, 'a\\xFF'::BLOB AS b",
                 RowFormat::kCsv),
            "d,z,l,s,b\n1.50,2013-01-01 03:00:00+00,\"[1, NULL]\",\"{'a': 'x,y'}\",a\\xFF\n");
  EXPECT_EQ(
      text("SELECT '{\"a\": \\x5C}'::BLOB AS b, ''::BLOB AS e, NULL::BLOB AS n", RowFormat::kCsv),
      "b,e,n\n\"{\"\"a\"\": \\x5C}\",\"\",\n");
}

TEST_F(RowsTest, rows_and_bytes_are_bounded_and_the_answer_says_so) {
  const auto exact = run("SELECT range AS a FROM range(7)", RowFormat::kJson,
                         {.max_rows = 7, .max_bytes = 1 << 20});
  ASSERT_TRUE(exact.ok());
  EXPECT_FALSE(exact->truncated);
  // Endless but for the bound: it ends when the rows are there.
  const auto many = run("SELECT range AS a FROM range(4000000000)", RowFormat::kCsv,
                        {.max_rows = 7, .max_bytes = 1 << 20});
  ASSERT_TRUE(many.ok()) << many.error().to_text();
  EXPECT_TRUE(many->truncated);
  EXPECT_EQ(many->rows, 7);
  EXPECT_EQ(contents_of_file(path_), "a\n0\n1\n2\n3\n4\n5\n6\n");
  const auto large = run("SELECT repeat('x', 100) AS a FROM range(4000000000)", RowFormat::kCsv,
                         {.max_rows = 1'000'000, .max_bytes = 100'000});
  ASSERT_TRUE(large.ok()) << large.error().to_text();
  EXPECT_TRUE(large->truncated);
  EXPECT_LE(large->bytes, 100'000);
  EXPECT_GE(large->bytes, 99'800);
  const auto row = run("SELECT repeat('x', 100000) AS a", RowFormat::kCsv,
                       {.max_rows = 10, .max_bytes = 10'000});
  ASSERT_FALSE(row.ok());
  EXPECT_EQ(row.error().code, "query.row_too_large");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(RowsTest, what_fails_leaves_no_file_and_says_where) {
  const auto late =
      run("SELECT CASE WHEN range > 99998 THEN error('late') ELSE repeat('x', 9) END AS a "
          "FROM range(100000)",
          RowFormat::kCsv, {.max_rows = 1'000'000, .max_bytes = 100 << 20});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, "query.failed") << late.error().to_text();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(run("SELECT 1 AS a, 2 AS a").error().code, "query.duplicate_column");
  EXPECT_EQ(run("SELECT $x AS a").error().code, "query.parameter_missing");
  const auto unknown = run("SELECT 1 AS a,\n  nothing\nFROM range(3)");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, "query.invalid");
  EXPECT_EQ(unknown.error().path, "2:3") << unknown.error().to_text();
  const std::string wide(300, ' ');
  const auto far = run("SELECT 1 AS a, " + wide + "nothing, 2 AS b FROM range(3)");
  ASSERT_FALSE(far.ok());
  EXPECT_EQ(far.error().path, "1:316") << far.error().to_text();
}

// The engine's own would mislead: its INT8 has eight bits, SQL's eight bytes.
TEST_F(RowsTest, types_in_what_failed_are_called_as_in_sql) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"CAST(range + 300 AS TINYINT)",
       "type BIGINT with value 300 can't be cast because the value is out of range for the "
       "destination type TINYINT"},
      {"CAST('INT8' || range AS INTEGER)", "could not convert string 'INT80' to INTEGER"},
      {"CAST(range AS TINYINT) + 127::TINYINT + 1::TINYINT",
       "overflow in addition of TINYINT (127 + 1)!"},
  };
  for (const auto& [expression, message] : kCases) {
    const auto failed = run("SELECT " + expression + " AS a FROM range(1)");
    ASSERT_FALSE(failed.ok()) << expression;
    EXPECT_EQ(failed.error().code, "query.failed");
    EXPECT_EQ(failed.error().message, message) << expression;
  }
}

// Stopped while rows come, so once the file is there.
TEST_F(RowsTest, a_stop_ends_it_and_leaves_no_file) {
  const auto stopper = stop_once(stop_, [this] { return activity_.rows_written > 0; });
  const auto stopped = run("SELECT range AS i FROM range(4000000000)", RowFormat::kCsv,
                           {.max_rows = std::int64_t{1} << 40, .max_bytes = std::int64_t{1} << 40});
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, "task.cancelled");
  EXPECT_GT(activity_.rows_written, 0);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace millrace::kernel
