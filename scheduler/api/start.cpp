#include "scheduler/api/start.h"

#include <algorithm>
#include <utility>

#include "manifest/schema.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/render.h"
#include "scheduler/core/run_name.h"

namespace millrace::api {

Result<std::string> idempotency_key(const http::Request& request) {
  std::string key(request.headers.get("idempotency-key"));
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (key.size() > 255 || !printable || (key.empty() && request.headers.has("idempotency-key")))
    return invalid_request("Idempotency-Key",
                           "the key is no text of 1 to 255 printable ASCII characters");
  if (request.headers.count("idempotency-key") > 1)
    return invalid_request("Idempotency-Key", "the header is given twice", "send one key");
  return key;
}

Json submitted_json(const std::string& ns, const std::string& name, const std::string& workflow,
                    const std::string& parameters_json) {
  Json json;
  json["apiVersion"] = manifest::kApiVersion;
  json["kind"] = "WorkflowRun";
  json["metadata"] = {{"name", name}, {"namespace", ns}};
  json["spec"]["workflow"] = workflow;
  json["spec"]["parameters"] = parameters_list(parameters_json);
  return json;
}

namespace {

// How long the end of a made-up name has to be, to be none of a run's that has ended and is kept.
// The loop sees to those that live.
Result<std::size_t> free_name_end(const Context& context, const scheduler::SubmitRun& submit) {
  std::size_t end = scheduler::kShortNameEnd;
  for (; end < scheduler::kLongestNameEnd; ++end) {
    const std::string name = scheduler::made_up_name(submit.workflow, submit.run, end);
    MILLRACE_TRY(taken, context.ports.reads.is_run_kept({submit.ns, name}));
    if (!taken) break;
  }
  return end;
}

}  // namespace

void submit_run(Context& context, scheduler::SubmitRun submit, std::string parameters_json,
                const http::Responder& responder, IfThere if_there) {
  if (submit.name.empty()) {
    const auto end = free_name_end(context, submit);
    if (!end.ok()) return responder.send(problem_response(end.error()));
    submit.name_end = *end;
  }
  struct Asked {
    std::string ns;
    std::string workflow;
    std::string parameters_json;
    std::shared_ptr<const scheduler::Rerun> rerun;
  };
  Asked asked{submit.ns, submit.workflow, std::move(parameters_json), submit.rerun};
  context.ports.engine.submit(std::move(submit), [responder, asked = std::move(asked),
                                                  if_there](const EnginePort::Answer& answer) {
    if (!answer.ok()) return responder.send(problem_response(answer.error()));
    const auto& accepted = std::get<scheduler::replies::RunAccepted>(*answer);
    if (accepted.existed && if_there == IfThere::kConflict)
      return responder.send(problem_response(Error{ErrorClass::kUser, "run.conflict",
                                                   "run \"" + accepted.name + "\" is there",
                                                   "read it again and decide by what you find"}));
    Json json = submitted_json(asked.ns, accepted.name, asked.workflow, asked.parameters_json);
    json["metadata"]["uid"] = accepted.run.to_text();
    json["status"]["runId"] = accepted.run.to_text();
    if (asked.rerun != nullptr)
      json["status"]["rerunOf"] = rerun_of_json(asked.rerun->origin, asked.rerun->origin_name);
    http::Response response = json_response(json, accepted.existed ? 200 : 201);
    response.headers.add("Location", "/v1/namespaces/" + asked.ns + "/runs/" + accepted.name);
    responder.send(std::move(response));
  });
}

}  // namespace millrace::api
