// The tables of manifest/schema.h, one object per type, and the resources.
// Generated from the fragments in manifest/ by tools/generate.py. Do not edit.
// clang-format off
#pragma once

#include <span>

#include "manifest/schema.h"

namespace millrace::manifest {

extern const ObjectSchema kObjectMetaSchema;
extern const ObjectSchema kDatasetTargetSchema;
extern const ObjectSchema kStringParameterSchema;
extern const ObjectSchema kIntegerParameterSchema;
extern const ObjectSchema kBooleanParameterSchema;
extern const ObjectSchema kStringsParameterSchema;
extern const ObjectSchema kParameterSchema;
extern const ObjectSchema kStringOutputSchema;
extern const ObjectSchema kIntegerOutputSchema;
extern const ObjectSchema kBooleanOutputSchema;
extern const ObjectSchema kOutputSchema;
extern const ObjectSchema kResourceAmountsSchema;
extern const ObjectSchema kResourcesSchema;
extern const ObjectSchema kErrorMatchSchema;
extern const ObjectSchema kBackoffSchema;
extern const ObjectSchema kRetrySchema;
extern const ObjectSchema kErrorRuleSchema;
extern const ObjectSchema kEnvironmentVariableSchema;
extern const ObjectSchema kExitCodeMeaningSchema;
extern const ObjectSchema kCommandTaskSchema;
extern const ObjectSchema kCsvSinkSchema;
extern const ObjectSchema kNdjsonSinkSchema;
extern const ObjectSchema kParquetSinkSchema;
extern const ObjectSchema kObjectStoreDestinationSchema;
extern const ObjectSchema kDestinationSchema;
extern const ObjectSchema kDeliverTaskSchema;
extern const ObjectSchema kCsvSourceSchema;
extern const ObjectSchema kNdjsonSourceSchema;
extern const ObjectSchema kParquetSourceSchema;
extern const ObjectSchema kIngestSourceSchema;
extern const ObjectSchema kColumnSchema;
extern const ObjectSchema kIngestTargetSchema;
extern const ObjectSchema kQuarantineSchema;
extern const ObjectSchema kIngestTaskSchema;
extern const ObjectSchema kQueryTaskSchema;
extern const ObjectSchema kTaskSchema;
extern const ObjectSchema kConcurrencySchema;
extern const ObjectSchema kWorkflowSpecSchema;
extern const ObjectSchema kParameterValueSchema;
extern const ObjectSchema kWorkflowRunSpecSchema;
extern const ObjectSchema kRunReferenceSchema;
extern const ObjectSchema kTaskCountsSchema;
extern const ObjectSchema kConditionSchema;
extern const ObjectSchema kWorkflowRunStatusSchema;

std::span<const ResourceSchema> resource_schemas();

}  // namespace millrace::manifest
