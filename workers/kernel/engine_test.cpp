// The engine on real files: what it reads, writes, sets aside and refuses.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "lib/process/owned_fd.h"
#include "workers/kernel/query_engine.h"
#include "workers/kernel/testing/engine_fixture.h"
#include "workers/kernel/testing/stop_once_it_runs.h"

namespace millrace::kernel {
namespace {

// A lock on a file of the machine, for which any of its processes may ask, keeps no engine closed.
TEST_F(EngineTest, opens_whoever_holds_the_null_device) {
  const process::OwnedFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  flock whole{};
  whole.l_type = F_WRLCK;
  ASSERT_EQ(::fcntl(null.get(), F_OFD_SETLKW, &whole), 0);
  const auto engine = open_query_engine();
  EXPECT_TRUE(engine.ok()) << engine.error().to_text();
}

TEST_F(EngineTest, flights_become_parquet_with_every_row) {
  auto ingested =
      open()->ingest_text(source(flights_folder() + "/flights.csv", CsvFormat{.nulls = {"NA"}}), 0,
                          folder_ / "flights", folder_ / "bad", watch());
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(ingested->rows.rows, 336'776);
  EXPECT_EQ(ingested->quarantine.rows, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "bad")) << "nobody would clear it away";
  EXPECT_EQ(ingested->rows.schema.columns.at(18).type, "TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(activity_.bytes_read, 31'053'850);
  // The figures of awk over the file.
  EXPECT_EQ(text_of({view("flights", ingested->rows)},
                    "SELECT count(*) n, sum(distance) d, count(dep_delay) c, min(time_hour) t0, "
                    "max(tailnum) tail FROM t"),
            "n,d,c,t0,tail\n336776,350217607,328521,2013-01-01 10:00:00+00,N9EAMQ\n");
  const std::string& statistics = ingested->rows.files.at(0).statistics_json;
  EXPECT_NE(statistics.find(R"("carrier":{"max":"YV","min":"9E","nulls":0})"), std::string::npos)
      << statistics;
  EXPECT_NE(statistics.find(R"("dep_delay":{"max":"1301","min":"-43","nulls":8255})"),
            std::string::npos);
  EXPECT_EQ(ingested->rows.files.at(0).checksum,
            *checksum_of_file(folder_ / "flights/" + ingested->rows.files.at(0).name));
}

// One fault of each class that both formats can have, in the same records.
constexpr const char* kFaultyCsv =
    "id,amount,at,note\n"
    "1,1.5,2024-01-01 10:00:00,ok\n"
    "x,2.5,2024-01-01 10:00:00,an id that is none\n"
    "3,oops,2024-01-01 10:00:00,\n"
    "4,4.5,2024-13-01 10:00:00,a month that is none\n"
    "5,5.5,2024-01-01 10:00:00,\"quoted, ok\"\n"
    "6,6.5,2024-01-01 10:00:00,\xC3\x28\n"
    "7.5,7.5,2024-01-01 10:00:00,an id with a fraction\n"
    ",8.5,2024-01-01 10:00:00,no id\n"
    "9,9.5,2024-01-01 10:00:00,ok\n";
constexpr const char* kFaultyNdjson =
    R"({"id":1,"amount":1.5,"at":"2024-01-01 10:00:00","note":"ok"})"
    "\n"
    R"({"id":"x","amount":2.5,"at":"2024-01-01 10:00:00","note":"an id that is none"})"
    "\n"
    R"({"id":3,"amount":"oops","at":"2024-01-01 10:00:00"})"
    "\n"
    R"({"id":4,"amount":4.5,"at":"2024-13-01 10:00:00","note":"a month that is none"})"
    "\n"
    R"({"id":5,"amount":5.5,"at":"2024-01-01 10:00:00","note":"quoted, ok"})"
    "\n"
    "{\"id\":6,\"amount\":6.5,\"at\":\"2024-01-01 10:00:00\",\"note\":\"\xC3\x28\"}\n"
    R"({"id":7.5,"amount":7.5,"at":"2024-01-01 10:00:00","note":"an id with a fraction"})"
    "\n"
    R"({"id":null,"amount":8.5,"at":"2024-01-01 10:00:00","note":"no id"})"
    "\n"
    R"({"id":9,"amount":9.5,"at":"2024-01-01 10:00:00","note":"ok"})"
    "\n";

std::string with_crlf(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  return text;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    for (const int digit : {(byte >> 4) & 15, byte & 15}) text += "0123456789ABCDEF"[digit];
  return text;
}

TEST_F(EngineTest, the_same_faults_give_the_same_quarantine_in_every_format) {
  const Schema stated{
      {{"id", "BIGINT", false}, {"amount", "DOUBLE"}, {"at", "TIMESTAMP"}, {"note", "VARCHAR"}}};
  struct Case {
    const char* file;
    std::string content;
    TextFormat format;
  };
  for (const Case& test : {Case{"lf.csv", kFaultyCsv, CsvFormat{}},
                           Case{"crlf.csv", with_crlf(kFaultyCsv), CsvFormat{}},
                           Case{"lf.ndjson", kFaultyNdjson, NdjsonFormat{}},
                           Case{"crlf.ndjson", with_crlf(kFaultyNdjson), NdjsonFormat{}}}) {
    SCOPED_TRACE(test.file);
    const auto ingested = ingest(test.file, test.content, test.format, stated);
    ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
    EXPECT_EQ(bad_rows(*ingested, "record, \"column\", error_class, message"),
              "record,column,error_class,message\n"
              "2,id,value.type,\"\"\"x\"\" is no BIGINT\"\n"
              "3,amount,value.type,\"\"\"oops\"\" is no DOUBLE\"\n"
              "4,at,value.type,\"\"\"2024-13-01 10:00:00\"\" is no TIMESTAMP\"\n"
              "6,,record.not_utf8,the record is not UTF-8\n"
              "7,id,value.type,\"\"\"7.5\"\" is no BIGINT\"\n"
              "8,id,value.null,\"a null, and the column takes none\"\n");
    EXPECT_EQ(rows(*ingested),
              "id,amount,at,note\n"
              "1,1.5,2024-01-01 10:00:00,ok\n"
              "5,5.5,2024-01-01 10:00:00,\"quoted, ok\"\n"
              "9,9.5,2024-01-01 10:00:00,ok\n");
    // Cutting the file at the place gives the raw row, and the line is the one an editor shows.
    std::istringstream places(
        bad_rows(*ingested, "byte_offset, octet_length(raw), line, hex(raw)"));
    std::string line;
    std::getline(places, line);
    int count = 0;
    for (; std::getline(places, line); ++count) {
      std::istringstream cells(line);
      std::size_t offset = 0;
      std::size_t length = 0;
      std::ptrdiff_t number = 0;
      char comma = 0;
      std::string raw;
      cells >> offset >> comma >> length >> comma >> number >> comma >> raw;
      const std::string cut = test.content.substr(offset, length);
      EXPECT_EQ(raw, hex(cut));
      EXPECT_EQ(cut.find_first_of("\r\n"), std::string::npos) << cut;
      EXPECT_EQ(std::ranges::count(test.content.substr(0, offset), '\n') + 1, number);
    }
    EXPECT_EQ(count, 6);
  }
}

TEST_F(EngineTest, csv_faults_of_form_are_set_aside_one_row_each) {
  const auto ingested = ingest("form.csv",
                               "a,b\n"
                               "1,x\n"
                               "2\n"
                               "3,y,z\n"
                               "4,\"q\"q\n"
                               "5,\"line\nfeed\"\n"
                               "6,\"never closed\n"
                               "7,w\n",
                               CsvFormat{});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(bad_rows(*ingested, "record, line, \"column\", error_class"),
            "record,line,column,error_class\n"
            "2,3,b,record.missing_field\n"
            "3,4,,record.extra_field\n"
            "4,5,,record.stray_text\n"
            "6,8,,record.unclosed_quote\n");
  EXPECT_EQ(rows(*ingested), "a,b\n1,x\n5,\"line\nfeed\"\n7,w\n");
}

TEST_F(EngineTest, ndjson_faults_of_form_are_set_aside_one_row_each) {
  const auto ingested = ingest("form.ndjson",
                               "{\"a\":1,\"b\":{\"x\":[1]}}\n"
                               "{\"a\":2,\n"
                               "[3]\n"
                               "{\"a\":4,\"a\":4}\n"
                               "{\"b\":null}\n",
                               NdjsonFormat{});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(bad_rows(*ingested, "record, line, error_class"),
            "record,line,error_class\n"
            "2,2,record.not_json\n3,3,record.not_json\n4,4,record.duplicate_field\n");
  EXPECT_EQ(rows(*ingested), "a,b\n1,\"{\"\"x\"\":[1]}\"\n,\n");
  EXPECT_EQ(ingested->rows.schema.columns.at(1).type, "JSON");
}

TEST_F(EngineTest, too_many_bad_rows_fail_and_name_the_first) {
  const std::string text = "a\n1\nx\ny\n3\n";
  const Schema stated{{{"a", "BIGINT"}}};
  const auto failed = ingest("bad.csv", text, CsvFormat{}, stated, 1);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, "ingest.too_many_bad_rows");
  EXPECT_EQ(failed.error().error_class, ErrorClass::kUser);
  EXPECT_EQ(failed.error().message, "more than 1 bad rows; the first: \"" + folder_ / "bad.csv" +
                                        "\" line 3, column \"a\": \"x\" is no BIGINT");
  EXPECT_TRUE(ingest("bad.csv", text, CsvFormat{}, stated, 2).ok());
  const auto form = ingest("form.csv", "a,b\n1,2\n3\n", CsvFormat{}, {}, 0);
  ASSERT_FALSE(form.ok());
  EXPECT_EQ(form.error().code, "ingest.too_many_bad_rows") << "also when the scan itself finds it";
}

TEST_F(EngineTest, the_type_map_holds_through_parquet) {
  const auto ingested = ingest(
      "types.csv",
      "i,d,n,b,day,clock,ts,tz,s,u,j,l,blob\n"
      "42,1.5,12.34,true,2024-02-29,10:00:01,2024-02-29T10:00:00.123456,2024-02-29T10:00:00+02:00,"
      "\"a \"\"b\"\"\",6f1b8a1e-8f0e-4b0e-9d4c-0a1b2c3d4e5f,\"{\"\"k\"\": [1]}\",\"[1, "
      "null]\",\\x00a\n"
      ",,,,,,,,,,,,\n",
      CsvFormat{},
      {{{"i", "INTEGER"},
        {"d", "DOUBLE"},
        {"n", "DECIMAL(10,2)"},
        {"b", "BOOLEAN"},
        {"day", "DATE"},
        {"clock", "TIME"},
        {"ts", "TIMESTAMP"},
        {"tz", "TIMESTAMPTZ"},
        {"s", "VARCHAR"},
        {"u", "UUID"},
        {"j", "JSON"},
        {"l", "BIGINT[]"},
        {"blob", "BLOB"}}});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(ingested->rows.rows, 2);
  EXPECT_EQ(text_of({view(last_, ingested->rows)},
                    "SELECT i, d, n, b, day, clock, ts, tz, s, u, j, l, hex(blob) h FROM t "
                    "WHERE i IS NOT NULL"),
            "i,d,n,b,day,clock,ts,tz,s,u,j,l,h\n"
            "42,1.5,12.34,true,2024-02-29,10:00:01,2024-02-29 10:00:00.123456,2024-02-29 "
            "08:00:00+00,\"a \"\"b\"\"\",6f1b8a1e-8f0e-4b0e-9d4c-0a1b2c3d4e5f,\"{\"\"k\"\": "
            "[1]}\",\"[1, NULL]\",0061\n");
}

TEST_F(EngineTest, statistics_know_columns_of_any_name) {
  const auto ingested =
      ingest("names.csv", "a b,\"x\"\"y\",a.b,é\n1,2,3,4\n5,6,7,8\n", CsvFormat{});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(ingested->rows.files.at(0).statistics_json,
            R"({"a b":{"max":"5","min":"1","nulls":0},"a.b":{"max":"7","min":"3","nulls":0},)"
            R"("x\"y":{"max":"6","min":"2","nulls":0},"é":{"max":"8","min":"4","nulls":0}})");
}

TEST_F(EngineTest, an_overflowing_double_is_a_bad_row_and_infinity_is_not) {
  const auto ingested =
      ingest("d.csv", "d\n1e400\ninf\n-inf\nnan\n1e308\n", CsvFormat{}, {{{"d", "DOUBLE"}}});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(bad_rows(*ingested, "record, message"),
            "record,message\n1,\"\"\"1e400\"\" is no DOUBLE\"\n");
}

TEST_F(EngineTest, files_of_one_glob_may_order_their_columns_as_they_like) {
  folder_.write("in/1.csv", "a,b\n1,x\n");
  folder_.write("in/2.csv", "b,a\ny,2\n");
  const auto read = [&](const std::string& name) {
    return open()->ingest_text(source(folder_ / "in/*.csv", CsvFormat{}), 0, folder_ / name,
                               folder_ / (name + "-bad"), watch());
  };
  const auto ingested = read("two");
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(text_of({view("two", ingested->rows)}, "SELECT * FROM t ORDER BY a"),
            "a,b\n1,x\n2,y\n");
  folder_.write("in/3.csv", "a,c\n1,x\n");
  const auto failed = read("three");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, "ingest.header");
}

