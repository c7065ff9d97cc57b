// RowQuery: a statement whose rows go back to whoever asked, instead of to a dataset. Its JSON is
// the body of a hidden run: the api writes it, a runner reads it. Bounds are those of one answer.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "manifest/value.h"

namespace millrace::manifest {

enum class RowFormat : std::uint8_t { kJson, kCsv };

struct RowQuery {
  std::string run;  // its id: the body of one run is no other's
  std::string sql;
  std::map<std::string, Value> parameters;  // bound by name
  RowFormat format = RowFormat::kJson;
  std::int64_t max_rows = 0;   // rows beyond are left out, and the answer says so
  std::int64_t max_bytes = 0;  // likewise
};

// The kind of a hidden run's one task, which no manifest can name.
inline constexpr std::string_view kRowQueryKind = "rows";

std::string to_json(const RowQuery& query);
// Error: task.request_invalid (infrastructure), for a text that is none of ours.
Result<RowQuery> row_query_from_json(std::string_view text);

}  // namespace millrace::manifest
