#include "cli/decode.h"

#include <nlohmann/json.hpp>

#include "cli/text.h"

namespace millrace::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxTasks = 10'000;  // of a stream that is not a scheduler's

Json parse(const std::string& text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

const Json& member(const Json& object, const char* name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto it = object.find(name);
  return it == object.end() ? kNothing : *it;
}

std::string text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t number(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

WallTime time(const Json& object, const char* name) { return parse_time(text(object, name)); }

// Of a progress object, or of the task's own figures where it has ended.
void take_progress(const Json& progress, TaskView& task) {
  const Json& fraction = member(progress, "fraction");
  task.fraction = fraction.is_number() ? fraction.get<double>() : -1;
  if (const std::int64_t rows = number(progress, "rows"); rows > 0) task.rows = rows;
  if (const std::int64_t bytes = number(progress, "bytes"); bytes > 0) task.bytes = bytes;
}

TaskView decode_task(const Json& json) {
  TaskView task;
  task.name = text(json, "name");
  task.kind = text(json, "kind");
  for (const Json& need : member(json, "needs"))
    if (need.is_string()) task.needs.push_back(need.get<std::string>());
  task.phase = parse_phase(text(json, "state"));
  task.publishing = text(json, "phase") == "Publish";
  task.attempt = static_cast<int>(number(json, "attempt"));
  task.started = time(json, "startedAt");
  task.ended = time(json, "endedAt");
  task.retry_at = time(json, "retryAt");
  task.message = text(json, "message");
  task.rows = number(json, "rows");
  take_progress(member(json, "progress"), task);
  return task;
}

TaskView* find_task(const std::string& name, RunView& run) {
  for (TaskView& task : run.tasks)
    if (task.name == name) return &task;
  return nullptr;
}

void apply_task(const Json& json, RunView& run) {
  TaskView* task = find_task(text(json, "name"), run);
  if (task == nullptr) {
    // Of the stream's beginning, which shows tasks whole and in their order.
    if (run.tasks.size() < kMaxTasks) run.tasks.push_back(decode_task(json));
    return;
  }
  const TaskPhase before = task->phase;
  task->phase = parse_phase(text(json, "state"));
  task->publishing = text(json, "phase") == "Publish";
  if (const auto attempt = number(json, "attempt"); attempt > 0)
    task->attempt = static_cast<int>(attempt);
  // A publication goes on with what its task began: the time shown is that of both.
  const bool goes_on = task->publishing && task->started.value() != 0;
  if (const WallTime started = time(json, "startedAt"); started.value() != 0 && !goes_on)
    task->started = started;
  if (task->phase == TaskPhase::kRunning && before != TaskPhase::kRunning) {
    task->fraction = -1;
    if (!task->publishing) task->rows = 0;
  }
  task->ended = has_ended(task->phase) ? time(json, "at") : WallTime();
  task->retry_at = time(json, "retryAt");
  if (const auto rows = number(json, "rows"); rows > 0) task->rows = rows;
  task->message = text(json, "message");
}

void apply_progress(const Json& json, RunView& run) {
  for (const Json& item : member(json, "tasks"))
    if (TaskView* task = find_task(text(item, "name"), run);
        task != nullptr && task->phase == TaskPhase::kRunning)
      take_progress(item, *task);
}

void apply_run(const Json& json, RunView& run) {
  if (run.name.empty()) run.name = text(json, "name");
  if (run.workflow.empty()) run.workflow = text(json, "workflow");
  if (const WallTime created = time(json, "createdAt"); created.value() != 0) run.created = created;
  run.phase = text(json, "phase");
}

}  // namespace

std::optional<RunView> decode_run(const std::string& body) {
  const Json json = parse(body);
  const Json& metadata = member(json, "metadata");
  const Json& status = member(json, "status");
  RunView run;
  run.name = text(metadata, "name");
  run.workflow = text(member(json, "spec"), "workflow");
  run.phase = text(status, "phase");
  run.message =
      text(status, "message").empty() ? text(status, "lastError") : text(status, "message");
  run.created = time(metadata, "creationTimestamp");
  run.finished = time(status, "finishedAt");
  if (run.name.empty() || run.phase.empty()) return std::nullopt;
  return run;
}

void decode_tasks(const std::string& body, RunView& run) {
  const Json json = parse(body);
  run.tasks.clear();
  for (const Json& item : member(json, "items")) run.tasks.push_back(decode_task(item));
}

bool apply_event(const client::ServerEvent& event, RunView& run) {
  const Json json = parse(event.data);
  if (!json.is_object()) return false;
  if (event.event == "task") {
    apply_task(json, run);
  } else if (event.event == "progress") {
    apply_progress(json, run);
  } else if (event.event == "run") {
    apply_run(json, run);
  } else if (event.event == "end") {
    apply_run(json, run);
    run.message = text(json, "message");
    run.finished = time(json, "at");
    return true;
  }
  return false;
}

}  // namespace millrace::cli
