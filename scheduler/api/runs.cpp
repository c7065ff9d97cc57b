// N/runs: start, look, steer.
#include <algorithm>
#include <array>
#include <set>

#include "lib/http/conditions.h"
#include "manifest/codec.h"
#include "scheduler/api/body.h"
#include "scheduler/api/context.h"
#include "scheduler/api/events.h"
#include "scheduler/api/find.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"
#include "scheduler/api/run_request.h"
#include "scheduler/api/start.h"

namespace millrace::api {
namespace {

using scheduler::DesiredState;

// --- conditions ---

// If-Match and If-None-Match of the run as it is; null: there is none. Error: run.conflict.
Status check_conditions(const http::Request& request, const RunSummary* run) {
  const std::string tag = run == nullptr ? "" : etag_of(*run);
  if (http::if_match_holds(request.headers, tag) && http::if_none_match_holds(request.headers, tag))
    return ok_status();
  return Error{ErrorClass::kUser, "run.conflict",
               run == nullptr ? "there is no such run"
                              : "run \"" + run->record.name + "\" is there, as version " + tag,
               "read it again and decide by what you find"};
}

// For the loop, which is to find the run as the conditions were held against it.
std::optional<scheduler::RunSeen> seen_of(const http::Request& request, const RunSummary& run) {
  if (!http::names_versions(request.headers)) return std::nullopt;
  return scheduler::RunSeen{run.desired, run.record.counts};
}

http::Response run_response(const FoundRun& run, const std::string& parameters_json) {
  http::Response response = json_response(run_json(run.summary, parameters_json, run.as_of));
  response.headers.add("ETag", etag_of(run.summary));
  return response;
}

// --- start ---

struct FoundWorkflow {
  scheduler::WorkflowSpecRef spec;
  scheduler::BodyHash body_hash{};
};

Result<FoundWorkflow> find_workflow(Context& context, const scheduler::NamespacedName& name) {
  return look_at(context.ports.engine, [&name](const View& view) -> Result<FoundWorkflow> {
    const scheduler::Document* document = view.state->document({"workflows", name});
    if (document == nullptr || document->spec == nullptr)
      return Error{ErrorClass::kUser, "workflow.unknown", "no workflow named \"" + name.name + "\"",
                   "`millrace get workflows` lists them"};
    return FoundWorkflow{document->spec, document->body_hash};
  });
}

// A run ready for the loop, or what is wrong with it.
struct Prepared {
  scheduler::SubmitRun submit;
  std::string parameters_json;
  std::optional<http::Response> refusal;
};

Result<Prepared> prepare(Context& context, const std::string& ns, const ReadRun& read) {
  Prepared prepared;
  if (!read.problems.empty()) {
    prepared.refusal = problem_response("Run", read.problems);
    return prepared;
  }
  const RunRequest& run = read.run;
  MILLRACE_TRY(workflow, find_workflow(context, {ns, run.workflow}));
  MILLRACE_TRY(body, context.bodies.get(workflow.body_hash));
  MILLRACE_TRY(document, manifest::workflow_from_json(*body));
  BoundRun bound = bind_run(run, document.spec.parameters);
  if (!bound.problems.empty()) {
    prepared.refusal = problem_response("Run of " + run.workflow, bound.problems);
    return prepared;
  }
  auto attachment = std::make_shared<scheduler::Attachment>();
  const scheduler::BodyHash parameters_hash = hash_of_body(bound.parameters_json);
  attachment->bodies.push_back({parameters_hash, bound.parameters_json});
  // The very document that the parameters were checked against, not what may stand under its name
  // by the time the loop decides.
  prepared.submit = {.request = {},
                     .run = context.ports.new_run(),
                     .ns = ns,
                     .name = run.name,
                     .workflow = run.workflow,
                     .spec = workflow.spec,
                     .body_hash = workflow.body_hash,
                     .parameters_hash = parameters_hash,
                     .key = "",
                     .request_hash = request_hash(ns, run),
                     .attachment = std::move(attachment),
                     .rerun = nullptr};
  prepared.parameters_json = std::move(bound.parameters_json);
  return prepared;
}

// A name is its run's for as long as that is kept, living or ended: nobody else's PUT finds another
// run under it. A replay asks for no run of its own; of those under a known key the loop decides.
Status check_name(Context& context, const scheduler::NamespacedName& name, const std::string& key) {
  const Result<FoundRun> taken = find_run(context, name);
  if (!taken.ok())
    return taken.error().code == "run.not_found" ? ok_status() : Status(taken.error());
  if (!key.empty()) {
    // Looked at after the run: whoever made that under this key has left the key by now.
    MILLRACE_TRY(known, look_at(context.ports.engine, [&](const View& view) -> Result<bool> {
                   return view.state->key({name.ns, key}) != nullptr;
                 }));
    if (known) return ok_status();
  }
  return Error{ErrorClass::kUser, "run.exists",
               "there is a run named \"" + name.name +
                   (taken->summary.live ? "\", under way" : "\", which has ended"),
               "choose another name"};
}

// A command: named by us, made once under its idempotency key.
Status post_run(Context& context, const http::Request& request, const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(ns, label_of(request, "ns"));
  MILLRACE_TRY(key, idempotency_key(request));
  MILLRACE_TRY(read, read_run(request, ns));
  MILLRACE_TRY(prepared, prepare(context, ns, read));
  if (prepared.refusal) {
    responder.send(std::move(*prepared.refusal));
    return ok_status();
  }
  if (!read.run.name.empty())
    MILLRACE_RETURN_IF_ERROR(check_name(context, {ns, read.run.name}, key));
  prepared.submit.key = key;
  submit_run(context, std::move(prepared.submit), std::move(prepared.parameters_json), responder);
  return ok_status();
}

// State: named by the caller, so its name is its key. Made once; another spec under the name is
// refused.
Status put_run(Context& context, const http::Request& request, const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {"dryRun"}));
  MILLRACE_TRY(dry, dry_run_of(request));
  MILLRACE_TRY(name, labels_of(request, "run"));
  MILLRACE_TRY(read, read_run(request, name.ns));
  if (read.run.name.empty()) read.run.name = name.name;
  if (read.problems.empty() && read.run.name != name.name)
    return invalid_request(
        "name", "the run is named \"" + read.run.name + "\", its path \"" + name.name + "\"",
        "let both be the same");
  MILLRACE_TRY(prepared, prepare(context, name.ns, read));
  if (prepared.refusal) {
    responder.send(std::move(*prepared.refusal));
    return ok_status();
  }
  const Result<FoundRun> before = find_run(context, request);
  if (before.ok()) {
    MILLRACE_RETURN_IF_ERROR(check_conditions(request, &before->summary));
    const RunRecord& record = before->summary.record;
    if (record.workflow != read.run.workflow ||
        record.parameters_hash != prepared.submit.parameters_hash)
      return Error{
          ErrorClass::kUser, "run.exists",
          "run \"" + name.name + "\" was started with another workflow or other parameters",
          "choose another name"};
    responder.send(run_response(*before, prepared.parameters_json));
    return ok_status();
  }
  if (before.error().code != "run.not_found") return before.error();
  MILLRACE_RETURN_IF_ERROR(check_conditions(request, nullptr));
  if (dry) {
    Json json = submitted_json(name.ns, name.name, read.run.workflow, prepared.parameters_json);
    json["plan"]["change"] = "Create";
    responder.send(json_response(json));
    return ok_status();
  }
  prepared.submit.key = "put/" + name.name;  // two callers at once: one makes it, both have it
  // The conditions held of a run that was not there, and one may have come since.
  const IfThere if_there =
      request.headers.has("if-none-match") ? IfThere::kConflict : IfThere::kReplay;
  submit_run(context, std::move(prepared.submit), std::move(prepared.parameters_json), responder,
             if_there);
  return ok_status();
}

