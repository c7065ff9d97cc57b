#include "scheduler/api/stream_event.h"

#include "base/overloaded.h"
#include "scheduler/api/json.h"
#include "scheduler/api/query.h"

namespace millrace::api {
namespace {

namespace events = scheduler::events;
using scheduler::TaskIndex;
using scheduler::TaskState;

Json of_run(const RunContext& run, std::string_view phase, WallTime at) {
  Json json;
  json["name"] = run.name;
  json["runId"] = run.id.to_text();
  json["workflow"] = run.workflow;
  json["phase"] = phase;
  json["at"] = time_text(at);
  return json;
}

Json of_task(const RunContext& run, TaskIndex task, TaskState state, WallTime at) {
  const auto index = task.value();
  const bool known = run.spec != nullptr && index < run.spec->tasks.size();
  Json json;
  json["name"] = known ? run.spec->tasks[index].name : std::to_string(index);
  json["index"] = index;
  if (known) json["kind"] = run.spec->tasks[index].kind;
  json["state"] = to_string(state);
  json["at"] = time_text(at);
  return json;
}

void put_attempt(Json& json, const scheduler::AttemptRef& attempt, scheduler::Phase phase,
                 scheduler::WorkerId worker) {
  json["attempt"] = attempt.attempt.value();
  json["phase"] = to_string(phase);
  json["workerId"] = worker.to_text();
}

StreamEvent task_event(const Json& json) { return {"task", dump(json)}; }

StreamEvent succeeded(const events::AttemptSucceeded& event, const RunContext& run) {
  // A staging waits for its publication, which is an attempt of its own.
  const bool staged = event.publication_order != 0;
  Json json = of_task(run, event.attempt.task, staged ? TaskState::kReady : TaskState::kSucceeded,
                      event.at);
  put_attempt(json, event.attempt, staged ? scheduler::Phase::kPublish : event.phase, event.worker);
  json["startedAt"] = time_text(event.placed_at);
  if (event.snapshots.empty()) return task_event(json);
  json["rows"] = event.snapshots.front().rows;
  for (const events::SnapshotCommitted& snapshot : event.snapshots)
    json["snapshots"].push_back({{"dataset", snapshot.dataset},
                                 {"snapshot", snapshot.snapshot.to_text()},
                                 {"rows", snapshot.rows}});
  return task_event(json);
}

StreamEvent failed(const events::AttemptFailed& event, const RunContext& run) {
  const TaskState state =
      std::visit(Overloaded{[](const events::Retry&) { return TaskState::kBackingOff; },
                            [](const events::GiveUp&) { return TaskState::kFailed; },
                            [](const events::Cancelled&) { return TaskState::kCancelled; }},
                 event.next);
  Json json = of_task(run, event.attempt.task, state, event.at);
  put_attempt(json, event.attempt, event.phase, event.worker);
  json["startedAt"] = time_text(event.placed_at);
  json["class"] = to_string(event.failure.error_class);
  json["code"] = event.failure.code;
  json["message"] = event.failure.message;
  if (event.failure.exit_code != 0) json["exitCode"] = event.failure.exit_code;
  if (const auto* retry = std::get_if<events::Retry>(&event.next)) {
    json["retryAt"] = time_text(retry->at);
    json["next"] = retry->reason;
  } else if (const auto* give_up = std::get_if<events::GiveUp>(&event.next)) {
    json["next"] = give_up->reason;
  }
  return task_event(json);
}

StreamEvent ended(const events::TaskEnded& event, const RunContext& run) {
  Json json = of_task(run, event.task.task, event.state, event.at);
  json["code"] = event.code;
  if (!event.message.empty()) json["message"] = event.message;
  return task_event(json);
}

StreamEvent placed(const events::AttemptPlaced& event, const RunContext& run) {
  Json json = of_task(run, event.attempt.task, TaskState::kRunning, event.at);
  put_attempt(json, event.attempt, event.phase, event.worker);
  json["startedAt"] = time_text(event.at);
  return task_event(json);
}

StreamEvent desired(const events::RunDesired& event, const RunContext& run) {
  std::string_view phase = "Running";
  if (event.desired == scheduler::DesiredState::kPaused) phase = "Paused";
  if (event.desired == scheduler::DesiredState::kCancelled) phase = "Cancelling";
  Json json = of_run(run, phase, event.at);
  if (!event.reason.empty()) json["reason"] = event.reason;
  return {"run", dump(json)};
}

StreamEvent finished(const events::RunFinished& event, const RunContext& run) {
  Json json = of_run(run, to_string(event.outcome), event.at);
  if (!event.message.empty()) json["message"] = event.message;
  return {"end", dump(json)};
}

StreamEvent document(const std::string& kind, const scheduler::NamespacedName& name,
                     const char* change, std::uint64_t generation, WallTime at) {
  Json json;
  json["kind"] = kind;
  json["name"] = name.name;
  json["change"] = change;
  if (generation != 0) json["generation"] = generation;
  json["at"] = time_text(at);
  return {"object", dump(json)};
}

}  // namespace

scheduler::RunId run_of(const scheduler::Event& event) {
  return std::visit(Overloaded{[](const events::RunCreated& e) { return e.run; },
                               [](const events::RunDesired& e) { return e.run; },
                               [](const events::RunFinished& e) { return e.run; },
                               [](const events::TaskReady& e) { return e.task.run; },
                               [](const events::TaskEnded& e) { return e.task.run; },
                               [](const events::CancelRequested& e) { return e.task.run; },
                               [](const events::AttemptPlaced& e) { return e.attempt.run; },
                               [](const events::AttemptSucceeded& e) { return e.attempt.run; },
                               [](const events::AttemptFailed& e) { return e.attempt.run; },
                               [](const events::LeaderStarted&) { return scheduler::RunId(); },
                               [](const events::DocumentPut&) { return scheduler::RunId(); },
                               [](const events::DocumentDeleted&) { return scheduler::RunId(); },
                               [](const events::KeysForgotten&) { return scheduler::RunId(); },
                               [](const events::SnapshotsExpired&) { return scheduler::RunId(); },
                               [](const events::HoldsReleased&) { return scheduler::RunId(); }},
                    event);
}

bool is_of_run_itself(const scheduler::Event& event) {
  return std::holds_alternative<events::RunCreated>(event) ||
         std::holds_alternative<events::RunDesired>(event) ||
         std::holds_alternative<events::RunFinished>(event);
}

std::optional<StreamEvent> stream_event(const scheduler::Event& event, const RunContext* run) {
  using Maybe = std::optional<StreamEvent>;
  if (run == nullptr && !run_of(event).is_nil()) return std::nullopt;
  return std::visit(
      Overloaded{[&](const events::RunCreated& e) -> Maybe {
                   return StreamEvent{"run", dump(of_run(*run, "Running", e.at))};
                 },
                 [&](const events::RunDesired& e) -> Maybe { return desired(e, *run); },
                 [&](const events::RunFinished& e) -> Maybe { return finished(e, *run); },
                 [&](const events::TaskReady& e) -> Maybe {
                   return task_event(of_task(*run, e.task.task, TaskState::kReady, e.at));
                 },
                 [&](const events::TaskEnded& e) -> Maybe { return ended(e, *run); },
                 [&](const events::CancelRequested& e) -> Maybe {
                   return task_event(of_task(*run, e.task.task, TaskState::kCancelling, e.at));
                 },
                 [&](const events::AttemptPlaced& e) -> Maybe { return placed(e, *run); },
                 [&](const events::AttemptSucceeded& e) -> Maybe { return succeeded(e, *run); },
                 [&](const events::AttemptFailed& e) -> Maybe { return failed(e, *run); },
                 [](const events::DocumentPut& e) -> Maybe {
                   return document(e.kind, e.name, "Put", e.generation, e.at);
                 },
                 [](const events::DocumentDeleted& e) -> Maybe {
                   return document(e.kind, e.name, "Deleted", 0, e.at);
                 },
                 [](const events::LeaderStarted&) -> Maybe { return std::nullopt; },
                 [](const events::KeysForgotten&) -> Maybe { return std::nullopt; },
                 [](const events::SnapshotsExpired&) -> Maybe { return std::nullopt; },
                 [](const events::HoldsReleased&) -> Maybe { return std::nullopt; }},
      event);
}

}  // namespace millrace::api
