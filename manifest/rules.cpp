#include "manifest/rules.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/column_type.h"
#include "base/overloaded.h"
#include "base/text.h"
#include "manifest/formats.h"
#include "manifest/generated/schema.h"
#include "manifest/nearest.h"
#include "manifest/parameters.h"
#include "manifest/quantity.h"
#include "manifest/task_facts.h"

namespace millrace::manifest {
namespace {

constexpr std::string_view kReservedPrefix = "MILLRACE_";
// Of the engine's own tables and views, which a dataset would hide or be hidden by.
constexpr std::array<std::string_view, 4> kEngineNames{"pg_", "duckdb_", "pragma_", "sqlite_"};

template <typename Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

template <typename Item>
const Item* find_named(const std::vector<Item>& items, std::string_view name) {
  const auto it = std::ranges::find(items, name, &Item::name);
  return it == items.end() ? nullptr : &*it;
}

class Rules {
 public:
  explicit Rules(const Workflow& workflow) : spec_(workflow.spec) {}

  Findings check() {
    for (std::size_t i = 0; i < spec_.parameters.size(); ++i) parameter(i);
    for (std::size_t i = 0; i < spec_.tasks.size(); ++i) task(i);
    error_rules(spec_.on_error, "/spec");
    limit(spec_.timeout, "/spec/timeout");
    return std::move(findings_);
  }

 private:
  void add(std::string pointer, Error error, std::optional<std::size_t> offset = {}) {
    findings_.push_back(make_finding(std::move(error), std::move(pointer), offset));
  }

  // A default must be a value that a run could give.
  void parameter(std::size_t index) {
    const Parameter& parameter = spec_.parameters[index];
    const std::string at = "/spec/parameters/" + std::to_string(index);
    if (const auto* range = std::get_if<IntegerParameter>(&parameter.type);
        range != nullptr && range->minimum && range->maximum && *range->minimum > *range->maximum)
      add(at + "/integer/minimum",
          user_error("value.range", "is greater than maximum", "turn them round"));
    const std::string type(type_name(parameter));
    if (const auto value = default_of(parameter))
      if (auto error = check_value(parameter, *value))
        add(at + "/" + type + "/default", *std::move(error));
  }

  void task(std::size_t index) {
    const Task& task = spec_.tasks[index];
    const std::string at = "/spec/tasks/" + std::to_string(index);
    depends_on(task, at);
    datasets(task, at);
    references(task, at);
    amounts(task, at);
    error_rules(task.on_error, at);
    if (!task.outputs.empty() && traits_of(kind_of(task)).runs_in != RunsIn::kCommand)
      add(at + "/outputs",
          user_error("task.outputs",
                     std::string(to_string(kind_of(task))) + " tasks hand on no outputs",
                     "move them to a command"));
    if (const auto* ingest = std::get_if<IngestTask>(&task.kind))
      ingest_task(*ingest, at + "/ingest");
    if (const auto* command = std::get_if<CommandTask>(&task.kind))
      command_task(*command, at + "/command");
  }

  void depends_on(const Task& task, const std::string& at) {
    for (std::size_t i = 0; i < task.depends_on.size(); ++i) {
      const std::string& name = task.depends_on[i];
      const std::string pointer = at + "/dependsOn/" + std::to_string(i);
      if (name == task.name) {
        add(pointer, user_error("graph.circle", "the task waits for itself", "remove it"));
      } else if (find_named(spec_.tasks, name) == nullptr) {
        add(pointer, unknown("task.unknown", "task", name, names_of(spec_.tasks)));
      }
    }
  }

  void datasets(const Task& task, const std::string& at) {
    const auto* ingest = std::get_if<IngestTask>(&task.kind);
    for (const DatasetUse& use : facts_of(task).datasets) {
      // A quarantine that is named after its dataset has the same fault, and is not written down.
      if (ingest != nullptr && use.dataset == ingest->into.dataset + "_quarantine") continue;
      for (const std::string_view prefix : kEngineNames)
        if (use.dataset.starts_with(prefix))
          add(at + use.pointer, user_error("dataset.reserved",
                                           "names beginning with " + std::string(prefix) +
                                               " are those of the query engine's own tables",
                                           "choose another"));
    }
  }

