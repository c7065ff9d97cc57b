// R/tasks: what each task does, its attempts, and why it waits.
#include <map>

#include "scheduler/api/attempts.h"
#include "scheduler/api/find.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"
#include "scheduler/core/plan.h"

namespace millrace::api {
namespace {

using scheduler::TaskIndex;

struct FoundTasks {
  FoundRun run;
  std::vector<TaskView> tasks;
};

void add_progress(Context& context, scheduler::RunId run, std::vector<TaskView>& tasks) {
  for (const AttemptProgress& progress : context.ports.progress.progress(run)) {
    const auto index = progress.attempt.task.value();
    if (index < tasks.size() && tasks[index].record.attempt == progress.attempt.attempt &&
        scheduler::holds_lease(tasks[index].record.state))
      tasks[index].progress = progress;
  }
}

Result<FoundTasks> find_tasks(Context& context, const http::Request& request) {
  std::vector<TaskView> tasks;
  std::map<scheduler::WorkerId, std::string> workers;
  MILLRACE_TRY(run, find_run(context, request, [&](const View& view, scheduler::RunId id) {
                 const std::vector<scheduler::Task>& of_run = *view.state->tasks(id);
                 tasks.reserve(of_run.size());
                 for (std::uint32_t i = 0; i < of_run.size(); ++i)
                   tasks.push_back(view_of(of_run[i], TaskIndex(i)));
                 for (const auto& [worker, seen] : view.liveness->workers())
                   workers[worker] = seen.name;
               }));
  if (run.summary.live) {
    for (TaskView& task : tasks)
      if (const auto worker = workers.find(task.record.worker); worker != workers.end())
        task.worker_name = worker->second;
    add_progress(context, run.summary.record.id, tasks);
  } else {
    MILLRACE_TRY(records, context.ports.reads.tasks(run.summary.record.id));
    for (TaskRecord& record : records) {
      TaskView task;
      task.record = std::move(record);
      tasks.push_back(std::move(task));
    }
  }
  MILLRACE_RETURN_IF_ERROR(add_endings(context, run.summary.record.id, tasks));
  return FoundTasks{std::move(run), std::move(tasks)};
}

Result<http::Response> list_tasks(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(found, find_tasks(context, request));
  Json items = Json::array();
  for (const TaskView& task : found.tasks)
    items.push_back(task_json(task, spec_of(found.run.summary)));
  return json_response(list_json(std::move(items), "", found.run.as_of.to_text()));
}

Result<http::Response> get_task(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(found, find_tasks(context, request));
  MILLRACE_TRY(index, find_task(found.run.summary, request));
  for (const TaskView& task : found.tasks)
    if (task.record.index == index)
      return json_response(task_json(task, spec_of(found.run.summary)));
  return not_found("task.not_found", "the task's record is not kept any more");
}

Json attempts_json(const std::vector<AttemptRecord>& attempts) {
  Json list = Json::array();
  for (const AttemptRecord& attempt : attempts) list.push_back(attempt_json(attempt));
  return list;
}

Result<http::Response> list_attempts(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(task, name_of(request, "task"));
  MILLRACE_TRY(found, find_attempts(context, request, task));
  return json_response(list_json(attempts_json(found.attempts), "", found.run.as_of.to_text()));
}

// What a task that is not at work waits for, in the words of doors.md.
struct Why {
  scheduler::WaitReason wait;     // of a ready task
  std::vector<std::string> open;  // needs that have not ended
};

Json explanation_json(const TaskView& task, const scheduler::WorkflowSpec* spec, const Why& why) {
  Json json = task_json(task, spec);
  Json explanation;
  switch (task.record.state) {
    case scheduler::TaskState::kPending:
      explanation["code"] = "NeedsOpen";
      explanation["message"] = "waits for tasks that have not ended";
      explanation["waitsFor"] = why.open;
      break;
    case scheduler::TaskState::kReady:
      explanation["code"] = why.wait.code;
      explanation["message"] = why.wait.message;
      explanation["workers"] = why.wait.workers;
      break;
    case scheduler::TaskState::kBackingOff:
      explanation["code"] = "BackingOff";
      explanation["message"] = "waits until " + time_text(task.retry_at) + " for its next attempt";
      break;
    case scheduler::TaskState::kRunning:
    case scheduler::TaskState::kCancelling:
      explanation["code"] = to_string(task.record.state);
      explanation["message"] = "an attempt is at work";
      break;
    case scheduler::TaskState::kSucceeded:
    case scheduler::TaskState::kFailed:
    case scheduler::TaskState::kSkipped:
    case scheduler::TaskState::kCancelled:
      explanation["code"] =
          task.record.code.empty() ? std::string(to_string(task.record.state)) : task.record.code;
      explanation["message"] =
          task.record.message.empty() ? "the task has ended" : task.record.message;
      break;
  }
  json["explanation"] = std::move(explanation);
  return json;
}

Result<http::Response> explain_task(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(name, name_of(request, "task"));
  TaskView task;
  Why why;
  std::optional<AttemptRecord> at_work;
  bool seen = false;
  MILLRACE_TRY(run, find_run(context, request, [&](const View& view, scheduler::RunId id) {
                 const scheduler::WorkflowSpec& spec = *view.state->run(id)->spec;
                 const auto index = index_of(spec, name);
                 if (!index) return;
                 seen = true;
                 const std::vector<scheduler::Task>& tasks = *view.state->tasks(id);
                 task = view_of(tasks[index->value()], *index);
                 at_work = attempt_at_work(view, {id, *index});
                 if (at_work) task.worker_name = at_work->worker_name;
                 for (const TaskIndex need : spec.tasks[index->value()].needs)
                   if (!scheduler::is_terminal(tasks[need.value()].state))
                     why.open.push_back(spec.tasks[need.value()].name);
                 if (task.record.state == scheduler::TaskState::kReady)
                   why.wait = scheduler::explain_wait(*view.state, *view.liveness, {id, *index},
                                                      *view.settings);
               }));
  MILLRACE_TRY(index, find_task(run.summary, request));
  if (!seen) {
    MILLRACE_TRY(records, context.ports.reads.tasks(run.summary.record.id));
    for (TaskRecord& record : records)
      if (record.index == index) task.record = std::move(record);
  }
  Json json = explanation_json(task, spec_of(run.summary), why);
  MILLRACE_TRY(attempts, all_attempts(context, {run.summary.record.id, index}, std::move(at_work)));
  json["attempts"] = attempts_json(attempts);
  return json_response(json);
}

}  // namespace

void add_task_routes(http::Router& router, Context& context) {
  const std::string tasks = "/v1/namespaces/{ns}/runs/{run}/tasks";
  router.add("GET", tasks, answering(context, list_tasks));
  router.add("GET", tasks + "/{task}", answering(context, get_task));
  router.add("GET", tasks + "/{task}/attempts", answering(context, list_attempts));
  router.add("GET", tasks + "/{task}/explanation", answering(context, explain_task));
}

}  // namespace millrace::api
