// Structs from JSON that validate() has passed, and back.
// Generated from the fragments in manifest/ by tools/generate.py. Do not edit.
// clang-format off
#include "manifest/generated/codec.h"

#include <array>
#include <utility>

#include "base/overloaded.h"
#include "manifest/codec_parts.h"

namespace millrace::manifest {

std::string_view to_string(WriteMode value) {
  switch (value) {
    case WriteMode::kOverwrite: return "Overwrite";
    case WriteMode::kAppend: return "Append";
  }
  return "Unknown";
}

std::string_view to_string(ConflictPolicy value) {
  switch (value) {
    case ConflictPolicy::kRetry: return "Retry";
    case ConflictPolicy::kFail: return "Fail";
  }
  return "Unknown";
}

std::string_view to_string(RunOn value) {
  switch (value) {
    case RunOn::kSuccess: return "Success";
    case RunOn::kFailure: return "Failure";
    case RunOn::kAlways: return "Always";
  }
  return "Unknown";
}

std::string_view to_string(FailScope value) {
  switch (value) {
    case FailScope::kTask: return "Task";
    case FailScope::kRun: return "Run";
  }
  return "Unknown";
}

std::string_view to_string(Compression value) {
  switch (value) {
    case Compression::kAuto: return "Auto";
    case Compression::kNone: return "None";
    case Compression::kGzip: return "Gzip";
  }
  return "Unknown";
}

std::string_view to_string(DesiredState value) {
  switch (value) {
    case DesiredState::kRunning: return "Running";
    case DesiredState::kPaused: return "Paused";
    case DesiredState::kCancelled: return "Cancelled";
  }
  return "Unknown";
}

std::string_view to_string(ConditionStatus value) {
  switch (value) {
    case ConditionStatus::kTrue: return "True";
    case ConditionStatus::kFalse: return "False";
    case ConditionStatus::kUnknown: return "Unknown";
  }
  return "Unknown";
}

std::string_view to_string(TaskKind kind) {
  switch (kind) {
    case TaskKind::kCommand: return "command";
    case TaskKind::kDeliver: return "deliver";
    case TaskKind::kIngest: return "ingest";
    case TaskKind::kQuery: return "query";
  }
  return "unknown";
}

TaskKind kind_of(const Task& task) { return static_cast<TaskKind>(task.kind.index()); }

const KindTraits& traits_of(TaskKind kind) {
  static constexpr std::array<KindTraits, 4> kTraits{{
    {RunsIn::kCommand, false},  // command
    {RunsIn::kRunner, true},  // deliver
    {RunsIn::kRunner, false},  // ingest
    {RunsIn::kRunner, false},  // query
  }};
  return kTraits.at(static_cast<std::size_t>(kind));
}

namespace codec {

void decode(const Json& json, ObjectMeta& out) {
  decode_field(json, "name", out.name);
  decode_field(json, "namespace", out.ns);
  decode_map(json, "labels", out.labels);
  decode_map(json, "annotations", out.annotations);
}
Json encode(const ObjectMeta& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  encode_field(json, "namespace", value.ns);
  encode_map(json, "labels", value.labels);
  encode_map(json, "annotations", value.annotations);
  return json;
}

void decode(const Json& json, WriteMode& out) {
  static constexpr std::array<std::pair<std::string_view, WriteMode>, 2> kNames{{
      {"Overwrite", WriteMode::kOverwrite},
      {"Append", WriteMode::kAppend},
  }};
  decode_enum(json, kNames, out);
}
Json encode(WriteMode value) { return std::string(to_string(value)); }

void decode(const Json& json, ConflictPolicy& out) {
  static constexpr std::array<std::pair<std::string_view, ConflictPolicy>, 2> kNames{{
      {"Retry", ConflictPolicy::kRetry},
      {"Fail", ConflictPolicy::kFail},
  }};
  decode_enum(json, kNames, out);
}
Json encode(ConflictPolicy value) { return std::string(to_string(value)); }

void decode(const Json& json, millrace::ErrorClass& out) {
  static constexpr std::array<std::pair<std::string_view, millrace::ErrorClass>, 5> kNames{{
      {"User", millrace::ErrorClass::kUser},
      {"Transient", millrace::ErrorClass::kTransient},
      {"Resource", millrace::ErrorClass::kResource},
      {"Infrastructure", millrace::ErrorClass::kInfrastructure},
      {"Policy", millrace::ErrorClass::kPolicy},
  }};
  decode_enum(json, kNames, out);
}
Json encode(millrace::ErrorClass value) { return std::string(to_string(value)); }

void decode(const Json& json, DatasetTarget& out) {
  decode_field(json, "dataset", out.dataset);
  decode_field(json, "mode", out.mode);
  decode_field(json, "onConflict", out.on_conflict);
}
Json encode(const DatasetTarget& value) {
  Json json = Json::object();
  encode_field(json, "dataset", value.dataset);
  encode_field(json, "mode", value.mode);
  encode_field(json, "onConflict", value.on_conflict);
  return json;
}

void decode(const Json& json, StringParameter& out) {
  decode_field(json, "default", out.default_value);
  decode_field(json, "maxLength", out.max_length);
}
Json encode(const StringParameter& value) {
  Json json = Json::object();
  encode_field(json, "default", value.default_value);
  encode_field(json, "maxLength", value.max_length);
  return json;
}

void decode(const Json& json, IntegerParameter& out) {
  decode_field(json, "default", out.default_value);
  decode_field(json, "minimum", out.minimum);
  decode_field(json, "maximum", out.maximum);
}
Json encode(const IntegerParameter& value) {
  Json json = Json::object();
  encode_field(json, "default", value.default_value);
  encode_field(json, "minimum", value.minimum);
  encode_field(json, "maximum", value.maximum);
  return json;
}

void decode(const Json& json, BooleanParameter& out) {
  decode_field(json, "default", out.default_value);
}
Json encode(const BooleanParameter& value) {
  Json json = Json::object();
  encode_field(json, "default", value.default_value);
  return json;
}

void decode(const Json& json, StringsParameter& out) {
  decode_list(json, "default", out.default_value);
  decode_field(json, "maxItems", out.max_items);
}
Json encode(const StringsParameter& value) {
  Json json = Json::object();
  encode_list(json, "default", value.default_value);
  encode_field(json, "maxItems", value.max_items);
  return json;
}

void decode(const Json& json, Parameter& out) {
  decode_field(json, "name", out.name);
  if (auto it = json.find("string"); it != json.end())
    decode(*it, out.type.emplace<0>());
  else if (auto it = json.find("integer"); it != json.end())
    decode(*it, out.type.emplace<1>());
  else if (auto it = json.find("boolean"); it != json.end())
    decode(*it, out.type.emplace<2>());
  else if (auto it = json.find("strings"); it != json.end())
    decode(*it, out.type.emplace<3>());
}
Json encode(const Parameter& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  std::visit(Overloaded{
                 [&](const StringParameter& one) { json["string"] = encode(one); },
                 [&](const IntegerParameter& one) { json["integer"] = encode(one); },
                 [&](const BooleanParameter& one) { json["boolean"] = encode(one); },
                 [&](const StringsParameter& one) { json["strings"] = encode(one); },
             }, value.type);
  return json;
}

void decode(const Json& json, RunOn& out) {
  static constexpr std::array<std::pair<std::string_view, RunOn>, 3> kNames{{
      {"Success", RunOn::kSuccess},
      {"Failure", RunOn::kFailure},
      {"Always", RunOn::kAlways},
  }};
  decode_enum(json, kNames, out);
}
Json encode(RunOn value) { return std::string(to_string(value)); }

void decode(const Json& json, StringOutput& out) {
  static_cast<void>(json);
  static_cast<void>(out);
}
Json encode(const StringOutput& value) {
  static_cast<void>(value);
  Json json = Json::object();
  return json;
}

void decode(const Json& json, IntegerOutput& out) {
  static_cast<void>(json);
  static_cast<void>(out);
}
Json encode(const IntegerOutput& value) {
  static_cast<void>(value);
  Json json = Json::object();
  return json;
}

void decode(const Json& json, BooleanOutput& out) {
  static_cast<void>(json);
  static_cast<void>(out);
}
Json encode(const BooleanOutput& value) {
  static_cast<void>(value);
  Json json = Json::object();
  return json;
}

void decode(const Json& json, Output& out) {
  decode_field(json, "name", out.name);
  if (auto it = json.find("string"); it != json.end())
    decode(*it, out.type.emplace<0>());
  else if (auto it = json.find("integer"); it != json.end())
    decode(*it, out.type.emplace<1>());
  else if (auto it = json.find("boolean"); it != json.end())
    decode(*it, out.type.emplace<2>());
}
Json encode(const Output& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  std::visit(Overloaded{
                 [&](const StringOutput& one) { json["string"] = encode(one); },
                 [&](const IntegerOutput& one) { json["integer"] = encode(one); },
                 [&](const BooleanOutput& one) { json["boolean"] = encode(one); },
             }, value.type);
  return json;
}

void decode(const Json& json, ResourceAmounts& out) {
  decode_field(json, "cpu", out.cpu);
  decode_field(json, "memory", out.memory);
  decode_field(json, "disk", out.disk);
}
Json encode(const ResourceAmounts& value) {
  Json json = Json::object();
  encode_field(json, "cpu", value.cpu);
  encode_field(json, "memory", value.memory);
  encode_field(json, "disk", value.disk);
  return json;
}

void decode(const Json& json, Resources& out) {
  decode_field(json, "hint", out.hint);
  decode_field(json, "max", out.max);
}
Json encode(const Resources& value) {
  Json json = Json::object();
  encode_field(json, "hint", value.hint);
  encode_field(json, "max", value.max);
  return json;
}

void decode(const Json& json, ErrorMatch& out) {
  decode_list(json, "classes", out.classes);
  decode_list(json, "codes", out.codes);
  decode_list(json, "exitCodes", out.exit_codes);
}
Json encode(const ErrorMatch& value) {
  Json json = Json::object();
  encode_list(json, "classes", value.classes);
  encode_list(json, "codes", value.codes);
  encode_list(json, "exitCodes", value.exit_codes);
  return json;
}

void decode(const Json& json, Backoff& out) {
  decode_field(json, "initial", out.initial);
  decode_field(json, "max", out.max);
}
Json encode(const Backoff& value) {
  Json json = Json::object();
  encode_field(json, "initial", value.initial);
  encode_field(json, "max", value.max);
  return json;
}

void decode(const Json& json, Retry& out) {
  decode_field(json, "maxAttempts", out.max_attempts);
  decode_field(json, "backoff", out.backoff);
  decode_field(json, "elsewhere", out.elsewhere);
}
Json encode(const Retry& value) {
  Json json = Json::object();
  encode_field(json, "maxAttempts", value.max_attempts);
  encode_field(json, "backoff", value.backoff);
  encode_field(json, "elsewhere", value.elsewhere);
  return json;
}

void decode(const Json& json, FailScope& out) {
  static constexpr std::array<std::pair<std::string_view, FailScope>, 2> kNames{{
      {"Task", FailScope::kTask},
      {"Run", FailScope::kRun},
  }};
  decode_enum(json, kNames, out);
}
Json encode(FailScope value) { return std::string(to_string(value)); }

void decode(const Json& json, ErrorRule& out) {
  decode_field(json, "match", out.match);
  if (auto it = json.find("retry"); it != json.end())
    decode(*it, out.action.emplace<0>());
  else if (auto it = json.find("fail"); it != json.end())
    decode(*it, out.action.emplace<1>());
}
Json encode(const ErrorRule& value) {
  Json json = Json::object();
  encode_field(json, "match", value.match);
  std::visit(Overloaded{
                 [&](const Retry& one) { json["retry"] = encode(one); },
                 [&](const FailScope& one) { json["fail"] = encode(one); },
             }, value.action);
  return json;
}

void decode(const Json& json, EnvironmentVariable& out) {
  decode_field(json, "name", out.name);
  decode_field(json, "value", out.value);
}
Json encode(const EnvironmentVariable& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  encode_field(json, "value", value.value);
  return json;
}

void decode(const Json& json, ExitCodeMeaning& out) {
  decode_list(json, "codes", out.codes);
  decode_field(json, "class", out.error_class);
  decode_field(json, "code", out.code);
}
Json encode(const ExitCodeMeaning& value) {
  Json json = Json::object();
  encode_list(json, "codes", value.codes);
  encode_field(json, "class", value.error_class);
  encode_field(json, "code", value.code);
  return json;
}

void decode(const Json& json, CommandTask& out) {
  decode_list(json, "argv", out.argv);
  decode_list(json, "env", out.env);
  decode_field(json, "workingDirectory", out.working_directory);
  decode_list(json, "exitCodes", out.exit_codes);
  decode_list(json, "reads", out.reads);
}
Json encode(const CommandTask& value) {
  Json json = Json::object();
  encode_list(json, "argv", value.argv);
  encode_list(json, "env", value.env);
  encode_field(json, "workingDirectory", value.working_directory);
  encode_list(json, "exitCodes", value.exit_codes);
  encode_list(json, "reads", value.reads);
  return json;
}

void decode(const Json& json, CsvSink& out) {
  decode_field(json, "header", out.header);
}
Json encode(const CsvSink& value) {
  Json json = Json::object();
  encode_field(json, "header", value.header);
  return json;
}

void decode(const Json& json, NdjsonSink& out) {
  static_cast<void>(json);
  static_cast<void>(out);
}
Json encode(const NdjsonSink& value) {
  static_cast<void>(value);
  Json json = Json::object();
  return json;
}

void decode(const Json& json, ParquetSink& out) {
  static_cast<void>(json);
  static_cast<void>(out);
}
Json encode(const ParquetSink& value) {
  static_cast<void>(value);
  Json json = Json::object();
  return json;
}

void decode(const Json& json, ObjectStoreDestination& out) {
  decode_field(json, "url", out.url);
  if (auto it = json.find("csv"); it != json.end())
    decode(*it, out.format.emplace<0>());
  else if (auto it = json.find("ndjson"); it != json.end())
    decode(*it, out.format.emplace<1>());
  else if (auto it = json.find("parquet"); it != json.end())
    decode(*it, out.format.emplace<2>());
}
Json encode(const ObjectStoreDestination& value) {
  Json json = Json::object();
  encode_field(json, "url", value.url);
  std::visit(Overloaded{
                 [&](const CsvSink& one) { json["csv"] = encode(one); },
                 [&](const NdjsonSink& one) { json["ndjson"] = encode(one); },
                 [&](const ParquetSink& one) { json["parquet"] = encode(one); },
             }, value.format);
  return json;
}

void decode(const Json& json, Destination& out) {
  if (auto it = json.find("objectStore"); it != json.end())
    decode(*it, out.place.emplace<0>());
}
Json encode(const Destination& value) {
  Json json = Json::object();
  std::visit(Overloaded{
                 [&](const ObjectStoreDestination& one) { json["objectStore"] = encode(one); },
             }, value.place);
  return json;
}

void decode(const Json& json, DeliverTask& out) {
  decode_field(json, "dataset", out.dataset);
  decode_field(json, "to", out.to);
}
Json encode(const DeliverTask& value) {
  Json json = Json::object();
  encode_field(json, "dataset", value.dataset);
  encode_field(json, "to", value.to);
  return json;
}

void decode(const Json& json, CsvSource& out) {
  decode_field(json, "delimiter", out.delimiter);
  decode_field(json, "quote", out.quote);
  decode_field(json, "header", out.header);
  decode_list(json, "nulls", out.nulls);
}
Json encode(const CsvSource& value) {
  Json json = Json::object();
  encode_field(json, "delimiter", value.delimiter);
  encode_field(json, "quote", value.quote);
  encode_field(json, "header", value.header);
  encode_list(json, "nulls", value.nulls);
  return json;
}

void decode(const Json& json, NdjsonSource& out) {
  static_cast<void>(json);
  static_cast<void>(out);
}
Json encode(const NdjsonSource& value) {
  static_cast<void>(value);
  Json json = Json::object();
  return json;
}

void decode(const Json& json, ParquetSource& out) {
  static_cast<void>(json);
  static_cast<void>(out);
}
Json encode(const ParquetSource& value) {
  static_cast<void>(value);
  Json json = Json::object();
  return json;
}

void decode(const Json& json, Compression& out) {
  static constexpr std::array<std::pair<std::string_view, Compression>, 3> kNames{{
      {"Auto", Compression::kAuto},
      {"None", Compression::kNone},
      {"Gzip", Compression::kGzip},
  }};
  decode_enum(json, kNames, out);
}
Json encode(Compression value) { return std::string(to_string(value)); }

void decode(const Json& json, IngestSource& out) {
  decode_field(json, "url", out.url);
  decode_field(json, "compression", out.compression);
  if (auto it = json.find("csv"); it != json.end())
    decode(*it, out.format.emplace<0>());
  else if (auto it = json.find("ndjson"); it != json.end())
    decode(*it, out.format.emplace<1>());
  else if (auto it = json.find("parquet"); it != json.end())
    decode(*it, out.format.emplace<2>());
}
Json encode(const IngestSource& value) {
  Json json = Json::object();
  encode_field(json, "url", value.url);
  encode_field(json, "compression", value.compression);
  std::visit(Overloaded{
                 [&](const CsvSource& one) { json["csv"] = encode(one); },
                 [&](const NdjsonSource& one) { json["ndjson"] = encode(one); },
                 [&](const ParquetSource& one) { json["parquet"] = encode(one); },
             }, value.format);
  return json;
}

void decode(const Json& json, Column& out) {
  decode_field(json, "name", out.name);
  decode_field(json, "type", out.type);
  decode_field(json, "nullable", out.nullable);
}
Json encode(const Column& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  encode_field(json, "type", value.type);
  encode_field(json, "nullable", value.nullable);
  return json;
}

void decode(const Json& json, IngestTarget& out) {
  decode_field(json, "dataset", out.dataset);
  decode_field(json, "mode", out.mode);
  decode_field(json, "onConflict", out.on_conflict);
  decode_list(json, "schema", out.schema);
}
Json encode(const IngestTarget& value) {
  Json json = Json::object();
  encode_field(json, "dataset", value.dataset);
  encode_field(json, "mode", value.mode);
  encode_field(json, "onConflict", value.on_conflict);
  encode_list(json, "schema", value.schema);
  return json;
}

void decode(const Json& json, Quarantine& out) {
  decode_field(json, "maxRows", out.max_rows);
  decode_field(json, "dataset", out.dataset);
}
Json encode(const Quarantine& value) {
  Json json = Json::object();
  encode_field(json, "maxRows", value.max_rows);
  encode_field(json, "dataset", value.dataset);
  return json;
}

void decode(const Json& json, IngestTask& out) {
  decode_field(json, "from", out.from);
  decode_field(json, "into", out.into);
  decode_field(json, "quarantine", out.quarantine);
  if (out.quarantine.dataset.empty()) out.quarantine.dataset = out.into.dataset + "_quarantine";
}
Json encode(const IngestTask& value) {
  Json json = Json::object();
  encode_field(json, "from", value.from);
  encode_field(json, "into", value.into);
  encode_field(json, "quarantine", value.quarantine);
  return json;
}

void decode(const Json& json, QueryTask& out) {
  decode_field(json, "sql", out.sql);
  decode_field(json, "into", out.into);
  decode_field(json, "maxRows", out.max_rows);
}
Json encode(const QueryTask& value) {
  Json json = Json::object();
  encode_field(json, "sql", value.sql);
  encode_field(json, "into", value.into);
  encode_field(json, "maxRows", value.max_rows);
  return json;
}

void decode(const Json& json, Task& out) {
  decode_field(json, "name", out.name);
  decode_list(json, "dependsOn", out.depends_on);
  decode_field(json, "runOn", out.run_on);
  decode_list(json, "outputs", out.outputs);
  decode_field(json, "resources", out.resources);
  decode_field(json, "timeout", out.timeout);
  decode_field(json, "attemptTimeout", out.attempt_timeout);
  decode_field(json, "queueTimeout", out.queue_timeout);
  decode_list(json, "onError", out.on_error);
  if (auto it = json.find("command"); it != json.end())
    decode(*it, out.kind.emplace<0>());
  else if (auto it = json.find("deliver"); it != json.end())
    decode(*it, out.kind.emplace<1>());
  else if (auto it = json.find("ingest"); it != json.end())
    decode(*it, out.kind.emplace<2>());
  else if (auto it = json.find("query"); it != json.end())
    decode(*it, out.kind.emplace<3>());
}
Json encode(const Task& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  encode_list(json, "dependsOn", value.depends_on);
  encode_field(json, "runOn", value.run_on);
  encode_list(json, "outputs", value.outputs);
  encode_field(json, "resources", value.resources);
  encode_field(json, "timeout", value.timeout);
  encode_field(json, "attemptTimeout", value.attempt_timeout);
  encode_field(json, "queueTimeout", value.queue_timeout);
  encode_list(json, "onError", value.on_error);
  std::visit(Overloaded{
                 [&](const CommandTask& one) { json["command"] = encode(one); },
                 [&](const DeliverTask& one) { json["deliver"] = encode(one); },
                 [&](const IngestTask& one) { json["ingest"] = encode(one); },
                 [&](const QueryTask& one) { json["query"] = encode(one); },
             }, value.kind);
  return json;
}

void decode(const Json& json, Concurrency& out) {
  decode_field(json, "maxTasks", out.max_tasks);
}
Json encode(const Concurrency& value) {
  Json json = Json::object();
  encode_field(json, "maxTasks", value.max_tasks);
  return json;
}

void decode(const Json& json, WorkflowSpec& out) {
  decode_list(json, "parameters", out.parameters);
  decode_list(json, "tasks", out.tasks);
  decode_field(json, "timeout", out.timeout);
  decode_field(json, "queue", out.queue);
  decode_field(json, "concurrency", out.concurrency);
  decode_list(json, "onError", out.on_error);
}
Json encode(const WorkflowSpec& value) {
  Json json = Json::object();
  encode_list(json, "parameters", value.parameters);
  encode_list(json, "tasks", value.tasks);
  encode_field(json, "timeout", value.timeout);
  encode_field(json, "queue", value.queue);
  encode_field(json, "concurrency", value.concurrency);
  encode_list(json, "onError", value.on_error);
  return json;
}

void decode(const Json& json, ParameterValue& out) {
  decode_field(json, "name", out.name);
  decode_field(json, "value", out.value);
}
Json encode(const ParameterValue& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  encode_field(json, "value", value.value);
  return json;
}

void decode(const Json& json, DesiredState& out) {
  static constexpr std::array<std::pair<std::string_view, DesiredState>, 3> kNames{{
      {"Running", DesiredState::kRunning},
      {"Paused", DesiredState::kPaused},
      {"Cancelled", DesiredState::kCancelled},
  }};
  decode_enum(json, kNames, out);
}
Json encode(DesiredState value) { return std::string(to_string(value)); }

void decode(const Json& json, WorkflowRunSpec& out) {
  decode_field(json, "workflow", out.workflow);
  decode_list(json, "parameters", out.parameters);
  decode_field(json, "desiredState", out.desired_state);
}
Json encode(const WorkflowRunSpec& value) {
  Json json = Json::object();
  encode_field(json, "workflow", value.workflow);
  encode_list(json, "parameters", value.parameters);
  encode_field(json, "desiredState", value.desired_state);
  return json;
}

void decode(const Json& json, RunReference& out) {
  decode_field(json, "name", out.name);
  decode_field(json, "runId", out.run_id);
}
Json encode(const RunReference& value) {
  Json json = Json::object();
  encode_field(json, "name", value.name);
  encode_field(json, "runId", value.run_id);
  return json;
}

void decode(const Json& json, TaskCounts& out) {
  decode_field(json, "total", out.total);
  decode_field(json, "waiting", out.waiting);
  decode_field(json, "running", out.running);
  decode_field(json, "succeeded", out.succeeded);
  decode_field(json, "failed", out.failed);
  decode_field(json, "skipped", out.skipped);
  decode_field(json, "cancelled", out.cancelled);
}
Json encode(const TaskCounts& value) {
  Json json = Json::object();
  encode_field(json, "total", value.total);
  encode_field(json, "waiting", value.waiting);
  encode_field(json, "running", value.running);
  encode_field(json, "succeeded", value.succeeded);
  encode_field(json, "failed", value.failed);
  encode_field(json, "skipped", value.skipped);
  encode_field(json, "cancelled", value.cancelled);
  return json;
}

void decode(const Json& json, ConditionStatus& out) {
  static constexpr std::array<std::pair<std::string_view, ConditionStatus>, 3> kNames{{
      {"True", ConditionStatus::kTrue},
      {"False", ConditionStatus::kFalse},
      {"Unknown", ConditionStatus::kUnknown},
  }};
  decode_enum(json, kNames, out);
}
Json encode(ConditionStatus value) { return std::string(to_string(value)); }

void decode(const Json& json, Condition& out) {
  decode_field(json, "type", out.type);
  decode_field(json, "status", out.status);
  decode_field(json, "reason", out.reason);
  decode_field(json, "message", out.message);
  decode_field(json, "observedGeneration", out.observed_generation);
  decode_field(json, "lastTransitionTime", out.last_transition_time);
}
Json encode(const Condition& value) {
  Json json = Json::object();
  encode_field(json, "type", value.type);
  encode_field(json, "status", value.status);
  encode_field(json, "reason", value.reason);
  encode_field(json, "message", value.message);
  encode_field(json, "observedGeneration", value.observed_generation);
  encode_field(json, "lastTransitionTime", value.last_transition_time);
  return json;
}

void decode(const Json& json, WorkflowRunStatus& out) {
  decode_field(json, "observedGeneration", out.observed_generation);
  decode_field(json, "runId", out.run_id);
  decode_field(json, "rerunOf", out.rerun_of);
  decode_field(json, "queue", out.queue);
  decode_field(json, "phase", out.phase);
  decode_field(json, "done", out.done);
  decode_field(json, "tasks", out.tasks);
  decode_field(json, "startedAt", out.started_at);
  decode_field(json, "finishedAt", out.finished_at);
  decode_field(json, "message", out.message);
  decode_field(json, "lastError", out.last_error);
  decode_list(json, "conditions", out.conditions);
}
Json encode(const WorkflowRunStatus& value) {
  Json json = Json::object();
  encode_field(json, "observedGeneration", value.observed_generation);
  encode_field(json, "runId", value.run_id);
  encode_field(json, "rerunOf", value.rerun_of);
  encode_field(json, "queue", value.queue);
  encode_field(json, "phase", value.phase);
  encode_field(json, "done", value.done);
  encode_field(json, "tasks", value.tasks);
  encode_field(json, "startedAt", value.started_at);
  encode_field(json, "finishedAt", value.finished_at);
  encode_field(json, "message", value.message);
  encode_field(json, "lastError", value.last_error);
  encode_list(json, "conditions", value.conditions);
  return json;
}

}  // namespace codec
}  // namespace millrace::manifest
