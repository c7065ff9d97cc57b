#include "manifest/codec.h"

#include <utility>

#include "manifest/envelope.h"
#include "manifest/generated/codec.h"
#include "manifest/generated/schema.h"
#include "manifest/json_reader.h"
#include "manifest/source.h"
#include "manifest/validate.h"

namespace millrace::manifest {
namespace {

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// We read back what we wrote, so there is nothing to bound but nonsense: resolved texts may have
// grown.
constexpr ReadLimits kOwnLimits{.bytes = 64U << 20, .depth = 64, .nodes = 4'000'000};

Error first_of(Problems& problems) {
  if (problems.empty()) return user_error("value.json", "holds nothing that could be read");
  return std::move(problems.front().error);
}

template <typename Document>
std::string document_text(const Document& document, std::string_view kind) {
  return dump(Json{{"apiVersion", kApiVersion},
                   {"kind", kind},
                   {"metadata", codec::encode(document.metadata)},
                   {"spec", codec::encode(document.spec)}});
}

template <typename Document>
Result<Document> document_from(std::string_view text, std::string_view kind) {
  const Source source(text, {});
  Problems problems;
  const ReadDocument read = read_json(source, kOwnLimits, problems);
  if (!read.ok) return first_of(problems);
  const Envelope envelope = check_envelope(source, read.root, problems);
  if (envelope.resource == nullptr || !envelope.decodable || !problems.empty())
    return first_of(problems);
  if (envelope.resource->kind != kind)
    return user_error("document.kind", "is a " + std::string(envelope.resource->kind) + ", not a " +
                                           std::string(kind));
  Document document;
  codec::decode(envelope.metadata, document.metadata);
  codec::decode(envelope.spec, document.spec);
  return document;
}

Result<Task> task_from(std::string_view text, HoleMode mode) {
  const Source source(text, {});
  Problems problems;
  const ReadDocument read = read_json(source, kOwnLimits, problems);
  if (!read.ok) return first_of(problems);
  const Validated validated = validate(source, read.root, kTaskSchema, {}, mode, problems);
  if (!problems.empty() || !validated.decodable) return first_of(problems);
  Task task;
  codec::decode(validated.json, task);
  return task;
}

}  // namespace

std::string to_json(const Workflow& workflow) { return document_text(workflow, "Workflow"); }
std::string to_json(const WorkflowRun& run) { return document_text(run, "WorkflowRun"); }
std::string to_json(const Task& task) { return dump(codec::encode(task)); }
std::string to_json(const WorkflowRunStatus& status) { return dump(codec::encode(status)); }

Result<Workflow> workflow_from_json(std::string_view text) {
  return document_from<Workflow>(text, "Workflow");
}
Result<WorkflowRun> workflow_run_from_json(std::string_view text) {
  return document_from<WorkflowRun>(text, "WorkflowRun");
}
Result<Task> task_from_json(std::string_view text) { return task_from(text, HoleMode::kResolved); }
Result<Task> task_template_from_json(std::string_view text) {
  return task_from(text, HoleMode::kTemplate);
}

}  // namespace millrace::manifest
