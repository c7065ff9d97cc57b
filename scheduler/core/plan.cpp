#include "scheduler/core/plan.h"

#include <algorithm>
#include <utility>

#include "scheduler/core/planner.h"
#include "scheduler/core/planted.h"

namespace millrace::scheduler {

Planned plan(const State& state, const Liveness& liveness, std::span<const Input> inputs, Now now,
             const Settings& settings) {
  return Planner(state, liveness, now, settings).run(inputs);
}

Planned Planner::run(std::span<const Input> inputs) {
  // Inputs before expiries: what has arrived is not late because the loop was.
  for (const Input& input : inputs) std::visit([this](const auto& i) { on(i); }, input);
  for (const Timer& timer : liveness_.due()) on_timer(timer);
  while (!unsettled_.empty()) settle(unsettled_.begin()->first);
  place();
  sweep();
  return std::move(planned_);
}

void Planner::emit(Event event, AttachmentRef attachment) {
  std::visit(EventApplier<Draft>(draft_), event);
  unsettle(event);
  if (attachment != nullptr)
    planned_.attachments.push_back({planned_.events.size(), std::move(attachment)});
  planned_.events.push_back(std::move(event));
}

void Planner::reply(RequestId request, Result<ReplyBody> body) {
  if (request != RequestId()) planned_.replies.push_back({request, std::move(body)});
}

void Planner::refuse(RequestId request, ErrorClass error_class, std::string code,
                     std::string message, std::string hint) {
  refuse(request, Error{error_class, std::move(code), std::move(message), std::move(hint)});
}

void Planner::refuse(RequestId request, Error error) {
  count(error.code);
  reply(request, std::move(error));
}

void Planner::on_timer(const Timer& timer) {
  const TaskRef ref = timer.task();
  if (moot(timer, draft_)) return;  // an input, or a timer before it, was quicker
  switch (timer.kind) {
    case TimerKind::kLease: {
      const bool overdue = liveness_.overdue(Epoch(timer.token));
      const std::string code = overdue ? "cancel.unanswered" : "lease.expired";
      count(code);
      return fail(ref,
                  {ErrorClass::kInfrastructure, code,
                   overdue ? "the worker did not end the attempt in time; its lease did"
                           : "the worker was not heard for the length of a lease",
                   0},
                  nullptr);
    }
    case TimerKind::kAttemptTimeout:
      if (MILLRACE_PLANTED(kTimeoutEndsAtOnce))
        return fail(ref, {ErrorClass::kTransient, std::string(events::kAttemptTimedOut), "", 0},
                    nullptr);
      return stop(ref, events::kAttemptTimedOut);
    case TimerKind::kCancelGrace:
      return;  // its lease is renewed no more (Liveness::renews), and ends it
    case TimerKind::kBackoff:
      return emit(events::TaskReady{ref, now_.wall});
    case TimerKind::kQueueTimeout:
      return emit(events::TaskEnded{ref, TaskState::kFailed, "task.queue_timed_out",
                                    "found no room within its queueTimeout" + what_was_short(ref),
                                    now_.wall});
    case TimerKind::kTaskTimeout: {
      const TaskState state = draft_.task(ref)->state;
      if (holds_lease(state)) return stop(ref, events::kTaskTimedOut);
      if (state == TaskState::kPending) return;
      return emit(events::TaskEnded{ref, TaskState::kFailed, std::string(events::kTaskTimedOut),
                                    kTaskTimedOutMessage, now_.wall});
    }
    case TimerKind::kRunTimeout:
      return cancel_run(ref.run, "run.timed_out");
    case TimerKind::kKeyRetention:
      // Those that ended exactly that long ago are over, too.
      return emit(events::KeysForgotten{now_.wall + (Micros(1) - settings_.key_retention)});
  }
}

void Planner::stop(TaskRef ref, std::string_view reason) {
  if (draft_.task(ref)->stop >= events::stop_for(reason)) return;
  emit(events::CancelRequested{ref, std::string(reason), now_.wall});
}

std::optional<commands::Start> start_command(const State& state, TaskRef ref) {
  const RunHeader* run = state.run(ref.run);
  const Task* task = state.task(ref);
  if (run == nullptr || task == nullptr || !holds_lease(task->state)) return std::nullopt;
  const TaskSpec& spec = run->task_spec(ref.task);
  return commands::Start{{ref.run, ref.task, task->attempt, task->epoch},
                         spec.request,
                         spec.kind,
                         run->ns,
                         task->phase,
                         spec.attempt_timeout};
}

std::vector<AddressedCommand> commands_after(const State& state, const Event& event) {
  if (const auto* placed = std::get_if<events::AttemptPlaced>(&event)) {
    if (auto start = start_command(state, placed->attempt.task_ref()))
      return {{placed->worker, std::move(*start)}};
  } else if (const auto* cancel = std::get_if<events::CancelRequested>(&event)) {
    const Task* task = state.task(cancel->task);
    if (task != nullptr && task->state == TaskState::kCancelling)
      return {{task->worker,
               commands::Cancel{{cancel->task.run, cancel->task.task, task->attempt, task->epoch},
                                cancel->reason}}};
  }
  return {};
}

}  // namespace millrace::scheduler
