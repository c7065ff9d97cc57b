#include "scheduler/api/compile.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/overloaded.h"
#include "manifest/codec.h"
#include "manifest/task_facts.h"
#include "scheduler/api/bodies.h"

namespace millrace::api {
namespace {

using manifest::Finding;
using manifest::make_finding;
using manifest::user_error;
using scheduler::TaskIndex;

template <typename Amount>
Amount amount_of(const std::optional<Amount>& hint, const std::optional<Amount>& max,
                 Amount otherwise) {
  const Amount wanted = hint.value_or(otherwise);
  return max ? std::min(wanted, *max) : wanted;
}

scheduler::Resources request_of(const manifest::Task& task) {
  const scheduler::Resources otherwise = default_request(manifest::kind_of(task));
  const manifest::ResourceAmounts& hint = task.resources.hint;
  const manifest::ResourceAmounts& max = task.resources.max;
  return {
      amount_of(hint.cpu, max.cpu, otherwise.cpu),
      amount_of(hint.memory, max.memory, otherwise.memory),
      // A task that says nothing of disk is held to none: a ceiling alone is what it is held to.
      amount_of(hint.disk, max.disk, max.disk.value_or(otherwise.disk))};
}

scheduler::RunOn run_on_of(manifest::RunOn run_on) {
  switch (run_on) {
    case manifest::RunOn::kSuccess:
      return scheduler::RunOn::kSuccess;
    case manifest::RunOn::kFailure:
      return scheduler::RunOn::kFailure;
    case manifest::RunOn::kAlways:
      return scheduler::RunOn::kAlways;
  }
  return scheduler::RunOn::kSuccess;
}

// Of a DatasetTarget or anything shaped like one.
template <typename Target>
scheduler::DatasetWrite write_of(const Target& target) {
  return {.dataset = target.dataset,
          .mode = target.mode == manifest::WriteMode::kAppend ? scheduler::WriteMode::kAppend
                                                              : scheduler::WriteMode::kOverwrite,
          .on_conflict = target.on_conflict == manifest::ConflictPolicy::kFail
                             ? scheduler::OnConflict::kFail
                             : scheduler::OnConflict::kRetry};
}

// In the order in which a result names them: an ingest's quarantine comes second. It shows what
// belongs to the rows that are there: an Overwrite's the last ingest's, also when that has none.
std::vector<scheduler::DatasetWrite> writes_of(const manifest::Task& task) {
  using Writes = std::vector<scheduler::DatasetWrite>;
  return std::visit(
      Overloaded{[](const manifest::IngestTask& ingest) {
                   return Writes{write_of(ingest.into),
                                 {.dataset = ingest.quarantine.dataset,
                                  .mode = write_of(ingest.into).mode,
                                  .on_conflict = scheduler::OnConflict::kRetry}};
                 },
                 [](const manifest::QueryTask& query) { return Writes{write_of(query.into)}; },
                 [](const manifest::CommandTask&) { return Writes{}; },
                 [](const manifest::DeliverTask&) { return Writes{}; }},
      task.kind);
}

scheduler::RetryRow row_of(const manifest::ErrorRule& rule) {
  scheduler::RetryRow row;
  row.classes = rule.match.classes;
  row.codes = rule.match.codes;
  for (const std::int64_t code : rule.match.exit_codes)
    row.exit_codes.push_back(static_cast<int>(code));
  std::visit(Overloaded{[&row](const manifest::Retry& retry) {
                          row.action = scheduler::RetryRow::Action::kRetry;
                          row.max_attempts = static_cast<std::uint32_t>(retry.max_attempts);
                          row.backoff_initial = retry.backoff.initial;
                          row.backoff_max = retry.backoff.max;
                          row.elsewhere = retry.elsewhere;
                        },
                        [&row](const manifest::FailScope& scope) {
                          row.action = scope == manifest::FailScope::kRun
                                           ? scheduler::RetryRow::Action::kFailRun
                                           : scheduler::RetryRow::Action::kFailTask;
                        }},
             rule.action);
  return row;
}

std::vector<scheduler::RetryRow> rows_of(const std::vector<manifest::ErrorRule>& rules) {
  std::vector<scheduler::RetryRow> rows;
  rows.reserve(rules.size());
  for (const manifest::ErrorRule& rule : rules) rows.push_back(row_of(rule));
  return rows;
}

scheduler::TaskSpec task_spec_of(const manifest::Task& task, const manifest::SqlByTask& sql) {
  scheduler::TaskSpec spec;
  spec.name = task.name;
  spec.kind = to_string(manifest::kind_of(task));
  spec.publishes = manifest::kind_of(task) == manifest::TaskKind::kDeliver;
  spec.run_on = run_on_of(task.run_on);
  spec.request = request_of(task);
  spec.timeout = task.timeout.value_or(Micros(0));
  spec.attempt_timeout = task.attempt_timeout.value_or(Micros(0));
  spec.queue_timeout = task.queue_timeout.value_or(Micros(0));
  spec.on_error = rows_of(task.on_error);
  spec.writes = writes_of(task);
  std::set<std::string> reads;
  for (const manifest::DatasetUse& use : manifest::facts_of(task).datasets)
    if (use.access == manifest::Access::kRead) reads.insert(use.dataset);
  if (const auto facts = sql.find(task.name); facts != sql.end())
    for (const manifest::SqlName& name : facts->second.datasets) reads.insert(name.name);
  spec.reads.assign(reads.begin(), reads.end());
  return spec;
}

// One Workflow, of the name and namespace that the path says.
manifest::Findings check_identity(const manifest::Document& document,
                                  const scheduler::NamespacedName& name) {
  manifest::Findings findings;
  if (document.kind != "Workflow")
    findings.push_back(make_finding(
        user_error("document.kind", "a Workflow is wanted, not a " + document.kind), "/kind"));
  if (document.name != name.name)
    findings.push_back(make_finding(
        user_error("document.name",
                   "the document is named " + document.name + ", its path " + name.name,
                   "let both be the same"),
        "/metadata/name"));
  if (!document.ns.empty() && document.ns != name.ns)
    findings.push_back(make_finding(
        user_error("document.namespace",
                   "the document is of namespace " + document.ns + ", its path of " + name.ns,
                   "leave it out of the document"),
        "/metadata/namespace"));
  return findings;
}

manifest::Problem plain_problem(Error error) {
  manifest::Problem problem;
  problem.error = std::move(error);
  return problem;
}

}  // namespace

// A data task is an engine with some memory, a command a process of unknown, mostly small size.
scheduler::Resources default_request(manifest::TaskKind kind) {
  if (kind == manifest::TaskKind::kCommand) return {MilliCpu(500), mebibytes(512), Bytes(0)};
  return {MilliCpu(1000), mebibytes(1024), Bytes(0)};
}

scheduler::WorkflowSpec spec_of(const manifest::Workflow& workflow, const manifest::Graph& graph,
                                const manifest::SqlByTask& sql) {
  scheduler::WorkflowSpec spec;
  for (const manifest::Task& task : workflow.spec.tasks)
    spec.tasks.push_back(task_spec_of(task, sql));
  for (const manifest::Edge& edge : graph.edges)
    spec.tasks[edge.to].needs.emplace_back(static_cast<std::uint32_t>(edge.from));
  // Tasks that look at the whole run wait for all that don't.
  const std::set<std::size_t> last(graph.last.begin(), graph.last.end());
  for (const std::size_t task : last)
    for (std::size_t need = 0; need < spec.tasks.size(); ++need)
      if (!last.contains(need))
        spec.tasks[task].needs.emplace_back(static_cast<std::uint32_t>(need));
  spec.timeout = workflow.spec.timeout.value_or(Micros(0));
  spec.queue = workflow.spec.queue;
  spec.max_parallel = static_cast<std::uint32_t>(workflow.spec.concurrency.max_tasks.value_or(0));
  spec.on_error = rows_of(workflow.spec.on_error);
  return spec;
}

namespace {

// The facts of its SQL; the graph and the problems are the compiled document's.
Result<manifest::SqlByTask> judge_workflow(const manifest::Document& document,
                                           manifest::Unsure unsure, const SqlAnalyzer& analyze,
                                           Compiled& compiled) {
  MILLRACE_TRY(judged, manifest::judge(document, std::move(unsure), analyze));
  compiled.graph = std::move(judged.graph);
  manifest::merge(compiled.problems, std::move(judged.problems));
  return std::move(judged.sql);
}

}  // namespace

Result<Compiled> compile(const CompileRequest& request, const SqlAnalyzer& analyze) {
  Compiled compiled;
  manifest::Parsed parsed = manifest::parse(request.text, "", request.syntax);
  compiled.problems = std::move(parsed.problems);
  if (!compiled.problems.empty()) {
    for (manifest::Draft& draft : parsed.drafts)
      MILLRACE_RETURN_IF_ERROR(
          judge_workflow(draft.document, std::move(draft.unsure), analyze, compiled));
    compiled.graph = {};
    return compiled;
  }
  if (parsed.documents.size() != 1) {
    compiled.problems.push_back(plain_problem(user_error(
        "document.count", std::to_string(parsed.documents.size()) + " documents, one is wanted",
        "put each by itself")));
    return compiled;
  }
  compiled.document = std::move(parsed.documents.front());
  manifest::Document& document = *compiled.document;
  for (const Finding& finding : check_identity(document, request.name))
    compiled.problems.push_back(document.place(finding));
  auto* workflow = std::get_if<manifest::Workflow>(&document.resource);
  if (workflow == nullptr) return compiled;

  MILLRACE_TRY(sql, judge_workflow(document, {}, analyze, compiled));
  if (!compiled.problems.empty()) return compiled;

  auto spec = std::make_shared<scheduler::WorkflowSpec>(spec_of(*workflow, compiled.graph, sql));
  MILLRACE_RETURN_IF_ERROR(spec->finish());
  compiled.spec = std::move(spec);
  manifest::Workflow anywhere = *workflow;
  anywhere.metadata.ns.reset();
  compiled.canonical_json = manifest::to_json(anywhere);
  compiled.hash = hash_of_body(compiled.canonical_json);
  return compiled;
}

UnknownDatasets unknown_datasets(const Compiled& compiled, const std::string& ns,
                                 const scheduler::State& state) {
  UnknownDatasets unknown;
  std::set<std::string> promised;
  const auto promise_all = [&promised](const scheduler::WorkflowSpec& spec) {
    for (const scheduler::TaskSpec& task : spec.tasks)
      for (const scheduler::DatasetWrite& write : task.writes) promised.insert(write.dataset);
  };
  bool gathered = false;
  const auto is_promised = [&](const std::string& dataset) {
    if (!gathered) {
      gathered = true;
      for (const auto& [written, writers] : compiled.graph.written) promised.insert(written);
      const auto& documents = state.documents();
      for (auto it = documents.lower_bound({"workflows", {ns, ""}});
           it != documents.end() && it->first.first == "workflows" && it->first.second.ns == ns;
           ++it)
        if (it->second.spec != nullptr) promise_all(*it->second.spec);
    }
    return promised.contains(dataset);
  };
  for (const manifest::OutsideRead& read : compiled.graph.outside)
    if (state.head({ns, read.dataset}) == nullptr && !is_promised(read.dataset))
      unknown.reads.push_back(read);
  if (unknown.reads.empty()) return unknown;
  for (auto it = state.heads().lower_bound({ns, ""});
       it != state.heads().end() && it->first.ns == ns; ++it)
    promised.insert(it->first.name);
  unknown.known.assign(promised.begin(), promised.end());
  return unknown;
}

void add_unknown(Compiled& compiled, const UnknownDatasets& unknown) {
  manifest::Problems problems;
  for (const manifest::OutsideRead& read : unknown.reads) {
    MILLRACE_CHECK(compiled.document.has_value(), "what reads datasets has a document");
    problems.push_back(
        compiled.document->place(manifest::unknown_dataset(compiled.graph, read, unknown.known)));
  }
  manifest::merge(compiled.problems, std::move(problems));
}

}  // namespace millrace::api
