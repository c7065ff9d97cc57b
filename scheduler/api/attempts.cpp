#include "scheduler/api/attempts.h"

#include <algorithm>
#include <utility>

namespace millrace::api {

std::optional<AttemptRecord> attempt_at_work(const View& view, scheduler::TaskRef ref) {
  const scheduler::RunHeader* run = view.state->run(ref.run);
  const scheduler::Task* task = view.state->task(ref);
  if (run == nullptr || task == nullptr || !scheduler::holds_lease(task->state))
    return std::nullopt;
  AttemptRecord attempt;
  attempt.ref = {ref.run, ref.task, task->attempt, task->epoch};
  attempt.phase = task->phase;
  attempt.worker = task->worker;
  const auto& workers = view.liveness->workers();
  if (const auto worker = workers.find(task->worker); worker != workers.end())
    attempt.worker_name = worker->second.name;
  attempt.request = run->task_spec(ref.task).request;
  attempt.placed = task->since;
  return attempt;
}

Result<bool> is_at_work(Context& context, const scheduler::AttemptRef& attempt) {
  return look_at(context.ports.engine, [&attempt](const View& view) -> Result<bool> {
    const scheduler::Task* task = view.state->task(attempt.task_ref());
    return task != nullptr && scheduler::holds_lease(task->state) && task->epoch == attempt.epoch;
  });
}

Result<std::vector<AttemptRecord>> all_attempts(Context& context, scheduler::TaskRef task,
                                                std::optional<AttemptRecord> at_work) {
  MILLRACE_TRY(attempts, context.ports.reads.attempts(task));
  if (at_work && (attempts.empty() || attempts.back().ref.attempt < at_work->ref.attempt))
    attempts.push_back(*std::move(at_work));
  return attempts;
}

Result<FoundAttempts> find_attempts(Context& context, const http::Request& request,
                                    const std::string& task) {
  std::optional<AttemptRecord> at_work;
  MILLRACE_TRY(run, find_run(context, request, [&](const View& view, scheduler::RunId id) {
                 if (const auto index = index_of(*view.state->run(id)->spec, task))
                   at_work = attempt_at_work(view, {id, *index});
               }));
  MILLRACE_TRY(index, find_task(run.summary, task));
  const scheduler::TaskRef ref{run.summary.record.id, index};
  MILLRACE_TRY(attempts, all_attempts(context, ref, std::move(at_work)));
  return FoundAttempts{std::move(run), ref, std::move(attempts)};
}

}  // namespace millrace::api
