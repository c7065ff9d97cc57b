// The kinds and who runs each; a kind that is forgotten here does not compile.
#include <filesystem>
#include <system_error>

#include "base/overloaded.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {

namespace {

Result<TaskSuccess> run_kind(const TaskRequest& request, TaskContext& context) {
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

}  // namespace

Result<TaskSuccess> run_task(const TaskRequest& request, TaskContext& context) {
  Result<TaskSuccess> result = run_kind(request, context);
  if (!result.ok()) discard_files(request);
  return result;
}

// The folder is this attempt's alone, and nobody is told of it. On a full disk its files would
// stand in the way of the next attempt until they are swept.
void discard_files(const TaskRequest& request) {
  if (request.output_prefix.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path(request.data_root) / request.output_prefix,
                              ignored);
}

}  // namespace millrace::tasks
