#include "manifest/graph.h"

#include <algorithm>
#include <set>
#include <utility>

#include "manifest/nearest.h"
#include "manifest/task_facts.h"
#include "manifest/topology.h"

namespace millrace::manifest {
namespace {

// Who reads and writes a dataset, each task once.
struct DatasetTasks {
  std::vector<std::size_t> writers;
  std::vector<OutsideRead> readers;  // outside until a writer is found
};

class GraphBuilder {
 public:
  GraphBuilder(const Workflow& workflow, const SqlByTask& sql, const Unsure& unsure)
      : tasks_(workflow.spec.tasks), sql_(sql), unsure_(unsure) {
    for (std::size_t i = 0; i < tasks_.size(); ++i) index_.emplace(tasks_[i].name, i);
    for (const Parameter& parameter : workflow.spec.parameters)
      parameters_.push_back(parameter.name);
  }

  Graph build() {
    for (std::size_t i = 0; i < tasks_.size(); ++i) collect(i);
    for (std::size_t i = 0; i < tasks_.size(); ++i)
      if (is_last(i)) graph_.last.push_back(i);
    const Topology declared = topology();
    report_circles(declared);
    add_data_edges(declared);
    order(declared);
    for (const auto& [name, dataset] : datasets_)
      if (!dataset.writers.empty()) graph_.written.emplace(name, dataset.writers);
    for (auto& [pair, edge] : edges_) graph_.edges.push_back(std::move(edge));
    std::ranges::sort(graph_.outside, {},
                      [](const OutsideRead& read) { return std::pair(read.task, read.dataset); });
    return std::move(graph_);
  }

 private:
  bool is_last(std::size_t task) const {
    return tasks_[task].run_on != RunOn::kSuccess && tasks_[task].depends_on.empty();
  }

  static std::string pointer_to(std::size_t task) { return "/spec/tasks/" + std::to_string(task); }

  void collect(std::size_t task) {
    for (const std::string& name : tasks_[task].depends_on)
      add_edge(name, task, EdgeReason::kDependsOn, {});
    const TaskFacts facts = facts_of(tasks_[task]);
    for (const ReferenceUse& use : facts.references)
      if (const auto* output = std::get_if<OutputReference>(&use.reference))
        add_edge(output->task, task, EdgeReason::kOutput, output->output);
    for (const DatasetUse& use : facts.datasets) {
      DatasetTasks& dataset = datasets_[use.dataset];
      if (use.access == Access::kRead) {
        add_reader(
            dataset,
            {.task = task, .dataset = use.dataset, .pointer = pointer_to(task) + use.pointer});
      } else if (dataset.writers.empty() || dataset.writers.back() != task) {
        dataset.writers.push_back(task);
      }
    }
    const auto found = sql_.find(tasks_[task].name);
    if (found == sql_.end() || facts.sql.empty()) return;
    const std::string pointer = pointer_to(task) + facts.sql.front().pointer;
    for (const SqlName& name : found->second.datasets)
      add_reader(datasets_[name.name],
                 {.task = task, .dataset = name.name, .pointer = pointer, .offset = name.offset});
    for (const SqlName& name : found->second.parameters)
      if (std::ranges::find(parameters_, name.name) == parameters_.end())
        graph_.findings.push_back(make_finding(
            user_error("parameter.unknown",
                       "there is no parameter " + in_quotes(name.name) + " for $" + name.name,
                       meant_hint(name.name, parameters_)),
            pointer, name.offset));
  }

  static void add_reader(DatasetTasks& dataset, OutsideRead read) {
    if (dataset.readers.empty() || dataset.readers.back().task != read.task)
      dataset.readers.push_back(std::move(read));
  }

  void add_edge(const std::string& from_name, std::size_t to, EdgeReason reason,
                const std::string& what) {
    if (const auto from = index_.find(from_name); from != index_.end())
      add_edge(from->second, to, reason, what);
  }

  void add_edge(std::size_t from, std::size_t to, EdgeReason reason, const std::string& what) {
    if (from == to) return;
    if (is_last(from)) {
      if (unsure_.tasks.contains(from)) return;
      graph_.findings.push_back(
          make_finding(user_error("graph.last",
                                  "waits for " + tasks_[from].name + waiting_for(reason, what) +
                                      ", which runs when all others have ended",
                                  "give " + tasks_[from].name + " a dependsOn"),
                       pointer_to(to)));
      return;
    }
    edges_.emplace(std::pair(to, from),
                   Edge{.from = from, .to = to, .reason = reason, .what = what});
  }

  static std::string waiting_for(EdgeReason reason, const std::string& what) {
    switch (reason) {
      case EdgeReason::kDependsOn:
        return {};
      case EdgeReason::kOutput:
        return " (uses output " + what + ")";
      case EdgeReason::kDataset:
        return " (reads dataset " + what + ")";
    }
    return {};
  }

  Topology topology() const {
    return topology([](const Edge&) { return true; });
  }
  template <typename Wanted>
  Topology topology(Wanted wanted) const {
    std::vector<std::pair<std::size_t, std::size_t>> arcs;
    arcs.reserve(edges_.size());
    for (const auto& [pair, edge] : edges_)
      if (wanted(edge)) arcs.emplace_back(edge.from, edge.to);
    return Topology(tasks_.size(), arcs);
  }

