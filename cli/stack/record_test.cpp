#include "cli/stack/record.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace millrace::cli {
namespace {

StackRecord example() {
  return {"/var/lib/millrace/x",
          "/run/user/1/m",
          8123,
          {"/data", "/with space"},
          "3s",
          "json",
          {"--retention", "1h"},
          {{"scheduler", {{12, 34567, "boot"}, {"--listen", "127.0.0.1:8123"}, "a1b2"}},
           {"worker", {{13, 34568, "boot"}, {}, ""}}}};
}

TEST(StackRecord, comes_back_as_it_was_written) {
  const auto record = parse_record(to_json(example()));
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(*record, example());
}

TEST(StackRecord, of_a_version_that_knew_less_comes_back_without) {
  std::string text = to_json(example());
  for (const auto& [name, end] : {std::pair{"  \"retention\"", "],"}, {"  \"log_format\"", ","}}) {
    const auto from = text.find(name);
    text.erase(from, text.find(end, from) + std::string_view(end).size() - from);
  }
  const auto record = parse_record(text);
  ASSERT_TRUE(record.ok()) << text;
  StackRecord expected = example();
  expected.retention.clear();
  expected.log_format.clear();
  EXPECT_EQ(*record, expected);
}

TEST(StackRecord, anything_else_is_refused_and_not_guessed) {
  std::string later = to_json(example());
  later.replace(later.find("\"format\": 1"), 11, "\"format\": 2");
  for (const std::string& text : {std::string(), std::string("[]"), std::string("{}"),
                                  std::string("{\"format\":1}"), std::string("\xff"), later}) {
    const auto record = parse_record(text);
    ASSERT_FALSE(record.ok()) << text;
    EXPECT_EQ(record.error().code, "up.record_invalid");
  }
}

TEST(StackRecord, no_prefix_of_one_is_one) {
  const std::string whole = to_json(example());
  for (std::size_t size = 0; size + 2 < whole.size(); size += 7)
    EXPECT_FALSE(parse_record(whole.substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace millrace::cli
