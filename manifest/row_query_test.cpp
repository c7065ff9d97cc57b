#include "manifest/row_query.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace::manifest {
namespace {

TEST(RowQuery, comes_back_as_it_was) {
  const RowQuery query{.run = "01",
                       .sql = "SELECT '\"\n\\ü'",
                       .parameters = {{"n", std::int64_t{-5}},
                                      {"t", std::string("5")},
                                      {"b", true},
                                      {"l", std::vector<std::string>{"a", ""}}},
                       .format = RowFormat::kCsv,
                       .max_rows = 7,
                       .max_bytes = 1 << 20};
  const auto back = row_query_from_json(to_json(query));
  ASSERT_TRUE(back.ok()) << back.error().to_text();
  EXPECT_EQ(back->run, query.run);
  EXPECT_EQ(back->sql, query.sql);
  EXPECT_EQ(back->parameters, query.parameters);
  EXPECT_EQ(back->format, query.format);
  EXPECT_EQ(back->max_rows, query.max_rows);
  EXPECT_EQ(back->max_bytes, query.max_bytes);
}

TEST(RowQuery, what_is_none_of_ours_is_an_error) {
  for (
      const char* text :
      {"", "[]", "{}", R"({"run":"1","sql":"x","format":"json","maxRows":1,"parameters":{}})",
       R"({"run":"1","sql":"x","format":"json","maxRows":0,"maxBytes":1,"parameters":{}})",
       R"({"run":"1","sql":5,"format":"json","maxRows":1,"maxBytes":1,"parameters":{}})",
       R"({"run":"1","sql":"x","format":"json","maxRows":1,"maxBytes":1})",
       R"({"run":"1","sql":"x","format":"json","maxRows":1,"maxBytes":1,"parameters":{"a":1.5}})"}) {
    const auto query = row_query_from_json(text);
    ASSERT_FALSE(query.ok()) << text;
    EXPECT_EQ(query.error().code, "task.request_invalid") << text;
  }
}

}  // namespace
}  // namespace millrace::manifest