  // For each task whether it might wait for any other, as it or what it waits for is unsure.
  std::vector<bool> unknown_waits(const Topology& known) const {
    std::vector<bool> unknown(tasks_.size(), false);
    for (const std::size_t unsure : unsure_.tasks)
      for (std::size_t task = 0; task < tasks_.size(); ++task)
        if (task == unsure || (unsure < tasks_.size() && known.reaches(unsure, task)))
          unknown[task] = true;
    return unknown;
  }

  // `declared` knows the order by dependsOn and outputs alone.
  void add_data_edges(const Topology& declared) {
    const std::vector<bool> unknown = unknown_waits(declared);
    for (auto& [name, dataset] : datasets_) {
      for (OutsideRead& read : dataset.readers) {
        const std::size_t reader = read.task;
        const bool follows_one =
            unknown[reader] || std::ranges::any_of(dataset.writers, [&](auto writer) {
              return declared.reaches(writer, reader);
            });
        bool waits = false;
        for (std::size_t writer : dataset.writers) {
          if (writer == reader) continue;
          if (follows_one && (declared.reaches(reader, writer) || unknown[writer])) continue;
          add_edge(writer, reader, EdgeReason::kDataset, name);
          waits = true;
        }
        if (!waits) graph_.outside.push_back(std::move(read));
      }
    }
  }

  void order(const Topology& declared) {
    const Topology all = topology();
    if (declared.is_acyclic()) {
      report_circles(all);
    } else {
      // Of circles that are declared all is said; one through data is told beside them.
      report_circles(topology([&declared](const Edge& edge) {
        return !declared.reaches(edge.from, edge.from) && !declared.reaches(edge.to, edge.to);
      }));
    }
    const std::vector<bool> unknown = unknown_waits(all);
    for (const auto& [name, dataset] : datasets_)
      check_writers(name, dataset.writers, all, unknown);
    if (!all.is_acyclic()) return;
    for (std::size_t task : all.order())
      if (!is_last(task)) graph_.order.push_back(task);
    for (std::size_t task : all.order())
      if (is_last(task)) graph_.order.push_back(task);
  }

  // Of unordered writers, which one's snapshot is the dataset would be chance.
  void check_writers(const std::string& name, const std::vector<std::size_t>& writers,
                     const Topology& all, const std::vector<bool>& unknown) {
    for (std::size_t i = 1; i < writers.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const std::size_t one = writers[j];
        const std::size_t other = writers[i];
        if (is_last(one) != is_last(other) || all.reaches(one, other) || all.reaches(other, one))
          continue;
        if (unknown[one] || unknown[other]) continue;
        if (!told_.insert({one, other}).second) break;
        Error error =
            user_error("dataset.writers",
                       tasks_[one].name + " and " + tasks_[other].name + " write it in no order",
                       "let one of them depend on the other");
        error.path = "dataset " + name;
        graph_.findings.push_back(make_finding(std::move(error), pointer_to(other)));
        break;
      }
    }
  }

  void report_circles(const Topology& topology) {
    if (topology.is_acyclic()) return;
    for (const std::vector<std::size_t>& circle : topology.circles()) {
      std::string text = "circle: " + tasks_[circle.front()].name;
      for (std::size_t i = 0; i < circle.size(); ++i) {
        const std::size_t from = circle[i];
        const std::size_t to = circle[(i + 1) % circle.size()];
        const Edge& edge = edges_.at({to, from});
        text += " → " + tasks_[to].name + waiting_for(edge.reason, edge.what);
      }
      graph_.findings.push_back({.error = user_error("graph.circle", std::move(text), "remove one"),
                                 .pointer = pointer_to(circle.front())});
    }
  }

  const std::vector<Task>& tasks_;
  const SqlByTask& sql_;
  const Unsure& unsure_;
  std::vector<std::string> parameters_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::pair<std::size_t, std::size_t>, Edge> edges_;  // by (to, from)
  std::map<std::string, DatasetTasks> datasets_;
  std::set<std::pair<std::size_t, std::size_t>> told_;  // pairs of unordered writers
  Graph graph_;
};

}  // namespace

Graph build_graph(const Workflow& workflow, const SqlByTask& sql, const Unsure& unsure) {
  Graph graph = GraphBuilder(workflow, sql, unsure).build();
  graph.findings = sure_findings(std::move(graph.findings), unsure);
  return graph;
}

Finding unknown_dataset(const Graph& graph, const OutsideRead& read,
                        std::span<const std::string> known) {
  std::set<std::string> names(known.begin(), known.end());
  for (const auto& [name, writers] : graph.written) {
    if (writers == std::vector{read.task}) {
      names.erase(name);
    } else {
      names.insert(name);
    }
  }
  const std::vector<std::string> candidates(names.begin(), names.end());
  Error error = user_error("dataset.unknown", "unknown or not permitted",
                           meant_hint(read.dataset, candidates));
  if (error.hint.empty()) error.hint = "`millrace get datasets` lists them";
  error.path = "dataset " + read.dataset;
  return make_finding(std::move(error), read.pointer, read.offset);
}

}  // namespace millrace::manifest
