// Scopes of CTEs against the engine's own binder: for random nestings of WITH, the tables that the
// analysis names are exactly those without which the engine does not bind the text.
#include <duckdb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "lib/sql/test_parser.h"

namespace millrace::sql {
namespace {

const std::string kNames[] = {"t", "u", "v"};

// An engine with a table n(n) for each of the given names.
class Binder {
 public:
  explicit Binder(const std::vector<std::string>& tables) {
    EXPECT_EQ(duckdb_open(nullptr, &database_), DuckDBSuccess);
    EXPECT_EQ(duckdb_connect(database_, &connection_), DuckDBSuccess);
    for (const std::string& table : tables) {
      EXPECT_EQ(duckdb_query(connection_, ("CREATE TABLE " + table + " (n INT)").c_str(), nullptr),
                DuckDBSuccess);
    }
  }
  Binder(const Binder&) = delete;
  Binder& operator=(const Binder&) = delete;
  ~Binder() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }

  // Empty, or why the engine does not bind the text.
  std::string error(const std::string& text) {
    duckdb_prepared_statement statement = nullptr;
    std::string message;
    if (duckdb_prepare(connection_, text.c_str(), &statement) == DuckDBError) {
      message = duckdb_prepare_error(statement);
    }
    duckdb_destroy_prepare(&statement);
    return message;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

// Queries of one column n. Every CTE is read by the query that it belongs to, as the engine does
// not look into one that nobody reads.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::string query(int depth) {
    if (depth == 0) return "SELECT n FROM " + name();
    switch (random_() % 6) {
      case 0:
        return "SELECT n FROM " + name();
      case 1:
        return "SELECT x.n FROM (" + query(depth - 1) + ") x, " + name() + " y";
      case 2:
        return "(" + query(depth - 1) + ") UNION ALL (" + query(depth - 1) + ")";
      case 3:
        return "SELECT n FROM " + name() + " WHERE n IN (" + query(depth - 1) + ")";
      default:
        return with(depth);
    }
  }

 private:
  std::string name() { return kNames[random_() % std::size(kNames)]; }

  std::string with(int depth) {
    std::vector<std::string> names(std::begin(kNames), std::end(kNames));
    std::shuffle(names.begin(), names.end(), random_);
    names.resize(1 + random_() % names.size());
    const bool recursive = random_() % 2 == 0;
    std::string text = recursive ? "WITH RECURSIVE " : "WITH ";
    std::string reads;
    for (const std::string& cte : names) {
      text.append(cte == names.front() ? "" : ", ").append(cte).append(" AS (");
      if (recursive && random_() % 2 == 0) {
        text.append("SELECT n FROM (").append(query(depth - 1));
        text.append(") UNION ALL SELECT z.n FROM ").append(cte);
        text.append(" z, (").append(query(depth - 1)).append(") q)");
      } else {
        text.append(query(depth - 1)).append(")");
      }
      reads.append(", ").append(cte).append(" AS r").append(cte);
    }
    return text + " SELECT b.n FROM (" + query(depth - 1) + ") b" + reads;
  }

  std::mt19937_64 random_;
};

TEST(Scopes, the_tables_named_are_those_the_engine_needs) {
  constexpr std::uint64_t kSeed = 4711;
  Generator generator(kSeed);
  // One engine for every set of tables: bit i for kNames[i].
  std::vector<std::unique_ptr<Binder>> binders;
  for (unsigned set = 0; set < 8; ++set) {
    std::vector<std::string> tables;
    for (unsigned i = 0; i < 3; ++i) {
      if ((set >> i & 1U) != 0) tables.push_back(kNames[i]);
    }
    binders.push_back(std::make_unique<Binder>(tables));
  }
  int bound = 0;
  int with_ctes_off = 0;
  for (int round = 0; round < 600; ++round) {
    const std::string text = generator.query(1 + round % 4);
    if (!binders[7]->error(text).empty()) continue;  // the engine takes it with no set of tables
    ++bound;
    const Result<Statement> answer = shared_parser().analyze(text);
    ASSERT_TRUE(answer.ok()) << text << "\n" << answer.error().to_text();
    unsigned set = 0;
    for (const std::string& table : table_names(*answer)) {
      set |= 1U << static_cast<unsigned>(std::find(std::begin(kNames), std::end(kNames), table) -
                                         std::begin(kNames));
    }
    ASSERT_EQ(binders[set]->error(text), "")
        << "too few tables named, seed " << kSeed << ": " << text;
    for (unsigned i = 0; i < 3; ++i) {
      if ((set >> i & 1U) == 0) continue;
      ASSERT_NE(binders[set & ~(1U << i)]->error(text), "")
          << "\"" << kNames[i] << "\" is named, but not needed, seed " << kSeed << ": " << text;
    }
    if (set != 7) ++with_ctes_off;
  }
  EXPECT_GT(bound, 280);
  EXPECT_GT(with_ctes_off, 120);
}

}  // namespace
}  // namespace millrace::sql
