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
      {"DATE", {"2024-02-29"}, {"2024-01-01 10:00", "2024-01-01T00:00:00"}},
      {"TIME", {"10:00:00.123456", "10:00:00.1234560"}, {"10:00:00.1234567"}},
      {"TIMESTAMP",
       {"2024-01-01 10:00:00", "2024-01-01T10:00:00Z", "2024-01-01 10:00:00+00", "2024-01-01",
        "2024-01-01 10:00:00 UTC"},
       {"2024-01-01T10:00:00+05:00", "2024-01-01 10:00:00-01", "2024-01-01 10:00:00.1234567",
        "2024-01-01 10:00:00 PST"}},
      {"TIMESTAMPTZ",
       {"2024-01-01T10:00:00+05:00", "2024-01-01"},
       {"2024-01-01 10:00:00.1234567Z"}},
      {"VARCHAR", {"", "anything"}, {}},
      {"BIGINT[]",
       {"[]", "[1, 2]", "[null,3]", " [4] "},
       {"[1.5]", "[\"x\"]", "[1,x]", "[[1]]", "[99999999999999999999]"}},
      {"BOOLEAN[]", {"[true, null]"}, {"[1]", "[yes]"}},
      {"DOUBLE[]", {"[1, 2.5e3]"}, {"[x]"}},
      {"VARCHAR[]", {"[\"a,b\", \"c\\\"d\"]"}, {}}};
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
  EXPECT_EQ(guess({"inf"}), "VARCHAR");
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
