// The structs that a valid manifest becomes: every default filled in, unions as variants.
// Generated from the fragments in manifest/ by tools/generate.py. Do not edit.
// clang-format off
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "manifest/value.h"

namespace millrace::manifest {

// What names an object and describes it to its readers.
struct ObjectMeta {
  // The object's name, unique among its kind in its namespace.
  std::string name{};
  // The namespace the object lives in; the caller's own when left out.
  std::optional<std::string> ns{};
  // Short words to select objects by.
  std::map<std::string, std::string> labels{};
  // Notes of tools and people; Millrace keeps them and acts on none.
  std::map<std::string, std::string> annotations{};

  friend bool operator==(const ObjectMeta&, const ObjectMeta&) = default;
};

// How rows enter a dataset.
enum class WriteMode {
  kOverwrite,  // The new snapshot holds these rows alone, so a second run gives the same dataset.
  kAppend,  // The new snapshot holds the rows of the one before and these.
};
std::string_view to_string(WriteMode value);

// What happens when another run committed to the dataset first.
enum class ConflictPolicy {
  kRetry,  // The task runs again and replaces the newer snapshot. One that reads the dataset, too, would read what it read before, and fails instead.
  kFail,  // The task fails with the code dataset.conflict_fails.
};
std::string_view to_string(ConflictPolicy value);

// The dataset a task writes, and how.
struct DatasetTarget {
  // The name of the dataset, as SQL reads it.
  std::string dataset{};
  // Whether the rows replace the dataset or are added to it.
  WriteMode mode = WriteMode::kOverwrite;
  // What to do when another run committed to the dataset since the attempt was placed, or, where
  // the task reads it as well, since what it read.
  ConflictPolicy on_conflict = ConflictPolicy::kRetry;

  friend bool operator==(const DatasetTarget&, const DatasetTarget&) = default;
};

// A parameter that holds text.
struct StringParameter {
  // The value of a run that gives none.
  std::optional<std::string> default_value{};
  // The greatest length in characters.
  std::int64_t max_length = 65536;

  friend bool operator==(const StringParameter&, const StringParameter&) = default;
};

// A parameter that holds a whole number.
struct IntegerParameter {
  // The value of a run that gives none.
  std::optional<std::int64_t> default_value{};
  // The smallest value allowed.
  std::optional<std::int64_t> minimum{};
  // The greatest value allowed.
  std::optional<std::int64_t> maximum{};

  friend bool operator==(const IntegerParameter&, const IntegerParameter&) = default;
};

// A parameter that is true or false.
struct BooleanParameter {
  // The value of a run that gives none.
  std::optional<bool> default_value{};

  friend bool operator==(const BooleanParameter&, const BooleanParameter&) = default;
};

// A parameter that holds a list of texts.
struct StringsParameter {
  // The value of a run that gives none.
  std::optional<std::vector<std::string>> default_value{};
  // The greatest number of texts.
  std::int64_t max_items = 1000;

  friend bool operator==(const StringsParameter&, const StringsParameter&) = default;
};

// A value that a run can be given, and its type.
struct Parameter {
  // The name, as ${{parameters.name}} and SQL's $name use it.
  std::string name{};
  // Exactly one: string, integer, boolean, strings.
  std::variant<StringParameter, IntegerParameter, BooleanParameter, StringsParameter> type{};

  friend bool operator==(const Parameter&, const Parameter&) = default;
};

// Which ends of the tasks before it let a task run; one that names none in dependsOn looks at the
// whole run unless it says Success.
enum class RunOn {
  kSuccess,  // All of them succeeded.
  kFailure,  // One of them failed.
  kAlways,  // All of them have ended, however they did.
};
std::string_view to_string(RunOn value);

// An output that holds text.
struct StringOutput {
  friend bool operator==(const StringOutput&, const StringOutput&) = default;
};

// An output that holds a whole number.
struct IntegerOutput {
  friend bool operator==(const IntegerOutput&, const IntegerOutput&) = default;
};

// An output that is true or false.
struct BooleanOutput {
  friend bool operator==(const BooleanOutput&, const BooleanOutput&) = default;
};

// A value that a task hands on; a command writes it to the file named after it in
// $MILLRACE_OUTPUTS.
struct Output {
  // The output's name, unique in the task.
  std::string name{};
  // Exactly one: string, integer, boolean.
  std::variant<StringOutput, IntegerOutput, BooleanOutput> type{};

