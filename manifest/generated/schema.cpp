// The tables of manifest/schema.h.
// Generated from the fragments in manifest/ by tools/generate.py. Do not edit.
// clang-format off
#include "manifest/generated/schema.h"

#include <array>

namespace millrace::manifest {
namespace {

constexpr std::array<FormatInfo, 8> kFormats{{
    {Format::kName, "name", "^[a-z][a-z0-9_]*$",
     "a name", "use a-z, 0-9 and _, begin with a letter, at most 63 characters"},
    {Format::kLabel, "label", "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
     "an object's name", "use a-z, 0-9 and -, begin and end with a letter or digit, at most 63 characters"},
    {Format::kUrl, "url", "^file:///[^#]*$",
     "a URL that can be read or written", "write file:/// and an absolute path"},
    {Format::kErrorCode, "error_code", "^[A-Za-z][A-Za-z0-9_]*([.][A-Za-z0-9_]+)*$",
     "an error code", "write words of letters, digits and _ with dots between, such as dataset.conflict"},
    {Format::kVariable, "variable", "^[A-Za-z_][A-Za-z0-9_]*$",
     "an environment variable's name", "use letters, digits and _, do not begin with a digit"},
    {Format::kDirectory, "directory", "^/[^\\x00]*$",
     "an absolute path", "begin with /"},
    {Format::kColumnType, "column_type", "^[A-Z][A-Z0-9_]*( [A-Z][A-Z0-9_]*)*([(][0-9]{1,4}(, ?[0-9]{1,4})?[)])?(\\[\\])?$",
     "a column type", "write a SQL type in capitals, such as BIGINT, VARCHAR, DECIMAL(18,2), TIMESTAMP WITH TIME ZONE or BIGINT[]"},
    {Format::kCharacter, "character", "^[\\x09\\x20-\\x7E]$",
     "a single character", "write one ASCII character that can be printed, or a tab"},
}};

constexpr ValueSchema kObjectMetaLabelsItem{.shape = Shape::kText, .max_size = 63};
constexpr ValueSchema kObjectMetaAnnotationsItem{.shape = Shape::kText, .max_size = 262144};
constexpr FieldSchema kObjectMetaFields[] = {
    {.name = "name",
     .doc = "The object's name, unique among its kind in its namespace.",
     .value = {.shape = Shape::kText, .format = Format::kLabel, .max_size = 63},
     .required = true},
    {.name = "namespace",
     .doc = "The namespace the object lives in; the caller's own when left out.",
     .value = {.shape = Shape::kText, .format = Format::kLabel, .max_size = 63}},
    {.name = "labels",
     .doc = "Short words to select objects by.",
     .value = {.shape = Shape::kMap, .max_size = 64, .item = &kObjectMetaLabelsItem}},
    {.name = "annotations",
     .doc = "Notes of tools and people; Millrace keeps them and acts on none.",
     .value = {.shape = Shape::kMap, .max_size = 64, .item = &kObjectMetaAnnotationsItem}},
};

constexpr EnumValueSchema kWriteModeValues[] = {
    {"Overwrite", "The new snapshot holds these rows alone, so a second run gives the same dataset."},
    {"Append", "The new snapshot holds the rows of the one before and these."},
};
constexpr EnumSchema kWriteModeEnum{"WriteMode", "How rows enter a dataset.", kWriteModeValues};

constexpr EnumValueSchema kConflictPolicyValues[] = {
    {"Retry", "The task runs again and replaces the newer snapshot. One that reads the dataset, too, would read what it read before, and fails instead."},
    {"Fail", "The task fails with the code dataset.conflict_fails."},
};
constexpr EnumSchema kConflictPolicyEnum{"ConflictPolicy", "What happens when another run committed to the dataset first.", kConflictPolicyValues};

constexpr EnumValueSchema kErrorClassValues[] = {
    {"User", "The document, the data or the caller is at fault; trying again changes nothing."},
    {"Transient", "It may pass by itself, as an attempt that took too long may; try again after a while."},
    {"Resource", "Memory or disk ran out; try again larger or elsewhere."},
    {"Infrastructure", "A machine, a process or a connection was lost; try again elsewhere."},
    {"Policy", "A rule refused it; trying again changes nothing."},
};
constexpr EnumSchema kErrorClassEnum{"ErrorClass", "Whose fault a failure is, and so whether trying again can help.", kErrorClassValues};

constexpr FieldSchema kDatasetTargetFields[] = {
    {.name = "dataset",
     .doc = "The name of the dataset, as SQL reads it.",
     .value = {.shape = Shape::kText, .format = Format::kName, .access = Access::kWrite, .max_size = 63},
     .required = true},
    {.name = "mode",
     .doc = "Whether the rows replace the dataset or are added to it.",
     .value = {.shape = Shape::kEnum, .enumeration = &kWriteModeEnum},
     .default_json = "\"Overwrite\""},
    {.name = "onConflict",
     .doc = "What to do when another run committed to the dataset since the attempt was placed, or, where the task reads it as well, since what it read.",
     .value = {.shape = Shape::kEnum, .enumeration = &kConflictPolicyEnum},
     .default_json = "\"Retry\""},
};

constexpr FieldSchema kStringParameterFields[] = {
    {.name = "default",
     .doc = "The value of a run that gives none.",
     .value = {.shape = Shape::kText, .max_size = 65536}},
    {.name = "maxLength",
     .doc = "The greatest length in characters.",
     .value = {.shape = Shape::kInteger, .minimum = 0, .maximum = 65536},
     .default_json = "65536"},
};

constexpr FieldSchema kIntegerParameterFields[] = {
    {.name = "default",
     .doc = "The value of a run that gives none.",
     .value = {.shape = Shape::kInteger}},
    {.name = "minimum",
     .doc = "The smallest value allowed.",
     .value = {.shape = Shape::kInteger}},
    {.name = "maximum",
     .doc = "The greatest value allowed.",
     .value = {.shape = Shape::kInteger}},
};

constexpr FieldSchema kBooleanParameterFields[] = {
    {.name = "default",
     .doc = "The value of a run that gives none.",
     .value = {.shape = Shape::kBoolean}},
};

constexpr ValueSchema kStringsParameterDefaultItem{.shape = Shape::kText, .max_size = 4096};
constexpr FieldSchema kStringsParameterFields[] = {
    {.name = "default",
     .doc = "The value of a run that gives none.",
     .value = {.shape = Shape::kList, .max_size = 1000, .item = &kStringsParameterDefaultItem}},
    {.name = "maxItems",
     .doc = "The greatest number of texts.",
     .value = {.shape = Shape::kInteger, .minimum = 0, .maximum = 1000},
     .default_json = "1000"},
};

constexpr FieldSchema kParameterFields[] = {
    {.name = "name",
     .doc = "The name, as ${{parameters.name}} and SQL's $name use it.",
     .value = {.shape = Shape::kText, .format = Format::kName, .max_size = 63},
     .required = true},
    {.name = "string",
     .doc = "Text.",
     .value = {.shape = Shape::kObject, .object = &kStringParameterSchema},
     .one_of = "type"},
    {.name = "integer",
     .doc = "A whole number of 64 bits.",
     .value = {.shape = Shape::kObject, .object = &kIntegerParameterSchema},
     .one_of = "type"},
    {.name = "boolean",
     .doc = "true or false.",
     .value = {.shape = Shape::kObject, .object = &kBooleanParameterSchema},
     .one_of = "type"},
    {.name = "strings",
     .doc = "A list of texts.",
     .value = {.shape = Shape::kObject, .object = &kStringsParameterSchema},
     .one_of = "type"},
};

constexpr EnumValueSchema kRunOnValues[] = {
    {"Success", "All of them succeeded."},
    {"Failure", "One of them failed."},
    {"Always", "All of them have ended, however they did."},
};
constexpr EnumSchema kRunOnEnum{"RunOn", "Which ends of the tasks before it let a task run; one that names none in dependsOn looks at the whole run unless it says Success.", kRunOnValues};

constexpr FieldSchema kOutputFields[] = {
    {.name = "name",
     .doc = "The output's name, unique in the task.",
     .value = {.shape = Shape::kText, .format = Format::kName, .max_size = 63},
     .required = true},
    {.name = "string",
     .doc = "Text.",
     .value = {.shape = Shape::kObject, .object = &kStringOutputSchema},
     .one_of = "type"},
    {.name = "integer",
     .doc = "A whole number of 64 bits.",
     .value = {.shape = Shape::kObject, .object = &kIntegerOutputSchema},
     .one_of = "type"},
    {.name = "boolean",
     .doc = "true or false.",
     .value = {.shape = Shape::kObject, .object = &kBooleanOutputSchema},
     .one_of = "type"},
};

constexpr FieldSchema kResourceAmountsFields[] = {
    {.name = "cpu",
     .doc = "Cores; 500m is half of one.",
     .value = {.shape = Shape::kCpu}},
    {.name = "memory",
     .doc = "Main memory in bytes; 2Gi is 2 × 2^30.",
     .value = {.shape = Shape::kBytes}},
    {.name = "disk",
     .doc = "Disk for spilling and staging in bytes.",
     .value = {.shape = Shape::kBytes}},
};

constexpr FieldSchema kResourcesFields[] = {
    {.name = "hint",
     .doc = "The first guess, until attempts have been measured.",
     .value = {.shape = Shape::kObject, .object = &kResourceAmountsSchema},
     .default_json = "{}"},
    {.name = "max",
     .doc = "The ceiling: the task is never given more.",
     .value = {.shape = Shape::kObject, .object = &kResourceAmountsSchema},
     .default_json = "{}"},
};

constexpr ValueSchema kErrorMatchClassesItem{.shape = Shape::kEnum, .enumeration = &kErrorClassEnum};
constexpr ValueSchema kErrorMatchCodesItem{.shape = Shape::kText, .format = Format::kErrorCode, .max_size = 100};
constexpr ValueSchema kErrorMatchExitCodesItem{.shape = Shape::kInteger, .minimum = 1, .maximum = 255};
constexpr FieldSchema kErrorMatchFields[] = {
    {.name = "classes",
     .doc = "Classes of errors.",
     .value = {.shape = Shape::kList, .unique = true, .max_size = 5, .item = &kErrorMatchClassesItem}},
    {.name = "codes",
     .doc = "Codes of errors.",
     .value = {.shape = Shape::kList, .unique = true, .max_size = 32, .item = &kErrorMatchCodesItem}},
    {.name = "exitCodes",
     .doc = "Exit codes of a command.",
     .value = {.shape = Shape::kList, .unique = true, .max_size = 255, .item = &kErrorMatchExitCodesItem}},
};

constexpr FieldSchema kBackoffFields[] = {
    {.name = "initial",
     .doc = "The wait before the second attempt.",
     .value = {.shape = Shape::kDuration},
     .default_json = "\"1s\""},
    {.name = "max",
     .doc = "The longest wait.",
     .value = {.shape = Shape::kDuration},
     .default_json = "\"5m\""},
};

constexpr FieldSchema kRetryFields[] = {
    {.name = "maxAttempts",
     .doc = "How many attempts the task gets in all, the first one counted.",
     .value = {.shape = Shape::kInteger, .minimum = 1, .maximum = 100},
     .default_json = "3"},
    {.name = "backoff",
     .doc = "How long to wait between attempts.",
     .value = {.shape = Shape::kObject, .object = &kBackoffSchema},
     .default_json = "{}"},
    {.name = "elsewhere",
     .doc = "Whether the next attempt must run on another worker.",
     .value = {.shape = Shape::kBoolean},
     .default_json = "false"},
};

constexpr EnumValueSchema kFailScopeValues[] = {
    {"Task", "The task fails, what needs it is skipped, the rest goes on."},
    {"Run", "The run fails and what is at work is cancelled."},
};
constexpr EnumSchema kFailScopeEnum{"FailScope", "What a failure brings down.", kFailScopeValues};

constexpr FieldSchema kErrorRuleFields[] = {
    {.name = "match",
     .doc = "Which failures the rule is for; every one when empty.",
     .value = {.shape = Shape::kObject, .object = &kErrorMatchSchema},
     .default_json = "{}"},
    {.name = "retry",
     .doc = "Try again.",
     .value = {.shape = Shape::kObject, .object = &kRetrySchema},
     .one_of = "action"},
    {.name = "fail",
     .doc = "Give up.",
     .value = {.shape = Shape::kEnum, .enumeration = &kFailScopeEnum},
     .one_of = "action"},
};

constexpr FieldSchema kEnvironmentVariableFields[] = {
    {.name = "name",
     .doc = "The variable's name.",
     .value = {.shape = Shape::kText, .format = Format::kVariable, .max_size = 255},
     .required = true},
    {.name = "value",
     .doc = "Its value.",
     .value = {.shape = Shape::kText, .reference = true, .max_size = 65536},
     .required = true},
};

constexpr ValueSchema kExitCodeMeaningCodesItem{.shape = Shape::kInteger, .minimum = 1, .maximum = 255};
constexpr FieldSchema kExitCodeMeaningFields[] = {
    {.name = "codes",
     .doc = "The exit codes.",
     .value = {.shape = Shape::kList, .unique = true, .min_size = 1, .max_size = 255, .item = &kExitCodeMeaningCodesItem},
     .required = true},
    {.name = "class",
     .doc = "The class of the error that they mean.",
     .value = {.shape = Shape::kEnum, .enumeration = &kErrorClassEnum},
     .required = true},
    {.name = "code",
     .doc = "The code of the error that they mean.",
     .value = {.shape = Shape::kText, .format = Format::kErrorCode, .max_size = 100},
     .required = true},
};

constexpr ValueSchema kCommandTaskArgvItem{.shape = Shape::kText, .reference = true, .max_size = 65536};
constexpr ValueSchema kCommandTaskEnvItem{.shape = Shape::kObject, .object = &kEnvironmentVariableSchema};
constexpr ValueSchema kCommandTaskExitCodesItem{.shape = Shape::kObject, .object = &kExitCodeMeaningSchema};
constexpr ValueSchema kCommandTaskReadsItem{.shape = Shape::kText, .format = Format::kName, .access = Access::kRead, .max_size = 63};
constexpr FieldSchema kCommandTaskFields[] = {
    {.name = "argv",
     .doc = "The program, by its absolute path or by a name on PATH, and its arguments.",
     .value = {.shape = Shape::kList, .min_size = 1, .max_size = 256, .item = &kCommandTaskArgvItem},
     .required = true},
    {.name = "env",
     .doc = "Environment variables besides the few that every command gets.",
     .value = {.shape = Shape::kList, .max_size = 128, .key = "name", .item = &kCommandTaskEnvItem}},
    {.name = "workingDirectory",
     .doc = "The folder the program starts in; a fresh one of its own when left out.",
     .value = {.shape = Shape::kText, .format = Format::kDirectory, .max_size = 4096}},
    {.name = "exitCodes",
     .doc = "What exit codes mean; any other but 0 is a User error with the code command.exit.",
     .value = {.shape = Shape::kList, .max_size = 64, .item = &kCommandTaskExitCodesItem}},
    {.name = "reads",
     .doc = "Datasets that the program reads, so that it waits for the tasks that write them.",
     .value = {.shape = Shape::kList, .unique = true, .max_size = 100, .item = &kCommandTaskReadsItem}},
};

constexpr FieldSchema kCsvSinkFields[] = {
    {.name = "header",
     .doc = "Whether the first record names the columns.",
     .value = {.shape = Shape::kBoolean},
     .default_json = "true"},
};

constexpr FieldSchema kObjectStoreDestinationFields[] = {
    {.name = "url",
     .doc = "The folder's URL; what an earlier delivery put there gives way to this one.",
     .value = {.shape = Shape::kText, .format = Format::kUrl, .reference = true, .max_size = 2048},
     .required = true},
    {.name = "csv",
     .doc = "Records of fields with commas between, as RFC 4180 has them.",
     .value = {.shape = Shape::kObject, .object = &kCsvSinkSchema},
     .one_of = "format"},
    {.name = "ndjson",
     .doc = "One JSON object a line.",
     .value = {.shape = Shape::kObject, .object = &kNdjsonSinkSchema},
     .one_of = "format"},
    {.name = "parquet",
     .doc = "Parquet files.",
     .value = {.shape = Shape::kObject, .object = &kParquetSinkSchema},
     .one_of = "format"},
};

constexpr FieldSchema kDestinationFields[] = {
    {.name = "objectStore",
     .doc = "Files in a folder.",
     .value = {.shape = Shape::kObject, .object = &kObjectStoreDestinationSchema},
     .one_of = "place"},
};

constexpr FieldSchema kDeliverTaskFields[] = {
    {.name = "dataset",
     .doc = "The dataset to hand on.",
     .value = {.shape = Shape::kText, .format = Format::kName, .access = Access::kRead, .max_size = 63},
     .required = true},
    {.name = "to",
     .doc = "Where it goes.",
     .value = {.shape = Shape::kObject, .object = &kDestinationSchema},
     .required = true},
};

constexpr ValueSchema kCsvSourceNullsItem{.shape = Shape::kText, .max_size = 64};
constexpr FieldSchema kCsvSourceFields[] = {
    {.name = "delimiter",
     .doc = "What stands between fields.",
     .value = {.shape = Shape::kText, .format = Format::kCharacter, .max_size = 1},
     .default_json = "\",\""},
    {.name = "quote",
     .doc = "What stands around a field that holds delimiters or line ends.",
     .value = {.shape = Shape::kText, .format = Format::kCharacter, .max_size = 1},
     .default_json = "\"\\\"\""},
    {.name = "header",
     .doc = "Whether the first record of each file names the columns.",
     .value = {.shape = Shape::kBoolean},
     .default_json = "true"},
    {.name = "nulls",
     .doc = "Texts that mean null, besides the empty unquoted field.",
     .value = {.shape = Shape::kList, .unique = true, .max_size = 32, .item = &kCsvSourceNullsItem}},
};

constexpr EnumValueSchema kCompressionValues[] = {
    {"Auto", "The first bytes of each file tell."},
    {"None", "They are not."},
    {"Gzip", "By gzip."},
};
constexpr EnumSchema kCompressionEnum{"Compression", "How files are compressed.", kCompressionValues};

constexpr FieldSchema kIngestSourceFields[] = {
    {.name = "url",
     .doc = "The files: a URL whose path may hold * and ?.",
     .value = {.shape = Shape::kText, .format = Format::kUrl, .reference = true, .max_size = 2048},
     .required = true},
    {.name = "csv",
     .doc = "Records of fields with a delimiter, as RFC 4180 has them.",
     .value = {.shape = Shape::kObject, .object = &kCsvSourceSchema},
     .one_of = "format"},
    {.name = "ndjson",
     .doc = "One JSON object a line.",
     .value = {.shape = Shape::kObject, .object = &kNdjsonSourceSchema},
     .one_of = "format"},
    {.name = "parquet",
     .doc = "Parquet files.",
     .value = {.shape = Shape::kObject, .object = &kParquetSourceSchema},
     .one_of = "format"},
    {.name = "compression",
     .doc = "How the files are compressed; Parquet files say so themselves.",
     .value = {.shape = Shape::kEnum, .enumeration = &kCompressionEnum},
     .default_json = "\"Auto\""},
};

constexpr FieldSchema kColumnFields[] = {
    {.name = "name",
     .doc = "The column's name, as the files have it.",
     .value = {.shape = Shape::kText, .min_size = 1, .max_size = 255},
     .required = true},
    {.name = "type",
     .doc = "The column's SQL type, such as BIGINT or TIMESTAMP.",
     .value = {.shape = Shape::kText, .format = Format::kColumnType, .max_size = 100},
     .required = true},
    {.name = "nullable",
     .doc = "Whether the column may hold nulls; a null where it may not is a bad row.",
     .value = {.shape = Shape::kBoolean},
     .default_json = "true"},
};

constexpr ValueSchema kIngestTargetSchemaItem{.shape = Shape::kObject, .object = &kColumnSchema};
constexpr FieldSchema kIngestTargetFields[] = {
    {.name = "dataset",
     .doc = "The name of the dataset, as SQL reads it.",
     .value = {.shape = Shape::kText, .format = Format::kName, .access = Access::kWrite, .max_size = 63},
     .required = true},
    {.name = "mode",
     .doc = "Whether the rows replace the dataset or are added to it.",
     .value = {.shape = Shape::kEnum, .enumeration = &kWriteModeEnum},
     .default_json = "\"Overwrite\""},
    {.name = "onConflict",
     .doc = "What to do when another run committed to the dataset since the attempt was placed, or, where the task reads it as well, since what it read.",
     .value = {.shape = Shape::kEnum, .enumeration = &kConflictPolicyEnum},
     .default_json = "\"Retry\""},
    {.name = "schema",
     .doc = "The columns; inferred from the files when left out.",
     .value = {.shape = Shape::kList, .max_size = 2000, .key = "name", .item = &kIngestTargetSchemaItem}},
};

constexpr FieldSchema kQuarantineFields[] = {
    {.name = "maxRows",
     .doc = "The task fails when there are more bad rows than this.",
     .value = {.shape = Shape::kInteger, .minimum = 0, .maximum = 1000000000},
     .default_json = "0"},
    {.name = "dataset",
     .doc = "The dataset for bad rows; when left out, the name of the one that is written with _quarantine behind it.",
     .value = {.shape = Shape::kText, .format = Format::kName, .access = Access::kWrite, .max_size = 63}},
};

constexpr FieldSchema kIngestTaskFields[] = {
    {.name = "from",
     .doc = "What to read.",
     .value = {.shape = Shape::kObject, .object = &kIngestSourceSchema},
     .required = true},
    {.name = "into",
     .doc = "Where the rows go.",
     .value = {.shape = Shape::kObject, .object = &kIngestTargetSchema},
     .required = true},
    {.name = "quarantine",
     .doc = "What happens to bad rows.",
     .value = {.shape = Shape::kObject, .object = &kQuarantineSchema},
     .default_json = "{}"},
};

constexpr FieldSchema kQueryTaskFields[] = {
    {.name = "sql",
     .doc = "One SELECT; $name is the workflow's parameter, bound as a value. The datasets it reads become edges.",
     .value = {.shape = Shape::kText, .sql = true, .min_size = 1, .max_size = 262144},
     .required = true},
    {.name = "into",
     .doc = "Where the rows go.",
     .value = {.shape = Shape::kObject, .object = &kDatasetTargetSchema},
     .required = true},
    {.name = "maxRows",
     .doc = "The task fails when the statement gives more rows than this.",
     .value = {.shape = Shape::kInteger, .minimum = 1, .maximum = 1000000000000}},
};

constexpr ValueSchema kTaskDependsOnItem{.shape = Shape::kText, .format = Format::kName, .max_size = 63};
constexpr ValueSchema kTaskOutputsItem{.shape = Shape::kObject, .object = &kOutputSchema};
constexpr ValueSchema kTaskOnErrorItem{.shape = Shape::kObject, .object = &kErrorRuleSchema};
constexpr FieldSchema kTaskFields[] = {
    {.name = "name",
     .doc = "The task's name, unique in the workflow.",
     .value = {.shape = Shape::kText, .format = Format::kName, .max_size = 63},
     .required = true},
    {.name = "dependsOn",
     .doc = "Tasks to wait for besides those whose datasets or outputs this one uses.",
     .value = {.shape = Shape::kList, .unique = true, .max_size = 1000, .item = &kTaskDependsOnItem}},
    {.name = "runOn",
     .doc = "Which ends of the tasks waited for let this one run.",
     .value = {.shape = Shape::kEnum, .enumeration = &kRunOnEnum},
     .default_json = "\"Success\""},
    {.name = "outputs",
     .doc = "Values that the task hands to later ones, as ${{tasks.name.outputs.name}}.",
     .value = {.shape = Shape::kList, .max_size = 32, .key = "name", .item = &kTaskOutputsItem}},
    {.name = "resources",
     .doc = "What the task is expected to use, and what it may use at most.",
     .value = {.shape = Shape::kObject, .object = &kResourcesSchema},
     .default_json = "{}"},
    {.name = "timeout",
     .doc = "How long the task may take, all attempts and waits between them counted.",
     .value = {.shape = Shape::kDuration}},
    {.name = "attemptTimeout",
     .doc = "How long one attempt may take.",
     .value = {.shape = Shape::kDuration}},
    {.name = "queueTimeout",
     .doc = "How long the task may be ready without a place to run. Does not count while its own run holds it back: paused, or with as many attempts as concurrency.maxTasks.",
     .value = {.shape = Shape::kDuration}},
    {.name = "onError",
     .doc = "Rules for failed attempts of this task; the first that matches decides.",
     .value = {.shape = Shape::kList, .max_size = 32, .item = &kTaskOnErrorItem}},
    {.name = "command",
     .doc = "Runs a program in a process of its own.",
     .value = {.shape = Shape::kObject, .object = &kCommandTaskSchema},
     .one_of = "kind"},
    {.name = "deliver",
     .doc = "Hands a dataset to the outside world.",
     .value = {.shape = Shape::kObject, .object = &kDeliverTaskSchema},
     .one_of = "kind"},
    {.name = "ingest",
     .doc = "Reads files into a dataset and sets bad rows aside.",
     .value = {.shape = Shape::kObject, .object = &kIngestTaskSchema},
     .one_of = "kind"},
    {.name = "query",
     .doc = "Runs one SQL statement over datasets and keeps its rows as a dataset.",
     .value = {.shape = Shape::kObject, .object = &kQueryTaskSchema},
     .one_of = "kind"},
};

constexpr FieldSchema kConcurrencyFields[] = {
    {.name = "maxTasks",
     .doc = "How many tasks of one run may be at work together; no limit of its own when left out.",
     .value = {.shape = Shape::kInteger, .minimum = 1, .maximum = 10000}},
};

constexpr ValueSchema kWorkflowSpecParametersItem{.shape = Shape::kObject, .object = &kParameterSchema};
constexpr ValueSchema kWorkflowSpecTasksItem{.shape = Shape::kObject, .object = &kTaskSchema};
constexpr ValueSchema kWorkflowSpecOnErrorItem{.shape = Shape::kObject, .object = &kErrorRuleSchema};
constexpr FieldSchema kWorkflowSpecFields[] = {
    {.name = "parameters",
     .doc = "What a run may be given; a parameter without a default must be given.",
     .value = {.shape = Shape::kList, .max_size = 64, .key = "name", .item = &kWorkflowSpecParametersItem}},
    {.name = "tasks",
     .doc = "The tasks; their order follows from what they read and from dependsOn, not from the list.",
     .value = {.shape = Shape::kList, .min_size = 1, .max_size = 1000, .key = "name", .item = &kWorkflowSpecTasksItem},
     .required = true},
    {.name = "timeout",
     .doc = "How long a run may take from its start; then it is cancelled and fails as TimedOut.",
     .value = {.shape = Shape::kDuration}},
    {.name = "queue",
     .doc = "The queue whose limits the runs share.",
     .value = {.shape = Shape::kText, .format = Format::kLabel, .max_size = 63},
     .default_json = "\"default\""},
    {.name = "concurrency",
     .doc = "How much of a run may happen at once.",
     .value = {.shape = Shape::kObject, .object = &kConcurrencySchema},
     .default_json = "{}"},
    {.name = "onError",
     .doc = "Rules for failed attempts of every task; a task's own rules come first, the first that matches decides.",
     .value = {.shape = Shape::kList, .max_size = 32, .item = &kWorkflowSpecOnErrorItem}},
};

constexpr FieldSchema kParameterValueFields[] = {
    {.name = "name",
     .doc = "The parameter's name.",
     .value = {.shape = Shape::kText, .format = Format::kName, .max_size = 63},
     .required = true},
    {.name = "value",
     .doc = "The value, of the type that the workflow declares.",
     .value = {.shape = Shape::kValue},
     .required = true},
};

constexpr EnumValueSchema kDesiredStateValues[] = {
    {"Running", "It goes on."},
    {"Paused", "Tasks at work end, no further one starts."},
    {"Cancelled", "Everything is stopped, and the run ends."},
};
constexpr EnumSchema kDesiredStateEnum{"DesiredState", "What a run is wanted to do.", kDesiredStateValues};

constexpr ValueSchema kWorkflowRunSpecParametersItem{.shape = Shape::kObject, .object = &kParameterValueSchema};
constexpr FieldSchema kWorkflowRunSpecFields[] = {
    {.name = "workflow",
     .doc = "The name of the workflow, in the run's own namespace; it cannot be changed.",
     .value = {.shape = Shape::kText, .format = Format::kLabel, .max_size = 63},
     .required = true},
    {.name = "parameters",
     .doc = "Values for the workflow's parameters; they cannot be changed.",
     .value = {.shape = Shape::kList, .max_size = 64, .key = "name", .item = &kWorkflowRunSpecParametersItem}},
    {.name = "desiredState",
     .doc = "What the run is wanted to do.",
     .value = {.shape = Shape::kEnum, .enumeration = &kDesiredStateEnum},
     .default_json = "\"Running\""},
};

constexpr FieldSchema kRunReferenceFields[] = {
    {.name = "name",
     .doc = "The name of the run.",
     .value = {.shape = Shape::kText, .format = Format::kLabel, .max_size = 63},
     .required = true},
    {.name = "runId",
     .doc = "The id under which the scheduler keeps the run.",
     .value = {.shape = Shape::kText, .max_size = 26},
     .required = true},
};

constexpr FieldSchema kTaskCountsFields[] = {
    {.name = "total",
     .doc = "All tasks of the run.",
     .value = {.shape = Shape::kInteger, .minimum = 0},
     .default_json = "0"},
    {.name = "waiting",
     .doc = "Tasks that wait for others or for room.",
     .value = {.shape = Shape::kInteger, .minimum = 0},
     .default_json = "0"},
    {.name = "running",
     .doc = "Tasks at work.",
     .value = {.shape = Shape::kInteger, .minimum = 0},
     .default_json = "0"},
    {.name = "succeeded",
     .doc = "Tasks that succeeded.",
     .value = {.shape = Shape::kInteger, .minimum = 0},
     .default_json = "0"},
    {.name = "failed",
     .doc = "Tasks that failed.",
     .value = {.shape = Shape::kInteger, .minimum = 0},
     .default_json = "0"},
    {.name = "skipped",
     .doc = "Tasks that will not run.",
     .value = {.shape = Shape::kInteger, .minimum = 0},
     .default_json = "0"},
    {.name = "cancelled",
     .doc = "Tasks that were cancelled.",
     .value = {.shape = Shape::kInteger, .minimum = 0},
     .default_json = "0"},
};

constexpr EnumValueSchema kConditionStatusValues[] = {
    {"True", "It holds."},
    {"False", "It does not."},
    {"Unknown", "It is not known."},
};
constexpr EnumSchema kConditionStatusEnum{"ConditionStatus", "Whether a condition holds.", kConditionStatusValues};

constexpr FieldSchema kConditionFields[] = {
    {.name = "type",
     .doc = "What it is about: Accepted, Waiting, Succeeded or Finished.",
     .value = {.shape = Shape::kText, .max_size = 64},
     .required = true},
    {.name = "status",
     .doc = "Whether it is so.",
     .value = {.shape = Shape::kEnum, .enumeration = &kConditionStatusEnum},
     .required = true},
    {.name = "reason",
     .doc = "Why, in one word for programs.",
     .value = {.shape = Shape::kText, .max_size = 64}},
    {.name = "message",
     .doc = "Why, for people.",
     .value = {.shape = Shape::kText, .max_size = 512}},
    {.name = "observedGeneration",
     .doc = "The generation of the spec that it is about.",
     .value = {.shape = Shape::kInteger, .minimum = 0}},
    {.name = "lastTransitionTime",
     .doc = "When its status changed last.",
     .value = {.shape = Shape::kTime}},
};

constexpr ValueSchema kWorkflowRunStatusConditionsItem{.shape = Shape::kObject, .object = &kConditionSchema};
constexpr FieldSchema kWorkflowRunStatusFields[] = {
    {.name = "observedGeneration",
     .doc = "The generation of the spec that this status is about.",
     .value = {.shape = Shape::kInteger, .minimum = 0}},
    {.name = "runId",
     .doc = "The id under which the scheduler keeps the run.",
     .value = {.shape = Shape::kText, .max_size = 26}},
    {.name = "rerunOf",
     .doc = "The run that this one does again.",
     .value = {.shape = Shape::kObject, .object = &kRunReferenceSchema}},
    {.name = "queue",
     .doc = "The queue in which its tasks wait.",
     .value = {.shape = Shape::kText, .max_size = 63}},
    {.name = "phase",
     .doc = "One word for people; programs read the conditions.",
     .value = {.shape = Shape::kText, .max_size = 32}},
    {.name = "done",
     .doc = "How many tasks have ended, of how many: 12/40.",
     .value = {.shape = Shape::kText, .max_size = 32}},
    {.name = "tasks",
     .doc = "How many tasks are in which state.",
     .value = {.shape = Shape::kObject, .object = &kTaskCountsSchema}},
    {.name = "startedAt",
     .doc = "When the first task started.",
     .value = {.shape = Shape::kTime}},
    {.name = "finishedAt",
     .doc = "When the run ended.",
     .value = {.shape = Shape::kTime}},
    {.name = "message",
     .doc = "How it ended, for people.",
     .value = {.shape = Shape::kText, .max_size = 512}},
    {.name = "lastError",
     .doc = "The last error, with the task it came from.",
     .value = {.shape = Shape::kText, .max_size = 512}},
    {.name = "conditions",
     .doc = "Accepted, Waiting, Succeeded and Finished; Finished is true at any end.",
     .value = {.shape = Shape::kList, .max_size = 8, .key = "type", .item = &kWorkflowRunStatusConditionsItem}},
};

}  // namespace

const ObjectSchema kObjectMetaSchema{"ObjectMeta", "What names an object and describes it to its readers.", kObjectMetaFields};
const ObjectSchema kDatasetTargetSchema{"DatasetTarget", "The dataset a task writes, and how.", kDatasetTargetFields};
const ObjectSchema kStringParameterSchema{"StringParameter", "A parameter that holds text.", kStringParameterFields};
const ObjectSchema kIntegerParameterSchema{"IntegerParameter", "A parameter that holds a whole number.", kIntegerParameterFields};
const ObjectSchema kBooleanParameterSchema{"BooleanParameter", "A parameter that is true or false.", kBooleanParameterFields};
const ObjectSchema kStringsParameterSchema{"StringsParameter", "A parameter that holds a list of texts.", kStringsParameterFields};
const ObjectSchema kParameterSchema{"Parameter", "A value that a run can be given, and its type.", kParameterFields};
const ObjectSchema kStringOutputSchema{"StringOutput", "An output that holds text.", {}};
const ObjectSchema kIntegerOutputSchema{"IntegerOutput", "An output that holds a whole number.", {}};
const ObjectSchema kBooleanOutputSchema{"BooleanOutput", "An output that is true or false.", {}};
const ObjectSchema kOutputSchema{"Output", "A value that a task hands on; a command writes it to the file named after it in $MILLRACE_OUTPUTS.", kOutputFields};
const ObjectSchema kResourceAmountsSchema{"ResourceAmounts", "Amounts in Kubernetes' notation.", kResourceAmountsFields};
const ObjectSchema kResourcesSchema{"Resources", "What a task is expected to use, and what it may use at most.", kResourcesFields};
const ObjectSchema kErrorMatchSchema{"ErrorMatch", "A failure matches when each list that is given holds it.", kErrorMatchFields};
const ObjectSchema kBackoffSchema{"Backoff", "Waits that double from initial to max, with jitter.", kBackoffFields};
const ObjectSchema kRetrySchema{"Retry", "How often, how soon and where to try again.", kRetryFields};
const ObjectSchema kErrorRuleSchema{"ErrorRule", "What to do when an attempt has failed.", kErrorRuleFields};
const ObjectSchema kEnvironmentVariableSchema{"EnvironmentVariable", "An environment variable of a command.", kEnvironmentVariableFields};
const ObjectSchema kExitCodeMeaningSchema{"ExitCodeMeaning", "What some exit codes of a command mean.", kExitCodeMeaningFields};
const ObjectSchema kCommandTaskSchema{"CommandTask", "Runs a program in a process of its own, without a shell; exit code 0 is success.", kCommandTaskFields};
const ObjectSchema kCsvSinkSchema{"CsvSink", "How CSV files are written.", kCsvSinkFields};
const ObjectSchema kNdjsonSinkSchema{"NdjsonSink", "How NDJSON files are written.", {}};
const ObjectSchema kParquetSinkSchema{"ParquetSink", "How Parquet files are written.", {}};
const ObjectSchema kObjectStoreDestinationSchema{"ObjectStoreDestination", "A folder and the format of the files in it.", kObjectStoreDestinationFields};
const ObjectSchema kDestinationSchema{"Destination", "Exactly one place.", kDestinationFields};
const ObjectSchema kDeliverTaskSchema{"DeliverTask", "Hands a dataset to the outside world, staged first and then published whole.", kDeliverTaskFields};
const ObjectSchema kCsvSourceSchema{"CsvSource", "How the CSV files are written.", kCsvSourceFields};
const ObjectSchema kNdjsonSourceSchema{"NdjsonSource", "How the NDJSON files are written.", {}};
const ObjectSchema kParquetSourceSchema{"ParquetSource", "How the Parquet files are written.", {}};
const ObjectSchema kIngestSourceSchema{"IngestSource", "Files of one format.", kIngestSourceFields};
const ObjectSchema kColumnSchema{"Column", "A column of a dataset.", kColumnFields};
const ObjectSchema kIngestTargetSchema{"IngestTarget", "The dataset that is written, and its columns.", kIngestTargetFields};
const ObjectSchema kQuarantineSchema{"Quarantine", "Where bad rows go, and how many are borne.", kQuarantineFields};
const ObjectSchema kIngestTaskSchema{"IngestTask", "Reads files into a dataset; rows that cannot be read go to a quarantine dataset.", kIngestTaskFields};
const ObjectSchema kQueryTaskSchema{"QueryTask", "Runs one SQL statement over datasets and keeps its rows as a dataset.", kQueryTaskFields};
const ObjectSchema kTaskSchema{"Task", "One step of a workflow, of exactly one kind.", kTaskFields};
const ObjectSchema kConcurrencySchema{"Concurrency", "Limits on what happens at once.", kConcurrencyFields};
const ObjectSchema kWorkflowSpecSchema{"WorkflowSpec", "What a workflow does.", kWorkflowSpecFields};
const ObjectSchema kParameterValueSchema{"ParameterValue", "The value of one parameter.", kParameterValueFields};
const ObjectSchema kWorkflowRunSpecSchema{"WorkflowRunSpec", "What to run.", kWorkflowRunSpecFields};
const ObjectSchema kRunReferenceSchema{"RunReference", "A run, by its name and its id.", kRunReferenceFields};
const ObjectSchema kTaskCountsSchema{"TaskCounts", "How many tasks are in which state.", kTaskCountsFields};
const ObjectSchema kConditionSchema{"Condition", "One thing that is true of the run, false, or not known.", kConditionFields};
const ObjectSchema kWorkflowRunStatusSchema{"WorkflowRunStatus", "How far the run is, in short; `millrace get` and REST tell the rest.", kWorkflowRunStatusFields};

namespace {
constexpr std::array<ResourceSchema, 2> kResources{{
    {"Workflow", "workflows", "A graph of tasks; each run of it is a WorkflowRun.", &kWorkflowSpecSchema},
    {"WorkflowRun", "workflowruns", "One run of a workflow, with the values of its parameters.", &kWorkflowRunSpecSchema},
}};
}  // namespace

std::span<const FormatInfo> format_infos() { return kFormats; }
std::span<const ResourceSchema> resource_schemas() { return kResources; }

}  // namespace millrace::manifest
