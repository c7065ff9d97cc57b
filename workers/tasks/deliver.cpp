// deliver: a dataset leaves for a folder. First its files are staged there; once that is committed,
// they are published, under the folder's lock.
#include <algorithm>
#include <filesystem>
#include <system_error>

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

// The engine knows files by their way from the open folder.
Error in_words_of(const DeliveryFolder& folder, Error error) {
  const std::string way = folder.way_to("");
  for (std::size_t at = 0; (at = error.message.find(way, at)) != std::string::npos;)
    error.message.replace(at, way.size(), folder.path_of(""));
  return error;
}

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

Result<DeliveryFolder> folder_of(const manifest::ObjectStoreDestination& destination,
                                 const TaskRequest& request) {
  MILLRACE_TRY(path, kernel::path_of_url(destination.url));
  MILLRACE_TRY(made, kernel::make_folder_below(path, request.allowed_roots));
  return DeliveryFolder::open(made);
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
  const std::string name = task.dataset + "-00000" + format.extension;
  MILLRACE_TRY(staging, make_staging(publication, folder));
  const auto written = [&]() -> Result<kernel::WrittenFile> {
    MILLRACE_TRY(file, context.engine.export_rows(view, format.format, staging.way_to(name),
                                                  {context.stop, context.activity}));
    MILLRACE_RETURN_IF_ERROR(staging.sync());
    return file;
  };
  Result<kernel::WrittenFile> staged = written();
  if (!staged.ok()) {
    // Nobody publishes it, and on a full disk it would stand in the way of the next attempt.
    remove_staging(publication, folder);
    return in_words_of(staging, std::move(staged).error());
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
  // A folder that has gone is not made again: it may lie on a disk that is not mounted now.
  MILLRACE_TRY(path, kernel::path_of_url(destination.url));
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) return destination_away(path);
  MILLRACE_TRY(folder, folder_of(destination, request));
  MILLRACE_TRY(outcome, publish(publication, {request.installation, request.publication_order},
                                folder, context.stop));
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
