#include "workers/runner/translate.h"

#include "base/id.h"
#include "base/text.h"
#include "lib/ipc/files_checksum.h"
#include "lib/ipc/frame.h"
#include "lib/ipc/wire_text.h"
#include "manifest/codec.h"
#include "manifest/parameters.h"

namespace millrace::runner {
namespace {

namespace wire = millrace::task::v1alpha1;

constexpr std::size_t kPageBytes = 512 << 10;    // of more than one row
constexpr std::size_t kEnvelopeBytes = 1 << 10;  // what a frame has besides: epoch, usage

Error invalid(std::string message) {
  return Error{ErrorClass::kInfrastructure, "task.request_invalid", std::move(message)};
}

Result<std::string> run_id_of(const std::string& bytes) {
  if (bytes.size() != 16) return invalid("the run's id has not 16 bytes");
  const auto number = [&](std::size_t begin) {
    std::uint64_t value = 0;
    for (std::size_t i = begin; i < begin + 8; ++i)
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
  };
  return RawId{number(0), number(8)}.to_text();
}

std::vector<tasks::TaskInput> inputs_from(const wire::Description& description) {
  std::vector<tasks::TaskInput> inputs;
  inputs.reserve(static_cast<std::size_t>(description.inputs_size()));
  for (const wire::Input& from : description.inputs()) {
    auto& input = inputs.emplace_back(
        tasks::TaskInput{from.dataset(), from.snapshot_id(), from.schema_json(), {}});
    input.files.reserve(static_cast<std::size_t>(from.files_size()));
    for (const wire::FileRow& file : from.files())
      input.files.push_back(
          {file.path(), file.rows(), file.bytes(), file.checksum(), file.statistics_json()});
  }
  return inputs;
}

Status fits(std::size_t bytes) {
  constexpr std::size_t kMost = ipc::kMaxFrameBytes - kEnvelopeBytes;
  if (bytes <= kMost) return ok_status();
  return Error{ErrorClass::kUser, "result.too_large",
               "what is to be kept of the result has " + grouped(static_cast<std::int64_t>(bytes)) +
                   " bytes, it may have " + grouped(static_cast<std::int64_t>(kMost)) +
                   ": names and types of all columns, and of the fields within",
               "write fewer columns, or shorter names within them"};
}

wire::FileRow row_of(const tasks::DataFile& file) {
  wire::FileRow row;
  row.set_path(file.path);
  row.set_rows(file.rows);
  row.set_bytes(file.bytes);
  row.set_checksum(file.checksum);
  row.set_statistics_json(file.statistics_json);
  return row;
}

}  // namespace

Result<tasks::TaskRequest> request_from(const v1alpha1::Assign& assign) {
  const wire::Description& description = assign.description();
  tasks::TaskRequest request;
  MILLRACE_TRY(run_id, run_id_of(description.attempt().run_id()));
  if (description.kind() == manifest::kRowQueryKind) {
    MILLRACE_TRY(rows, manifest::row_query_from_json(description.body_json()));
    request.rows = std::move(rows);
  } else {
    MILLRACE_TRY(task, manifest::task_from_json(description.body_json()));
    request.task = std::move(task);
  }
  if (!description.parameters_json().empty()) {
    MILLRACE_TRY(parameters, manifest::values_from_json(description.parameters_json()));
    request.parameters = std::move(parameters);
  }
  request.run_id = std::move(run_id);
  request.run_name = description.run_name();
  request.ns = description.namespace_();
  request.task_index = description.attempt().task_index();
  request.attempt = description.attempt().attempt();
  request.epoch = description.attempt().epoch();
  request.inputs = inputs_from(description);
  request.phase =
      description.phase() == wire::PHASE_PUBLISH ? tasks::Phase::kPublish : tasks::Phase::kExecute;
  request.publication_json = description.publication_json();
  request.installation = description.installation();
  request.publication_order = description.publication_order();
  request.cpu = MilliCpu(assign.grant().cpu_millis());
  request.memory = Bytes(assign.grant().memory_bytes());
  request.disk = Bytes(assign.grant().disk_bytes());
  request.scratch_folder = assign.scratch_dir();
  request.data_root = assign.data_root();
  request.output_prefix = assign.output_prefix();
  request.allowed_roots.assign(assign.allowed_roots().begin(), assign.allowed_roots().end());
  request.grace = Micros(assign.grace_us());
  return request;
}

Result<SuccessMessages> messages_of(const tasks::TaskSuccess& success) {
  SuccessMessages messages;
  ipc::FilesChecksum checksum;
  std::uint32_t files = 0;
  for (std::size_t i = 0; i < success.writes.size(); ++i) {
    const tasks::DatasetWrite& write = success.writes[i];
    wire::DatasetWrite& said = *messages.success.add_writes();
    said.set_dataset(write.dataset);
    said.set_schema_json(kernel::to_json(write.schema));
    said.set_file_count(static_cast<std::uint32_t>(write.files.size()));
    said.set_rows(write.rows);
    said.set_bytes(write.bytes);
    std::size_t page_bytes = kPageBytes;
    for (const tasks::DataFile& file : write.files) {
      const wire::FileRow row = row_of(file);
      if (page_bytes + row.ByteSizeLong() > kPageBytes) {
        messages.pages.emplace_back().set_write_index(static_cast<std::uint32_t>(i));
        page_bytes = 0;
      }
      page_bytes += row.ByteSizeLong();
      *messages.pages.back().add_files() = row;
      checksum.add(file.path, file.checksum);
      ++files;
    }
  }
  messages.success.set_file_count(files);
  messages.success.set_files_checksum(checksum.text());
  messages.success.set_outputs_json(success.outputs_json);
  messages.success.set_publication_json(success.publication_json);
  messages.success.set_message(ipc::wire_text(success.message));
  for (const wire::FilePage& page : messages.pages)
    MILLRACE_RETURN_IF_ERROR(fits(page.ByteSizeLong()));
  MILLRACE_RETURN_IF_ERROR(fits(messages.success.ByteSizeLong()));
  return messages;
}

wire::Failure failure_of(const Error& error, int exit_code) {
  wire::Failure failure;
  failure.set_error_class(std::string(to_string(error.error_class)));
  failure.set_code(ipc::wire_text(error.code));
  failure.set_message(ipc::wire_text(error.message));
  failure.set_hint(ipc::wire_text(error.hint));
  failure.set_path(ipc::wire_text(error.path));
  failure.set_exit_code(exit_code);
  return failure;
}

wire::Usage usage_of(const kernel::Activity& activity) {
  wire::Usage usage;
  usage.set_rows_read(activity.rows_read);
  usage.set_rows_written(activity.rows_written);
  usage.set_bytes_read(activity.bytes_read);
  usage.set_bytes_written(activity.bytes_written);
  return usage;
}

}  // namespace millrace::runner
