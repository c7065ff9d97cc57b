#include "scheduler/main/describer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "manifest/reference.h"

namespace millrace::scheduler {
namespace {

Error broken(const std::string& what) {
  return {ErrorClass::kInfrastructure, "describe.broken", what,
          "the document in the store is not what was checked when it was put: put it again", ""};
}

// The tasks' parts of a workflow's canonical document.
Result<std::vector<std::string>> task_bodies(const std::string& document) {
  const auto json = nlohmann::json::parse(document, nullptr, false);
  if (!json.is_object()) return broken("the workflow's body is no JSON object");
  const auto spec = json.find("spec");
  if (spec == json.end() || !spec->is_object()) return broken("the workflow's body has no spec");
  const auto tasks = spec->find("tasks");
  if (tasks == spec->end() || !tasks->is_array()) return broken("the workflow's body has no tasks");
  std::vector<std::string> bodies;
  bodies.reserve(tasks->size());
  for (const auto& task : *tasks) bodies.push_back(task.dump());
  return bodies;
}

// Outputs and parameters were typed when they were taken in: anything else here reads as text.
manifest::Value to_value(const nlohmann::json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_array()) {
    std::vector<std::string> items;
    for (const auto& item : json)
      items.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    return items;
  }
  return json.is_string() ? json.get<std::string>() : json.dump();
}

// Every value of an object of a run's parameters or a task's outputs.
template <typename Put>
Status each_value(const std::string& text, Put put) {
  const auto json = nlohmann::json::parse(text.empty() ? "{}" : text, nullptr, false);
  if (!json.is_object()) return broken("parameters or outputs are no JSON object");
  for (const auto& [name, value] : json.items()) put(name, to_value(value));
  return ok_status();
}

Status add_inputs(const HeldAttempt& held, AttemptReads& attempts, Description& description) {
  for (const events::Pin& pin : held.inputs) {
    DescribedInput input{pin.dataset, "", "", {}};
    if (!pin.snapshot.is_nil()) {
      MILLRACE_TRY(content, attempts.content({held.ns, pin.dataset}, pin.snapshot));
      input.snapshot_id = pin.snapshot.to_text();
      input.schema_json = std::move(content.schema_json);
      input.files = std::move(content.files);
    }
    description.inputs.push_back(std::move(input));
  }
  return ok_status();
}

// What the state alone knows.
Description described(const HeldAttempt& held) {
  Description description;
  description.attempt = held.attempt;
  description.ns = held.ns;
  description.run_name = held.run_name;
  description.task_name = held.task_name;
  description.kind = held.kind;
  description.phase = held.phase;
  description.publication_order = static_cast<std::int64_t>(held.publication_order);
  return description;
}

}  // namespace

Result<HeldAttempt> held_attempt(const State& state, WorkerId worker, const AttemptRef& attempt) {
  const RunHeader* run = state.run(attempt.run);
  const Task* task = state.task(attempt.task_ref());
  if (run == nullptr || task == nullptr || !holds_lease(task->state) ||
      task->epoch != attempt.epoch || task->worker != worker)
    return Error{ErrorClass::kPolicy, "lease.fenced", "the attempt is not this worker's (any more)",
                 ""};
  const TaskSpec& spec = run->task_spec(attempt.task);
  HeldAttempt held{attempt,
                   run->ns,
                   run->name,
                   spec.name,
                   spec.kind,
                   run->spec,
                   run->body_hash,
                   run->parameters_hash,
                   {},
                   task->phase,
                   task->publication_order};
  if (const auto pins = run->task_pins.find(attempt.task); pins != run->task_pins.end())
    held.inputs = pins->second.inputs;
  return held;
}

Result<std::shared_ptr<const Describer::TaskBodies>> Describer::tasks_of(const BodyHash& document) {
  if (auto known = documents_.find(document)) return known;
  MILLRACE_TRY(text, bodies_.get(document));
  MILLRACE_TRY(bodies, task_bodies(*text));
  std::size_t bytes = sizeof(TaskBodies);
  for (const std::string& body : bodies) bytes += sizeof(std::string) + body.size();
  return documents_.put(document, std::move(bodies), bytes);
}

// The body with every reference filled in. Outputs are asked for only where one is named.
Result<std::string> Describer::resolved(const HeldAttempt& held, const std::string& body,
                                        const std::string& parameters) {
  const manifest::Holes found = manifest::find_holes(body);
  if (found.holes.empty() && found.errors.empty()) return body;
  manifest::ReferenceValues values;
  values.run_id = held.attempt.run.to_text();
  MILLRACE_RETURN_IF_ERROR(
      each_value(parameters, [&](const std::string& name, manifest::Value value) {
        values.parameters[name] = std::move(value);
      }));
  const auto is_output = [](const manifest::Hole& hole) {
    return std::holds_alternative<manifest::OutputReference>(hole.reference);
  };
  if (std::ranges::any_of(found.holes, is_output)) {
    MILLRACE_TRY(outputs, attempts_.outputs(held.attempt.run));
    for (const auto& [task, json] : outputs) {
      if (task >= held.spec->tasks.size()) return broken("an output of a task that is not there");
      MILLRACE_RETURN_IF_ERROR(
          each_value(json, [&](const std::string& name, manifest::Value value) {
            values.outputs[{held.spec->tasks[task].name, name}] = std::move(value);
          }));
    }
  }
  return manifest::resolve(body, values);
}

std::optional<Description> Describer::at_hand(const HeldAttempt& held) {
  if (!held.inputs.empty() || held.phase == Phase::kPublish) return std::nullopt;
  const auto tasks = documents_.find(held.body_hash);
  const auto parameters = bodies_.find(held.parameters_hash);
  const std::size_t index = held.attempt.task.value();
  if (tasks == nullptr || parameters == nullptr || index >= tasks->size()) return std::nullopt;
  const std::string& body = (*tasks)[index];
  if (body.size() + parameters->size() > kSmall || body.find("${{") != std::string::npos)
    return std::nullopt;
  Description description = described(held);
  description.body_json = body;
  description.parameters_json = *parameters;
  return description;
}

Result<Description> Describer::describe(const HeldAttempt& held) {
  Description description = described(held);
  if (held.spec->hidden) {
    // A query's body is the task itself, and holds no references.
    MILLRACE_TRY(query, bodies_.get(held.body_hash));
    description.body_json = *query;
    MILLRACE_RETURN_IF_ERROR(add_inputs(held, attempts_, description));
    return description;
  }
  MILLRACE_TRY(tasks, tasks_of(held.body_hash));
  const std::size_t index = held.attempt.task.value();
  if (index >= tasks->size())
    return broken("the workflow's body has no task " + std::to_string(index));
  MILLRACE_TRY(parameters, bodies_.get(held.parameters_hash));
  MILLRACE_TRY(body, resolved(held, (*tasks)[index], *parameters));
  description.body_json = std::move(body);
  description.parameters_json = *parameters;
  MILLRACE_RETURN_IF_ERROR(add_inputs(held, attempts_, description));
  if (held.phase == Phase::kPublish) {
    MILLRACE_TRY(publication, attempts_.publication(held.attempt.task_ref()));
    description.publication_json = std::move(publication.json);
    description.installation = std::move(publication.installation);
  }
  return description;
}

}  // namespace millrace::scheduler