TEST_F(EngineTest, a_stated_schema_chooses_columns) {
  const Schema stated{{{"c", "VARCHAR"}, {"a", "BIGINT"}}};
  const auto chosen = ingest("c.csv", "a,b,c\n1,2,3\n", CsvFormat{}, stated);
  ASSERT_TRUE(chosen.ok()) << chosen.error().to_text();
  EXPECT_EQ(rows(*chosen), "c,a\n3,1\n");
  const auto json = ingest("c.ndjson", "{\"a\":1,\"b\":2,\"c\":3}\n", NdjsonFormat{}, stated);
  ASSERT_TRUE(json.ok()) << json.error().to_text();
  EXPECT_EQ(rows(*json), "c,a\n3,1\n");
  EXPECT_EQ(ingest("c.csv", "a,b\n1,2\n", CsvFormat{}, {{{"x", "BIGINT"}}}).error().code,
            "ingest.column_missing");
  const auto plain = ingest("n.csv", "1,2\n3,4\n", CsvFormat{.header = false},
                            {{{"x", "BIGINT"}, {"y", "BIGINT"}}});
  ASSERT_TRUE(plain.ok()) << plain.error().to_text();
  EXPECT_EQ(rows(*plain), "x,y\n1,2\n3,4\n");
}

TEST_F(EngineTest, one_column_keeps_its_nulls) {
  const auto ingested = ingest("one.csv", "a\n1\n\n3\n", CsvFormat{});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(ingested->rows.rows, 3);
}

