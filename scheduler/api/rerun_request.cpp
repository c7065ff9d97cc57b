#include "scheduler/api/rerun_request.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "manifest/nearest.h"
#include "manifest/task_facts.h"
#include "scheduler/api/bodies.h"
#include "scheduler/api/body.h"
#include "scheduler/api/run_request.h"

namespace millrace::api {
namespace {

using scheduler::TaskIndex;

constexpr std::size_t kMaxNames = 10'000;

void read_tasks(const Json& value, ReadRerun& read) {
  if (!value.is_array() || value.size() > kMaxNames) {
    read.problems.push_back(problem_at(
        manifest::user_error("value.type", "a list of names of tasks is wanted"), "/tasks"));
    return;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i].is_string())
      read.rerun.tasks.push_back(value[i].get<std::string>());
    else
      read.problems.push_back(problem_at(manifest::user_error("value.type", "a text is wanted"),
                                         "/tasks/" + std::to_string(i)));
  }
}

Json object_of(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

Result<bool> sees(const manifest::Task& task, const std::set<std::string>& parameters,
                  const SqlAnalyzer& analyze) {
  const manifest::TaskFacts facts = manifest::facts_of(task);
  for (const manifest::ReferenceUse& use : facts.references)
    if (const auto* parameter = std::get_if<manifest::ParameterReference>(&use.reference);
        parameter != nullptr && parameters.contains(parameter->name))
      return true;
  for (const manifest::SqlText& text : facts.sql) {
    MILLRACE_TRY(statement, analyze(text.sql));
    for (const sql::ParameterUse& use : statement.parameters)
      if (parameters.contains(use.name)) return true;
  }
  return false;
}

}  // namespace

ReadRerun read_rerun(const Json& body) {
  ReadRerun read;
  const std::vector<std::string> known = {"tasks", "parameters"};
  for (const auto& [field, value] : body.items()) {
    if (field == "tasks")
      read_tasks(value, read);
    else if (field == "parameters")
      read_parameters(value, read.rerun.parameters, read.problems);
    else
      read.problems.push_back(problem_at(
          manifest::user_error("field.unknown", "unknown field " + manifest::in_quotes(field),
                               manifest::meant_hint(field, known)),
          manifest::pointer_step(field)));
  }
  return read;
}

NamedTasks named_tasks(const std::vector<std::string>& names, const scheduler::WorkflowSpec& spec) {
  NamedTasks named;
  std::map<std::string, TaskIndex> places;
  std::vector<std::string> known;
  for (std::uint32_t i = 0; i < spec.tasks.size(); ++i) {
    places.emplace(spec.tasks[i].name, TaskIndex(i));
    known.push_back(spec.tasks[i].name);
  }
  std::set<TaskIndex> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto place = places.find(names[i]);
    if (place != places.end())
      found.insert(place->second);
    else
      named.problems.push_back(
          problem_at(manifest::user_error("task.unknown",
                                          "the run has no task " + manifest::in_quotes(names[i]),
                                          manifest::meant_hint(names[i], known)),
                     "/tasks/" + std::to_string(i)));
  }
  named.tasks.assign(found.begin(), found.end());
  return named;
}

std::vector<manifest::ParameterValue> merged_parameters(
    const std::vector<manifest::ParameterValue>& given, const std::string& origin_json) {
  std::vector<manifest::ParameterValue> merged = given;
  const Json origin = object_of(origin_json);
  for (const auto& [name, before] : origin.items()) {
    const bool anew = std::any_of(given.begin(), given.end(),
                                  [&name = name](const auto& value) { return value.name == name; });
    auto value = value_of(before);
    if (!anew && value) merged.push_back({name, *std::move(value)});
  }
  return merged;
}

std::set<std::string> changed_parameters(const std::string& before_json,
                                         const std::string& after_json) {
  std::set<std::string> changed;
  const Json before = object_of(before_json);
  const Json after = object_of(after_json);
  for (const auto& [name, value] : after.items())
    if (!before.contains(name) || before[name] != value) changed.insert(name);
  for (const auto& [name, value] : before.items())
    if (!after.contains(name)) changed.insert(name);
  return changed;
}

Result<std::vector<TaskIndex>> tasks_seeing(const std::set<std::string>& parameters,
                                            const manifest::Workflow& workflow,
                                            const SqlAnalyzer& analyze) {
  std::vector<TaskIndex> seeing;
  if (parameters.empty()) return seeing;
  for (std::uint32_t i = 0; i < workflow.spec.tasks.size(); ++i) {
    MILLRACE_TRY(seen, sees(workflow.spec.tasks[i], parameters, analyze));
    if (seen) seeing.emplace_back(i);
  }
  return seeing;
}

scheduler::BodyHash rerun_hash(scheduler::RunId origin, const RerunRequest& rerun) {
  const std::set<std::string> tasks(rerun.tasks.begin(), rerun.tasks.end());
  Json json = {{"rerunOf", origin.to_text()}, {"tasks", tasks}};
  std::map<std::string, std::string> parameters;
  for (const manifest::ParameterValue& parameter : rerun.parameters)
    parameters[parameter.name] =
        dump(std::visit([](const auto& held) -> Json { return held; }, parameter.value));
  json["parameters"] = parameters;
  return hash_of_body(dump(json));
}

}  // namespace millrace::api