  static Error unknown(std::string_view code, const std::string& what, const std::string& name,
                       const std::vector<std::string>& known) {
    return user_error(code, "there is no " + what + " " + in_quotes(name), meant_hint(name, known));
  }

  void references(const Task& task, const std::string& at) {
    for (const ReferenceUse& use : facts_of(task).references) {
      std::optional<Error> error = std::visit(
          Overloaded{[&](const ParameterReference& to) { return parameter_reference(to); },
                     [](const RunIdReference&) { return std::optional<Error>(); },
                     [&](const OutputReference& to) { return output_reference(task, to); }},
          use.reference);
      if (!error) continue;
      add(at + use.pointer, *std::move(error), use.offset);
    }
  }

  std::optional<Error> parameter_reference(const ParameterReference& to) const {
    const Parameter* declared = find_named(spec_.parameters, to.name);
    if (declared == nullptr)
      return unknown("parameter.unknown", "parameter", to.name, names_of(spec_.parameters));
    if (std::holds_alternative<StringsParameter>(declared->type))
      return user_error("reference.list",
                        "parameters." + to.name + " is a list and cannot stand in text",
                        "use a string parameter");
    return std::nullopt;
  }

  std::optional<Error> output_reference(const Task& task, const OutputReference& to) const {
    if (to.task == task.name)
      return user_error("graph.circle", "the task waits for its own output " + in_quotes(to.output),
                        "remove it");
    const Task* from = find_named(spec_.tasks, to.task);
    if (from == nullptr) return unknown("task.unknown", "task", to.task, names_of(spec_.tasks));
    if (find_named(from->outputs, to.output) == nullptr)
      return unknown("output.unknown", "output of " + to.task + " named", to.output,
                     names_of(from->outputs));
    if (task.run_on != RunOn::kSuccess)
      return user_error(
          "reference.unsure",
          "the output may be missing when the task runs on " + std::string(to_string(task.run_on)),
          "remove it, or let the task run on Success");
    return std::nullopt;
  }

  // Nothing ends in no time, and what is meant by it differs from program to program.
  void limit(const std::optional<Micros>& time, const std::string& at) {
    if (time && *time == Micros(0))
      add(at, user_error("value.range", "is no time at all", "leave it out to set no limit"));
  }

  void amounts(const Task& task, const std::string& at) {
    limit(task.timeout, at + "/timeout");
    limit(task.attempt_timeout, at + "/attemptTimeout");
    limit(task.queue_timeout, at + "/queueTimeout");
    const auto compare = [&](const auto& hint, const auto& max, std::string_view what) {
      if (hint && max && *hint > *max)
        add(at + "/resources/hint/" + std::string(what),
            user_error("value.range", "is more than max." + std::string(what),
                       "raise max or lower the hint"));
    };
    compare(task.resources.hint.cpu, task.resources.max.cpu, "cpu");
    compare(task.resources.hint.memory, task.resources.max.memory, "memory");
    compare(task.resources.hint.disk, task.resources.max.disk, "disk");
    if (task.timeout && task.attempt_timeout && *task.attempt_timeout > *task.timeout)
      add(at + "/attemptTimeout",
          user_error("value.range", "is longer than the task's timeout", "shorten it"));
  }

  void error_rules(const std::vector<ErrorRule>& rules, const std::string& at) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const auto* retry = std::get_if<Retry>(&rules[i].action);
      if (retry != nullptr && retry->backoff.initial > retry->backoff.max)
        add(at + "/onError/" + std::to_string(i) + "/retry/backoff/initial",
            user_error("value.range", "is longer than max, " + format_duration(retry->backoff.max),
                       "raise max"));
    }
  }

