// The kinds and who runs each; a kind that is forgotten here does not compile.
#include "base/overloaded.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {

Result<TaskSuccess> run_task(const TaskRequest& request, TaskContext& context) {
  MILLRACE_RETURN_IF_ERROR(context.engine.limit(limits_of(request)));
  if (request.rows) return run_rows(*request.rows, request, context);
  return std::visit(
      Overloaded{
          [&](const manifest::IngestTask& task) { return run_ingest(task, request, context); },
          [&](const manifest::QueryTask& task) { return run_query(task, request, context); },
          [&](const manifest::DeliverTask& task) { return run_deliver(task, request, context); },
          [&](const manifest::CommandTask& task) { return run_command(task, request, context); }},
      request.task.kind);
}

}  // namespace millrace::tasks