// Which line is the header does not depend on how many columns it names.
TEST_F(EngineTest, empty_lines_before_a_header_are_passed_over) {
  for (const char* const begin : {"\n", "\r\n\n", "\xEF\xBB\xBF\n"}) {
    const auto one = ingest("one.csv", std::string(begin) + "a\n1\n\n2\n", CsvFormat{});
    ASSERT_TRUE(one.ok()) << one.error().to_text();
    EXPECT_EQ(one->rows.schema, (Schema{{{"a", "BIGINT"}}}));
    EXPECT_EQ(rows(*one), "a\n1\n2\n\n");
    const auto stated = ingest("one.csv", std::string(begin) + "a\n1\nx\n", CsvFormat{},
                               {{{"a", "BIGINT", false}}});
    ASSERT_TRUE(stated.ok()) << stated.error().to_text();
    EXPECT_EQ(bad_rows(*stated, "record, message"),
              "record,message\n2,\"\"\"x\"\" is no BIGINT\"\n");
    const auto two = ingest("two.csv", std::string(begin) + "a,b\n1,2\n", CsvFormat{});
    ASSERT_TRUE(two.ok()) << two.error().to_text();
    EXPECT_EQ(rows(*two), "a,b\n1,2\n");
  }
}

TEST_F(EngineTest, headers_that_are_none_are_refused) {
  for (const char* const text :
       {"", "a,a\n1,2\n", "a,A\n1,2\n", "\"a\"x,b\n1,2\n", "a\xFF,b\n1,2\n"})
    EXPECT_FALSE(ingest("h.csv", text, CsvFormat{}).ok()) << text;
  EXPECT_EQ(ingest("h.ndjson", "", NdjsonFormat{}).error().code, "ingest.no_columns");
  using namespace std::string_literals;
  EXPECT_EQ(ingest("nul.csv", "a\0b,c\n1,2\n"s, CsvFormat{}).error().message,
            "a column name has a NUL byte");
}

