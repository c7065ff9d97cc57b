// Parquet of somebody else's: one schema, nothing lost on the way, and the same bad rows as text.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "workers/kernel/testing/engine_fixture.h"

namespace millrace::kernel {
namespace {

class ParquetIngestTest : public EngineTest {
 protected:
  ParquetIngestTest() {
    const char* const source = std::getenv("MILLRACE_SOURCE_DIR");
    testdata_ = std::string(source == nullptr ? "." : source) + "/workers/kernel/testdata/";
    roots_.push_back(testdata_);
  }
  std::string error_of(const std::string& path, const Schema& stated = {},
                       std::uint64_t max_rejects = 0) {
    const auto ingested = ingest_parquet(path, stated, max_rejects);
    if (ingested.ok()) return "no error: " + rows(*ingested);
    EXPECT_EQ(ingested.error().error_class, ErrorClass::kUser);
    return ingested.error().code + ": " + ingested.error().message;
  }
  std::string testdata_;
};

TEST_F(ParquetIngestTest, is_read_whole_and_converted_where_a_schema_says_so) {
  parquet("p.parquet", "SELECT * FROM (VALUES (1::BIGINT, 'x'), (2, 'y')) v(a, b)");
  const auto whole = ingest_parquet(folder_ / "p.parquet");
  ASSERT_TRUE(whole.ok()) << whole.error().to_text();
  EXPECT_EQ(whole->rows.schema, (Schema{{{"a", "BIGINT"}, {"b", "VARCHAR"}}}));
  EXPECT_EQ(rows(*whole), "a,b\n1,x\n2,y\n");
  EXPECT_EQ(whole->quarantine.rows, 0);
  const Schema stated{{{"b", "VARCHAR", false}, {"a", "VARCHAR"}}};
  const auto text = ingest_parquet(folder_ / "p.parquet", stated, 0);
  ASSERT_TRUE(text.ok()) << text.error().to_text();
  EXPECT_EQ(text->rows.schema, stated);
  EXPECT_EQ(rows(*text), "b,a\nx,1\ny,2\n");
  EXPECT_EQ(error_of(folder_ / "p.parquet", {{{"c", "BIGINT"}}}),
            "ingest.column_missing: \"" + folder_ / "p.parquet" + "\" has no column \"c\"");
}

TEST_F(ParquetIngestTest, what_is_no_parquet_is_named_as_its_owner_names_it) {
  folder_.write("no.parquet", "PAR1 but not really");
  const std::string error = error_of(folder_ / "no.parquet");
  EXPECT_TRUE(error.starts_with("ingest.parquet: ")) << error;
  EXPECT_NE(error.find("'" + folder_ / "no.parquet" + "'"), std::string::npos) << error;
  EXPECT_EQ(error.find("/proc/"), std::string::npos) << error;
}

TEST_F(ParquetIngestTest, files_of_one_task_have_one_schema) {
  const std::string first = folder_ / "in/a.parquet";
  const std::string other = folder_ / "in/b.parquet";
  folder_.write("in/README", "so that the folder is there");
  parquet("in/a.parquet", "SELECT * FROM (VALUES (1::BIGINT, 'a'), (2, 'b')) v(x, y)");
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"SELECT 1.5::DOUBLE AS x, 'a' AS y",
       "column \"x\" is DOUBLE in \"" + other + "\", and BIGINT in \"" + first + "\""},
      {"SELECT 1::INTEGER AS x, 'a' AS y",
       "column \"x\" is INTEGER in \"" + other + "\", and BIGINT in \"" + first + "\""},
      {"SELECT 1::BIGINT AS x, 'a' AS y, 7 AS z",
       "\"" + other + "\" has a column \"z\", and \"" + first + "\" has none"},
      {"SELECT 1::BIGINT AS x",
       "\"" + first + "\" has a column \"y\", and \"" + other + "\" has none"},
      {"SELECT 1::BIGINT AS X, 'a' AS y",
       "\"" + other + "\" has a column \"X\", and \"" + first + "\" has none"}};
  const Schema stated{{{"x", "VARCHAR"}}};
  for (const auto& [sql, message] : kCases) {
    parquet("in/b.parquet", sql);
    EXPECT_EQ(error_of(folder_ / "in/*.parquet"), "ingest.parquet: " + message) << sql;
    EXPECT_EQ(error_of(folder_ / "in/*.parquet", stated), "ingest.parquet: " + message) << sql;
  }
  parquet("in/b.parquet", "SELECT 'c' AS y, 3::BIGINT AS x");
  const auto both = ingest_parquet(folder_ / "in/*.parquet");
  ASSERT_TRUE(both.ok()) << both.error().to_text();
  EXPECT_EQ(rows(*both), "x,y\n1,a\n2,b\n3,c\n") << "in whatever order";
}

