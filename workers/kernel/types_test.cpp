// The type map and the guess at types.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "workers/kernel/type_inference.h"
#include "workers/kernel/type_map.h"

namespace millrace::kernel {
namespace {

std::string canonical(std::string_view sql) {
  const Result<ColumnType> type = parse_column_type(sql);
  return type.ok() ? type->sql : type.error().code;
}

TEST(TypeMap, knows_a_type_under_its_usual_names) {
  EXPECT_EQ(canonical("int8"), "BIGINT");
  EXPECT_EQ(canonical("TIMESTAMPTZ"), "TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(canonical("NUMERIC(10, 2)"), "DECIMAL(10,2)");
  EXPECT_EQ(canonical("DECIMAL"), "DECIMAL(18,3)");
  EXPECT_EQ(canonical("DECIMAL(38)"), "DECIMAL(38,0)");
  EXPECT_EQ(canonical("VARCHAR(80)"), "VARCHAR");
  EXPECT_EQ(canonical("BIGINT[]"), "BIGINT[]");
  for (const char* const bad :
       {"DECIMAL(39,2)", "DECIMAL(2,3)", "DECIMAL(0)", "DECIMAL(2,", "DECIMAL(x)", "DECIMAL(2,-1)"})
    EXPECT_TRUE(canonical(bad).starts_with("schema.type_")) << bad;
  for (const char* const bad : {"", "NUMBER", "BIGINT(3)", "DATE[]", "BIGINT[][]", "STRUCT(a INT)"})
    EXPECT_EQ(canonical(bad), "schema.type_unknown") << bad;
}

bool fits(const char* type, std::string_view text) {
  return text_fits(*parse_column_type(type), text);
}

TEST(TypeMap, refuses_texts_that_would_lose_something) {
  struct Row {
    const char* type;
    std::vector<const char*> good;
    std::vector<const char*> bad;
  };
  const std::vector<Row> table{
      {"BIGINT", {"0", "-5", "+7", " 12 ", "007"}, {"1.5", "1e3", "0x1F", "1_000", "", "-", "1.0"}},
      {"DOUBLE", {"1.5", "1e3", "nan", "inf", " 2 "}, {"1_000"}},
      {"DECIMAL(6,2)", {"1", "1.2", "-1.25", "1.2500", "+.5"}, {"1.239", "1e3", "1_0"}},
      {"BOOLEAN",
       {"true", "FALSE", "t", "F", "yes", "No", "1", "0"},
       {"y", "n", "on", "off", "", "10", "truth"}},
      {"DATE",
       {"2024-02-29", " 2024-02-29 "},
       {"2024-01-01 10:00", "2024-01-01T00:00:00", "epoch", "infinity", "2024/01/01", "2024-1-1",
        "24-01-01", "2024-01-01Z", "-0001-01-01", "0044-03-15 (BC)", "12024-01-01", ""}},
      {"TIME",
       {"10:00:00", "10:00:00.123456", "10:00:00.1234560", "23:59:59.5"},
       {"10:00:00.1234567", "10:00:00+02", "10:00:00Z", "2024-01-01 10:00:00", "10:00", "1:00:00",
        "10:00:00 x", ""}},
      {"TIMESTAMP",
       {"2024-01-01 10:00:00", "2024-01-01T10:00:00Z", "2024-01-01 10:00:00+00", "2024-01-01",
        "2024-01-01 10:00:00 UTC", "2024-01-01 10:00", "2024-01-01 9:00:00",
        " 2024-01-01 10:00:00.25+00:00 "},
       {"2024-01-01T10:00:00+05:00", "2024-01-01 10:00:00-01", "2024-01-01 10:00:00.1234567",
        "2024-01-01 10:00:00 PST", "epoch", "infinity", "2024/01/01 10:00:00", "24-01-01 10:00:00",
        "-0001-01-01 10:00:00", "2024-01-01 (BC)", "2024-01-01 (BC) 10:00:00", "2024-01-01 10",
        "2024-01-01x10:00:00"}},
      {"TIMESTAMPTZ",
       {"2024-01-01T10:00:00+05:00", "2024-01-01", "2024-01-01 10:00:00 Europe/Berlin",
        "2024-01-01 10:00:00.123456Z"},
       {"2024-01-01 10:00:00.1234567Z", "epoch", "2024-01-01 (BC)", "24-01-01 10:00:00Z"}},
      {"UUID",
       {"6f1b8a1e-8f0e-4b0e-9d4c-0a1b2c3d4e5f", "6f1b8a1e8f0e4b0e9d4c0a1b2c3d4e5F"},
       {"{6f1b8a1e-8f0e-4b0e-9d4c-0a1b2c3d4e5f}", "6f1b8a1e", ""}},
      {"JSON",
       {"1", "\"a\"", "null", " [1, {\"a\": [true, -0, 1e400]}] ", "{}",
        "0.1000000000000000055511151231257827", "\"\\u00e9\\n\""},
       {"",          "NaN",    "[1,Infinity]", "{\"a\":NaN}", "[1,]", "{\"a\":1,}", "[1 2]",
        "[1}",       "01",     "1.",           "+1",          "tru",  "\"a",        "\"\\x\"",
        "\"\\u12\"", "\"\n\"", "{a:1}",        "1 2",         "[",    "{\"a\"}",    "]",
        "// c\n1"}},
      {"VARCHAR", {"", "anything"}, {}},
      {"BIGINT[]",
       {"[]", "[1, 2]", "[null,3]", " [4] "},
       {"[1.5]", "[\"x\"]", "[1,x]", "[[1]]", "[99999999999999999999]", "[\"5\"]", "[1,]", "5",
        ""}},
      {"BOOLEAN[]", {"[true, null]"}, {"[1]", "[yes]", "[\"true\"]"}},
      {"DOUBLE[]", {"[1, 2.5e3]"}, {"[x]", "[NaN]", "[1e400]", "[\"1\"]"}},
      {"VARCHAR[]", {"[\"a,b\", \"c\\\"d\"]", "[null]"}, {"[\"a\",]", "\"a\""}}};
  for (const Row& row : table) {
    for (const char* const text : row.good)
      EXPECT_TRUE(fits(row.type, text)) << row.type << ' ' << text;
    for (const char* const text : row.bad)
      EXPECT_FALSE(fits(row.type, text)) << row.type << ' ' << text;
  }
}

TEST(TypeMap, has_a_short_way_that_agrees_with_the_long_one) {
  for (const char* const text :
       {"0", "12", "-3", "+4", " 5", "", "-", "1.5", "x", "9999999999999999999999"})
    EXPECT_TRUE(!is_plain_integer(text) || fits("BIGINT", text)) << text;
  EXPECT_TRUE(is_plain_integer("-120"));
  EXPECT_FALSE(is_plain_integer("-"));
  EXPECT_FALSE(is_plain_integer(""));
}

std::string guess(const std::vector<const char*>& texts, FieldKind kind = FieldKind::kText) {
  TypeGuess guess;
  guess.see({});
  for (const std::string_view text : texts)
    guess.see({text.data(), static_cast<std::uint32_t>(text.size()), kind});
  return std::string(guess.type());
}

TEST(TypeGuess, takes_the_narrowest_type_that_holds_all) {
  EXPECT_EQ(guess({}), "VARCHAR");
  EXPECT_EQ(guess({"1", "-20", "0"}), "BIGINT");
  EXPECT_EQ(guess({"1", "2.5", "1e3", "-.5"}), "DOUBLE");
  EXPECT_EQ(guess({"true", "FALSE"}), "BOOLEAN");
  EXPECT_EQ(guess({"true", "1"}), "VARCHAR");
  EXPECT_EQ(guess({"2024-02-29", "1999-12-31"}), "DATE");
  EXPECT_EQ(guess({"2023-02-29"}), "VARCHAR") << "no such day";
  EXPECT_EQ(guess({"2024-02-29", "2024-02-29 10:00"}), "TIMESTAMP");
  EXPECT_EQ(guess({"2024-02-29T10:00:00.123456"}), "TIMESTAMP");
  EXPECT_EQ(guess({"2024-02-29T10:00:00.1234567"}), "VARCHAR") << "digits would be lost";
  EXPECT_EQ(guess({"2013-01-01T10:00:00Z", "2013-01-01 10:00:00+05:30"}),
            "TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(guess({"2013-01-01T10:00:00Z", "2013-01-01 10:00:00"}), "VARCHAR") << "zone or none";
  EXPECT_EQ(guess({"1", "x"}), "VARCHAR");
  EXPECT_EQ(guess({"007"}), "VARCHAR") << "a code, not a number";
  EXPECT_EQ(guess({"92233720368547758070"}), "VARCHAR") << "a double would change it";
  for (const char* const beyond :
       {"9223372036854775808", "10000000000000000000", "-36893488147419103232"})
    EXPECT_EQ(guess({beyond}), "VARCHAR") << "a key, as its neighbours are";
  EXPECT_EQ(guess({"inf"}), "VARCHAR");
}

TEST(TypeGuess, takes_no_double_for_digits_that_it_would_change) {
  EXPECT_EQ(guess({"0.1", "1e22", "123456789012345.5", "5e-324"}), "DOUBLE");
  EXPECT_EQ(guess({"0.30000000000000004", "100000.00", "0.000"}), "DOUBLE");
  EXPECT_EQ(guess({"0.10000000000000001"}), "DOUBLE") << "all digits of a double, as %.17g has it";
  EXPECT_EQ(guess({"1234567890123456789.12"}), "VARCHAR");
  EXPECT_EQ(guess({"0.12345678901234567890"}), "VARCHAR");
  EXPECT_EQ(guess({"1.00000000000000000000000000000000000000000000001"}), "VARCHAR");
  EXPECT_EQ(guess({"4e-324"}), "VARCHAR") << "5e-324 would be left";
  EXPECT_EQ(guess({"1e400"}), "VARCHAR");
  // Integers: a BIGINT holds them, a double not all.
  EXPECT_EQ(guess({"9007199254740993", "-9223372036854775807"}), "BIGINT");
  EXPECT_EQ(guess({"9007199254740993", "0.5"}), "VARCHAR");
  EXPECT_EQ(guess({"0.5", "9007199254740993"}), "VARCHAR");
  EXPECT_EQ(guess({"0.5", "-9223372036854775807"}), "VARCHAR");
  EXPECT_EQ(guess({"0.5", "9007199254740992", "9007199254740994"}), "DOUBLE");
  EXPECT_EQ(guess({"9007199254740993", "0.5"}, FieldKind::kNumber), "VARCHAR");
}

TEST(TypeGuess, believes_json_about_its_kinds) {
  EXPECT_EQ(guess({"1", "2"}, FieldKind::kString), "VARCHAR");
  EXPECT_EQ(guess({"2024-01-01"}, FieldKind::kString), "DATE");
  EXPECT_EQ(guess({"1", "2.0"}, FieldKind::kNumber), "DOUBLE");
  EXPECT_EQ(guess({"true"}, FieldKind::kBoolean), "BOOLEAN");
  EXPECT_EQ(guess({"{}", "[1]"}, FieldKind::kNested), "JSON");
}

}  // namespace
}  // namespace millrace::kernel
