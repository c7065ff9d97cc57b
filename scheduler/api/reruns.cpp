// R/reruns: a run that has ended, done again. What succeeded is taken over; what did not, what is
// named, what sees a changed parameter, and all downstream of these runs again.
#include "manifest/codec.h"
#include "scheduler/api/bodies.h"
#include "scheduler/api/body.h"
#include "scheduler/api/find.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"
#include "scheduler/api/rerun_request.h"
#include "scheduler/api/run_request.h"
#include "scheduler/api/start.h"

namespace millrace::api {
namespace {

Error not_kept(const std::string& run) {
  return {ErrorClass::kUser, "rerun.not_kept", "run \"" + run + "\" is not kept whole any more",
          "start a new run", ""};
}

// A rerun ready for the loop, or what is wrong with it.
struct Prepared {
  scheduler::SubmitRun submit;
  std::string parameters_json;
  std::optional<http::Response> refusal;
};

Prepared refused(const std::string& run, const manifest::Problems& problems) {
  Prepared prepared;
  prepared.refusal = problem_response("Rerun of " + run, problems);
  return prepared;
}

Result<Prepared> prepare(Context& context, const RunRecord& run, const RerunRequest& request) {
  if (run.spec == nullptr) return not_kept(run.name);
  const NamedTasks named = named_tasks(request.tasks, *run.spec);
  if (!named.problems.empty()) return refused(run.name, named.problems);
  MILLRACE_TRY(origin, context.ports.reads.origin(run.id));
  if (!origin) return not_kept(run.name);
  MILLRACE_TRY(body, context.bodies.get(run.body_hash));
  MILLRACE_TRY(before, context.bodies.get(run.parameters_hash));
  MILLRACE_TRY(workflow, manifest::workflow_from_json(*body));
  const BoundRun bound = bind_run({.name = "",
                                   .workflow = run.workflow,
                                   .parameters = merged_parameters(request.parameters, *before)},
                                  workflow.spec.parameters);
  if (!bound.problems.empty()) return refused(run.name, bound.problems);
  auto rerun = std::make_shared<scheduler::Rerun>(*std::move(origin));
  rerun->asked = named.tasks;
  MILLRACE_TRY(changed, tasks_seeing(changed_parameters(*before, bound.parameters_json), workflow,
                                     context.ports.analyze));
  rerun->changed = std::move(changed);
  auto attachment = std::make_shared<scheduler::Attachment>();
  const scheduler::BodyHash parameters_hash = hash_of_body(bound.parameters_json);
  attachment->bodies.push_back({parameters_hash, bound.parameters_json});
  return Prepared{.submit = {.request = {},
                             .run = context.ports.new_run(),
                             .ns = run.ns,
                             .name = "",
                             .workflow = run.workflow,
                             .spec = run.spec,
                             .body_hash = run.body_hash,
                             .parameters_hash = parameters_hash,
                             .key = "",
                             .request_hash = rerun_hash(run.id, request),
                             .attachment = std::move(attachment),
                             .rerun = std::move(rerun)},
                  .parameters_json = bound.parameters_json,
                  .refusal = {}};
}

Status post_rerun(Context& context, const http::Request& request,
                  const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(key, idempotency_key(request));
  ReadRerun read;
  if (!request.body.empty()) {
    MILLRACE_TRY(body, json_body(request));
    read = read_rerun(body);
  }
  if (!read.problems.empty()) {
    responder.send(problem_response("Rerun", read.problems));
    return ok_status();
  }
  MILLRACE_TRY(run, find_run(context, request));
  const RunRecord& record = run.summary.record;
  if (run.summary.live)
    return Error{ErrorClass::kUser, "run.not_ended", "run \"" + record.name + "\" has not ended",
                 "wait until it has, or cancel it"};
  MILLRACE_TRY(prepared, prepare(context, record, read.rerun));
  if (prepared.refusal) {
    responder.send(std::move(*prepared.refusal));
    return ok_status();
  }
  prepared.submit.key = key;
  submit_run(context, std::move(prepared.submit), std::move(prepared.parameters_json), responder);
  return ok_status();
}

}  // namespace

void add_rerun_routes(http::Router& router, Context& context) {
  router.add("POST", "/v1/namespaces/{ns}/runs/{run}/reruns", starting(context, post_rerun));
}

}  // namespace millrace::api