  friend bool operator==(const Output&, const Output&) = default;
};

// Amounts in Kubernetes' notation.
struct ResourceAmounts {
  // Cores; 500m is half of one.
  std::optional<MilliCpu> cpu{};
  // Main memory in bytes; 2Gi is 2 × 2^30.
  std::optional<Bytes> memory{};
  // Disk for spilling and staging in bytes.
  std::optional<Bytes> disk{};

  friend bool operator==(const ResourceAmounts&, const ResourceAmounts&) = default;
};

// What a task is expected to use, and what it may use at most.
struct Resources {
  // The first guess, until attempts have been measured.
  ResourceAmounts hint{};
  // The ceiling: the task is never given more.
  ResourceAmounts max{};

  friend bool operator==(const Resources&, const Resources&) = default;
};

// A failure matches when each list that is given holds it.
struct ErrorMatch {
  // Classes of errors.
  std::vector<millrace::ErrorClass> classes{};
  // Codes of errors.
  std::vector<std::string> codes{};
  // Exit codes of a command.
  std::vector<std::int64_t> exit_codes{};

  friend bool operator==(const ErrorMatch&, const ErrorMatch&) = default;
};

// Waits that double from initial to max, with jitter.
struct Backoff {
  // The wait before the second attempt.
  Micros initial = Micros(1000000);
  // The longest wait.
  Micros max = Micros(300000000);

  friend bool operator==(const Backoff&, const Backoff&) = default;
};

// How often, how soon and where to try again.
struct Retry {
  // How many attempts the task gets in all, the first one counted.
  std::int64_t max_attempts = 3;
  // How long to wait between attempts.
  Backoff backoff{};
  // Whether the next attempt must run on another worker.
  bool elsewhere = false;

  friend bool operator==(const Retry&, const Retry&) = default;
};

// What a failure brings down.
enum class FailScope {
  kTask,  // The task fails, what needs it is skipped, the rest goes on.
  kRun,  // The run fails and what is at work is cancelled.
};
std::string_view to_string(FailScope value);

// What to do when an attempt has failed.
struct ErrorRule {
  // Which failures the rule is for; every one when empty.
  ErrorMatch match{};
  // Exactly one: retry, fail.
  std::variant<Retry, FailScope> action{};

  friend bool operator==(const ErrorRule&, const ErrorRule&) = default;
};

// An environment variable of a command.
struct EnvironmentVariable {
  // The variable's name.
  std::string name{};
  // Its value.
  std::string value{};

  friend bool operator==(const EnvironmentVariable&, const EnvironmentVariable&) = default;
};

// What some exit codes of a command mean.
struct ExitCodeMeaning {
  // The exit codes.
  std::vector<std::int64_t> codes{};
  // The class of the error that they mean.
  millrace::ErrorClass error_class = millrace::ErrorClass::kUser;
  // The code of the error that they mean.
  std::string code{};

  friend bool operator==(const ExitCodeMeaning&, const ExitCodeMeaning&) = default;
};

// Runs a program in a process of its own, without a shell; exit code 0 is success.
struct CommandTask {
  // The program, by its absolute path or by a name on PATH, and its arguments.
  std::vector<std::string> argv{};
  // Environment variables besides the few that every command gets.
  std::vector<EnvironmentVariable> env{};
  // The folder the program starts in; a fresh one of its own when left out.
  std::optional<std::string> working_directory{};
  // What exit codes mean; any other but 0 is a User error with the code command.exit.
  std::vector<ExitCodeMeaning> exit_codes{};
  // Datasets that the program reads, so that it waits for the tasks that write them.
  std::vector<std::string> reads{};