// One record of them all would be a header, and the file would have no rows.
TEST_F(EngineTest, lines_that_end_in_carriage_returns_alone_are_refused) {
  for (const bool header : {true, false}) {
    const auto failed = ingest("cr.csv", "a,b\r1,2\r3,4\r", CsvFormat{.header = header});
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().to_text(),
              "ingest.header: the lines of \"" + folder_ / "cr.csv" +
                  "\" end in carriage returns alone (end them in LF or CRLF)");
  }
  constexpr std::string_view kWhy = "end in carriage returns alone";
  const auto one = ingest("one.csv", "a\r1\r2\r", CsvFormat{}, {{{"a", "BIGINT"}}});
  ASSERT_FALSE(one.ok());
  EXPECT_TRUE(one.error().message.ends_with(kWhy)) << one.error().to_text();
  // Longer than a record may be: the fields of its first one are never looked at.
  std::string long_text = "a,b\r";
  while (long_text.size() < (std::size_t{3} << 20)) long_text += "12,345\r";
  const auto many = ingest("long.csv", long_text, CsvFormat{});
  ASSERT_FALSE(many.ok());
  EXPECT_TRUE(many.error().message.ends_with(kWhy)) << many.error().to_text();
  const auto quoted = ingest("q.csv", "\"a\rb\",c\n1,2\n", CsvFormat{});
  ASSERT_TRUE(quoted.ok()) << quoted.error().to_text();
  EXPECT_EQ(quoted->rows.rows, 1);
}