// --- look ---

Result<http::Response> get_run(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(run, find_run(context, request));
  const std::string tag = etag_of(run.summary);
  if (!http::if_none_match_holds(request.headers, tag))
    return http::Response{.status = 304, .headers = {{"ETag", tag}}};
  // The run is shown without its parameters rather than not at all.
  std::string parameters;
  if (run.summary.record.parameters_hash != scheduler::BodyHash{})
    if (const auto body = context.bodies.get(run.summary.record.parameters_hash); body.ok())
      parameters = **body;
  return run_response(run, parameters);
}

struct RunFilter {
  std::optional<std::string> phase;
  std::optional<std::string> workflow;
  std::optional<std::string> queue;
  std::optional<WallTime> since;
};

constexpr std::array<std::string_view, 8> kPhases = {
    "Running", "Waiting", "Paused", "Cancelling", "Succeeded", "Failed", "Cancelled", "TimedOut"};

Result<RunFilter> filter_of(const http::Request& request) {
  RunFilter filter{.phase = request.query.get("state"),
                   .workflow = request.query.get("workflow"),
                   .queue = request.query.get("queue"),
                   .since = {}};
  if (filter.phase && std::find(kPhases.begin(), kPhases.end(), *filter.phase) == kPhases.end())
    return invalid_request(
        "state", "\"" + *filter.phase + "\" is no state of a run",
        "one of: Running, Waiting, Paused, Cancelling, Succeeded, Failed, Cancelled, TimedOut");
  if (const auto since = request.query.get("since")) {
    filter.since = parse_time(*since);
    if (!filter.since)
      return invalid_request("since", "\"" + *since + "\" is no time",
                             "write it as 2024-05-01T10:31:00Z");
  }
  return filter;
}

