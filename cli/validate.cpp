#include "cli/validate.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "lib/sql/statement.h"
#include "manifest/document.h"
#include "manifest/graph.h"
#include "manifest/task_facts.h"

namespace millrace::cli {
namespace {

manifest::Finding finding_of(Error error, const std::string& sql_text, const std::string& pointer) {
  const auto position = sql::error_position(error);
  error.path.clear();  // the SQL's own line and column: the document's come in their place
  std::optional<std::size_t> offset;
  if (position) offset = sql::offset_in(sql_text, *position);
  return manifest::make_finding(std::move(error), pointer, offset);
}

void check_workflow(const manifest::Document& document, manifest::Unsure unsure,
                    sql::Parser& parser, manifest::Problems& problems) {
  const auto& workflow = std::get<manifest::Workflow>(document.resource);
  manifest::SqlByTask facts_by_task;
  manifest::Findings findings;
  for (std::size_t i = 0; i < workflow.spec.tasks.size(); ++i) {
    const manifest::Task& task = workflow.spec.tasks[i];
    for (const manifest::SqlText& text : manifest::facts_of(task).sql) {
      const auto statement = parser.analyze(text.sql);
      if (!statement.ok()) {
        const std::string pointer = "/spec/tasks/" + std::to_string(i) + text.pointer;
        findings.push_back(finding_of(statement.error(), text.sql, pointer));
        continue;
      }
      manifest::SqlFacts& facts = facts_by_task[task.name];
      for (const sql::TableUse& table : statement->tables)
        facts.datasets.push_back({table.name, table.position.offset});
      for (const sql::ParameterUse& parameter : statement->parameters)
        facts.parameters.push_back({parameter.name, parameter.position.offset});
    }
  }
  unsure.tasks.merge(manifest::tasks_of(findings));
  manifest::Graph graph = manifest::build_graph(workflow, facts_by_task, unsure);
  findings.insert(findings.end(), graph.findings.begin(), graph.findings.end());
  for (const manifest::Finding& finding : findings)
    if (problems.size() < manifest::kMaxProblems) problems.push_back(document.place(finding));
}

}  // namespace

manifest::Problems validate_text(const std::string& text, const std::string& file,
                                 sql::Parser& parser) {
  manifest::Parsed parsed = manifest::parse(text, file);
  manifest::Problems problems = std::move(parsed.problems);
  for (const manifest::Document& document : parsed.documents)
    if (std::holds_alternative<manifest::Workflow>(document.resource))
      check_workflow(document, {}, parser, problems);
  for (const manifest::Draft& draft : parsed.drafts)
    check_workflow(draft.document, draft.unsure, parser, problems);
  std::ranges::stable_sort(problems, {}, [](const manifest::Problem& problem) {
    return std::pair(problem.line, problem.column);
  });
  return problems;
}

}  // namespace millrace::cli