TEST_F(ParquetIngestTest, bad_rows_are_set_aside_with_their_place_and_values) {
  folder_.write("in/README", "so that the folder is there");
  parquet("in/a.parquet",
          "SELECT * FROM (VALUES (1.0::DOUBLE, 'a', 1), (1.5, 'b', 2), (NULL, NULL, 3), "
          "(2.5, NULL, 4)) v(x, y, \"other column\")");
  parquet("in/b.parquet",
          "SELECT * FROM (VALUES (3.0::DOUBLE, 'c', 1), (NULL, 'd', 2)) v(x, y, "
          "\"other column\")");
  const Schema stated{{{"x", "BIGINT", false}, {"y", "VARCHAR", false}}};
  const auto ingested = ingest_parquet(folder_ / "in/*.parquet", stated, 4);
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(ingested->rows.schema, stated);
  EXPECT_EQ(rows(*ingested), "x,y\n1,a\n3,c\n");
  EXPECT_EQ(ingested->quarantine.schema, quarantine_schema());
  EXPECT_EQ(bad_rows(*ingested,
                     "right(file, 9) AS file, record, line, byte_offset, \"column\", error_class, "
                     "message, decode(raw) AS raw"),
            "file,record,line,byte_offset,column,error_class,message,raw\n"
            "a.parquet,2,,,x,value.type,\"\"\"1.5\"\" is no BIGINT\","
            "\"{\"\"x\"\":1.5,\"\"y\"\":\"\"b\"\",\"\"other column\"\":2}\"\n"
            "a.parquet,3,,,x,value.null,\"a null, and the column takes none\","
            "\"{\"\"x\"\":null,\"\"y\"\":null,\"\"other column\"\":3}\"\n"
            "a.parquet,4,,,x,value.type,\"\"\"2.5\"\" is no BIGINT\","
            "\"{\"\"x\"\":2.5,\"\"y\"\":null,\"\"other column\"\":4}\"\n"
            "b.parquet,2,,,x,value.null,\"a null, and the column takes none\","
            "\"{\"\"x\"\":null,\"\"y\"\":\"\"d\"\",\"\"other column\"\":2}\"\n");
  EXPECT_EQ(error_of(folder_ / "in/*.parquet", stated, 3),
            "ingest.too_many_bad_rows: more than 3 bad rows; the first: \"" +
                folder_ / "in/a.parquet" + "\" record 2, column \"x\": \"1.5\" is no BIGINT");
  EXPECT_EQ(error_of(folder_ / "in/b.parquet", stated),
            "ingest.too_many_bad_rows: a bad row, and none is allowed; the first: \"" +
                folder_ / "in/b.parquet" +
                "\" record 2, column \"x\": a null, and the column takes none");
}

// As delivered NDJSON has them: what JSON has no number for is a text, and no digit is lost.
TEST_F(ParquetIngestTest, the_row_of_a_bad_one_is_json_whatever_it_holds) {
  parquet(
      "j.parquet",
      "SELECT NULL::BIGINT AS \"a\"\"b\", 'nan'::DOUBLE AS n, ['inf'::FLOAT, '-inf'::FLOAT] AS l, "
      "12345678901234567890.10::DECIMAL(38,2) AS d, {'t': TIME '01:02:03', 'x': NULL} AS s, "
      "'{\"k\": 1e400}'::JSON AS j, '\"\\x00'::BLOB AS r");
  const auto ingested = ingest_parquet(folder_ / "j.parquet", {{{"a\"b", "BIGINT", false}}});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(text_of({view("bad-" + last_, ingested->quarantine)},
                    "SELECT replace(decode(raw), '\"', '`') AS r FROM t"),
            "r\n\"{`a\\`b`:null,`n`:`NaN`,`l`:[`Infinity`,`-Infinity`],"
            "`d`:12345678901234567890.10,`s`:{`t`:`01:02:03`,`x`:null},"
            "`j`:{`k`: 1e400},`r`:`\\`\\\\x00`}\"\n");
}

