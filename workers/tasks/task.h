// What a task kind gets and gives: one attempt's request, its surroundings, its success. No wire
// type in it: the runner translates. One attempt runs at a time, on one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "manifest/generated/types.h"
#include "manifest/row_query.h"
#include "workers/kernel/activity.h"
#include "workers/kernel/query_engine.h"
#include "workers/kernel/schema.h"
#include "workers/kernel/written.h"

namespace millrace::tasks {

// One immutable file of a dataset.
struct DataFile {
  std::string path;  // below the data root, '/'-separated
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::string checksum;
  std::string statistics_json;
};

// A dataset as this run reads it.
struct TaskInput {
  std::string dataset;
  std::string snapshot_id;  // empty: no snapshot yet
  std::string schema_json;
  std::vector<DataFile> files;
};

enum class Phase : std::uint8_t { kExecute, kPublish };

struct TaskRequest {
  std::string run_id;  // text form
  std::string run_name;
  std::string ns;
  std::uint32_t task_index = 0;
  std::uint32_t attempt = 0;
  std::uint64_t epoch = 0;
  manifest::Task task;
  std::optional<manifest::RowQuery> rows{};  // set: this is what is asked for, and `task` is unused
  std::map<std::string, manifest::Value> parameters;  // of the run
  std::vector<TaskInput> inputs;
  Phase phase = Phase::kExecute;
  std::string publication_json;        // with kPublish: what the staging attempt gave
  std::string installation{};          // with kPublish: whose order it is
  std::int64_t publication_order = 0;  // with kPublish: a greater one in place wins
  MilliCpu cpu;
  Bytes memory;
  Bytes disk;
  std::string scratch_folder;  // the attempt's own
  std::string data_root;
  std::string output_prefix;               // below the data root; the attempt's own
  std::vector<std::string> allowed_roots;  // for sources, destinations and a command's folder
  Micros grace{0};                         // between TERM and KILL
};

// A process group of a command, for whoever must end it when this process can't; 0 when it is over.
struct ProcessGroup {
  pid_t id = 0;
  std::int64_t start_time_ticks = 0;  // field 22 of /proc/pid/stat
};

struct TaskContext {
  kernel::QueryEngine& engine;
  std::stop_token stop;  // cancelled: end soon, with task.cancelled
  kernel::Activity& activity;
  // Returns when the group is known to whoever keeps it; called before the command's program
  // starts.
  std::function<void(const ProcessGroup&)> report_group;
  int exit_code = 0;  // of the command, for the retry rules; 0 where there was none
};

struct DatasetWrite {
  std::string dataset;
  kernel::Schema schema;
  std::vector<DataFile> files;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

struct TaskSuccess {
  std::vector<DatasetWrite> writes;
  std::string outputs_json = "{}";  // {"kept": 12}
  std::string publication_json;     // of a staged delivery
  std::string message;              // one line for people
};

// Runs the task of whatever kind it is.
Result<TaskSuccess> run_task(const TaskRequest& request, TaskContext& context);

// Removes the data files of an attempt of whose success nobody is told.
void discard_files(const TaskRequest& request);

// --- for the kinds' own files ---

Result<TaskSuccess> run_ingest(const manifest::IngestTask& task, const TaskRequest& request,
                               TaskContext& context);
Result<TaskSuccess> run_query(const manifest::QueryTask& task, const TaskRequest& request,
                              TaskContext& context);
Result<TaskSuccess> run_deliver(const manifest::DeliverTask& task, const TaskRequest& request,
                                TaskContext& context);
Result<TaskSuccess> run_command(const manifest::CommandTask& task, const TaskRequest& request,
                                TaskContext& context);

Result<TaskSuccess> run_rows(const manifest::RowQuery& rows, const TaskRequest& request,
                             TaskContext& context);

// A statement from outside that has passed lib/sql, over the request's inputs. Errors: lib/sql's,
// those of view_of.
Result<kernel::Query> judged_query(const std::string& sql,
                                   const std::map<std::string, manifest::Value>& parameters,
                                   const TaskRequest& request, TaskContext& context);
// The request's grant as the engine takes it.
kernel::EngineLimits limits_of(const TaskRequest& request);
// An input as the engine reads it; what it holds counts as read. Errors: task.input_missing,
// task.input_invalid (infrastructure).
Result<kernel::DatasetView> view_of(const TaskRequest& request, const std::string& dataset,
                                    kernel::Activity& activity);
// Absolute, for the files of one dataset that is written.
std::string output_folder(const TaskRequest& request, const std::string& dataset);
DatasetWrite write_of(const TaskRequest& request, const std::string& dataset,
                      kernel::WrittenDataset written);

}  // namespace millrace::tasks
