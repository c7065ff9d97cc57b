#include "workers/tasks/task.h"

#include <algorithm>
#include <ranges>

namespace millrace::tasks {
namespace {

// What the runner itself needs, beside the engine's buffers.
constexpr std::int64_t kRunnerBytes = 96LL << 20;
constexpr std::int64_t kLeastEngineBytes = 64LL << 20;
constexpr std::int64_t kDefaultMemoryBytes = 512LL << 20;
constexpr std::int64_t kDefaultDiskBytes = 4LL << 30;

// Relative, and staying below where it starts.
bool is_plain_path(std::string_view path) {
  if (path.empty() || path.front() == '/') return false;
  for (const auto part : std::views::split(path, '/')) {
    const std::string_view name(part.begin(), part.end());
    if (name.empty() || name == "." || name == "..") return false;
  }
  return path.find('\0') == std::string_view::npos;
}

Error invalid(std::string code, std::string message) {
  return Error{ErrorClass::kInfrastructure, std::move(code), std::move(message)};
}

}  // namespace

kernel::EngineLimits limits_of(const TaskRequest& request) {
  const std::int64_t memory =
      request.memory.value() > 0 ? request.memory.value() : kDefaultMemoryBytes;
  return {
      .threads = static_cast<int>(std::max<std::int64_t>(1, (request.cpu.value() + 999) / 1000)),
      .memory = Bytes(std::max((memory - kRunnerBytes) / 10 * 9, kLeastEngineBytes)),
      .spill = Bytes(request.disk.value() > 0 ? request.disk.value() : kDefaultDiskBytes),
      .spill_folder = request.scratch_folder + "/spill"};
}

Result<kernel::DatasetView> view_of(const TaskRequest& request, const std::string& dataset,
                                    kernel::Activity& activity) {
  const auto input = std::ranges::find(request.inputs, dataset, &TaskInput::dataset);
  if (input == request.inputs.end())
    return invalid("task.input_missing", "the attempt was given no dataset \"" + dataset + "\"");
  kernel::DatasetView view{dataset, std::nullopt, {}};
  if (!input->schema_json.empty()) {
    MILLRACE_TRY(schema, kernel::schema_from_json(input->schema_json));
    view.schema = std::move(schema);
  }
  for (const DataFile& file : input->files) {
    if (!is_plain_path(file.path))
      return invalid("task.input_invalid", "\"" + file.path + "\" is no path below the data root");
    view.files.push_back(request.data_root + "/" + file.path);
    activity.rows_read += file.rows;
    activity.bytes_read += file.bytes;
  }
  return view;
}

std::string output_folder(const TaskRequest& request, const std::string& dataset) {
  return request.data_root + "/" + request.output_prefix + "/" + dataset;
}

DatasetWrite write_of(const TaskRequest& request, const std::string& dataset,
                      kernel::WrittenDataset written) {
  DatasetWrite write{dataset, std::move(written.schema), {}, written.rows, written.bytes};
  for (kernel::WrittenFile& file : written.files)
    write.files.push_back({request.output_prefix + "/" + dataset + "/" + file.name, file.rows,
                           file.bytes, std::move(file.checksum), std::move(file.statistics_json)});
  return write;
}

}  // namespace millrace::tasks