  // The task whose own rows go to the dataset.
  const Task* owner_of(const std::string& dataset) const {
    const auto it = std::ranges::find_if(spec_.tasks, [&](const Task& task) {
      if (const auto* ingest = std::get_if<IngestTask>(&task.kind))
        return ingest->into.dataset == dataset;
      const auto* query = std::get_if<QueryTask>(&task.kind);
      return query != nullptr && query->into.dataset == dataset;
    });
    return it == spec_.tasks.end() ? nullptr : &*it;
  }

  void ingest_task(const IngestTask& task, const std::string& at) {
    const std::string& quarantine = task.quarantine.dataset;
    if (quarantine == task.into.dataset)
      add(at + "/quarantine/dataset",
          user_error("dataset.same", "is the dataset that good rows go to", "name another"));
    else if (const Task* owner = owner_of(quarantine))
      add(at + (quarantine == task.into.dataset + "_quarantine" ? "/into/dataset"
                                                                : "/quarantine/dataset"),
          user_error("dataset.quarantine_taken",
                     "sends bad rows to " + in_quotes(quarantine) + ", which " +
                         in_quotes(owner->name) + " writes",
                     "name another under quarantine.dataset"));
    if (quarantine.size() > kDatasetTargetSchema.find("dataset")->value.max_size)
      add(at + "/quarantine/dataset",
          user_error("value.length", "would be " + in_quotes(quarantine) + ", which is too long",
                     "give a shorter name"));
    columns(task.into.schema, at + "/into/schema");
    if (std::holds_alternative<ParquetSource>(task.from.format) &&
        task.from.compression == Compression::kGzip)
      add(at + "/from/compression",
          user_error("value.unknown", "Parquet files are not read through gzip", "remove it"));
    if (const auto* csv = std::get_if<CsvSource>(&task.from.format);
        csv != nullptr && csv->delimiter == csv->quote)
      add(at + "/from/csv/quote",
          user_error("value.doubled", "is the delimiter too", "choose another"));
  }

  void columns(const std::vector<Column>& columns, const std::string& at) {
    std::map<std::string, std::string> seen;  // by the folded name
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Column& column = columns[i];
      const std::string here = at + "/" + std::to_string(i);
      // What is not even written as a type has been told by the schema.
      if (const auto type = parse_column_type(column.type);
          !type.ok() && has_format(Format::kColumnType, column.type)) {
        Error error = type.error();
        if (auto near = nearest(column.type, column_type_names());
            near && error.code == "schema.type_unknown" && !column.type.ends_with("[]"))
          error.hint = "did you mean " + *near + "?";
        add(here + "/type", std::move(error));
      }
      const auto [other, fresh] = seen.emplace(folded(column.name), column.name);
      if (!fresh && other->second != column.name)
        add(here + "/name",
            user_error("value.doubled",
                       "is " + in_quotes(other->second) + " to SQL, which tells no case apart",
                       "give one another name"));
    }
  }

  void command_task(const CommandTask& task, const std::string& at) {
    for (std::size_t i = 0; i < task.env.size(); ++i)
      if (task.env[i].name.starts_with(kReservedPrefix))
        add(at + "/env/" + std::to_string(i) + "/name",
            user_error("value.reserved", "names beginning with MILLRACE_ are Millrace's own",
                       "choose another"));
    std::vector<std::int64_t> seen;
    for (std::size_t i = 0; i < task.exit_codes.size(); ++i)
      for (std::int64_t code : task.exit_codes[i].codes) {
        if (std::ranges::find(seen, code) != seen.end())
          add(at + "/exitCodes/" + std::to_string(i) + "/codes",
              user_error("value.doubled", "exit code " + std::to_string(code) + " has two meanings",
                         "keep one"));
        seen.push_back(code);
      }
  }

  const WorkflowSpec& spec_;
  Findings findings_;
};

}  // namespace

Findings check_workflow(const Workflow& workflow) { return Rules(workflow).check(); }

}  // namespace millrace::manifest
