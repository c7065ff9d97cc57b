// CSV and JSON records cut into fields.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "workers/kernel/csv_fields.h"
#include "workers/kernel/json_fields.h"
#include "workers/kernel/json_text.h"
#include "workers/kernel/record_scanner.h"

namespace millrace::kernel {
namespace {

std::string padded(std::string_view record) {
  return std::string(record) + std::string(kRecordPadding, '!');
}

// "text" as it is, quoted ones in '', nulls as ~, JSON kinds marked.
std::string spelled(const Field& field) {
  const std::string text(field.text());
  switch (field.kind) {
    case FieldKind::kNull:
      return "~";
    case FieldKind::kQuoted:
    case FieldKind::kString:
      return "'" + text + "'";
    case FieldKind::kText:
    case FieldKind::kNumber:
    case FieldKind::kBoolean:
    case FieldKind::kNested:
      return text;
  }
  return "";
}

template <typename Fields>
std::string spelled_all(const Fields& fields) {
  std::string all;
  for (const Field& field : fields) all += (all.empty() ? "" : "|") + spelled(field);
  return all;
}

std::string split(std::string_view record, CsvFormat format = {.nulls = {"NA"}}) {
  CsvFields splitter(std::move(format));
  FieldList fields;
  const std::string bytes = padded(record);
  const FieldFault fault = splitter.split({bytes.data(), record.size()}, fields);
  return fault == FieldFault::kNone ? spelled_all(fields) : std::string(code_of(fault));
}

TEST(CsvFields, table) {
  EXPECT_EQ(split("a,b,c"), "a|b|c");
  EXPECT_EQ(split("a"), "a");
  EXPECT_EQ(split(""), "~");
  EXPECT_EQ(split(",,"), "~|~|~");
  EXPECT_EQ(split("NA,\"NA\",N,NAN"), "~|'NA'|N|NAN") << "a quoted text is never null";
  EXPECT_EQ(split("\"\",x"), "''|x");
  EXPECT_EQ(split("\"a,b\",\"c\nd\""), "'a,b'|'c\nd'");
  EXPECT_EQ(split("\"say \"\"hi\"\"\",\"\"\"\""), "'say \"hi\"'|'\"'");
  EXPECT_EQ(split("5\" pipe,1"), "5\" pipe|1");
  EXPECT_EQ(split("\"a\"b,1"), "record.stray_text");
  EXPECT_EQ(split("a;b|c", {.delimiter = ';', .quote = '\''}), "a|b|c");
  EXPECT_EQ(split("'x;y';z", {.delimiter = ';', .quote = '\''}), "'x;y'|z");
  EXPECT_EQ(split("x,,,,,,,,,,,,,,y"), "x|~|~|~|~|~|~|~|~|~|~|~|~|~|y");
}

// What was put together comes apart again.
TEST(CsvFields, gives_back_what_was_written) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    std::string record;
    std::string expected;
    for (std::size_t i = 0, count = 1 + random() % 12; i < count; ++i) {
      std::string text;
      for (std::size_t length = random() % 20; length > 0; --length)
        text += "ab,\"\n é"[random() % 7];
      const bool quoted = random() % 2 == 0 || text.find_first_of(",\"\n") != std::string::npos;
      std::string escaped;
      for (const char c : text) escaped.append(c == '"' ? 2 : 1, c);
      if (i > 0) record += ",";
      record += quoted ? "\"" + escaped + "\"" : text;
      if (!expected.empty() || i > 0) expected += "|";
      expected += quoted ? "'" + text + "'" : text.empty() ? "~" : text;
    }
    ASSERT_EQ(split(record), expected) << "seed " << seed;
  }
}

std::string read(std::string_view record, bool ignore_unknown = false) {
  JsonFields reader({"a", "b", "c"}, ignore_unknown);
  FieldList fields;
  const std::string bytes = padded(record);
  const FieldFault fault = reader.read({bytes.data(), record.size()}, fields);
  return fault == FieldFault::kNone ? spelled_all(fields) : std::string(code_of(fault));
}

TEST(JsonFields, table) {
  EXPECT_EQ(read(R"({"a":1,"b":"x","c":true})"), "1|'x'|true");
  EXPECT_EQ(read(R"( { "c" : null , "a" : -1.50e3 } )"), "-1.50e3|~|~");
  EXPECT_EQ(read("{}"), "~|~|~");
  EXPECT_EQ(read(R"({"a":"\u00e9\n\"","b":"é"})"), "'é\n\"'|'é'|~");
  EXPECT_EQ(read(R"({"a":{"x":[1,2]},"b":[1, {"y":null}],"c":123456789012345678901234567890})"),
            R"({"x":[1,2]}|[1, {"y":null}]|123456789012345678901234567890)");
  EXPECT_EQ(read(R"({"a":1,"d":2})"), "record.extra_field");
  EXPECT_EQ(read(R"({"a":1,"d":{"x":2}})", true), "1|~|~");
}

