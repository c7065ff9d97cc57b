// The attempts of a task, out of both places that know of them: the store has those that ended, the
// engine the one at work. Inside scheduler/api only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scheduler/api/context.h"
#include "scheduler/api/find.h"

namespace millrace::api {

// The attempt that holds the task's lease; nothing: none does. On the loop.
std::optional<AttemptRecord> attempt_at_work(const View& view, scheduler::TaskRef task);

// Whether that attempt still holds its lease. Nothing of its log is missing once it does not.
// Errors: engine.not_leading. On the pool.
Result<bool> is_at_work(Context& context, const scheduler::AttemptRef& attempt);

// Those that ended, then the one at work, by number. `at_work` was seen before: what ended since is
// told as it ended. Error: store.unavailable. On the pool.
Result<std::vector<AttemptRecord>> all_attempts(Context& context, scheduler::TaskRef task,
                                                std::optional<AttemptRecord> at_work);

struct FoundAttempts {
  FoundRun run;
  scheduler::TaskRef task;
  std::vector<AttemptRecord> attempts;
};
// Of a task of {run}. Errors: request.invalid, run.not_found, task.not_found, store.unavailable. On
// the pool.
Result<FoundAttempts> find_attempts(Context& context, const http::Request& request,
                                    const std::string& task);

}  // namespace millrace::api
