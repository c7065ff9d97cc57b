// deliver: a dataset leaves for a folder. First its files are staged there; once that is committed,
// they are published, under the folder's lock.
#include <algorithm>
#include <filesystem>

#include "base/overloaded.h"
#include "base/text.h"
#include "workers/kernel/source_files.h"
#include "workers/tasks/delivery.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kMaxPublicationBytes = 64 << 10;

struct FileFormat {
  kernel::ExportFormat format;
  std::string extension;
};

FileFormat format_of(const manifest::ObjectStoreDestination& destination) {
  return std::visit(Overloaded{[](const manifest::CsvSink& csv) {
                                 return FileFormat{csv.header
                                                       ? kernel::ExportFormat::kCsv
                                                       : kernel::ExportFormat::kCsvWithoutHeader,
                                                   ".csv"};
                               },
                               [](const manifest::NdjsonSink&) {
                                 return FileFormat{kernel::ExportFormat::kNdjson, ".ndjson"};
                               },
                               [](const manifest::ParquetSink&) {
                                 return FileFormat{kernel::ExportFormat::kParquet, ".parquet"};
                               }},
                    destination.format);
}

Result<std::string> folder_of(const manifest::ObjectStoreDestination& destination,
                              const TaskRequest& request) {
  MILLRACE_TRY(path, kernel::path_of_url(destination.url));
  return kernel::make_folder_below(path, request.allowed_roots);
}

Result<TaskSuccess> stage(const manifest::DeliverTask& task,
                          const manifest::ObjectStoreDestination& destination,
                          const TaskRequest& request, TaskContext& context) {
  MILLRACE_TRY(view, view_of(request, task.dataset, context.activity));
  MILLRACE_TRY(folder, folder_of(destination, request));
  const auto input = std::ranges::find(request.inputs, task.dataset, &TaskInput::dataset);
  Publication publication{.dataset = task.dataset,
                          .snapshot_id = input->snapshot_id,
                          .run_id = request.run_id,
                          .task_index = request.task_index,
                          .epoch = request.epoch,
                          .files = {}};
  const FileFormat format = format_of(destination);
  const std::string staging = folder + "/" + staging_folder(publication);
  const std::string name = staging + "/" + task.dataset + "-00000" + format.extension;
  const auto written = [&]() -> Result<kernel::WrittenFile> {
    MILLRACE_TRY(folders, kernel::make_folder(staging));
    MILLRACE_TRY(file, context.engine.export_rows(view, format.format, name,
                                                  {context.stop, context.activity}));
    MILLRACE_RETURN_IF_ERROR(kernel::sync_paths(folders));
    return file;
  };
  Result<kernel::WrittenFile> staged = written();
  if (!staged.ok()) {
    // Nobody publishes it, and on a full disk it would stand in the way of the next attempt.
    std::error_code ignored;
    std::filesystem::remove_all(staging, ignored);
    return std::move(staged).error();
  }
  const kernel::WrittenFile& file = *staged;
  publication.files.push_back({file.name, file.rows, file.bytes, file.checksum});
  TaskSuccess success;
  success.publication_json = to_json(publication);
  if (success.publication_json.size() > kMaxPublicationBytes)
    return Error{ErrorClass::kInfrastructure, "deliver.publication_too_large",
                 "the publication's description exceeds 64 KiB"};
  success.message = counted(file.rows, "row") + " staged";
  return success;
}

Result<TaskSuccess> publish_staged(const manifest::ObjectStoreDestination& destination,
                                   const TaskRequest& request, const TaskContext& context) {
  MILLRACE_TRY(publication, publication_from_json(request.publication_json));
  MILLRACE_TRY(folder, folder_of(destination, request));
  MILLRACE_TRY(outcome, publish(publication, request.publication_order, folder, context.stop));
  std::int64_t rows = 0;
  for (const DeliveredFile& file : publication.files) rows += file.rows;
  TaskSuccess success;
  switch (outcome) {
    case PublishOutcome::kPublished:
    case PublishOutcome::kAlready:
      success.message = counted(rows, "row") + " delivered";
      break;
    case PublishOutcome::kSuperseded:
      success.message = "gave way: a newer delivery is in place";
      break;
  }
  return success;
}

}  // namespace

Result<TaskSuccess> run_deliver(const manifest::DeliverTask& task, const TaskRequest& request,
                                TaskContext& context) {
  return std::visit(Overloaded{[&](const manifest::ObjectStoreDestination& destination) {
                      return request.phase == Phase::kPublish
                                 ? publish_staged(destination, request, context)
                                 : stage(task, destination, request, context);
                    }},
                    task.to.place);
}

}  // namespace millrace::tasks
