// Seeded mutations: no tree crashes the analysis, no text crashes the parser or gets past it
// unjudged.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "lib/sql/analyze.h"
#include "lib/sql/test_parser.h"

namespace millrace::sql {
namespace {

using nlohmann::json;
using Random = std::mt19937_64;

const char* const kSeedTexts[] = {
    "SELECT f.carrier, count(*) AS n FROM flights f JOIN planes p USING (tailnum) WHERE day >= "
    "$day "
    "GROUP BY ALL HAVING count(*) > 3 ORDER BY n DESC LIMIT 10",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t), u AS (FROM t) SELECT * "
    "REPLACE (n "
    "AS n) FROM u, range(3) r, (VALUES (1)) v, LATERAL (SELECT 1)",
    "SELECT sum(a) FILTER (WHERE b) OVER (PARTITION BY c ORDER BY d ROWS 1 PRECEDING), CASE WHEN a "
    "THEN "
    "{'k': [1]} END, a::STRUCT(x INT[]), j -> '$.a', repeat('x', 3), format('{:5}', 1) FROM t",
    "FROM t PIVOT (sum(x) FOR y IN (1, 2)) UNION BY NAME SELECT x BETWEEN 1 AND (SELECT 2) FROM u",
};

// All places in a tree.
void collect(json& node, std::vector<json*>& places) {
  places.push_back(&node);
  if (node.is_structured()) {
    for (json& child : node) collect(child, places);
  }
}

json* pick(json& tree, Random& random) {
  std::vector<json*> places;
  collect(tree, places);
  return places[random() % places.size()];
}

void mutate(json& tree, Random& random) {
  json* place = pick(tree, random);
  switch (random() % 7) {
    case 0:
      *place = nullptr;
      break;
    case 1:
      *place = json::array({*place, *place});
      break;
    case 2:
      *place = json::object({{"type", "SELECT_NODE"}, {"class", "FUNCTION"}, {"value", *place}});
      break;
    case 3: {
      const json copy = *pick(tree, random);
      *place = copy;
      break;
    }
    case 4:
      *place = std::string(random() % 3, '\'') + "read_csv";
      break;
    case 5:
      *place = static_cast<std::uint64_t>(random());
      break;
    default:
      if (place->is_object() && !place->empty()) {
        place->erase(
            std::next(place->begin(), static_cast<std::ptrdiff_t>(random() % place->size())));
      }
  }
}

TEST(Fuzz, no_tree_crashes_the_analysis) {
  std::vector<json> seeds;
  for (const char* text : kSeedTexts) {
    const Result<std::string> tree = shared_parser().tree(text);
    ASSERT_TRUE(tree.ok());
    ASSERT_TRUE(analyze_tree(*tree, text).ok()) << text;
    seeds.push_back(json::parse(*tree));
  }
  constexpr std::uint64_t kSeed = 20'240'601;
  Random random(kSeed);
  int allowed = 0;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t which = random() % seeds.size();
    json tree = seeds[which];
    for (std::uint64_t i = 0; i <= random() % 3; ++i) mutate(tree, random);
    const Result<Statement> answer = analyze_tree(tree.dump(), kSeedTexts[which]);
    ++(answer.ok() ? allowed : refused);
    if (!answer.ok()) {
      ASSERT_FALSE(answer.error().code.empty());
      ASSERT_FALSE(answer.error().message.empty());
    }
  }
  EXPECT_GT(allowed, 500);
  EXPECT_GT(refused, 5000);
}

TEST(Fuzz, no_bytes_crash_the_analysis) {
  const std::string seed = shared_parser().tree(kSeedTexts[1]).value();
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string tree = seed.substr(0, 1 + random() % seed.size());
    if (random() % 2 == 0) tree = seed;
    for (std::uint64_t i = 0; i < 1 + random() % 4; ++i) {
      tree[random() % tree.size()] = static_cast<char>(random());
    }
    (void)analyze_tree(tree, kSeedTexts[1]).ok();
  }
  for (const char bracket : {'[', '{', '"'}) {
    EXPECT_FALSE(analyze_tree(std::string(1'000'000, bracket), "").ok());
  }
  EXPECT_FALSE(analyze_tree(std::string(500'000, '[') + std::string(500'000, ']'), "").ok());
}

TEST(Fuzz, a_deep_tree_is_refused_and_not_recursed_into) {
  std::string tree = R"({"error":false,"statements":[{"node":)";
  constexpr int kDepth = 50'000;
  for (int i = 0; i < kDepth; ++i) tree += R"({"type":"SET_OPERATION_NODE","left":)";
  tree += "null" + std::string(kDepth, '}') + "}]}";
  const Result<Statement> answer = analyze_tree(tree, "SELECT 1");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, "sql.too_deep");
}

// Words of SQL in any order, pieces of hostile texts among them: an answer each, from one process.
TEST(Fuzz, no_text_crashes_the_process) {
  std::vector<std::string> words = {
      "SELECT",   "FROM",     "WHERE", "WITH",   "RECURSIVE", "AS",   "UNION ALL", "(",
      ")",        ",",        "t",     "x",      "'a'",       "1",    "*",         "$p",
      "[",        "]",        "{",     "}",      "::INT",     "->",   "JOIN",      "USING",
      "ORDER BY", "PIVOT",    "OVER",  "VALUES", ";",         "--\n", "/*",        "*/",
      "$$",       "\"",       "'",     "é",      "\u00A0",    "CASE", "END",       "BETWEEN",
      "DESCRIBE", "read_csv", "lower", "CUBE",   "LIMIT",     "AT",   "INTERVAL",  "#1",
      "COLUMNS",  "LAMBDA"};
  constexpr std::uint64_t kSeed = 99;
  Random random(kSeed);
  Parser parser({.program = parser_program(), .deadline = seconds(30)});
  for (int round = 0; round < 5'000; ++round) {
    std::string text = random() % 2 == 0 ? "SELECT " : "";
    for (std::uint64_t i = 0; i < 1 + random() % 20; ++i)
      text += words[random() % words.size()] + " ";
    const Result<Statement> answer = parser.analyze(text);
    if (answer.ok()) continue;
    ASSERT_NE(answer.error().error_class, ErrorClass::kInfrastructure) << text << "\n"
                                                                       << answer.error().to_text();
    ASSERT_NE(answer.error().code, "sql.parser_crashed") << text;
  }
  EXPECT_EQ(parser.starts(), 1);
}

}  // namespace
}  // namespace millrace::sql
