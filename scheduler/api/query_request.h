// What POST N/queries asks for:
//
//   {"sql": "SELECT carrier FROM flights WHERE distance > $far", "parameters": {"far": 1000},
//    "maxRows": 100, "timeout": "30s"}
//
// and, by Accept, in which form the rows are wanted. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "lib/http/message.h"
#include "lib/sql/statement.h"
#include "manifest/problem.h"
#include "manifest/row_query.h"

namespace millrace::api {

inline constexpr std::int64_t kDefaultQueryRows = 10'000;
inline constexpr std::int64_t kMaxQueryRows = 1'000'000;
inline constexpr std::int64_t kMaxAnswerBytes = 64 << 20;
inline constexpr Micros kDefaultQueryTimeout = seconds(60);
inline constexpr Micros kMaxQueryTimeout = seconds(600);

struct QueryRequest {
  std::string sql;
  std::map<std::string, manifest::Value> parameters;
  std::int64_t max_rows = kDefaultQueryRows;
  Micros timeout = kDefaultQueryTimeout;
};

// An Error for bodies that can't be read at all; problems for those that say something wrong.
struct ReadQuery {
  QueryRequest query;
  manifest::Problems problems;
};
Result<ReadQuery> read_query(const http::Request& request);

// The form that Accept prefers. Error: request.not_acceptable.
Result<manifest::RowFormat> row_format_of(std::string_view accept);

// The problem of a text that lib/sql, or an engine by "at LINE:COLUMN: …", found wanting.
manifest::Problem sql_problem(Error error);

// Parameters that the statement uses and does not get, and gets and does not use.
manifest::Problems parameter_problems(const QueryRequest& query, const sql::Statement& statement);

// Datasets that the statement reads and that are not among the namespace's, which `known` lists.
manifest::Problems dataset_problems(const sql::Statement& statement,
                                    const std::vector<std::string>& known);

}  // namespace millrace::api