// In a file whose lines end in line feeds a carriage return is a byte of its field, quoted or not.
TEST_F(EngineTest, a_carriage_return_in_the_first_record_is_a_byte_of_its_field) {
  const auto plain = ingest("plain.csv", "1,foo\rbar\n2,baz\n", CsvFormat{.header = false});
  ASSERT_TRUE(plain.ok()) << plain.error().to_text();
  EXPECT_EQ(rows(*plain), "column0,column1\n1,\"foo\rbar\"\n2,baz\n");
  const auto named = ingest("named.csv", "a,b\rc\n1,2\n", CsvFormat{});
  ASSERT_TRUE(named.ok()) << named.error().to_text();
  EXPECT_EQ(named->rows.schema.columns.at(1).name, "b\rc");
  // The second record lies beyond the bytes that are read for the first.
  const std::string wide(100'000, 'x');
  const auto far = ingest("far.csv", "1," + wide + "\rbar\n2,baz\n", CsvFormat{.header = false});
  ASSERT_TRUE(far.ok()) << far.error().to_text();
  EXPECT_EQ(far->rows.rows, 2);
}

TEST_F(EngineTest, files_that_can_not_be_read_say_what_they_are) {
  const auto utf16 = ingest("w.csv", std::string("\xFF\xFE\x61\x00\x0A\x00", 6), CsvFormat{});
  ASSERT_FALSE(utf16.ok());
  EXPECT_EQ(utf16.error().code, "source.utf16");
  folder_.write("in/a.csv", "a,b\n1,2\n");
  const auto nothing = ingest("in/b.csv", "", CsvFormat{});
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().message, "\"" + folder_ / "in/b.csv" + "\" has no header");
  const auto beside = open()->ingest_text(source(folder_ / "in/*.csv", CsvFormat{}), 0,
                                          folder_ / "out", folder_ / "bad-out", watch());
  ASSERT_FALSE(beside.ok());
  EXPECT_EQ(beside.error().message, "\"" + folder_ / "in/b.csv" + "\" has no header");
}

TEST_F(EngineTest, a_file_whose_name_is_no_text_has_its_bad_rows_set_aside) {
  const auto ingested = ingest("\xFFmärz.csv", "a\n1\nx\n", CsvFormat{}, {{{"a", "BIGINT"}}});
  ASSERT_TRUE(ingested.ok()) << ingested.error().to_text();
  EXPECT_EQ(bad_rows(*ingested, "right(file, 12) AS file, record"),
            "file,record\n\\xffmärz.csv,2\n");
}

