// analyze_tree: from the engine's syntax tree of one text to what it reads and calls, or the first
// reason why it may not run. Pure: no engine, no process; the same answer wherever it is asked, so
// a text is judged alike when it is submitted and before it is executed.
//
//   MILLRACE_TRY(statement, analyze_tree(tree, sql));
//   for (const std::string& name : table_names(statement)) …
#pragma once

#include <string_view>

#include "base/result.h"
#include "lib/sql/statement.h"

namespace millrace::sql {

// `tree` is the answer to kTreeQuery (limits.h) for exactly this `text`; both are only read.
//
// Errors carry "line:column" of the text in `path` (see error_position). Codes:
//   user:   sql.syntax, sql.empty, sql.several_statements, sql.not_select, sql.table_name,
//           sql.function_unknown, sql.parameter, sql.too_deep, sql.too_large
//   policy: sql.node_refused, sql.function_refused, sql.table_function_refused,
//   sql.argument_refused,
//           sql.type_refused
//   infrastructure: sql.tree_malformed, for bytes that are no such tree
Result<Statement> analyze_tree(std::string_view tree, std::string_view text);

// Refuses, before a parser sees it, a text that no parser should: too long (sql.too_large), not
// UTF-8 or with a NUL (sql.encoding).
Status check_text(std::string_view text);

}  // namespace millrace::sql
