// Starting a run: what POST of runs and of reruns, and PUT of a run, have in common once it is
// clear what is to run. Inside scheduler/api only.
#pragma once

#include <string>

#include "base/result.h"
#include "lib/http/router.h"
#include "scheduler/api/context.h"
#include "scheduler/api/json.h"

namespace millrace::api {

// The request's Idempotency-Key, "" without one. Error: request.invalid.
Result<std::string> idempotency_key(const http::Request& request);

// A run as it is answered before the loop knows of it.
Json submitted_json(const std::string& ns, const std::string& name, const std::string& workflow,
                    const std::string& parameters_json);

// What a run is that was made under the same key before.
enum class IfThere { kReplay, kConflict };

// Hands the run to the loop and answers: 201, 200 for a replay or else run.conflict, or what the
// loop refused it for.
void submit_run(Context& context, scheduler::SubmitRun submit, std::string parameters_json,
                const http::Responder& responder, IfThere if_there = IfThere::kReplay);

}  // namespace millrace::api