TEST_F(EngineTest, queries_bind_parameters_and_keep_an_order) {
  const auto text = sql_text({}, "SELECT $n + 1 AS n, $s AS s, $yes AS yes, len($list) AS l",
                             {{"n", std::int64_t{41}},
                              {"s", std::string("it's; DROP")},
                              {"yes", true},
                              {"list", std::vector<std::string>{"a", "b"}},
                              {"unused", std::string("x")}});
  ASSERT_TRUE(text.ok()) << text.error().to_text();
  EXPECT_EQ(*text, "n,s,yes,l\n42,it's; DROP,true,2\n");
  EXPECT_EQ(code_of_query("SELECT $missing AS x"), "query.parameter_missing");
  const auto empty = sql_text({}, "SELECT len($list) AS l, list_contains($list, 'a') AS a",
                              {{"list", std::vector<std::string>{}}});
  ASSERT_TRUE(empty.ok()) << empty.error().to_text();
  EXPECT_EQ(*empty, "l,a\n0,false\n");
  const auto ordered = sql_text({}, "SELECT range AS i FROM range(300000) ORDER BY i DESC");
  ASSERT_TRUE(ordered.ok());
  EXPECT_EQ(ordered->substr(0, 16), "i\n299999\n299998\n");
  EXPECT_TRUE(ordered->ends_with("\n1\n0\n"));
}

TEST_F(EngineTest, sums_stay_exact_and_odd_types_become_storable) {
  EXPECT_EQ(text_of({},
                    "SELECT sum(x) s, [sum(x)] l, {'k': sum(x)} st FROM "
                    "(VALUES (9223372036854775807), (9223372036854775807)) v(x)"),
            "s,l,st\n18446744073709551614,[18446744073709551614],{'k': 18446744073709551614}\n");
  EXPECT_EQ(text_of({}, "SELECT NULL AS n, 'a'::ENUM('a','b') AS e, '101'::BIT AS b"),
            "n,e,b\n,a,101\n");
}

TEST_F(EngineTest, a_stored_result_has_lost_nothing) {
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"INTERVAL '1.000001 seconds'", "00:00:01.000001"},
      {"INTERVAL '-1 day'", "-1 day"},
      {"INTERVAL '3 months 2 days 00:00:00.0005'", "3 months 2 days 00:00:00.0005"},
      {"[INTERVAL '-1 day']", "[-1 day]"},
      {"'10:00:00+02'::TIMETZ", "10:00:00+02"},
      {"['10:00:00+02'::TIMETZ]", "['10:00:00+02']"},
      {"{'t': '10:00:00+02'::TIMETZ, 'n': 1}", "\"{'t': '10:00:00+02', 'n': 1}\""},
      {"MAP {'k': '10:00:00+02'::TIMETZ}", "{k='10:00:00+02'}"},
      {"array_value('10:00:00+02'::TIMETZ)", "['10:00:00+02']"},
      {"TIME_NS '10:00:00.000000005'", "10:00:00.000000005"},
      {"TIMESTAMP_NS '2024-01-01 10:00:00.000000005'", "2024-01-01 10:00:00.000000005"},
      {"['a'::ENUM('a', 'b')]", "[a]"},
      {"row('101'::BIT, 5::HUGEINT)", "\"(101, 5)\""},
      // What names nothing is kept, unless something beside it is not.
      {"row(1, 2)", "\"(1, 2)\""},
      {"{'k': row(1, 2), 's': 5}", "\"{'k': (1, 2), 's': 5}\""},
      {"{'k': row(1, 2), 's': 5::HUGEINT}", "\"{'k': '(1, 2)', 's': 5}\""},
      {"{'s': 5::HUGEINT, 'l': [row(1, 2)]}", "\"{'s': 5, 'l': ['(1, 2)']}\""},
      {"{'a b': 9223372036854775807::HUGEINT * 4, 'n': NULL, 'd': 1.50}",
       "\"{'a b': 36893488147419103228, 'n': NULL, 'd': 1.50}\""},
      {"'123456789012345678901234567890123456789012345'::BIGNUM",
       "123456789012345678901234567890123456789012345"},
      // Names of types that are names of fields.
      {"{'HUGEINT': 1}", "{'HUGEINT': 1}"},
      {"{'HUGEINT': 1::HUGEINT, 'BIT': [1]}", "\"{'HUGEINT': 1, 'BIT': [1]}\""}};
  for (const auto& [expression, stored] : kCases)
    EXPECT_EQ(text_of({}, "SELECT " + expression + " AS x"), "x\n" + stored + "\n") << expression;
  EXPECT_EQ(code_of_query("SELECT 170141183460469231731687303715884105727::HUGEINT AS x"),
            "query.failed")
      << "more than 38 digits are refused, not rounded";
}

