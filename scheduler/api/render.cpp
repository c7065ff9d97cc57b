#include "scheduler/api/render.h"

#include <algorithm>

#include "manifest/schema.h"
#include "scheduler/api/query.h"

namespace millrace::api {
namespace {

using scheduler::DesiredState;
using scheduler::TaskState;

void put(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}
void put(Json& object, const char* name, WallTime time) {
  if (time.value() != 0) object[name] = time_text(time);
}

// Text that is our own JSON; what can't be read (it should never be so) is shown as null.
Json embedded(const std::string& text) { return Json::parse(text, nullptr, false, true); }

Json condition(const char* type, bool status, const std::string& reason, const std::string& message,
               WallTime at) {
  Json json;
  json["type"] = type;
  json["status"] = status ? "True" : "False";
  put(json, "reason", reason);
  put(json, "message", message);
  put(json, "lastTransitionTime", at);
  return json;
}

std::string end_reason(scheduler::RunOutcome outcome) {
  switch (outcome) {
    case scheduler::RunOutcome::kSucceeded:
      return "AllSucceeded";
    case scheduler::RunOutcome::kFailed:
      return "TaskFailed";
    case scheduler::RunOutcome::kCancelled:
      return "Cancelled";
    case scheduler::RunOutcome::kTimedOut:
      return "TimedOut";
  }
  return "";
}

Json conditions_of(const RunSummary& run) {
  const RunRecord& record = run.record;
  Json list = Json::array();
  list.push_back(condition("Accepted", true, "", "", record.created));
  if (run.live) {
    const bool paused = run.desired == DesiredState::kPaused;
    list.push_back(condition("Waiting", paused || run.waiting,
                             paused ? "Paused" : (run.waiting ? "NoRoom" : ""), "", WallTime()));
    list.push_back(condition("Finished", false, "", "", WallTime()));
    return list;
  }
  const std::string reason = end_reason(record.outcome);
  list.push_back(condition("Succeeded", record.outcome == scheduler::RunOutcome::kSucceeded, reason,
                           record.message, record.finished));
  list.push_back(condition("Finished", true, reason, "", record.finished));
  return list;
}

std::uint32_t total_of(const scheduler::RunCounts& counts) {
  return counts.open + counts.succeeded + counts.failed + counts.skipped + counts.cancelled;
}

Json writes_json(const scheduler::TaskSpec& spec) {
  Json list = Json::array();
  for (const scheduler::DatasetWrite& write : spec.writes)
    list.push_back({{"dataset", write.dataset}, {"mode", to_string(write.mode)}});
  return list;
}

Json resources_json(const scheduler::Resources& resources) {
  return {{"cpuMillis", resources.cpu.value()},
          {"memoryBytes", resources.memory.value()},
          {"diskBytes", resources.disk.value()}};
}

}  // namespace

RunSummary summary_of(const scheduler::RunHeader& header,
                      const std::vector<scheduler::Task>& tasks) {
  RunSummary summary;
  summary.live = true;
  summary.desired = header.desired;
  RunRecord& record = summary.record;
  record.id = header.id;
  record.ns = header.ns;
  record.name = header.name;
  record.workflow = header.workflow;
  record.queue = header.spec->queue;
  record.spec = header.spec;
  record.body_hash = header.body_hash;
  record.parameters_hash = header.parameters_hash;
  record.counts = header.counts;
  record.last_error = header.last_error;
  record.created = header.created;
  record.rerun_of = header.rerun_of;
  record.rerun_of_name = header.rerun_of_name;
  summary.waiting = header.counts.running == 0 &&
                    std::any_of(tasks.begin(), tasks.end(), [](const scheduler::Task& task) {
                      return task.state == TaskState::kReady;
                    });
  return summary;
}

RunSummary summary_of(RunRecord record) {
  RunSummary summary;
  summary.desired = record.outcome == scheduler::RunOutcome::kCancelled ? DesiredState::kCancelled
                                                                        : DesiredState::kRunning;
  summary.record = std::move(record);
  return summary;
}

std::string phase_of(const RunSummary& run) {
  if (!run.live) return std::string(to_string(run.record.outcome));
  switch (run.desired) {
    case DesiredState::kPaused:
      return "Paused";
    case DesiredState::kCancelled:
      return "Cancelling";
    case DesiredState::kRunning:
      break;
  }
  return run.waiting ? "Waiting" : "Running";
}

std::string etag_of(const RunSummary& run) {
  const scheduler::RunCounts& counts = run.record.counts;
  std::string text = run.record.id.to_text() + phase_of(run);
  for (const std::uint32_t count : {counts.open, counts.running, counts.succeeded, counts.failed,
                                    counts.skipped, counts.cancelled})
    text += "." + std::to_string(count);
  return "\"" + fingerprint(text + run.record.last_error) + "\"";
}

Json parameters_list(const std::string& parameters_json) {
  Json list = Json::array();
  const Json values = embedded(parameters_json);
  if (!values.is_object()) return list;
  for (const auto& [name, value] : values.items())
    list.push_back({{"name", name}, {"value", value}});
  return list;
}

Json rerun_of_json(scheduler::RunId run, const std::string& name) {
  return {{"name", name}, {"runId", run.to_text()}};
}

Json run_json(const RunSummary& run, const std::string& parameters_json, EventId as_of) {
  const RunRecord& record = run.record;
  Json json;
  json["apiVersion"] = manifest::kApiVersion;
  json["kind"] = "WorkflowRun";
  json["metadata"] = {{"name", record.name},
                      {"namespace", record.ns},
                      {"uid", record.id.to_text()},
                      {"resourceVersion", as_of.to_text()},
                      {"generation", 1},
                      {"creationTimestamp", time_text(record.created)}};
  Json& spec = json["spec"];
  spec["workflow"] = record.workflow;
  if (!parameters_json.empty()) spec["parameters"] = parameters_list(parameters_json);
  spec["desiredState"] = to_string(run.desired);
  const scheduler::RunCounts& counts = record.counts;
  Json& status = json["status"];
  status["observedGeneration"] = 1;
  status["runId"] = record.id.to_text();
  if (!record.rerun_of.is_nil())
    status["rerunOf"] = rerun_of_json(record.rerun_of, record.rerun_of_name);
  status["phase"] = phase_of(run);
  status["done"] =
      std::to_string(total_of(counts) - counts.open) + "/" + std::to_string(total_of(counts));
  status["tasks"] = {{"total", total_of(counts)},
                     {"waiting", counts.open - std::min(counts.open, counts.running)},
                     {"running", counts.running},
                     {"succeeded", counts.succeeded},
                     {"failed", counts.failed},
                     {"skipped", counts.skipped},
                     {"cancelled", counts.cancelled}};
  put(status, "queue", record.queue);
  put(status, "startedAt", record.created);
  put(status, "finishedAt", record.finished);
  put(status, "message", record.message);
  put(status, "lastError", record.last_error);
  status["conditions"] = conditions_of(run);
  return json;
}

TaskView view_of(const scheduler::Task& task, scheduler::TaskIndex index) {
  TaskView view;
  view.record.index = index;
  view.record.state = task.state;
  view.record.phase = task.phase;
  view.record.attempt = task.attempt;
  view.record.worker = task.worker;
  view.record.since = task.since;
  view.record.first_ready = task.first_ready;
  view.retry_at = task.retry_at;
  view.failures = task.failures;
  return view;
}

Json task_json(const TaskView& task, const scheduler::WorkflowSpec* spec) {
  const TaskRecord& record = task.record;
  const auto index = record.index.value();
  const scheduler::TaskSpec* of_spec =
      spec != nullptr && index < spec->tasks.size() ? &spec->tasks[index] : nullptr;
  Json json;
  json["name"] = of_spec != nullptr ? of_spec->name : std::to_string(index);
  json["index"] = index;
  if (of_spec != nullptr) json["kind"] = of_spec->kind;
  json["state"] = to_string(record.state);
  json["phase"] = to_string(record.phase);
  json["attempt"] = record.attempt.value();
  json["failures"] = task.failures;
  if (!record.worker.is_nil()) {
    json["workerId"] = record.worker.to_text();
    put(json, "worker", task.worker_name);
  }
  put(json, "since", record.since);
  put(json, "firstReadyAt", record.first_ready);
  if (scheduler::holds_lease(record.state)) put(json, "startedAt", record.since);
  if (scheduler::is_terminal(record.state)) {
    put(json, "startedAt", task.started);
    put(json, "endedAt", record.since);
  }
  if (record.state == TaskState::kBackingOff) put(json, "retryAt", task.retry_at);
  if (record.rows != 0) json["rows"] = record.rows;
  put(json, "code", record.code);
  // Only what a rerun took over can have succeeded without an attempt.
  const bool taken_over = record.state == TaskState::kSucceeded && record.attempt.value() == 0;
  if (taken_over) json["takenOver"] = true;
  put(json, "message",
      taken_over ? "taken over" : (record.message.empty() ? task.message : record.message));
  if (of_spec != nullptr) {
    Json& needs = json["needs"] = Json::array();
    for (const scheduler::TaskIndex need : of_spec->needs)
      needs.push_back(spec->tasks[need.value()].name);
    json["reads"] = of_spec->reads;
    json["writes"] = writes_json(*of_spec);
    json["runOn"] = to_string(of_spec->run_on);
    json["request"] = resources_json(of_spec->request);
  }
  if (task.progress) json["progress"] = progress_json(*task.progress);
  return json;
}

Json usage_json(const scheduler::Usage& usage) {
  return {{"cpuMicros", usage.cpu.value()},
          {"memoryPeakBytes", usage.memory_peak.value()},
          {"diskPeakBytes", usage.disk_peak.value()},
          {"rowsRead", usage.rows_read},
          {"rowsWritten", usage.rows_written},
          {"bytesRead", usage.bytes_read.value()},
          {"bytesWritten", usage.bytes_written.value()},
          {"wallMicros", usage.wall.value()}};
}

Json progress_json(const AttemptProgress& progress) {
  Json json;
  json["attempt"] = progress.attempt.attempt.value();
  if (progress.fraction >= 0) json["fraction"] = progress.fraction;
  json["rows"] = progress.rows;
  json["bytes"] = progress.bytes.value();
  json["usage"] = usage_json(progress.usage);
  return json;
}

Json attempt_json(const AttemptRecord& attempt) {
  Json json;
  json["attempt"] = attempt.ref.attempt.value();
  json["epoch"] = attempt.ref.epoch.value();
  json["phase"] = to_string(attempt.phase);
  json["state"] = !attempt.ended      ? "Running"
                  : attempt.cancelled ? "Cancelled"
                  : attempt.failure   ? "Failed"
                                      : "Succeeded";
  json["workerId"] = attempt.worker.to_text();
  put(json, "worker", attempt.worker_name);
  json["request"] = resources_json(attempt.request);
  json["placedAt"] = time_text(attempt.placed);
  if (attempt.ended) {
    json["endedAt"] = time_text(*attempt.ended);
    json["usage"] = usage_json(attempt.usage);
  }
  if (attempt.cancelled && attempt.failure) {
    put(json, "message", attempt.failure->message);  // no error: it did as it was told
  } else if (attempt.failure) {
    const scheduler::Failure& failure = *attempt.failure;
    Json error = {{"class", to_string(failure.error_class)},
                  {"code", failure.code},
                  {"message", failure.message}};
    if (failure.exit_code != 0) error["exitCode"] = failure.exit_code;
    json["error"] = std::move(error);
  }
  put(json, "next", attempt.next);
  put(json, "message", attempt.message);
  if (!attempt.outputs_json.empty()) json["outputs"] = embedded(attempt.outputs_json);
  Json& snapshots = json["snapshots"] = Json::array();
  for (const scheduler::events::SnapshotCommitted& snapshot : attempt.snapshots)
    snapshots.push_back({{"dataset", snapshot.dataset},
                         {"snapshot", snapshot.snapshot.to_text()},
                         {"mode", to_string(snapshot.mode)},
                         {"rows", snapshot.rows}});
  return json;
}

Json dataset_json(const DatasetRecord& dataset, const std::string& ns) {
  Json json;
  json["apiVersion"] = manifest::kApiVersion;
  json["kind"] = "Dataset";
  json["metadata"] = {{"name", dataset.name}, {"namespace", ns}};
  Json& status = json["status"];
  status["snapshot"] = dataset.snapshot.to_text();
  status["rows"] = dataset.rows;
  status["files"] = dataset.files;
  status["bytes"] = dataset.bytes.value();
  put(status, "updatedAt", dataset.updated);
  if (!dataset.schema_json.empty()) status["schema"] = embedded(dataset.schema_json);
  return json;
}

Json snapshot_json(const SnapshotRecord& snapshot) {
  Json json;
  json["id"] = snapshot.id.to_text();
  if (!snapshot.parent.is_nil()) json["parent"] = snapshot.parent.to_text();
  json["mode"] = to_string(snapshot.mode);
  json["rows"] = snapshot.rows;
  json["files"] = snapshot.files;
  json["bytes"] = snapshot.bytes.value();
  put(json, "committedAt", snapshot.committed);
  if (!snapshot.run.is_nil()) json["runId"] = snapshot.run.to_text();
  put(json, "run", snapshot.run_name);
  put(json, "task", snapshot.task);
  if (!snapshot.schema_json.empty()) json["schema"] = embedded(snapshot.schema_json);
  return json;
}

Json list_json(Json items, const std::string& next, const std::string& as_of) {
  Json json;
  json["items"] = items.is_null() ? Json::array() : std::move(items);
  if (!next.empty()) json["next"] = next;
  if (!as_of.empty()) json["asOf"] = as_of;
  return json;
}

}  // namespace millrace::api