TEST(JsonFields, refuses_what_is_no_object_alone) {
  for (const char* const record : {"",
                                   "   ",
                                   "[1]",
                                   "1",
                                   "null",
                                   "{",
                                   "}",
                                   "{\"a\":1",
                                   "{\"a\" 1}",
                                   "{\"a\":}",
                                   "{\"a\":1,}",
                                   "{a:1}",
                                   "{\"a\":01}",
                                   "{\"a\":1.}",
                                   "{\"a\":+1}",
                                   "{\"a\":tru}",
                                   "{\"a\":truex}",
                                   "{\"a\":nul}",
                                   "{\"a\":1} {\"a\":2}",
                                   "{\"a\":1}x",
                                   "{\"a\":\"\\x\"}",
                                   "{\"a\":\"\x01\"}",
                                   "{\"a\":{\"x\":01}}",
                                   "{\"a\":[1,]}",
                                   "{\"a\":[tru]}",
                                   "{\"a\":{\"x\" 1}}",
                                   "{\"a\":'x'}",
                                   "{\"d\":tru}",
                                   "{\"a\":1,\"a\"}"})
    EXPECT_EQ(read(record, true), "record.not_json") << record;
}

// A value that was read from a record is not looked at again (text_table.cpp), so the parser must
// take nothing that is_json() refuses; of escapes it takes less.
TEST(JsonFields, takes_no_value_that_is_no_json) {
  JsonFields reader({"a"}, false, {true});
  FieldList fields;
  const auto expect_no_laxer = [&](const std::string& value) {
    const std::string record = "{\"a\":" + value + "}";
    const std::string bytes = padded(record);
    const FieldFault fault = reader.read({bytes.data(), record.size()}, fields);
    if (fault != FieldFault::kNone) return false;
    EXPECT_TRUE(fields[0].null() || is_json(fields[0].text())) << value;
    return true;
  };
  for (const char* const value : {"{\"a\":1,}",
                                  "[1,]",
                                  "[,1]",
                                  "[,]",
                                  "{,}",
                                  "[1 2]",
                                  "[1,,2]",
                                  "{\"a\" 1}",
                                  "{\"a\":}",
                                  "{1:2}",
                                  "{\"a\":1 \"b\":2}",
                                  "NaN",
                                  "[NaN]",
                                  "Infinity",
                                  "-Infinity",
                                  "[nan]",
                                  "01",
                                  "[01]",
                                  "-01",
                                  "1.",
                                  "[1.]",
                                  ".5",
                                  "+1",
                                  "1e",
                                  "[1e+]",
                                  "0x1",
                                  "1_000",
                                  "tru",
                                  "[truex]",
                                  "nullx",
                                  "[null\"a\"]",
                                  "1\"a\"",
                                  "\"a\"b",
                                  "[\"a\"b]",
                                  "'a'",
                                  "[\"\\x\"]",
                                  "\"\\u12\"",
                                  "\"\x01\"",
                                  "[\"\t\"]",
                                  "[1]]",
                                  "{}}",
                                  "[}",
                                  "{]",
                                  "[1\f]",
                                  "[1\v,2]",
                                  "[// c\n1]",
                                  "--1",
                                  "[-]",
                                  "\"\\ud800\""})
    EXPECT_FALSE(expect_no_laxer(value)) << value;
  for (const char* const value :
       {"{\"a\": [1, null, {\"b\": \"\\u00e9\"}]}", "[ ]", "{ }", "[[],{}]", "-0.0e-10", "1E400",
        "\"\"", "\"\\\"\"", "true", "[\r\t1 ]", "\"\\ud83d\\ude00\""})
    EXPECT_TRUE(expect_no_laxer(value)) << value;
  constexpr std::string_view kBytes = "[]{},:\"\\19.-+eEtn ux\t";
  constexpr std::array<std::string_view, 6> kWords{
      "null", "true", "\"a\":", "[1,2]", "{\"b\":1}", "1e5"};
  int taken = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random(seed);
    std::string value = random() % 2 == 0 ? "[" : "{\"k\":";
    const char close = value[0] == '[' ? ']' : '}';
    for (auto length = random() % 6; length > 0; --length) {
      if (random() % 2 == 0)
        value += kWords[random() % kWords.size()];
      else
        value += kBytes[random() % kBytes.size()];
    }
    if (expect_no_laxer(value + close)) ++taken;
  }
  EXPECT_GT(taken, 100) << "too few of the texts are JSON to tell anything";
}

TEST(JsonFields, tells_other_faults_apart) {
  EXPECT_EQ(read("{\"a\":\"\xFF\"}"), "record.not_utf8");
  EXPECT_EQ(read(R"({"a":1,"a":2})"), "record.duplicate_field");
  EXPECT_EQ(read(R"({"a":null,"a":2})"), "record.duplicate_field");
}

TEST(JsonFields, reads_one_record_after_another) {
  JsonFields reader({"a"}, false);
  FieldList fields;
  for (int i = 0; i < 100; ++i) {
    const std::string record = "{\"a\":\"" + std::string(static_cast<std::size_t>(i), 'x') + "\"}";
    const std::string bytes = padded(record);
    ASSERT_EQ(reader.read({bytes.data(), record.size()}, fields), FieldFault::kNone);
    EXPECT_EQ(fields[0].length, static_cast<std::uint32_t>(i));
    const std::string bad = padded("{\"a\":");
    EXPECT_EQ(reader.read({bad.data(), 5}, fields), FieldFault::kNotAnObject);
  }
}

}  // namespace
}  // namespace millrace::kernel