  friend bool operator==(const CommandTask&, const CommandTask&) = default;
};

// How CSV files are written.
struct CsvSink {
  // Whether the first record names the columns.
  bool header = true;

  friend bool operator==(const CsvSink&, const CsvSink&) = default;
};

// How NDJSON files are written.
struct NdjsonSink {
  friend bool operator==(const NdjsonSink&, const NdjsonSink&) = default;
};

// How Parquet files are written.
struct ParquetSink {
  friend bool operator==(const ParquetSink&, const ParquetSink&) = default;
};

// A folder and the format of the files in it.
struct ObjectStoreDestination {
  // The folder's URL; what an earlier delivery put there gives way to this one.
  std::string url{};
  // Exactly one: csv, ndjson, parquet.
  std::variant<CsvSink, NdjsonSink, ParquetSink> format{};

  friend bool operator==(const ObjectStoreDestination&, const ObjectStoreDestination&) = default;
};

// Exactly one place.
struct Destination {
  // Exactly one: objectStore.
  std::variant<ObjectStoreDestination> place{};

  friend bool operator==(const Destination&, const Destination&) = default;
};

// Hands a dataset to the outside world, staged first and then published whole.
struct DeliverTask {
  // The dataset to hand on.
  std::string dataset{};
  // Where it goes.
  Destination to{};

  friend bool operator==(const DeliverTask&, const DeliverTask&) = default;
};

// How the CSV files are written.
struct CsvSource {
  // What stands between fields.
  std::string delimiter = ",";
  // What stands around a field that holds delimiters or line ends.
  std::string quote = "\"";
  // Whether the first record of each file names the columns.
  bool header = true;
  // Texts that mean null, besides the empty unquoted field.
  std::vector<std::string> nulls{};

  friend bool operator==(const CsvSource&, const CsvSource&) = default;
};

// How the NDJSON files are written.
struct NdjsonSource {
  friend bool operator==(const NdjsonSource&, const NdjsonSource&) = default;
};

// How the Parquet files are written.
struct ParquetSource {
  friend bool operator==(const ParquetSource&, const ParquetSource&) = default;
};

// How files are compressed.
enum class Compression {
  kAuto,  // The first bytes of each file tell.
  kNone,  // They are not.
  kGzip,  // By gzip.
};
std::string_view to_string(Compression value);

// Files of one format.
struct IngestSource {
  // The files: a URL whose path may hold * and ?.
  std::string url{};
  // Exactly one: csv, ndjson, parquet.
  std::variant<CsvSource, NdjsonSource, ParquetSource> format{};
  // How the files are compressed; Parquet files say so themselves.
  Compression compression = Compression::kAuto;

  friend bool operator==(const IngestSource&, const IngestSource&) = default;
};

// A column of a dataset.
struct Column {
  // The column's name, as the files have it.
  std::string name{};
  // The column's SQL type, such as BIGINT or TIMESTAMP.
  std::string type{};
  // Whether the column may hold nulls; a null where it may not is a bad row.
  bool nullable = true;

  friend bool operator==(const Column&, const Column&) = default;
};

// The dataset that is written, and its columns.
struct IngestTarget {
  // The name of the dataset, as SQL reads it.
  std::string dataset{};
  // Whether the rows replace the dataset or are added to it.
  WriteMode mode = WriteMode::kOverwrite;
  // What to do when another run committed to the dataset since the attempt was placed, or, where
  // the task reads it as well, since what it read.
  ConflictPolicy on_conflict = ConflictPolicy::kRetry;
  // The columns; inferred from the files when left out.
  std::vector<Column> schema{};

  friend bool operator==(const IngestTarget&, const IngestTarget&) = default;
};

// Where bad rows go, and how many are borne.
struct Quarantine {
  // The task fails when there are more bad rows than this.
  std::int64_t max_rows = 0;
  // The dataset for bad rows; when left out, the name of the one that is written with _quarantine
  // behind it.
  std::string dataset{};

