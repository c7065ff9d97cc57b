// Every text of testdata/hostile.sql meets the end that is written beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lib/sql/test_parser.h"

namespace millrace::sql {
namespace {

TEST(Hostile, every_text_is_refused_with_its_code_or_left_to_the_limits) {
  const std::vector<HostileText> texts = read_hostile_texts();
  std::set<std::string> ids;
  for (const HostileText& hostile : texts) {
    EXPECT_TRUE(ids.insert(hostile.id).second) << "twice: " << hostile.id;
    const Result<Statement> answer = shared_parser().analyze(hostile.text);
    const std::string got = answer.ok() ? "limits" : answer.error().code;
    EXPECT_EQ(got, hostile.expect)
        << hostile.id << ": " << hostile.text << (answer.ok() ? "" : answer.error().to_text());
    if (answer.ok()) continue;
    EXPECT_TRUE(error_position(answer.error()).has_value()) << hostile.id;
    EXPECT_FALSE(answer.error().message.empty()) << hostile.id;
  }
  const auto left = std::count_if(texts.begin(), texts.end(),
                                  [](const HostileText& text) { return text.expect == "limits"; });
  EXPECT_GE(texts.size() - static_cast<std::size_t>(left), 80U);
  EXPECT_GE(left, 10);
  EXPECT_EQ(shared_parser().starts(), 1) << "a text of the list ended the parser";
}

// Whatever is refused stays refused when it hides in a query that is fine.
TEST(Hostile, a_refused_query_is_refused_as_a_part_of_another) {
  for (const HostileText& hostile : read_hostile_texts()) {
    if (hostile.expect == "limits" || hostile.expect == "sql.several_statements") continue;
    if (hostile.text.find(';') != std::string::npos) continue;
    for (const std::string& frame :
         {"SELECT * FROM (" + hostile.text + ") x", "WITH x AS (" + hostile.text + ") SELECT 1",
          "SELECT 1 WHERE EXISTS (" + hostile.text + ")",
          "(SELECT 1) UNION ALL (" + hostile.text + ")"}) {
      EXPECT_FALSE(shared_parser().analyze(frame).ok()) << frame;
    }
  }
}

}  // namespace
}  // namespace millrace::sql