TEST_F(EngineTest, statements_that_fail_say_why) {
  EXPECT_EQ(code_of_query("SELECT nothing FROM nowhere"), "query.invalid");
  EXPECT_EQ(code_of_query("SELECT 'x'::INT AS i"), "query.failed");
  EXPECT_EQ(code_of_query("SELECT 1 AS a, 2 AS a"), "query.duplicate_column");
  EXPECT_EQ(code_of_query("SELECT 1 AS a, 2 AS A"), "query.duplicate_column");
  EXPECT_EQ(code_of_query("SELECT CASE WHEN range > 99998 THEN error('late') END AS a "
                          "FROM range(100000)"),
            "query.failed");
  const Query query{
      .sql = "SELECT range AS a FROM range(5000)", .views = {}, .parameters = {}, .max_rows = 4999};
  EXPECT_EQ(open()->run_query(query, folder_ / "many", watch()).error().code,
            "query.too_many_rows");
}

TEST_F(EngineTest, an_input_without_files_reads_as_empty_if_its_columns_are_known) {
  const DatasetView known{"t", Schema{{{"a", "BIGINT"}, {"b c", "DECIMAL(4,1)"}}}, {}};
  EXPECT_EQ(text_of({known}, "SELECT count(*) n, sum(a) s, max(\"b c\") m FROM t"), "n,s,m\n0,,\n");
  const DatasetView unknown{"t", std::nullopt, {}};
  EXPECT_EQ(sql_text({unknown}, "SELECT * FROM t").error().code, "dataset.empty");
}

// Without lib/sql's judgement before it: what the engine alone lets through.
TEST_F(EngineTest, a_statement_can_neither_reach_out_nor_open_the_engine_again) {
  const std::string canary = folder_.write("canary.csv", "secret\nthe-canary-sings\n");
  const auto data = ingest("t.csv", "a\n1\n", CsvFormat{});
  ASSERT_TRUE(data.ok());
  const std::vector<DatasetView> views{view(last_, data->rows)};
  const std::string quoted = "'" + canary + "'";
  for (const std::string& sql : std::vector<std::string>{
           "SELECT * FROM " + quoted, "SELECT * FROM read_csv(" + quoted + ")",
           "SELECT * FROM read_text(" + quoted + ")",
           "SELECT content FROM read_blob(" + quoted + ")",
           "SELECT * FROM glob('" + folder_ / "*" + "')", "SELECT * FROM sniff_csv(" + quoted + ")",
           "SELECT * FROM parquet_metadata(" + quoted + ")",
           "SELECT * FROM query('FROM read_text(''" + canary + "'')')",
           "COPY (SELECT 1) TO '" + folder_ / "out.csv" + "'", "ATTACH '" + folder_ / "x.db" + "'",
           "INSTALL httpfs", "LOAD httpfs", "SET enable_external_access = true",
           "SET lock_configuration = false", "CREATE TABLE x AS SELECT 1",
           "EXPORT DATABASE '" + folder_ / "exp" + "'", "SELECT 1; SELECT * FROM " + quoted,
           "CALL enable_logging()"}) {
    const Result<std::string> text = sql_text(views, sql);
    EXPECT_FALSE(text.ok()) << sql << "\n" << (text.ok() ? *text : "");
    if (text.ok()) continue;
    EXPECT_EQ(text.error().to_text().find("sings"), std::string::npos) << sql;
    EXPECT_NE(text.error().error_class, ErrorClass::kInfrastructure)
        << sql << " " << text.error().to_text();
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.csv"));
  EXPECT_EQ(text_of(views, "SELECT * FROM t"), "a\n1\n") << "the pinned file still reads";
}

// Words that are functions without parentheses, where no column has their name.
TEST_F(EngineTest, a_statement_learns_nothing_of_its_session) {
  for (const char* const word : {"current_user", "user", "session_user", "current_role",
                                 "current_schema", "current_catalog", "CURRENT_USER"}) {
    const std::string sql = std::string("SELECT ") + word + " AS x";
    const auto text = sql_text({}, sql);
    ASSERT_FALSE(text.ok()) << sql << *text;
    EXPECT_EQ(text.error().error_class, ErrorClass::kUser) << sql;
    EXPECT_NE(text.error().message.find("is not allowed"), std::string::npos)
        << text.error().to_text();
  }
  EXPECT_EQ(text_of({},
                    "SELECT user, u.current_user FROM (SELECT 'me' AS user, 1 AS "
                    "current_user) u"),
            "user,current_user\nme,1\n");
  // A dataset may have such a name.
  const DatasetView dataset{"user", Schema{{{"user", "BIGINT"}}}, {}};
  EXPECT_EQ(text_of({dataset}, "SELECT count(*) AS n, max(\"user\") AS u FROM \"user\""),
            "n,u\n0,\n");
}

TEST_F(EngineTest, a_stop_ends_a_statement_that_would_run_for_long) {
  const Query query{.sql =
                        "SELECT count(*) AS n FROM range(4000000000) a, range(4000000000) b "
                        "WHERE a.range + b.range = 7",
                    .views = {},
                    .parameters = {}};
  auto engine = open();
  const auto stopper = stop_once_it_runs(stop_, activity_);
  const auto result = engine->run_query(query, folder_ / "long", watch());
  EXPECT_GE(activity_.fraction, -1) << "stopped before it said how far it was";
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, "task.cancelled");
  EXPECT_EQ(open()
                ->ingest_text(source(flights_folder() + "/flights.csv", CsvFormat{.nulls = {"NA"}}),
                              0, folder_ / "stopped", folder_ / "stopped-bad", watch())
                .error()
                .code,
            "task.cancelled");
}