  friend bool operator==(const Quarantine&, const Quarantine&) = default;
};

// Reads files into a dataset; rows that cannot be read go to a quarantine dataset.
struct IngestTask {
  // What to read.
  IngestSource from{};
  // Where the rows go.
  IngestTarget into{};
  // What happens to bad rows.
  Quarantine quarantine{};

  friend bool operator==(const IngestTask&, const IngestTask&) = default;
};

// Runs one SQL statement over datasets and keeps its rows as a dataset.
struct QueryTask {
  // One SELECT; $name is the workflow's parameter, bound as a value. The datasets it reads become
  // edges.
  std::string sql{};
  // Where the rows go.
  DatasetTarget into{};
  // The task fails when the statement gives more rows than this.
  std::optional<std::int64_t> max_rows{};

  friend bool operator==(const QueryTask&, const QueryTask&) = default;
};

// One step of a workflow, of exactly one kind.
struct Task {
  // The task's name, unique in the workflow.
  std::string name{};
  // Tasks to wait for besides those whose datasets or outputs this one uses.
  std::vector<std::string> depends_on{};
  // Which ends of the tasks waited for let this one run.
  RunOn run_on = RunOn::kSuccess;
  // Values that the task hands to later ones, as ${{tasks.name.outputs.name}}.
  std::vector<Output> outputs{};
  // What the task is expected to use, and what it may use at most.
  Resources resources{};
  // How long the task may take, all attempts and waits between them counted.
  std::optional<Micros> timeout{};
  // How long one attempt may take.
  std::optional<Micros> attempt_timeout{};
  // How long the task may be ready without a place to run. Does not count while its own run holds
  // it back: paused, or with as many attempts as concurrency.maxTasks.
  std::optional<Micros> queue_timeout{};
  // Rules for failed attempts of this task; the first that matches decides.
  std::vector<ErrorRule> on_error{};
  // Exactly one: command, deliver, ingest, query.
  std::variant<CommandTask, DeliverTask, IngestTask, QueryTask> kind{};

  friend bool operator==(const Task&, const Task&) = default;
};

// Limits on what happens at once.
struct Concurrency {
  // How many tasks of one run may be at work together; no limit of its own when left out.
  std::optional<std::int64_t> max_tasks{};

  friend bool operator==(const Concurrency&, const Concurrency&) = default;
};

// What a workflow does.
struct WorkflowSpec {
  // What a run may be given; a parameter without a default must be given.
  std::vector<Parameter> parameters{};
  // The tasks; their order follows from what they read and from dependsOn, not from the list.
  std::vector<Task> tasks{};
  // How long a run may take from its start; then it is cancelled and fails as TimedOut.
  std::optional<Micros> timeout{};
  // The queue whose limits the runs share.
  std::string queue = "default";
  // How much of a run may happen at once.
  Concurrency concurrency{};
  // Rules for failed attempts of every task; a task's own rules come first, the first that matches
  // decides.
  std::vector<ErrorRule> on_error{};

  friend bool operator==(const WorkflowSpec&, const WorkflowSpec&) = default;
};

// The value of one parameter.
struct ParameterValue {
  // The parameter's name.
  std::string name{};
  // The value, of the type that the workflow declares.
  Value value{};

  friend bool operator==(const ParameterValue&, const ParameterValue&) = default;
};

// What a run is wanted to do.
enum class DesiredState {
  kRunning,  // It goes on.
  kPaused,  // Tasks at work end, no further one starts.
  kCancelled,  // Everything is stopped, and the run ends.
};
std::string_view to_string(DesiredState value);

// What to run.
struct WorkflowRunSpec {
  // The name of the workflow, in the run's own namespace; it cannot be changed.
  std::string workflow{};
  // Values for the workflow's parameters; they cannot be changed.
  std::vector<ParameterValue> parameters{};
  // What the run is wanted to do.
  DesiredState desired_state = DesiredState::kRunning;

  friend bool operator==(const WorkflowRunSpec&, const WorkflowRunSpec&) = default;
};

// A run, by its name and its id.
struct RunReference {
  // The name of the run.
  std::string name{};
  // The id under which the scheduler keeps the run.
  std::string run_id{};

