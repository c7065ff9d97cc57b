// Checking manifests without a scheduler: schema, rules, SQL and the graph, as the scheduler would.
// What only it knows (do datasets from outside exist? do other objects?) stays unchecked.
#pragma once

#include <string>

#include "lib/sql/parser.h"
#include "manifest/problem.h"

namespace millrace::cli {

// Every problem of one file, in the order of their places; `documents` counts those that were read
// whole.
struct Verdict {
  manifest::Problems problems;
  std::size_t documents = 0;
};
Verdict validate_text(const std::string& text, const std::string& file, sql::Parser& parser);

}  // namespace millrace::cli