TEST_F(EngineTest, memory_that_runs_out_is_a_resource_error) {
  auto engine = open();
  const Status limited = engine->limit({.threads = 1,
                                        .memory = mebibytes(64),
                                        .spill = mebibytes(1),
                                        .spill_folder = folder_ / "little"});
  ASSERT_TRUE(limited.ok());
  const Query query{.sql = "SELECT hash(range) AS h, count(*) AS n FROM range(20000000) GROUP BY 1",
                    .views = {},
                    .parameters = {}};
  const auto result = engine->run_query(query, folder_ / "big", watch());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().error_class, ErrorClass::kResource) << result.error().to_text();
}

// A group of rows of a Parquet file is held in memory until it is whole: wide rows have to make
// smaller ones. (2,048 rows are handed on at once, whatever their width.)
TEST_F(EngineTest, wide_rows_are_written_with_the_memory_there_is) {
  for (const int width : {1'024, 4'096}) {
    const std::int64_t rows = (std::int64_t{140} << 20) / width;
    for (const bool ordered : {false, true}) {
      const Query query{.sql = "SELECT range AS i, repeat(md5(range::VARCHAR), " +
                               std::to_string(width / 32) + ") AS body FROM range(" +
                               std::to_string(rows) + ")",
                        .views = {},
                        .parameters = {},
                        .ordered = ordered};
      const std::string folder = "wide-" + std::to_string(++count_);
      const auto written = open()->run_query(query, folder_ / folder, watch());
      ASSERT_TRUE(written.ok()) << width << (ordered ? " ordered " : " ")
                                << written.error().to_text();
      EXPECT_EQ(written->rows, rows);
      if (!ordered) continue;
      Query check{.sql =
                      "SELECT count(*) AS n FROM (SELECT i, lag(i) OVER () AS before FROM t) "
                      "WHERE before IS NOT NULL AND i <> before + 1",
                  .views = {view(folder, *written)},
                  .parameters = {},
                  .ordered = true};
      EXPECT_EQ(text_of(check.views, check.sql), "n\n0\n") << "in their order, width " << width;
    }
  }
}

TEST_F(EngineTest, what_does_not_fit_into_memory_is_spilled) {
  auto engine = open();
  ASSERT_TRUE(engine
                  ->limit({.threads = 1,
                           .memory = mebibytes(64),
                           .spill = mebibytes(1'024),
                           .spill_folder = folder_ / "enough"})
                  .ok());
  const Query query{.sql = "SELECT hash(range) AS h, count(*) AS n FROM range(3000000) GROUP BY 1",
                    .views = {},
                    .parameters = {}};
  const auto result = engine->run_query(query, folder_ / "spilled", watch());
  ASSERT_TRUE(result.ok()) << result.error().to_text();
  EXPECT_EQ(result->rows, 3'000'000);
  EXPECT_TRUE(std::filesystem::is_directory(folder_ / "enough-query"));
}

}  // namespace
}  // namespace millrace::kernel
