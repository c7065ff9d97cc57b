// query: one SELECT over pinned snapshots becomes Parquet files of a dataset.
#include "base/text.h"
#include "lib/sql/analyze.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {

Result<kernel::Query> judged_query(const std::string& sql,
                                   const std::map<std::string, manifest::Value>& parameters,
                                   const TaskRequest& request, TaskContext& context) {
  // Judged when it was submitted, and judged again here: between the two lies a wire.
  MILLRACE_RETURN_IF_ERROR(sql::check_text(sql));
  MILLRACE_TRY(tree, context.engine.syntax_tree(sql));
  MILLRACE_TRY(statement, sql::analyze_tree(tree, sql));
  kernel::Query query{
      .sql = sql, .views = {}, .parameters = parameters, .ordered = statement.ordered};
  for (const std::string& dataset : sql::table_names(statement)) {
    MILLRACE_TRY(view, view_of(request, dataset, context.activity));
    query.views.push_back(std::move(view));
  }
  return query;
}

Result<TaskSuccess> run_query(const manifest::QueryTask& task, const TaskRequest& request,
                              TaskContext& context) {
  MILLRACE_TRY(query, judged_query(task.sql, request.parameters, request, context));
  query.max_rows = task.max_rows;
  MILLRACE_TRY(written, context.engine.run_query(query, output_folder(request, task.into.dataset),
                                                 {context.stop, context.activity}));
  TaskSuccess success;
  success.message = counted(written.rows, "row");
  success.writes.push_back(write_of(request, task.into.dataset, std::move(written)));
  return success;
}

}  // namespace millrace::tasks
