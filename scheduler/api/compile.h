// compile(): the text of a manifest to what the engine runs. Everything wrong with a document is
// found at once, with line and column; what only the state knows (which datasets there are) is
// asked after.
//
//   MILLRACE_TRY(compiled, compile({.text = body, .syntax = syntax, .name = name}, analyze));
//   add_unknown(compiled, unknown_datasets(compiled, state));   // on the loop
//   if (!compiled.problems.empty()) …
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/document.h"
#include "manifest/graph.h"
#include "manifest/judge/judge.h"
#include "manifest/problem.h"
#include "scheduler/core/spec.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"

namespace millrace::api {

using manifest::SqlAnalyzer;

struct CompileRequest {
  std::string text;
  manifest::Syntax syntax = manifest::Syntax::kYaml;
  // What the path says; the document must agree, and may leave its namespace out.
  scheduler::NamespacedName name;
};

struct Compiled {
  manifest::Problems problems;  // in the order of their places; not empty: the rest is not to be
                                // used, but for what unknown_datasets() needs to find more of them
  scheduler::WorkflowSpecRef spec;
  std::string canonical_json;  // without the namespace: the same document in two is the same body
  scheduler::BodyHash hash{};
  std::optional<manifest::Document> document;
  manifest::Graph graph;
};

// An Error only where the document can't be judged: no parser of SQL, too many who wait for it.
Result<Compiled> compile(const CompileRequest& request, const SqlAnalyzer& analyze);

// Datasets that the workflow reads from outside and that nobody has written or would write: no
// head, no stored workflow of the namespace, not the workflow itself. Quick; on the loop.
struct UnknownDatasets {
  std::vector<manifest::OutsideRead> reads;
  std::vector<std::string>
      known;  // what there is instead, for hints; empty when nothing is unknown
};
UnknownDatasets unknown_datasets(const Compiled& compiled, const std::string& ns,
                                 const scheduler::State& state);
void add_unknown(Compiled& compiled, const UnknownDatasets& unknown);

// What a task of the kind is given where nobody says what it needs.
scheduler::Resources default_request(manifest::TaskKind kind);

// The pure middle of compile(): a sound workflow and its graph to what the engine runs.
scheduler::WorkflowSpec spec_of(const manifest::Workflow& workflow, const manifest::Graph& graph,
                                const manifest::SqlByTask& sql);

}  // namespace millrace::api
