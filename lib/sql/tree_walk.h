// The walk over the tree of one SELECT: every node against tree_shape's rows, names against the
// lists of functions.h, CTE names by their scopes. Internal to lib/sql: the JSON type stays behind
// analyze.h.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "lib/sql/source_map.h"
#include "lib/sql/statement.h"

namespace millrace::sql {

// `statement` is one element of the answer's "statements". The first error in the walk's order
// wins.
Result<Statement> walk_statement(const nlohmann::json& statement, const SourceMap& source);

}  // namespace millrace::sql
