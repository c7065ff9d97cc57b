// Objects of the scheduler as JSON of REST. Pure; called on the pool, never on the loop.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/api/json.h"
#include "scheduler/api/ports.h"

namespace millrace::api {

// A run, living or ended, as lists and single answers need it.
struct RunSummary {
  RunRecord record;  // outcome, message, finished: only when it has ended
  bool live = false;
  scheduler::DesiredState desired = scheduler::DesiredState::kRunning;
  bool waiting = false;  // nothing of it is at work, and something waits for room
};
// Copies what a summary needs; cheap enough for the loop.
RunSummary summary_of(const scheduler::RunHeader& header,
                      const std::vector<scheduler::Task>& tasks);
RunSummary summary_of(RunRecord record);

// One word for people: Running, Waiting, Paused, Cancelling, Succeeded, Failed, Cancelled,
// TimedOut.
std::string phase_of(const RunSummary& run);
// Its version, as an entity tag in its quotes: another whenever something happens to it that shows.
std::string etag_of(const RunSummary& run);
// `parameters_json` is an object, "" when it is not shown. `as_of` names the state that was looked
// at.
// [{name, value}…], as manifests have parameters, of an object of values.
Json parameters_list(const std::string& parameters_json);
// {name, runId} of the run that a rerun does again.
Json rerun_of_json(scheduler::RunId run, const std::string& name);
Json run_json(const RunSummary& run, const std::string& parameters_json, EventId as_of);

// A task, living or ended.
struct TaskView {
  TaskRecord record;
  WallTime retry_at;
  WallTime started;  // of the attempt that ended it
  std::uint32_t failures = 0;
  std::string worker_name;
  std::optional<AttemptProgress> progress;
  std::string message;  // of a task that waits, why
};
TaskView view_of(const scheduler::Task& task, scheduler::TaskIndex index);
// `spec` may be null (its body's retention is over): then only what the record says is shown.
Json task_json(const TaskView& task, const scheduler::WorkflowSpec* spec);
Json attempt_json(const AttemptRecord& attempt);
Json progress_json(const AttemptProgress& progress);
Json usage_json(const scheduler::Usage& usage);

Json dataset_json(const DatasetRecord& dataset, const std::string& ns);
Json snapshot_json(const SnapshotRecord& snapshot);

// {items, next, asOf}; `next` empty: this was the last page.
Json list_json(Json items, const std::string& next, const std::string& as_of);

}  // namespace millrace::api
