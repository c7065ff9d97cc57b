// build_graph(): which task of a workflow waits for which, out of dependsOn, references to outputs
// and the datasets that tasks read and write. Pure: what SQL reads is an input (lib/sql tells it),
// and whether a dataset from outside exists is the caller's to ask.
//
//   Graph graph = build_graph(workflow, sql);
//   for (const OutsideRead& read : graph.outside)
//     if (!catalog_has(read.dataset)) problems.push_back(document.place(unknown_dataset(graph,
//     read, catalog_names)));
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "manifest/generated/types.h"
#include "manifest/problem.h"
#include "manifest/unsure.h"

namespace millrace::manifest {

// A name in a SQL text, and where it stands in bytes.
struct SqlName {
  std::string name;
  std::size_t offset = 0;
};
struct SqlFacts {
  std::vector<SqlName> datasets;    // tables that are no CTE
  std::vector<SqlName> parameters;  // without $
};
using SqlByTask = std::map<std::string, SqlFacts, std::less<>>;

enum class EdgeReason { kDependsOn, kOutput, kDataset };

// `to` waits for `from`, both as indices of spec.tasks.
struct Edge {
  std::size_t from = 0;
  std::size_t to = 0;
  EdgeReason reason = EdgeReason::kDependsOn;
  std::string what;  // the output or dataset

  friend bool operator==(const Edge&, const Edge&) = default;
};

// A read of what no task of the workflow has written by then: its newest snapshot when the run
// starts.
struct OutsideRead {
  std::size_t task = 0;
  std::string dataset;
  std::string pointer;                     // from the document's root
  std::optional<std::size_t> offset = {};  // within SQL

  friend bool operator==(const OutsideRead&, const OutsideRead&) = default;
};

struct Graph {
  std::vector<Edge> edges;  // one a pair, by `to`, then `from`; the first reason counts
  std::vector<std::size_t>
      order;  // all tasks, each after those it waits for; empty with findings of circles
  // Tasks that look at the whole run: runOn Failure or Always without dependsOn. They come after
  // all others, nothing may wait for them, and no edges say so.
  std::vector<std::size_t> last;
  std::vector<OutsideRead> outside;
  std::map<std::string, std::vector<std::size_t>, std::less<>>
      written;  // each dataset that tasks write, and which
  Findings findings;
};

// A dataset written here is this run's: its readers wait for every writer, except that one which
// dependsOn or outputs put between two writers reads what the first wrote. A task that reads what
// it alone writes reads the snapshot from before the run. Codes: graph.circle, graph.last,
// dataset.writers, parameter.unknown. Names that check_workflow() would have refused are passed
// over.
//
// `unsure` is what faults leave unknown: findings are only those that stand whatever the tasks in
// it wait for, and the rest of the graph is then good for nothing.
Graph build_graph(const Workflow& workflow, const SqlByTask& sql, const Unsure& unsure = {});

// dataset flight: unknown or not permitted. Did you mean flights? `known` are the catalog's; what
// the workflow itself writes is added, but for what this task alone does.
Finding unknown_dataset(const Graph& graph, const OutsideRead& read,
                        std::span<const std::string> known);

}  // namespace millrace::manifest
