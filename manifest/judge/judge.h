// judge(): what is wrong with a workflow beyond its schema and rules: its SQL, and the graph that
// tasks, references and SQL make. For whoever takes manifests: the scheduler, `millrace validate`.
//
//   MILLRACE_TRY(judged, judge(document, {}, analyze));
//   if (judged.problems.empty()) … judged.graph, judged.sql
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "lib/sql/statement.h"
#include "manifest/document.h"
#include "manifest/graph.h"
#include "manifest/problem.h"
#include "manifest/unsure.h"

namespace millrace::manifest {

// One SQL text as lib/sql judges it. May block.
using SqlAnalyzer = std::function<Result<sql::Statement>(const std::string& text)>;

struct Judged {
  SqlByTask sql;  // of the texts that are sound
  Graph graph;
  Problems problems;
};

// Of a document that is a Workflow, sound or a draft. An Error only where it can't be judged: no
// parser of SQL, too many who wait for it.
Result<Judged> judge(const Document& document, Unsure unsure, const SqlAnalyzer& analyze);

// More of the same file's, while there are fewer than kMaxProblems; all in the order of their
// places.
void merge(Problems& problems, Problems more);

}  // namespace millrace::manifest
