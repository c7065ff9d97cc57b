// Checking manifests without a scheduler: schema, rules, SQL and the graph, as the scheduler would.
// What only it knows (do datasets from outside exist? do other objects?) stays unchecked.
#pragma once

#include <string>

#include "base/result.h"
#include "lib/sql/parser.h"
#include "manifest/problem.h"

namespace millrace::cli {

// Every problem of one file, in the order of their places. An Error where its SQL can't be judged:
// no millrace-sql.
Result<manifest::Problems> validate_text(const std::string& text, const std::string& file,
                                         sql::Parser& parser);

}  // namespace millrace::cli