bool passes(const RunFilter& filter, const RunSummary& run) {
  return (!filter.phase || phase_of(run) == *filter.phase) &&
         (!filter.workflow || run.record.workflow == *filter.workflow) &&
         (!filter.queue || run.record.queue == *filter.queue) &&
         (!filter.since || run.record.created >= *filter.since);
}

// Which outcome a filter's phase asks the store for; false when it asks for living runs alone.
bool wants_ended(const RunFilter& filter, std::optional<scheduler::RunOutcome>& outcome) {
  if (!filter.phase) return true;
  using scheduler::RunOutcome;
  for (const RunOutcome one : {RunOutcome::kSucceeded, RunOutcome::kFailed, RunOutcome::kCancelled,
                               RunOutcome::kTimedOut}) {
    if (to_string(one) != *filter.phase) continue;
    outcome = one;
    return true;
  }
  return false;
}

struct LiveRuns {
  std::vector<RunSummary> runs;  // newest first
  EventId as_of;
};

LiveRuns live_runs(const View& view, const std::string& ns, const RunFilter& filter,
                   std::optional<scheduler::RunId> before, std::size_t limit) {
  LiveRuns live{.runs = {}, .as_of = EventId::end_of(view.applied)};
  const auto& runs = view.state->runs();
  auto it = before ? runs.lower_bound(*before) : runs.end();
  while (it != runs.begin() && live.runs.size() < limit) {
    --it;
    if (it->second.header.ns != ns || it->second.header.spec->hidden) continue;
    RunSummary summary = summary_of(it->second.header, it->second.tasks);
    if (passes(filter, summary)) live.runs.push_back(std::move(summary));
  }
  return live;
}

Result<http::Response> list_runs(Context& context, const http::Request& request,
                                 const std::string& ns) {
  MILLRACE_RETURN_IF_ERROR(
      check_query(request, {"limit", "cursor", "state", "workflow", "queue", "since", "watch"}));
  MILLRACE_TRY(page, page_of(request));
  MILLRACE_TRY(filter, filter_of(request));
  std::optional<scheduler::RunId> before;
  if (!page.after.empty()) {
    before = scheduler::RunId::parse(page.after);
    if (!before) return invalid_request("cursor", "the cursor belongs to no such list");
  }
  // The living first: a run that ends in between is then seen twice, and never not at all.
  const auto live = look_at(context.ports.engine, [&](const View& view) -> Result<LiveRuns> {
    return live_runs(view, ns, filter, before, page.limit + 1);
  });
  if (!live.ok()) return live.error();
  std::vector<RunSummary> runs = live->runs;
  RunQuery query{.ns = ns,
                 .before = before,
                 .workflow = filter.workflow,
                 .queue = filter.queue,
                 .outcome = {},
                 .since = filter.since,
                 .limit = page.limit + 1};
  if (wants_ended(filter, query.outcome)) {
    MILLRACE_TRY(ended, context.ports.reads.runs(query));
    std::set<scheduler::RunId> seen;
    for (RunRecord& record : ended) {
      seen.insert(record.id);
      RunSummary summary = summary_of(std::move(record));
      if (passes(filter, summary)) runs.push_back(std::move(summary));
    }
    std::erase_if(
        runs, [&seen](const RunSummary& run) { return run.live && seen.contains(run.record.id); });
    std::sort(runs.begin(), runs.end(),
              [](const RunSummary& a, const RunSummary& b) { return a.record.id > b.record.id; });
  }
  const bool more = runs.size() > page.limit;
  if (more) runs.resize(page.limit);
  Json items = Json::array();
  for (const RunSummary& run : runs) items.push_back(run_json(run, "", live->as_of));
  return json_response(list_json(std::move(items),
                                 more ? next_cursor(request, runs.back().record.id.to_text()) : "",
                                 live->as_of.to_text()));
}