  friend bool operator==(const RunReference&, const RunReference&) = default;
};

// How many tasks are in which state.
struct TaskCounts {
  // All tasks of the run.
  std::int64_t total = 0;
  // Tasks that wait for others or for room.
  std::int64_t waiting = 0;
  // Tasks at work.
  std::int64_t running = 0;
  // Tasks that succeeded.
  std::int64_t succeeded = 0;
  // Tasks that failed.
  std::int64_t failed = 0;
  // Tasks that will not run.
  std::int64_t skipped = 0;
  // Tasks that were cancelled.
  std::int64_t cancelled = 0;

  friend bool operator==(const TaskCounts&, const TaskCounts&) = default;
};

// Whether a condition holds.
enum class ConditionStatus {
  kTrue,  // It holds.
  kFalse,  // It does not.
  kUnknown,  // It is not known.
};
std::string_view to_string(ConditionStatus value);

// One thing that is true of the run, false, or not known.
struct Condition {
  // What it is about: Accepted, Waiting, Succeeded or Finished.
  std::string type{};
  // Whether it is so.
  ConditionStatus status = ConditionStatus::kTrue;
  // Why, in one word for programs.
  std::optional<std::string> reason{};
  // Why, for people.
  std::optional<std::string> message{};
  // The generation of the spec that it is about.
  std::optional<std::int64_t> observed_generation{};
  // When its status changed last.
  std::optional<std::string> last_transition_time{};

  friend bool operator==(const Condition&, const Condition&) = default;
};

// How far the run is, in short; `millrace get` and REST tell the rest.
struct WorkflowRunStatus {
  // The generation of the spec that this status is about.
  std::optional<std::int64_t> observed_generation{};
  // The id under which the scheduler keeps the run.
  std::optional<std::string> run_id{};
  // The run that this one does again.
  std::optional<RunReference> rerun_of{};
  // The queue in which its tasks wait.
  std::optional<std::string> queue{};
  // One word for people; programs read the conditions.
  std::optional<std::string> phase{};
  // How many tasks have ended, of how many: 12/40.
  std::optional<std::string> done{};
  // How many tasks are in which state.
  std::optional<TaskCounts> tasks{};
  // When the first task started.
  std::optional<std::string> started_at{};
  // When the run ended.
  std::optional<std::string> finished_at{};
  // How it ended, for people.
  std::optional<std::string> message{};
  // The last error, with the task it came from.
  std::optional<std::string> last_error{};
  // Accepted, Waiting, Succeeded and Finished; Finished is true at any end.
  std::vector<Condition> conditions{};

  friend bool operator==(const WorkflowRunStatus&, const WorkflowRunStatus&) = default;
};

// A graph of tasks; each run of it is a WorkflowRun.
struct Workflow {
  ObjectMeta metadata{};
  WorkflowSpec spec{};

  friend bool operator==(const Workflow&, const Workflow&) = default;
};

// One run of a workflow, with the values of its parameters.
struct WorkflowRun {
  ObjectMeta metadata{};
  WorkflowRunSpec spec{};

  friend bool operator==(const WorkflowRun&, const WorkflowRun&) = default;
};

// What kind of task it is; in the order of Task::kind's alternatives.
enum class TaskKind {
  kCommand,  // Runs a program in a process of its own.
  kDeliver,  // Hands a dataset to the outside world.
  kIngest,  // Reads files into a dataset and sets bad rows aside.
  kQuery,  // Runs one SQL statement over datasets and keeps its rows as a dataset.
};
std::string_view to_string(TaskKind kind);
TaskKind kind_of(const Task& task);

// Where an attempt of a kind runs.
enum class RunsIn {
  kRunner,   // in a warm runner process
  kCommand,  // in a new process of its own, started by the worker
};

// What the scheduler and the workers need to know of a kind without knowing the kind.
struct KindTraits {
  RunsIn runs_in;
  bool checkpoints;  // whether a later attempt goes on where an earlier one stopped
};
const KindTraits& traits_of(TaskKind kind);

}  // namespace millrace::manifest
