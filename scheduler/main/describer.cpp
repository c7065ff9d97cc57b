#include "scheduler/main/describer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "manifest/reference.h"

namespace millrace::scheduler {
namespace {

Error broken(const std::string& what) {
  return {ErrorClass::kInfrastructure, "describe.broken", what,
          "the document in the store is not what was checked when it was put: put it again", ""};
}

// A body that an event of the log names: it is there, or the store is broken.
Result<std::string> known_body(Reads& reads, const BodyHash& hash) {
  MILLRACE_TRY(body, reads.body(hash));
  if (!body) return broken("a body that the log names is not in the store");
  return *std::move(body);
}

// The task's part of its workflow's canonical document.
Result<std::string> task_body(const std::string& document, TaskIndex task) {
  const auto json = nlohmann::json::parse(document, nullptr, false);
  if (!json.is_object()) return broken("the workflow's body is no JSON object");
  const auto spec = json.find("spec");
  if (spec == json.end() || !spec->is_object()) return broken("the workflow's body has no spec");
  const auto tasks = spec->find("tasks");
  if (tasks == spec->end() || !tasks->is_array() || task.value() >= tasks->size())
    return broken("the workflow's body has no task " + std::to_string(task.value()));
  return (*tasks)[task.value()].dump();
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

Result<Description> describe(const HeldAttempt& held, Reads& reads, AttemptReads& attempts) {
  Description description;
  description.attempt = held.attempt;
  description.ns = held.ns;
  description.run_name = held.run_name;
  description.task_name = held.task_name;
  description.kind = held.kind;
  description.phase = held.phase;
  description.publication_order = static_cast<std::int64_t>(held.publication_order);

  MILLRACE_TRY(document, known_body(reads, held.body_hash));
  if (held.spec->hidden) {
    // A query's body is the task itself, and holds no references.
    description.body_json = std::move(document);
    MILLRACE_RETURN_IF_ERROR(add_inputs(held, attempts, description));
    return description;
  }
  MILLRACE_TRY(body, task_body(document, held.attempt.task));
  MILLRACE_TRY(parameters, known_body(reads, held.parameters_hash));
  MILLRACE_TRY(outputs, attempts.outputs(held.attempt.run));
  manifest::ReferenceValues values;
  values.run_id = held.attempt.run.to_text();
  MILLRACE_RETURN_IF_ERROR(
      each_value(parameters, [&](const std::string& name, manifest::Value value) {
        values.parameters[name] = std::move(value);
      }));
  for (const auto& [task, json] : outputs) {
    if (task >= held.spec->tasks.size()) return broken("an output of a task that is not there");
    MILLRACE_RETURN_IF_ERROR(each_value(json, [&](const std::string& name, manifest::Value value) {
      values.outputs[{held.spec->tasks[task].name, name}] = std::move(value);
    }));
  }
  MILLRACE_TRY(resolved, manifest::resolve(body, values));
  description.body_json = std::move(resolved);
  description.parameters_json = std::move(parameters);
  MILLRACE_RETURN_IF_ERROR(add_inputs(held, attempts, description));
  if (held.phase == Phase::kPublish) {
    MILLRACE_TRY(publication, attempts.publication(held.attempt.task_ref()));
    description.publication_json = std::move(publication);
  }
  return description;
}

}  // namespace millrace::scheduler
