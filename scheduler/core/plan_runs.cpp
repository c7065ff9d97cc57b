// Runs: how they begin, how their tasks follow from each other, how they are steered and end.
#include <algorithm>
#include <utility>

#include "scheduler/core/planner.h"
#include "scheduler/core/planted.h"
#include "scheduler/core/run_name.h"

namespace millrace::scheduler {
namespace {

Error not_kept(const Rerun& rerun, const std::string& dataset) {
  return Error{ErrorClass::kUser, "rerun.not_kept",
               "what run \"" + rerun.origin_name + "\" read or wrote of dataset \"" + dataset +
                   "\" is not kept any more",
               "start a new run"};
}

bool written_by_run(const WorkflowSpec& spec, const std::string& dataset) {
  for (const TaskSpec& task : spec.tasks)
    for (const DatasetWrite& write : task.writes)
      if (write.dataset == dataset) return true;
  return false;
}

bool went_wrong(TaskState state) {
  return state == TaskState::kFailed || state == TaskState::kSkipped ||
         state == TaskState::kCancelled;
}

}  // namespace

void Planner::on(const SubmitRun& input) {
  if (!input.key.empty()) {
    if (const KeyEntry* entry = draft_.key({input.ns, input.key});
        entry != nullptr && !(MILLRACE_PLANTED(kKeyForgotten) && entry->ended != WallTime())) {
      if (entry->request_hash == input.request_hash)
        return reply(input.request,
                     ReplyBody(replies::RunAccepted{entry->run, entry->run_name, true}));
      return refuse(input.request, ErrorClass::kUser, "run.key_reused",
                    "the key \"" + input.key + "\" belongs to run \"" + entry->run_name +
                        "\", which was asked for differently",
                    "use a new key for a new request");
    }
  }
  WorkflowSpecRef spec = input.spec;
  BodyHash body_hash = input.body_hash;
  if (spec == nullptr) {
    const Document* document = draft_.document({"workflows", {input.ns, input.workflow}});
    if (document == nullptr || document->spec == nullptr)
      return refuse(input.request, ErrorClass::kUser, "workflow.unknown",
                    "no workflow named \"" + input.workflow + "\"",
                    "`millrace get workflows` lists them");
    spec = document->spec;
    body_hash = document->body_hash;
  }
  if (spec->tasks.empty() || spec->tasks.size() > settings_.max_tasks_per_run)
    return refuse(input.request, ErrorClass::kUser, "run.too_large",
                  "a run has between 1 and " + std::to_string(settings_.max_tasks_per_run) +
                      " tasks, not " + std::to_string(spec->tasks.size()));
  if (draft_.live_tasks() + spec->tasks.size() > settings_.max_live_tasks)
    return refuse(input.request, ErrorClass::kResource, "admission.full",
                  std::to_string(draft_.live_tasks()) + " tasks are live, the limit is " +
                      std::to_string(settings_.max_live_tasks),
                  "try again when runs have ended");
  if (!input.name.empty() && draft_.run_name_taken({input.ns, input.name}))
    return refuse(input.request, ErrorClass::kUser, "run.exists",
                  "a run named \"" + input.name + "\" is under way", "choose another name");

  auto start = input.rerun == nullptr ? fresh_start(input.ns, *spec)
                                      : start_again(*input.rerun, *spec, input.ns);
  if (!start.ok()) return refuse(input.request, std::move(start).error());
  std::string name = input.name;
  for (std::size_t end = input.name_end; name.empty(); ++end) {
    std::string made_up = made_up_name(input.workflow, input.run, end);
    if (end >= kLongestNameEnd || !draft_.run_name_taken({input.ns, made_up}))
      name = std::move(made_up);
  }
  emit(events::RunCreated{input.run, input.ns, name, input.workflow, spec, body_hash,
                          input.parameters_hash, input.key, input.request_hash,
                          std::move(start->pins), now_.wall, start->rerun_of,
                          std::move(start->rerun_of_name), std::move(start->taken)},
       input.attachment);
  reply(input.request, ReplyBody(replies::RunAccepted{input.run, name, false}));
}

Result<Planner::RunStart> Planner::fresh_start(const std::string& ns,
                                               const WorkflowSpec& spec) const {
  RunStart start;
  for (const std::string& dataset : spec.external_reads) {
    const Head* head = draft_.head({ns, dataset});
    if (head == nullptr && !written_by_run(spec, dataset))
      return Error{ErrorClass::kUser, "dataset.unknown", "no dataset named \"" + dataset + "\"",
                   "`millrace get datasets` lists them"};
    start.pins.push_back({dataset, head == nullptr ? SnapshotId() : head->snapshot});
  }
  return start;
}

Result<Planner::RunStart> Planner::start_again(const Rerun& rerun, const WorkflowSpec& spec,
                                               const std::string& ns) const {
  if (draft_.run(rerun.origin) != nullptr)
    return Error{ErrorClass::kUser, "run.not_ended",
                 "run \"" + rerun.origin_name + "\" has not ended",
                 "wait until it has, or cancel it"};
  MILLRACE_TRY(taken, taken_by(spec, rerun));
  RunStart start{{}, rerun.origin, rerun.origin_name, std::move(taken)};
  for (const std::string& dataset : spec.external_reads) {
    const events::Pin* pin = events::find_pin(rerun.pins, dataset);
    if (pin == nullptr) return not_kept(rerun, dataset);
    start.pins.push_back(*pin);
    if (const Head* head = draft_.head({ns, dataset});
        MILLRACE_PLANTED(kRerunRereadsInputs) && head != nullptr)
      start.pins.back().snapshot = head->snapshot;
  }
  // What the store still had when the caller looked may have expired since.
  std::vector<events::Pin> needed = start.pins;
  for (const events::TakenTask& task : start.taken)
    needed.insert(needed.end(), task.snapshots.begin(), task.snapshots.end());
  for (const events::Pin& pin : needed)
    if (!pin.snapshot.is_nil() && !is_kept({ns, pin.dataset}, pin.snapshot))
      return not_kept(rerun, pin.dataset);
  return start;
}

void Planner::on(const SetDesiredState& input) {
  const RunFacts* run = draft_.run(input.run);
  if (run == nullptr)
    return refuse(input.request, ErrorClass::kUser, "run.ended", "the run is not under way");
  if (input.if_seen &&
      (input.if_seen->desired != run->desired || input.if_seen->counts != run->counts))
    return refuse(input.request, ErrorClass::kUser, "run.conflict",
                  "the run has gone on since it was read",
                  "read it again and decide by what you find");
  if (run->desired == input.desired) return reply(input.request, ReplyBody(replies::Done{}));
  if (run->desired == DesiredState::kCancelled)
    return refuse(input.request, ErrorClass::kUser, "run.cancelling",
                  "the run is being cancelled, and that is not undone");
  if (input.desired == DesiredState::kCancelled)
    cancel_run(input.run, "");
  else
    emit(events::RunDesired{input.run, input.desired, "", now_.wall});
  reply(input.request, ReplyBody(replies::Done{}));
}

void Planner::cancel_run(RunId id, const std::string& reason) {
  emit(events::RunDesired{id, DesiredState::kCancelled, reason, now_.wall});
  const WorkflowSpecRef spec = draft_.run(id)->spec;
  const std::string code = reason.empty() ? "task.cancelled" : reason;
  for (std::uint32_t i = 0; i < spec->tasks.size(); ++i) {
    // Clean-up tasks are what a cancelled run still does; a publication has passed its point of
    // return.
    if (spec->tasks[i].run_on != RunOn::kSuccess) continue;
    const TaskRef ref{id, TaskIndex(i)};
    const Task& task = *draft_.task(ref);
    if (task.phase == Phase::kPublish) continue;
    switch (task.state) {
      case TaskState::kPending:
      case TaskState::kReady:
      case TaskState::kBackingOff:
        emit(events::TaskEnded{ref, TaskState::kCancelled, code, "", now_.wall});
        break;
      case TaskState::kRunning:
      case TaskState::kCancelling:
        stop(ref, code);
        break;
      case TaskState::kSucceeded:
      case TaskState::kFailed:
      case TaskState::kSkipped:
      case TaskState::kCancelled:
        break;
    }
  }
}

void Planner::unsettle(const Event& event) {
  const auto dependents_of = [this](TaskRef ref) {
    const auto& dependents = draft_.run(ref.run)->spec->dependents[ref.task.value()];
    auto& list = unsettled_[ref.run];
    list.insert(list.end(), dependents.begin(), dependents.end());
  };
  const auto all_of = [this](RunId id) {
    auto& list = unsettled_[id];
    for (std::uint32_t i = 0; i < draft_.run(id)->spec->tasks.size(); ++i) list.emplace_back(i);
  };
  if (const auto* created = std::get_if<events::RunCreated>(&event)) {
    all_of(created->run);
  } else if (const auto* desired = std::get_if<events::RunDesired>(&event)) {
    if (desired->desired == DesiredState::kCancelled) all_of(desired->run);
  } else if (const auto* ended = std::get_if<events::TaskEnded>(&event)) {
    if (!MILLRACE_PLANTED(kSkipDoesNotCascade)) dependents_of(ended->task);
  } else if (const auto* failed = std::get_if<events::AttemptFailed>(&event)) {
    if (!std::holds_alternative<events::Retry>(failed->next))
      dependents_of(failed->attempt.task_ref());
  } else if (const auto* succeeded = std::get_if<events::AttemptSucceeded>(&event)) {
    if (succeeded->publication_order == 0) dependents_of(succeeded->attempt.task_ref());
  }
}

void Planner::settle(RunId id) {
  // What is emitted here may append to the list: a skip makes its dependents moot in turn.
  while (!unsettled_[id].empty()) {
    const TaskIndex task = unsettled_[id].back();
    unsettled_[id].pop_back();
    settle_task({id, task});
  }
  unsettled_.erase(id);
  finish_run(id);
}

void Planner::settle_task(TaskRef ref) {
  const RunFacts* run = draft_.run(ref.run);
  if (run == nullptr) return;
  const Task& task = *draft_.task(ref);
  if (task.state != TaskState::kPending) return;
  const TaskSpec& spec = run->task_spec(ref.task);
  const auto wrong_need = std::find_if(spec.needs.begin(), spec.needs.end(), [&](TaskIndex need) {
    return went_wrong(draft_.task({ref.run, need})->state);
  });
  const bool wrong = wrong_need != spec.needs.end();
  const bool cancelled = run->desired == DesiredState::kCancelled;
  const bool by_person = cancelled && run->desired_reason.empty();
  const bool needs_ended = task.needs_open == 0;
  switch (spec.run_on) {
    case RunOn::kSuccess:
      if (cancelled)
        emit(events::TaskEnded{ref, TaskState::kCancelled, "task.cancelled", "", now_.wall});
      else if (wrong)  // at once: what it waits for besides can't help it
        emit(events::TaskEnded{ref, TaskState::kSkipped, "task.skipped.need_failed",
                               cause_of_skip(ref, *wrong_need), now_.wall});
      else if (needs_ended)
        emit(events::TaskReady{ref, now_.wall});
      return;
    case RunOn::kFailure: {
      if (!needs_ended) return;
      // A run whose time ran out has failed, whatever its tasks say.
      const bool failed = !by_person && (cancelled || (wrong && run->counts.failed > 0));
      if (failed)
        emit(events::TaskReady{ref, now_.wall});
      else
        emit(events::TaskEnded{ref, TaskState::kSkipped, "task.skipped.nothing_failed",
                               "nothing that it watches failed", now_.wall});
      return;
    }
    case RunOn::kAlways:
      if (needs_ended) emit(events::TaskReady{ref, now_.wall});
      return;
  }
}

std::string Planner::cause_of_skip(TaskRef skipped, TaskIndex need) {
  // What a need was skipped for is what this one is skipped for: skips cascade within one batch.
  const auto known = causes_.find({skipped.run, need});
  const TaskIndex cause = known == causes_.end() ? need : known->second;
  causes_.emplace(skipped, cause);
  const TaskRef ref{skipped.run, cause};
  const TaskState state = draft_.task(ref)->state;
  return "\"" + draft_.run(ref.run)->task_spec(cause).name + "\", on which it depends, " +
         (state == TaskState::kFailed      ? "failed"
          : state == TaskState::kCancelled ? "was cancelled"
                                           : "was skipped");
}

void Planner::finish_run(RunId id) {
  const RunFacts* run = draft_.run(id);
  if (run == nullptr || run->counts.open > 0) return;
  const bool by_person = run->desired == DesiredState::kCancelled && run->desired_reason.empty();
  const RunOutcome outcome = run->desired_reason == "run.timed_out"   ? RunOutcome::kTimedOut
                             : by_person && run->counts.cancelled > 0 ? RunOutcome::kCancelled
                             : run->counts.failed > 0                 ? RunOutcome::kFailed
                                                                      : RunOutcome::kSucceeded;
  std::string message = run->last_error;
  if (outcome == RunOutcome::kTimedOut) message = "the run did not end within its timeout";
  if (outcome == RunOutcome::kSucceeded) message = run->notice;
  if (outcome == RunOutcome::kCancelled) message.clear();
  planned_.finished.push_back(std::make_shared<const Run>(Run{{*run, {}}, draft_.all_tasks(id)}));
  emit(events::RunFinished{id, outcome, std::move(message), now_.wall});
}

}  // namespace millrace::scheduler
