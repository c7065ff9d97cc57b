// rows: one SELECT over pinned snapshots is answered to whoever asked. The same judgement and the
// same cage as a query's; its rows become one file beside the data, and nothing is committed.
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "lib/ipc/answer_file.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {
namespace {

kernel::RowFormat format_of(manifest::RowFormat format) {
  switch (format) {
    case manifest::RowFormat::kJson:
      return kernel::RowFormat::kJson;
    case manifest::RowFormat::kCsv:
      return kernel::RowFormat::kCsv;
  }
  return kernel::RowFormat::kJson;
}

}  // namespace

Result<TaskSuccess> run_rows(const manifest::RowQuery& rows, const TaskRequest& request,
                             TaskContext& context) {
  MILLRACE_TRY(query, judged_query(rows.sql, rows.parameters, request, context));
  const std::string folder = request.data_root + "/" + ipc::kAnswerFolder;
  MILLRACE_RETURN_IF_ERROR(kernel::make_folder(folder));
  MILLRACE_TRY(written, context.engine.run_rows(
                            query, format_of(rows.format),
                            {.max_rows = rows.max_rows, .max_bytes = rows.max_bytes},
                            folder + "/" + ipc::answer_file(request.run_id, request.epoch),
                            {context.stop, context.activity}));
  TaskSuccess success;
  success.outputs_json = nlohmann::json{
      {"rows", written.rows},
      {"bytes", written.bytes},
      {"truncated",
       written.truncated}}.dump();
  success.message = counted(written.rows, "row");
  return success;
}

}  // namespace millrace::tasks