TEST_F(ParquetIngestTest, values_that_would_lose_something_are_bad_and_others_are_not) {
  struct Case {
    std::string value;
    std::string type;
    bool good;
  };
  const std::vector<Case> kCases = {
      {"2.0::DOUBLE", "BIGINT", true},
      {"2.5::DOUBLE", "BIGINT", false},
      {"'nan'::DOUBLE", "BIGINT", false},
      {"300::BIGINT", "TINYINT", false},
      {"9007199254740993::BIGINT", "DOUBLE", false},
      {"9223372036854775807::BIGINT", "DOUBLE", false},
      {"9007199254740992::BIGINT", "DOUBLE", true},
      {"1.239::DECIMAL(6,3)", "DECIMAL(6,2)", false},
      {"1.230::DECIMAL(6,3)", "DECIMAL(6,2)", true},
      {"0.5::DOUBLE", "FLOAT", true},
      {"0.1::DOUBLE", "FLOAT", false},
      {"'inf'::DOUBLE", "FLOAT", true},
      {"2::BIGINT", "BOOLEAN", false},
      {"1::BIGINT", "BOOLEAN", true},
      {"TIMESTAMP '2024-01-01 10:00:00'", "DATE", false},
      {"TIMESTAMP '2024-01-01 00:00:00'", "DATE", true},
      {"TIMESTAMP '2024-01-01 10:00:00'", "TIME", false},
      {"DATE '2024-01-01'", "TIMESTAMP", true},
      {"TIMESTAMP_NS '2024-01-01 10:00:00.000000001'", "TIMESTAMP", false},
      {"TIMESTAMP_NS '2024-01-01 10:00:00.000001'", "TIMESTAMP", true},
      {"TIMESTAMPTZ '2024-01-01 10:00:00+02'", "TIMESTAMP", true},
      {"[1.5::DOUBLE]", "BIGINT[]", false},
      {"[1.0::DOUBLE, NULL]", "BIGINT[]", true},
      {"2.5::DOUBLE", "VARCHAR", true},
      {"{'a': [1]}", "VARCHAR", true},
      {"{'a': [1]}", "JSON", true},
      {"{'a': 'nan'::DOUBLE}", "JSON", false},
      // A text becomes what a field of CSV becomes.
      {"'12'", "BIGINT", true},
      {"'1.5'", "BIGINT", false},
      {"'1_000'", "BIGINT", false},
      {"'1e400'", "DOUBLE", false},
      {"'inf'", "DOUBLE", true},
      {"'2024-01-01 10:00:00+05'", "TIMESTAMP", false},
      {"'[1, 2]'", "BIGINT[]", true},
      {"'[1.5]'", "BIGINT[]", false},
      {"'{\"a\":1}'", "JSON", true},
      {"'{\"a\":NaN}'", "JSON", false}};
  for (const Case& test : kCases) {
    parquet("v.parquet", "SELECT " + test.value + " AS v UNION ALL SELECT NULL");
    const auto ingested = ingest_parquet(folder_ / "v.parquet", {{{"v", test.type}}});
    ASSERT_TRUE(ingested.ok()) << test.value << ingested.error().to_text();
    EXPECT_EQ(ingested->rows.rows, test.good ? 2 : 1) << test.value << " as " << test.type;
    EXPECT_EQ(ingested->quarantine.rows, test.good ? 0 : 1) << test.value << " as " << test.type;
  }
}

// The engine looks at all of a dictionary's texts at once: more than a vector holds otherwise, and
// among them its null, which holds nothing.
TEST_F(ParquetIngestTest, texts_of_great_dictionaries_are_converted) {
  for (int round = 0; round < 3; ++round) {
    const auto ingested = ingest_parquet(testdata_ + "dictionary.parquet", {{{"v", "BIGINT"}}}, 0);
    ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
    EXPECT_EQ(text_of({view(last_, ingested->rows)},
                      "SELECT count(*) AS n, count(v) AS v, sum(v) AS s FROM t"),
              "n,v,s\n5000,5000,12497500\n");
  }
}

TEST_F(ParquetIngestTest, columns_may_be_called_as_ours_are) {
  parquet("n.parquet",
          "SELECT * FROM (VALUES (1, 5, 'a', 8), (2, 6, NULL, 9)) "
          "v(record, place, text, file_row_number)");
  const auto ingested =
      ingest_parquet(folder_ / "n.parquet", {{{"text", "VARCHAR", false}, {"place", "BIGINT"}}});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(rows(*ingested), "text,place\na,5\n");
  EXPECT_EQ(bad_rows(*ingested, "record, \"column\""), "record,column\n2,text\n");
  parquet("h.parquet", "SELECT {'HUGEINT': 1} AS \"a \"\"b\"\"\"");
  const auto named = ingest_parquet(folder_ / "h.parquet");
  ASSERT_TRUE(named.ok()) << named.error().to_text();
  EXPECT_EQ(rows(*named), "\"a \"\"b\"\"\"\n{'HUGEINT': 1}\n");
}

TEST_F(ParquetIngestTest, refuses_what_the_engine_would_rename_or_cut_short) {
  EXPECT_EQ(error_of(testdata_ + "same-names.parquet"),
            "ingest.parquet: \"" + testdata_ + "same-names.parquet\": two columns are named \"A\"");
  const std::string digits =
      "ingest.parquet: column \"t\" holds times to the nanosecond, and would keep microseconds of "
      "them";
  EXPECT_EQ(error_of(testdata_ + "time-ns.parquet"), digits);
  EXPECT_EQ(error_of(testdata_ + "instant-ns.parquet"), digits);
  EXPECT_EQ(error_of(testdata_ + "time-ns.parquet", {{{"t", "VARCHAR"}}}), digits);
  const std::string great =
      "ingest.parquet: column \"a\" holds decimals of 39 digits, and would keep others";
  EXPECT_EQ(error_of(testdata_ + "decimal39.parquet"), great);
  EXPECT_EQ(error_of(testdata_ + "decimal39.parquet", {{{"a", "DECIMAL(38,0)"}}}), great);
  const auto beside = ingest_parquet(testdata_ + "decimal39.parquet", {{{"n", "BIGINT"}}});
  ASSERT_TRUE(beside.ok()) << beside.error().to_text();
  EXPECT_EQ(rows(*beside), "n\n1\n2\n3\n");
  const auto others = ingest_parquet(testdata_ + "time-ns.parquet", {{{"n", "BIGINT"}}});
  ASSERT_TRUE(others.ok()) << others.error().to_text();
  EXPECT_EQ(rows(*others), "n\n1\n");
}

}  // namespace
}  // namespace millrace::kernel
