#include "manifest/judge/judge.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "manifest/task_facts.h"

namespace millrace::manifest {
namespace {

void add(SqlFacts& facts, const sql::Statement& statement) {
  for (const sql::TableUse& table : statement.tables)
    facts.datasets.push_back({table.name, table.position.offset});
  for (const sql::ParameterUse& parameter : statement.parameters)
    facts.parameters.push_back({parameter.name, parameter.position.offset});
}

Finding finding_of(Error error, const SqlText& text, std::size_t task) {
  std::optional<std::size_t> offset;
  if (const auto at = sql::error_position(error)) offset = sql::offset_in(text.sql, *at);
  error.path.clear();  // the SQL's own line and column: the document's come in their place
  return make_finding(std::move(error), "/spec/tasks/" + std::to_string(task) + text.pointer,
                      offset);
}

}  // namespace

Result<Judged> judge(const Document& document, Unsure unsure, const SqlAnalyzer& analyze) {
  const auto& workflow = std::get<Workflow>(document.resource);
  Judged judged;
  Findings findings;
  for (std::size_t i = 0; i < workflow.spec.tasks.size(); ++i) {
    const Task& task = workflow.spec.tasks[i];
    for (const SqlText& text : facts_of(task).sql) {
      const Result<sql::Statement> statement = analyze(text.sql);
      if (statement.ok())
        add(judged.sql[task.name], *statement);
      else if (sql::blames_text(statement.error()))
        findings.push_back(finding_of(statement.error(), text, i));
      else
        return statement.error();
    }
  }
  unsure.tasks.merge(tasks_of(findings));
  judged.graph = build_graph(workflow, judged.sql, unsure);
  findings.insert(findings.end(), judged.graph.findings.begin(), judged.graph.findings.end());
  for (const Finding& finding : findings) judged.problems.push_back(document.place(finding));
  return judged;
}

void merge(Problems& problems, Problems more) {
  const std::size_t room = kMaxProblems - std::min(problems.size(), kMaxProblems);
  more.resize(std::min(more.size(), room));
  std::ranges::move(more, std::back_inserter(problems));
  std::ranges::stable_sort(problems, {}, [](const Problem& problem) {
    return std::tuple(problem.line, problem.column);
  });
}

}  // namespace millrace::manifest
