// ingest: files become Parquet files of a dataset; bad rows become those of its quarantine.
#include "base/overloaded.h"
#include "base/text.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {
namespace {

kernel::Schema schema_of(const std::vector<manifest::Column>& columns) {
  kernel::Schema schema;
  for (const manifest::Column& column : columns)
    schema.columns.push_back({column.name, column.type, column.nullable});
  return schema;
}

kernel::Compression compression_of(manifest::Compression compression) {
  switch (compression) {
    case manifest::Compression::kAuto:
      return kernel::Compression::kAuto;
    case manifest::Compression::kNone:
      return kernel::Compression::kNone;
    case manifest::Compression::kGzip:
      return kernel::Compression::kGzip;
  }
  return kernel::Compression::kAuto;
}

kernel::CsvFormat format_of(const manifest::CsvSource& csv) {
  return {.delimiter = csv.delimiter.empty() ? ',' : csv.delimiter.front(),
          .quote = csv.quote.empty() ? '"' : csv.quote.front(),
          .header = csv.header,
          .nulls = csv.nulls};
}

TaskSuccess success(const manifest::IngestTask& task, const TaskRequest& request,
                    kernel::Ingested ingested) {
  TaskSuccess success;
  success.message = counted(ingested.rows.rows, "row");
  if (ingested.quarantine.rows > 0)
    success.message +=
        ", " + grouped(ingested.quarantine.rows) + " quarantined in " + task.quarantine.dataset;
  success.writes.push_back(write_of(request, task.into.dataset, std::move(ingested.rows)));
  // Also when it is empty: the dataset shall show the last ingest, not the last bad one.
  success.writes.push_back(
      write_of(request, task.quarantine.dataset, std::move(ingested.quarantine)));
  return success;
}

}  // namespace

Result<TaskSuccess> run_ingest(const manifest::IngestTask& task, const TaskRequest& request,
                               TaskContext& context) {
  if (task.into.dataset == task.quarantine.dataset)
    return Error{ErrorClass::kUser, "ingest.same_dataset",
                 "rows and bad rows can't go to the same dataset \"" + task.into.dataset + "\"",
                 "name another quarantine.dataset"};
  MILLRACE_TRY(files, kernel::list_source_files(task.from.url, request.allowed_roots));
  const kernel::Schema stated = schema_of(task.into.schema);
  const kernel::Watch watch{context.stop, context.activity};
  const std::string folder = output_folder(request, task.into.dataset);

  const auto ingest_text = [&](kernel::TextFormat format) {
    const kernel::TextSource source{files, request.allowed_roots,
                                    compression_of(task.from.compression), std::move(format),
                                    stated};
    return context.engine.ingest_text(source, static_cast<std::uint64_t>(task.quarantine.max_rows),
                                      folder, output_folder(request, task.quarantine.dataset),
                                      watch);
  };
  Result<kernel::Ingested> ingested = std::visit(
      Overloaded{[&](const manifest::CsvSource& csv) { return ingest_text(format_of(csv)); },
                 [&](const manifest::NdjsonSource&) { return ingest_text(kernel::NdjsonFormat{}); },
                 [&](const manifest::ParquetSource&) {
                   return context.engine.ingest_parquet(
                       files, request.allowed_roots, stated,
                       static_cast<std::uint64_t>(task.quarantine.max_rows), folder,
                       output_folder(request, task.quarantine.dataset), watch);
                 }},
      task.from.format);
  if (!ingested.ok()) return std::move(ingested).error();
  return success(task, request, *std::move(ingested));
}

}  // namespace millrace::tasks
