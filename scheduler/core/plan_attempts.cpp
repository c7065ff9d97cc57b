// Attempts: what their workers report, and what becomes of those that are lost.
#include <algorithm>

#include "scheduler/core/planner.h"
#include "scheduler/core/planted.h"

namespace millrace::scheduler {
namespace {

const DatasetWrite* declared(const TaskSpec& spec, const std::string& dataset) {
  for (const DatasetWrite& write : spec.writes)
    if (write.dataset == dataset) return &write;
  return nullptr;
}

}  // namespace

void Planner::on(const WorkerJoined& input) {
  // The incarnation before is known to be ended, processes and all: no need to wait for its leases.
  if (!input.ended_incarnation.is_nil())
    lose(input.ended_incarnation, {}, input.heard_at, "worker.restarted",
         "the worker was started again");
  // What was placed on this one and it does not have: the Start was lost with a stream, or the
  // worker ended the attempt itself when its lease passed. Either way that epoch is never started
  // (again), for its output prefix may hold files.
  lose(input.worker, input.attempts, input.heard_at, "attempt.lost",
       "the worker does not have the attempt");
  // What it was told to stop while its stream was down it has not heard.
  for (const AttemptRef& attempt : input.attempts) {
    const Task* task = draft_.task(attempt.task_ref());
    if (task != nullptr && task->state == TaskState::kCancelling && task->epoch == attempt.epoch &&
        task->worker == input.worker)
      planned_.commands.push_back(
          {input.worker, commands::Cancel{attempt, std::string(events::reason_of(task->stop))}});
  }
}

void Planner::lose(WorkerId worker, const std::vector<AttemptRef>& except, Epoch before,
                   const std::string& code, const std::string& message) {
  const WorkerLoad* load = state_.load(worker);
  if (load == nullptr) return;
  for (const TaskRef& ref : load->tasks) {
    const Task* task = draft_.task(ref);
    if (task == nullptr || !holds_lease(task->state) || task->worker != worker) continue;
    if (task->epoch >= before) continue;
    const bool held = std::any_of(except.begin(), except.end(), [&](const AttemptRef& attempt) {
      return attempt.epoch == task->epoch;
    });
    if (!held) fail(ref, {ErrorClass::kInfrastructure, code, message, 0}, nullptr);
  }
}

const Task* Planner::fenced(WorkerId worker, const AttemptRef& attempt) {
  const Task* task = draft_.task(attempt.task_ref());
  if (task != nullptr && holds_lease(task->state) &&
      ((task->epoch == attempt.epoch && task->worker == worker) || MILLRACE_PLANTED(kNoFence)))
    return task;
  // A success that was counted already: the acknowledgement was lost, and that is all.
  const bool repeated = task != nullptr && task->epoch == attempt.epoch && task->worker == worker &&
                        (task->state == TaskState::kSucceeded || task->phase == Phase::kPublish);
  const std::string code = repeated ? "result.repeated" : "lease.fenced";
  count(code);
  planned_.commands.push_back({worker, commands::ResultAck{attempt, repeated, code}});
  return nullptr;
}

void Planner::on(const AttemptSucceeded& input) {
  const TaskRef ref = input.attempt.task_ref();
  const Task* task = fenced(input.worker, input.attempt);
  if (task == nullptr) return;
  const RunFacts& run = *draft_.run(ref.run);
  const TaskSpec& spec = run.task_spec(ref.task);
  const TaskPins* pins = draft_.pins(ref);
  planned_.commands.push_back({input.worker, commands::ResultAck{input.attempt, true, ""}});

  events::AttemptSucceeded event{input.attempt, task->worker, task->phase, {}, 0,
                                 task->since,   now_.wall};
  for (std::uint32_t i = 0; i < input.writes.size(); ++i) {
    const WrittenDataset& write = input.writes[i];
    const DatasetWrite* declaration = declared(spec, write.dataset);
    if (declaration == nullptr)
      return fail(
          ref,
          {ErrorClass::kInfrastructure, "result.unexpected_dataset",
           "wrote to dataset \"" + write.dataset + "\", which its manifest does not name", 0},
          input.attachment);
    const Head* head = draft_.head({run.ns, write.dataset});
    const SnapshotId current = head == nullptr ? SnapshotId() : head->snapshot;
    // Compare-and-set: an Overwrite stands on the head that it knew. An Append adds to whatever is
    // there.
    const events::Pin* base =
        pins == nullptr ? nullptr : events::find_pin(pins->bases, write.dataset);
    if (declaration->mode == WriteMode::kOverwrite && base != nullptr &&
        base->snapshot != current && !MILLRACE_PLANTED(kNoCompareAndSet)) {
      count("dataset.conflict");
      // Another attempt would read what this one did, and so write over the same.
      const bool reads = events::find_pin(pins->inputs, write.dataset) != nullptr;
      const bool again = declaration->on_conflict == OnConflict::kRetry && !reads;
      return fail(ref,
                  {again ? ErrorClass::kTransient : ErrorClass::kUser,
                   again ? "dataset.conflict" : "dataset.conflict_fails",
                   "dataset \"" + write.dataset + "\"" +
                       (reads ? ", which the task reads as well, was written by another run since "
                                "(start a new run)"
                              : " was written by another run in the meantime"),
                   0},
                  input.attachment);
    }
    // What is set aside goes beside the rows under a name that the document may not spell out: it
    // takes the place of its like, never of somebody's own table.
    if (i > 0 && head != nullptr && head->schema_hash != write.schema_hash)
      return fail(ref,
                  {ErrorClass::kUser, "dataset.quarantine_taken",
                   "dataset \"" + write.dataset +
                       "\" is no quarantine, so bad rows can't go there (name another under "
                       "quarantine.dataset)",
                   0},
                  input.attachment);
    // The files of a snapshot are read as one table.
    if (declaration->mode == WriteMode::kAppend && head != nullptr &&
        head->schema_hash != write.schema_hash)
      return fail(
          ref,
          {ErrorClass::kUser, "dataset.schema_differs",
           "dataset \"" + write.dataset + "\" has other columns than what was to be appended", 0},
          input.attachment);
    const SnapshotId snapshot =
        SnapshotId::make(now_.wall, ref.run.raw().low, (input.attempt.epoch.value() << 8) + i);
    event.snapshots.push_back(
        {write.dataset, snapshot, current, declaration->mode, i, write.schema_hash, write.rows});
  }
  if (spec.publishes && task->phase == Phase::kExecute)
    event.publication_order = draft_.next_publication_order();
  emit(std::move(event), input.attachment);
}

void Planner::on(const AttemptFailed& input) {
  if (fenced(input.worker, input.attempt) == nullptr) return;
  planned_.commands.push_back({input.worker, commands::ResultAck{input.attempt, true, ""}});
  fail(input.attempt.task_ref(), input.failure, input.attachment);
}

RetryDecision Planner::decide(TaskRef ref, Failure& failure) const {
  const Task& task = *draft_.task(ref);
  const RunFacts& run = *draft_.run(ref.run);
  // Whatever ended an attempt that was told to end: why it was told is what counts.
  switch (task.stop) {
    case Stop::kCancel:
      return {events::Cancelled{}, false};
    case Stop::kTaskTimeout:  // the task's own time: no rule gives it more
      failure = {ErrorClass::kUser, std::string(events::kTaskTimedOut), kTaskTimedOutMessage, 0};
      return {events::GiveUp{failure.code}, false};
    case Stop::kAttemptTimeout:
      failure = {ErrorClass::kTransient, std::string(events::kAttemptTimedOut),
                 "the attempt took longer than its attemptTimeout", 0};
      break;
    case Stop::kNone:
      break;
  }
  return retry_decision({failure, task, ref, run.task_spec(ref.task), *run.spec}, now_.wall,
                        settings_);
}

void Planner::fail(TaskRef ref, Failure failure, AttachmentRef attachment) {
  const Task task = *draft_.task(ref);
  const RetryDecision decision = decide(ref, failure);
  count("attempt.failed");
  emit(events::AttemptFailed{{ref.run, ref.task, task.attempt, task.epoch},
                             task.worker,
                             task.phase,
                             std::move(failure),
                             decision.next,
                             task.since,
                             now_.wall},
       std::move(attachment));
  if (decision.fail_run && draft_.run(ref.run)->desired != DesiredState::kCancelled)
    cancel_run(ref.run, "run.failed_fast");
}

}  // namespace millrace::scheduler
