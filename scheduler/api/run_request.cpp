#include "scheduler/api/run_request.h"

#include <array>
#include <optional>

#include "manifest/document.h"
#include "manifest/formats.h"
#include "manifest/nearest.h"
#include "manifest/parameters.h"
#include "scheduler/api/bodies.h"
#include "scheduler/api/body.h"
#include "scheduler/api/json.h"
#include "scheduler/api/yaml_json.h"

namespace millrace::api {
namespace {

using manifest::Value;

Json json_of(const Value& value) {
  return std::visit([](const auto& held) -> Json { return held; }, value);
}

void read_label(const Json& value, const char* field, bool required, std::string& out,
                manifest::Problems& problems) {
  if (!value.is_string()) {
    problems.push_back(problem_at(manifest::user_error("value.type", "a text is wanted"),
                                  std::string("/") + field));
    return;
  }
  out = value.get<std::string>();
  if (out.size() > 63 || !manifest::has_format(manifest::Format::kLabel, out) ||
      (required && out.empty()))
    problems.push_back(problem_at(
        manifest::user_error("value.format", manifest::in_quotes(out) + " is no object's name",
                             "use a-z, 0-9 and -, at most 63 characters"),
        std::string("/") + field));
}

ReadRun read_short(const Json& body) {
  ReadRun read;
  const std::vector<std::string> known = {"workflow", "parameters", "name"};
  for (const auto& [field, value] : body.items()) {
    if (field == "workflow") {
      read_label(value, "workflow", true, read.run.workflow, read.problems);
    } else if (field == "name") {
      read_label(value, "name", false, read.run.name, read.problems);
    } else if (field == "parameters") {
      read_parameters(value, read.run.parameters, read.problems);
    } else {
      read.problems.push_back(problem_at(
          manifest::user_error("field.unknown", "unknown field " + manifest::in_quotes(field),
                               manifest::meant_hint(field, known)),
          manifest::pointer_step(field)));
    }
  }
  if (!body.contains("workflow"))
    read.problems.push_back(problem_at(
        manifest::user_error("field.missing", "workflow is missing", "name the workflow to run"),
        ""));
  return read;
}

ReadRun read_document(const http::Request& request, manifest::Syntax syntax,
                      const std::string& ns) {
  ReadRun read;
  manifest::Parsed parsed = manifest::parse(request.body, "", syntax);
  read.problems = std::move(parsed.problems);
  if (!read.problems.empty()) return read;
  if (parsed.documents.size() != 1 ||
      !std::holds_alternative<manifest::WorkflowRun>(parsed.documents.front().resource)) {
    read.problems.push_back(
        problem_at(manifest::user_error("document.kind", "one WorkflowRun is wanted"), "/kind"));
    return read;
  }
  read.run.document =
      std::make_shared<const manifest::Document>(std::move(parsed.documents.front()));
  const manifest::Document& document = *read.run.document;
  const auto& run = std::get<manifest::WorkflowRun>(document.resource);
  if (!document.ns.empty() && document.ns != ns)
    read.problems.push_back(document.place(manifest::make_finding(
        manifest::user_error("document.namespace", "the document is of namespace \"" + document.ns +
                                                       "\", the path of \"" + ns + "\""),
        "/metadata/namespace")));
  if (run.spec.desired_state != manifest::DesiredState::kRunning)
    read.problems.push_back(document.place(manifest::make_finding(
        manifest::user_error("value.enum", "a run begins as Running", "leave desiredState out"),
        "/spec/desiredState")));
  read.run.name = run.metadata.name;
  read.run.workflow = run.spec.workflow;
  read.run.parameters = run.spec.parameters;
  return read;
}

}  // namespace

Result<ReadRun> read_run(const http::Request& request, const std::string& ns) {
  MILLRACE_TRY(syntax, syntax_of(request));
  std::optional<Json> body;
  if (syntax == manifest::Syntax::kJson) {
    MILLRACE_TRY(json, json_body(request));
    body = std::move(json);
  } else if (!request.headers.has("content-type")) {
    // JSON is nearly YAML: a client that does not say which it sends is read as what fits.
    if (auto json = json_body(request); json.ok()) body = *std::move(json);
  }
  if (!body && syntax != manifest::Syntax::kJson) body = json_of_yaml(request.body);
  if (body && !body->contains("apiVersion") && !body->contains("kind")) return read_short(*body);
  return read_document(request, syntax, ns);
}

BoundRun bind_run(const RunRequest& run, const std::vector<manifest::Parameter>& declared) {
  BoundRun bound;
  manifest::BoundParameters values = manifest::bind_parameters(declared, run.parameters);
  for (manifest::Finding& finding : values.findings) {
    if (run.document != nullptr) {
      bound.problems.push_back(run.document->place(finding));
      continue;
    }
    std::string pointer = std::move(finding.pointer);
    // "/spec/parameters/3/…" of the document is "/parameters/<name>" of the short form.
    constexpr std::string_view kList = "/spec/parameters";
    if (pointer.starts_with(kList)) {
      std::string rest = pointer.substr(kList.size());
      pointer = "/parameters";
      if (!rest.empty()) {
        const auto index = static_cast<std::size_t>(std::strtoull(rest.c_str() + 1, nullptr, 10));
        if (index < run.parameters.size())
          pointer += manifest::pointer_step(run.parameters[index].name);
      }
    }
    finding.error.path.clear();
    bound.problems.push_back(problem_at(std::move(finding.error), std::move(pointer)));
  }
  nlohmann::json sorted =
      nlohmann::json::object();  // by name, so that equal parameters have equal texts
  for (const auto& [name, value] : values.values)
    sorted[name] = std::visit([](const auto& held) -> nlohmann::json { return held; }, value);
  bound.parameters_json = sorted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return bound;
}

scheduler::BodyHash request_hash(const std::string& ns, const RunRequest& run) {
  Json json = {{"namespace", ns}, {"name", run.name}, {"workflow", run.workflow}};
  nlohmann::json sorted = nlohmann::json::object();
  for (const manifest::ParameterValue& parameter : run.parameters)
    sorted[parameter.name] = dump(json_of(parameter.value));
  json["parameters"] =
      Json::parse(sorted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return hash_of_body(dump(json));
}

}  // namespace millrace::api
