// run, retry, wait, watch, cancel, pause, resume: runs.
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/commands/starting.h"
#include "cli/report.h"
#include "cli/watch.h"
#include "manifest/codec.h"

namespace millrace::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};  // a scheduler that is just being started again

// A shell gives texts; what they stand for the workflow declares.
Result<std::vector<manifest::Parameter>> declared_by_workflow(const std::string& shown) {
  MILLRACE_TRY(workflow, manifest::workflow_from_json(shown));
  return std::move(workflow.spec.parameters);
}

decltype(manifest::Parameter::type) type_of(const OrderedJson& value) {
  if (value.is_number_integer()) return manifest::IntegerParameter{};
  if (value.is_boolean()) return manifest::BooleanParameter{};
  if (value.is_array()) return manifest::StringsParameter{};
  return manifest::StringParameter{};
}

// Of a run that is done again: it has a value for every parameter of its own document, whatever the
// workflow says by now.
Result<std::vector<manifest::Parameter>> declared_by_run(const std::string& shown) {
  std::vector<manifest::Parameter> declared;
  const OrderedJson json = OrderedJson::parse(shown, nullptr, /*allow_exceptions=*/false);
  const auto at = OrderedJson::json_pointer("/spec/parameters");
  if (!json.is_object() || !json.contains(at) || !json.at(at).is_array()) return declared;
  for (const OrderedJson& parameter : json.at(at)) {
    if (!parameter.is_object() || !parameter.contains("name") || !parameter["name"].is_string() ||
        !parameter.contains("value"))
      continue;
    declared.push_back({parameter["name"].get<std::string>(), type_of(parameter["value"])});
  }
  return declared;
}

}  // namespace

Exit execute(const commands::Run& options, Session& session) {
  return start_run({"runs"}, {{"workflow", options.workflow}},
                   {{"workflows", options.workflow}, declared_by_workflow}, options, session);
}

Exit execute(const commands::Retry& options, Session& session) {
  OrderedJson body = OrderedJson::object();
  if (!options.tasks.empty()) body["tasks"] = options.tasks;
  return start_run({"runs", options.run, "reruns"}, std::move(body),
                   {{"runs", options.run}, declared_by_run}, options, session);
}

Exit execute(const commands::Wait& options, Session& session) {
  return watch_run({options.run, options.timeout, /*silent=*/true, true}, session);
}

Exit execute(const commands::Watch& options, Session& session) {
  return watch_run({options.run, options.timeout, /*silent=*/false, true}, session);
}

Exit execute(const commands::Steer& options, Session& session) {
  const std::string desired = options.verb == "cancel"  ? "Cancelled"
                              : options.verb == "pause" ? "Paused"
                                                        : "Running";
  const client::Answer answer =
      session.client.call({.method = "PATCH",
                           .path = {"runs", options.run},
                           .body = OrderedJson{{"desiredState", desired}}.dump(),
                           .keep_trying_until = client::SteadyTime::clock::now() + kPatience});
  if (!answer.ok()) return report(session.err, answer.problem);
  session.err << options.run
              << (options.verb == "cancel"  ? " is being cancelled"
                  : options.verb == "pause" ? " starts no more tasks"
                                            : " goes on")
              << "\n";
  return Exit::kDone;
}

}  // namespace millrace::cli
