// Between the structs of types.h and JSON that validate() has passed. Inside manifest/ only.
// Generated from the fragments in manifest/ by tools/generate.py. Do not edit.
// clang-format off
#pragma once

#include "manifest/generated/types.h"
#include "manifest/json.h"

namespace millrace::manifest::codec {

void decode(const Json& json, ObjectMeta& out);
Json encode(const ObjectMeta& value);
void decode(const Json& json, WriteMode& out);
Json encode(WriteMode value);
void decode(const Json& json, ConflictPolicy& out);
Json encode(ConflictPolicy value);
void decode(const Json& json, millrace::ErrorClass& out);
Json encode(millrace::ErrorClass value);
void decode(const Json& json, DatasetTarget& out);
Json encode(const DatasetTarget& value);
void decode(const Json& json, StringParameter& out);
Json encode(const StringParameter& value);
void decode(const Json& json, IntegerParameter& out);
Json encode(const IntegerParameter& value);
void decode(const Json& json, BooleanParameter& out);
Json encode(const BooleanParameter& value);
void decode(const Json& json, StringsParameter& out);
Json encode(const StringsParameter& value);
void decode(const Json& json, Parameter& out);
Json encode(const Parameter& value);
void decode(const Json& json, RunOn& out);
Json encode(RunOn value);
void decode(const Json& json, StringOutput& out);
Json encode(const StringOutput& value);
void decode(const Json& json, IntegerOutput& out);
Json encode(const IntegerOutput& value);
void decode(const Json& json, BooleanOutput& out);
Json encode(const BooleanOutput& value);
void decode(const Json& json, Output& out);
Json encode(const Output& value);
void decode(const Json& json, ResourceAmounts& out);
Json encode(const ResourceAmounts& value);
void decode(const Json& json, Resources& out);
Json encode(const Resources& value);
void decode(const Json& json, ErrorMatch& out);
Json encode(const ErrorMatch& value);
void decode(const Json& json, Backoff& out);
Json encode(const Backoff& value);
void decode(const Json& json, Retry& out);
Json encode(const Retry& value);
void decode(const Json& json, FailScope& out);
Json encode(FailScope value);
void decode(const Json& json, ErrorRule& out);
Json encode(const ErrorRule& value);
void decode(const Json& json, EnvironmentVariable& out);
Json encode(const EnvironmentVariable& value);
void decode(const Json& json, ExitCodeMeaning& out);
Json encode(const ExitCodeMeaning& value);
void decode(const Json& json, CommandTask& out);
Json encode(const CommandTask& value);
void decode(const Json& json, CsvSink& out);
Json encode(const CsvSink& value);
void decode(const Json& json, NdjsonSink& out);
Json encode(const NdjsonSink& value);
void decode(const Json& json, ParquetSink& out);
Json encode(const ParquetSink& value);
void decode(const Json& json, ObjectStoreDestination& out);
Json encode(const ObjectStoreDestination& value);
void decode(const Json& json, Destination& out);
Json encode(const Destination& value);
void decode(const Json& json, DeliverTask& out);
Json encode(const DeliverTask& value);
void decode(const Json& json, CsvSource& out);
Json encode(const CsvSource& value);
void decode(const Json& json, NdjsonSource& out);
Json encode(const NdjsonSource& value);
void decode(const Json& json, ParquetSource& out);
Json encode(const ParquetSource& value);
void decode(const Json& json, Compression& out);
Json encode(Compression value);
void decode(const Json& json, IngestSource& out);
Json encode(const IngestSource& value);
void decode(const Json& json, Column& out);
Json encode(const Column& value);
void decode(const Json& json, IngestTarget& out);
Json encode(const IngestTarget& value);
void decode(const Json& json, Quarantine& out);
Json encode(const Quarantine& value);
void decode(const Json& json, IngestTask& out);
Json encode(const IngestTask& value);
void decode(const Json& json, QueryTask& out);
Json encode(const QueryTask& value);
void decode(const Json& json, Task& out);
Json encode(const Task& value);
void decode(const Json& json, Concurrency& out);
Json encode(const Concurrency& value);
void decode(const Json& json, WorkflowSpec& out);
Json encode(const WorkflowSpec& value);
void decode(const Json& json, ParameterValue& out);
Json encode(const ParameterValue& value);
void decode(const Json& json, DesiredState& out);
Json encode(DesiredState value);
void decode(const Json& json, WorkflowRunSpec& out);
Json encode(const WorkflowRunSpec& value);
void decode(const Json& json, RunReference& out);
Json encode(const RunReference& value);
void decode(const Json& json, TaskCounts& out);
Json encode(const TaskCounts& value);
void decode(const Json& json, ConditionStatus& out);
Json encode(ConditionStatus value);
void decode(const Json& json, Condition& out);
Json encode(const Condition& value);
void decode(const Json& json, WorkflowRunStatus& out);
Json encode(const WorkflowRunStatus& value);

}  // namespace millrace::manifest::codec
