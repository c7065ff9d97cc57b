// Finds a run by the name or id in a path: among those that live, then among those that ended.
// Inside scheduler/api only; on the pool.
#pragma once

#include "scheduler/api/context.h"
#include "scheduler/api/render.h"

namespace millrace::api {

struct FoundRun {
  RunSummary summary;
  EventId as_of;  // the state that was looked at
};

// {ns} and {run} of the path. `see` is called on the loop while the run lives, with the same look
// at it. Errors: request.invalid, run.not_found.
using SeeRun = std::function<void(const View&, scheduler::RunId)>;
Result<FoundRun> find_run(Context& context, const http::Request& request, SeeRun see = {});
Result<FoundRun> find_run(Context& context, const scheduler::NamespacedName& name, SeeRun see = {});

// The position of the task of that name; nothing: there is none.
std::optional<scheduler::TaskIndex> index_of(const scheduler::WorkflowSpec& spec,
                                             const std::string& task);
// The position of {task} in the run's spec. Errors: request.invalid, task.not_found.
Result<scheduler::TaskIndex> find_task(const RunSummary& run, const http::Request& request);
Result<scheduler::TaskIndex> find_task(const RunSummary& run, const std::string& name);

// Adds what the tasks that ended, or wait for another attempt, have said: the engine keeps no
// texts. Error: store.unavailable.
Status add_endings(Context& context, scheduler::RunId run, std::vector<TaskView>& tasks);

// Its spec, for a run that ended; the error task.not_found when it is not kept any more.
const scheduler::WorkflowSpec* spec_of(const RunSummary& run);

}  // namespace millrace::api
