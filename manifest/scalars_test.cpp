// Plain scalars, formats, names that are near, UTF-8.
#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "manifest/formats.h"
#include "manifest/nearest.h"
#include "manifest/plain_scalar.h"

namespace millrace::manifest {
namespace {

TEST(PlainScalars, are_read_as_yaml_1_1_and_1_2_read_them) {
  constexpr auto kText = Reading::kText;
  constexpr auto kNull = Reading::kNull;
  constexpr auto kBoolean = Reading::kBoolean;
  constexpr auto kNumber = Reading::kNumber;
  constexpr auto kTime = Reading::kTime;
  const struct {
    const char* plain;
    Reading older;
    Reading newer;
  } rows[] = {
      {"", kNull, kNull},
      {"~", kNull, kNull},
      {"null", kNull, kNull},
      {"nULL", kText, kText},
      {"true", kBoolean, kBoolean},
      {"FALSE", kBoolean, kBoolean},
      {"tRUE", kText, kText},
      {"NO", kBoolean, kText},
      {"on", kBoolean, kText},
      {"y", kBoolean, kText},
      {"Off", kBoolean, kText},
      {"nO", kText, kText},
      {"7", kNumber, kNumber},
      {"-7", kNumber, kNumber},
      {"+7", kNumber, kNumber},
      {"012", kNumber, kNumber},
      {"089", kNumber, kNumber},
      {"0o17", kText, kNumber},
      {"0b101", kNumber, kText},
      {"0x1F", kNumber, kNumber},
      {"-0x1F", kNumber, kText},
      {"1_000", kNumber, kText},
      {"_", kText, kText},
      {"1:30", kNumber, kText},
      {"1:30.5", kNumber, kText},
      {"1.5", kNumber, kNumber},
      {"1.", kNumber, kNumber},
      {".5", kNumber, kNumber},
      {"1e3", kNumber, kNumber},
      {"1e", kText, kText},
      {"e3", kText, kText},
      {".", kText, kText},
      {"-", kText, kText},
      {".inf", kNumber, kNumber},
      {"-.INF", kNumber, kNumber},
      {".NaN", kNumber, kNumber},
      {"1.2.3", kText, kText},
      {"10.0.0.1", kText, kText},
      {"v1", kText, kText},
      {"2024-01-31", kTime, kText},
      {"2024-1-3 10:00", kTime, kText},
      {"2024-01", kText, kText},
      {"500m", kText, kText},
      {"1h30m", kText, kText},
      {"2Gi", kText, kText},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(read_as_yaml_1_1(row.plain), row.older) << row.plain;
    EXPECT_EQ(read_as_yaml_1_2(row.plain), row.newer) << row.plain;
  }
}

TEST(PlainScalars, integers_are_those_that_all_read_alike) {
  for (const char* text : {"0", "7", "-7", "1234567890"})
    EXPECT_TRUE(is_plain_integer(text)) << text;
  for (const char* text : {"", "-", "+7", "07", "-07", "1.0", "1e3", "0x1", "1_0", " 1"})
    EXPECT_FALSE(is_plain_integer(text)) << text;
}

TEST(Formats, a_url_may_hold_wildcards) {
  for (const char* text : {"file:///data/a?.csv", "file:///data/*/part-??.csv"})
    EXPECT_TRUE(has_format(Format::kUrl, text)) << text;
  for (const char* text : {"file:///data/a.csv#1", "file://data", "https://example.org/a?b"})
    EXPECT_FALSE(has_format(Format::kUrl, text)) << text;
}

// The pattern that crds/ and OpenAPI carry and the hand-written decision must be the same language.
// Texts are drawn from the characters that matter to any format, so that hits are frequent.
TEST(Formats, agree_with_their_patterns) {
  const std::string letters = "azAZ09_-./:,()[] ?#\t\"ef1l";
  std::mt19937 random(11);
  for (const FormatInfo& info : format_infos()) {
    const std::regex pattern(std::string(info.pattern), std::regex::ECMAScript);
    int accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
      std::string text = i % 3 == 0 && info.format == Format::kUrl ? "file:///" : "";
      const auto length = random() % 7;
      // Half of the texts hold only what the format's first characters are, so that some are
      // accepted.
      for (std::size_t j = 0; j < length; ++j)
        text += letters[random() % (i % 2 == 0 ? letters.size() : 6)];
      const bool expected = std::regex_match(text, pattern);
      accepted += expected ? 1 : 0;
      ASSERT_EQ(has_format(info.format, text), expected) << info.name << ": " << text;
    }
    EXPECT_GT(accepted, 50) << info.name;
    EXPECT_EQ(&format_info(info.format), &info);
  }
}

TEST(Formats, column_types_are_words_a_size_and_a_list) {
  for (const char* text : {"BIGINT", "DECIMAL(18,2)", "DECIMAL(18, 2)", "TIMESTAMP WITH TIME ZONE",
                           "VARCHAR(20)[]", "INT8[]"})
    EXPECT_TRUE(has_format(Format::kColumnType, text)) << text;
  for (const char* text :
       {"", "bigint", "BIGINT ", " BIGINT", "A  B", "DECIMAL()", "DECIMAL(18,)", "DECIMAL (1)",
        "X[]]", "X(12345)", "X(1,2,3)", "X;", "X(1)Y", "X[", "A 1"})
    EXPECT_FALSE(has_format(Format::kColumnType, text)) << text;
}

TEST(Nearest, finds_slips_and_nothing_else) {
  const std::vector<std::string> fields{"sql", "into", "maxRows", "dataset", "onConflict"};
  EXPECT_EQ(nearest("sqll", fields), "sql");
  EXPECT_EQ(nearest("qsl", fields), "sql");
  EXPECT_EQ(nearest("maxrows", fields), "maxRows");
  EXPECT_EQ(nearest("max_rows", fields), "maxRows");
  EXPECT_EQ(nearest("datset", fields), "dataset");
  EXPECT_EQ(nearest("onconflcit", fields), "onConflict");
  EXPECT_EQ(nearest("partitioning", fields), std::nullopt);
  EXPECT_EQ(nearest("x", fields), std::nullopt);
  EXPECT_EQ(nearest("", fields), std::nullopt);
  EXPECT_EQ(nearest(std::string(1'000, 's'), fields), std::nullopt);
  EXPECT_EQ(nearest("a", std::vector<std::string>{"b"}), std::nullopt);
  EXPECT_EQ(meant_hint("sqll", fields), "did you mean sql?");
  EXPECT_EQ(meant_hint("zzz", std::vector<std::string>{"a", "b"}), "one of: a, b");
  EXPECT_EQ(meant_hint("zzz", std::vector<std::string>{"a"}), "there is only a");
  EXPECT_EQ(meant_hint("zzz", {}), "");
}

}  // namespace
}  // namespace millrace::manifest