// The list, or with watch=true what happens to it.
Status get_runs(Context& context, const http::Request& request, const http::Responder& responder) {
  MILLRACE_TRY(ns, label_of(request, "ns"));
  MILLRACE_TRY(watch, boolean_query(request, "watch"));
  if (watch) {
    MILLRACE_RETURN_IF_ERROR(check_query(request, {"watch", "after"}));
    return watch_list(context, request, responder, {.scope = Interest::Scope::kRuns, .ns = ns});
  }
  // Also where nothing is streamed, what is no position is told.
  MILLRACE_RETURN_IF_ERROR(position_of(request));
  MILLRACE_TRY(response, list_runs(context, request, ns));
  responder.send(std::move(response));
  return ok_status();
}

// --- steer ---

Result<DesiredState> desired_of(const Json& body) {
  const auto unknown = [](const std::string& field) {
    return Error{ErrorClass::kUser, "request.invalid", "unknown or unchangeable field",
                 "desiredState is what can be changed", field};
  };
  const Json* value = nullptr;
  const Json* fields = &body;
  if (body.contains("spec")) {
    if (body.size() != 1)
      return unknown(body.begin().key() == "spec" ? (++body.begin()).key() : body.begin().key());
    fields = &body["spec"];
    if (!fields->is_object()) return unknown("spec");
  }
  for (const auto& [field, given] : fields->items()) {
    if (field != "desiredState") return unknown(field);
    value = &given;
  }
  if (value != nullptr && value->is_string())
    for (const DesiredState state :
         {DesiredState::kRunning, DesiredState::kPaused, DesiredState::kCancelled})
      if (to_string(state) == value->get_ref<const std::string&>()) return state;
  return invalid_request("desiredState", "a state is wanted", "one of: Running, Paused, Cancelled");
}

Status patch_run(Context& context, const http::Request& request, const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(body, json_body(request));
  MILLRACE_TRY(desired, desired_of(body));
  MILLRACE_TRY(run, find_run(context, request));
  MILLRACE_RETURN_IF_ERROR(check_conditions(request, &run.summary));
  if (!run.summary.live)
    return Error{ErrorClass::kUser, "run.ended",
                 "run \"" + run.summary.record.name + "\" has ended"};
  context.ports.engine.submit(scheduler::SetDesiredState{.request = {},
                                                         .run = run.summary.record.id,
                                                         .desired = desired,
                                                         .if_seen = seen_of(request, run.summary)},
                              [responder, desired, summary = run.summary,
                               as_of = run.as_of](const EnginePort::Answer& answer) mutable {
                                if (!answer.ok())
                                  return responder.send(problem_response(answer.error()));
                                summary.desired = desired;
                                responder.send(json_response(run_json(summary, "", as_of)));
                              });
  return ok_status();
}

// Cancels. What has ended is as the caller wants it.
Status delete_run(Context& context, const http::Request& request,
                  const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(run, find_run(context, request));
  MILLRACE_RETURN_IF_ERROR(check_conditions(request, &run.summary));
  if (!run.summary.live) {
    responder.send({.status = 204});
    return ok_status();
  }
  const std::optional<scheduler::RunSeen> seen = seen_of(request, run.summary);
  context.ports.engine.submit(
      scheduler::SetDesiredState{.request = {},
                                 .run = run.summary.record.id,
                                 .desired = DesiredState::kCancelled,
                                 .if_seen = seen},
      [responder, summary = run.summary, as_of = run.as_of,
       conditional = seen.has_value()](const EnginePort::Answer& answer) mutable {
        if (!answer.ok() && answer.error().code == "run.ended" && !conditional)
          return responder.send({.status = 204});
        if (!answer.ok()) return responder.send(problem_response(answer.error()));
        summary.desired = DesiredState::kCancelled;
        responder.send(json_response(run_json(summary, "", as_of), 202));
      });
  return ok_status();
}

}  // namespace

void add_run_routes(http::Router& router, Context& context) {
  const std::string runs = "/v1/namespaces/{ns}/runs";
  router.add("POST", runs, starting(context, post_run));
  router.add("GET", runs, starting(context, get_runs));
  router.add("PUT", runs + "/{run}", starting(context, put_run));
  router.add("GET", runs + "/{run}", answering(context, get_run));
  router.add("PATCH", runs + "/{run}", starting(context, patch_run));
  router.add("DELETE", runs + "/{run}", starting(context, delete_run));
}

}  // namespace millrace::api
