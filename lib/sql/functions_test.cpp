// The table of functions against the engine's own list.
#include "lib/sql/functions.h"

#include <duckdb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "lib/sql/limits.h"

namespace millrace::sql {
namespace {

// The engine's functions of the given types, lower case.
std::set<std::string> engine_functions(const std::string& types) {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  EXPECT_EQ(duckdb_open(nullptr, &database), DuckDBSuccess);
  EXPECT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
  duckdb_result result;
  const std::string query =
      "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN (" +
      types + ")";
  EXPECT_EQ(duckdb_query(connection, query.c_str(), &result), DuckDBSuccess);
  std::set<std::string> names;
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
    auto* values = static_cast<duckdb_string_t*>(
        duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
    for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); ++i) {
      names.emplace(duckdb_string_t_data(&values[i]), duckdb_string_t_length(values[i]));
    }
    duckdb_destroy_data_chunk(&chunk);
  }
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  return names;
}

TEST(Functions, the_engine_is_the_one_that_the_table_was_made_for) {
  EXPECT_STREQ(duckdb_library_version(), kEngineVersion);
}

// A new engine's new functions turn this red until somebody has decided about them.
TEST(Functions, every_function_of_the_engine_is_decided_once) {
  const std::set<std::string> names = engine_functions("'scalar', 'aggregate', 'macro'");
  ASSERT_GT(names.size(), 700U);
  for (const std::string& name : names) {
    const bool allowed = function_allowed(name);
    const bool refused = !refusal_reason(name).empty();
    EXPECT_TRUE(allowed || refused) << "undecided: " << name;
    // pg_* is refused as a whole; these two are the exceptions.
    if (name == "pg_typeof" || name == "pg_size_pretty") continue;
    EXPECT_FALSE(allowed && refused) << "decided twice: " << name;
  }
}

TEST(Functions, every_table_function_of_the_engine_is_decided) {
  for (const std::string& name : engine_functions("'table', 'table_macro'")) {
    if (table_function_allowed(name) || !refusal_reason(name).empty()) continue;
    // Allowed or unknown as scalars; in FROM only the three are allowed, so these are refused
    // there.
    EXPECT_THAT(name, ::testing::AnyOf("histogram", "repeat", "json_each", "json_tree"))
        << "undecided: " << name;
  }
}

TEST(Functions, every_allowed_name_is_one_of_the_engines) {
  std::set<std::string> names = engine_functions("'scalar', 'aggregate', 'macro'");
  // Window functions and unnest are the binder's own, in no list.
  for (const char* name : {"unnest"}) names.insert(name);
  for (std::string_view name : allowed_functions()) {
    EXPECT_TRUE(names.contains(std::string(name))) << "no such function: " << name;
  }
  const auto all = allowed_functions();
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "listed twice";
}

TEST(Functions, nothing_that_reaches_out_is_allowed) {
  for (const char* name :
       {"getenv", "read_csv", "read_text", "read_blob", "read_parquet", "glob", "query",
        "query_table", "current_setting", "json_serialize_sql", "json_serialize_plan", "nextval",
        "getvariable", "write_log", "sleep_ms", "list_transform"}) {
    EXPECT_FALSE(function_allowed(name)) << name;
    EXPECT_FALSE(table_function_allowed(name)) << name;
    EXPECT_FALSE(refusal_reason(name).empty()) << name;
  }
}

TEST(Functions, near_names_are_found_and_far_ones_are_not) {
  EXPECT_EQ(nearest_function("lenght"), "length");
  EXPECT_EQ(nearest_function("date_truncate"), "date_trunc");
  EXPECT_EQ(nearest_function("row_numbr"), "row_number");
  EXPECT_EQ(nearest_function("xq"), "");
  EXPECT_EQ(nearest_function("launch_the_missiles"), "");
  EXPECT_EQ(nearest_function(std::string(100'000, 'x')), "");
}

}  // namespace
}  // namespace millrace::sql
