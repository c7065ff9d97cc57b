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

void check_workflow(const manifest::Document& document, const manifest::Workflow& workflow,
                    sql::Parser& parser, manifest::Problems& problems) {
  manifest::SqlByTask facts_by_task;
  for (std::size_t i = 0; i < workflow.spec.tasks.size(); ++i) {
    const manifest::Task& task = workflow.spec.tasks[i];
    for (const manifest::SqlText& text : manifest::facts_of(task).sql) {
      const auto statement = parser.analyze(text.sql);
      if (!statement.ok()) {
        const std::string pointer = "/spec/tasks/" + std::to_string(i) + text.pointer;
        problems.push_back(document.place(finding_of(statement.error(), text.sql, pointer)));
        continue;
      }
      manifest::SqlFacts& facts = facts_by_task[task.name];
      for (const sql::TableUse& table : statement->tables)
        facts.datasets.push_back({table.name, table.position.offset});
      for (const sql::ParameterUse& parameter : statement->parameters)
        facts.parameters.push_back({parameter.name, parameter.position.offset});
    }
  }
  for (const manifest::Finding& finding : manifest::build_graph(workflow, facts_by_task).findings)
    problems.push_back(document.place(finding));
}

}  // namespace

Verdict validate_text(const std::string& text, const std::string& file, sql::Parser& parser) {
  manifest::Parsed parsed = manifest::parse(text, file);
  Verdict verdict{std::move(parsed.problems), parsed.documents.size()};
  for (const manifest::Document& document : parsed.documents)
    if (const auto* workflow = std::get_if<manifest::Workflow>(&document.resource))
      check_workflow(document, *workflow, parser, verdict.problems);
  std::ranges::stable_sort(verdict.problems, {}, [](const manifest::Problem& problem) {
    return std::pair(problem.line, problem.column);
  });
  return verdict;
}

}  // namespace millrace::cli
