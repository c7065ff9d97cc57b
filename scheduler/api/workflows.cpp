// N/workflows: documents that runs are made of. PUT states what is wanted; the loop decides.
#include <charconv>
#include <optional>

#include "base/check.h"
#include "lib/http/conditions.h"
#include "scheduler/api/bodies.h"
#include "scheduler/api/body.h"
#include "scheduler/api/compile.h"
#include "scheduler/api/context.h"
#include "scheduler/api/events.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"
#include "scheduler/api/render.h"

namespace millrace::api {
namespace {

constexpr const char* kKind = "workflows";

std::string etag_of(std::uint64_t version) { return "\"" + std::to_string(version) + "\""; }

// Digits; nothing for what is no version.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Error conflict(std::string message) {
  return {ErrorClass::kUser, "document.conflict", std::move(message),
          "read it again and apply your change to what you find", ""};
}

// What If-Match and If-None-Match, and the document's own resourceVersion, demand of the present
// version; 0: that there is none.
Result<std::optional<std::uint64_t>> precondition_of(const http::Request& request,
                                                     std::uint64_t present,
                                                     const std::string& resource_version = {}) {
  std::optional<std::uint64_t> wanted;
  if (!resource_version.empty()) {
    const auto version = number_of(resource_version);
    if (!version || *version == 0 || *version != present)
      return conflict("resourceVersion " + resource_version +
                      " is not that of the present document");
    wanted = *version;
  }
  // The loop is then to find the very version that the conditions were held against.
  const std::string tag = present == 0 ? "" : etag_of(present);
  if (!http::if_match_holds(request.headers, tag))
    return conflict(present == 0 ? "there is no such document"
                                 : "the document's version " + tag + " is not in If-Match " +
                                       request.headers.list("if-match"));
  if (!http::if_none_match_holds(request.headers, tag))
    return conflict("the document is there, as version " + tag);
  if (http::names_versions(request.headers)) wanted = present;
  return wanted;
}

struct Stored {
  std::uint64_t version = 0;  // 0: there is none
  std::uint64_t generation = 0;
  scheduler::BodyHash hash{};
};

Result<Stored> stored(Context& context, const scheduler::NamespacedName& name) {
  return look_at(context.ports.engine, [&name](const View& view) -> Result<Stored> {
    const scheduler::Document* document = view.state->document({kKind, name});
    if (document == nullptr) return Stored{};
    return Stored{document->version, document->generation, document->body_hash};
  });
}

// The stored text with what the server knows besides.
Json workflow_json(const std::string& canonical, const std::string& ns, std::uint64_t generation,
                   std::uint64_t version) {
  Json json = Json::parse(canonical, nullptr, false);
  if (!json.is_object()) return Json::object();
  Json& metadata = json["metadata"];
  metadata["namespace"] = ns;
  metadata["generation"] = generation;
  if (version != 0) metadata["resourceVersion"] = std::to_string(version);
  return json;
}

http::Response workflow_response(const Json& json, std::uint64_t version, int status) {
  http::Response response = json_response(json, status);
  response.headers.add("ETag", etag_of(version));
  return response;
}

// Compiled against the datasets that are there now. An empty result: the client has been answered.
struct Judged {
  Compiled compiled;
  std::optional<http::Response> refusal;
};

Result<Judged> judge(Context& context, const http::Request& request,
                     const scheduler::NamespacedName& name) {
  MILLRACE_TRY(syntax, syntax_of(request));
  MILLRACE_TRY(compiled, compile({.text = request.body, .syntax = syntax, .name = name},
                                 context.ports.analyze));
  if (!compiled.graph.outside.empty()) {
    const auto unknown =
        look_at(context.ports.engine, [&](const View& view) -> Result<UnknownDatasets> {
          return unknown_datasets(compiled, name.ns, *view.state);
        });
    if (!unknown.ok()) return unknown.error();
    add_unknown(compiled, *unknown);
  }
  Judged judged{.compiled = std::move(compiled), .refusal = {}};
  if (!judged.compiled.problems.empty())
    judged.refusal = problem_response("Workflow " + name.name, judged.compiled.problems);
  return judged;
}

Result<http::Response> dry_run(Context& context, const scheduler::NamespacedName& name,
                               const Stored& before, const Compiled& compiled) {
  const bool same = before.version != 0 && before.hash == compiled.hash;
  // Which version a change would get is not known before it is made.
  Json json = workflow_json(compiled.canonical_json, name.ns, before.generation + (same ? 0 : 1),
                            same ? before.version : 0);
  Json& plan = json["plan"];
  plan["change"] = before.version == 0 ? "Create" : (same ? "None" : "Update");
  if (before.version != 0 && !same) {
    MILLRACE_TRY(body, context.bodies.get(before.hash));
    plan["before"] = workflow_json(*body, name.ns, before.generation, before.version);
  }
  plan["tasks"] = Json::array();
  for (const scheduler::TaskSpec& task : compiled.spec->tasks) {
    Json item = {
        {"name", task.name}, {"kind", task.kind}, {"needs", Json::array()}, {"reads", task.reads}};
    for (const scheduler::TaskIndex need : task.needs)
      item["needs"].push_back(compiled.spec->tasks[need.value()].name);
    item["writes"] = Json::array();
    for (const scheduler::DatasetWrite& write : task.writes)
      item["writes"].push_back(write.dataset);
    plan["tasks"].push_back(std::move(item));
  }
  return json_response(json);
}

Status put_workflow(Context& context, const http::Request& request,
                    const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {"dryRun"}));
  MILLRACE_TRY(dry, dry_run_of(request));
  MILLRACE_TRY(name, labels_of(request, "name"));
  MILLRACE_TRY(judged, judge(context, request, name));
  if (judged.refusal) {
    responder.send(std::move(*judged.refusal));
    return ok_status();
  }
  MILLRACE_TRY(before, stored(context, name));
  MILLRACE_CHECK(judged.compiled.document.has_value(), "what compiles is a document");
  MILLRACE_TRY(precondition, precondition_of(request, before.version,
                                             judged.compiled.document->resource_version));
  if (dry) {
    MILLRACE_TRY(response, dry_run(context, name, before, judged.compiled));
    responder.send(std::move(response));
    return ok_status();
  }
  auto attachment = std::make_shared<scheduler::Attachment>();
  attachment->bodies.push_back({judged.compiled.hash, judged.compiled.canonical_json});
  scheduler::PutDocument put{.request = {},
                             .kind = kKind,
                             .name = name,
                             .body_hash = judged.compiled.hash,
                             .spec = judged.compiled.spec,
                             .if_version = precondition,
                             .attachment = std::move(attachment)};
  context.ports.engine.submit(
      std::move(put), [responder, name, canonical = std::move(judged.compiled.canonical_json)](
                          const EnginePort::Answer& answer) {
        if (!answer.ok()) return responder.send(problem_response(answer.error()));
        const auto& accepted = std::get<scheduler::replies::DocumentAccepted>(*answer);
        responder.send(workflow_response(
            workflow_json(canonical, name.ns, accepted.generation, accepted.version),
            accepted.version, accepted.created ? 201 : 200));
      });
  return ok_status();
}

Error no_workflow(const std::string& name) {
  return not_found("document.unknown", "no workflow named \"" + name + "\"",
                   "`millrace get workflows` lists them");
}

Result<http::Response> get_workflow(Context& context, const http::Request& request) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(name, labels_of(request, "name"));
  MILLRACE_TRY(found, stored(context, name));
  if (found.version == 0) return no_workflow(name.name);
  if (!http::if_none_match_holds(request.headers, etag_of(found.version)))
    return http::Response{.status = 304, .headers = {{"ETag", etag_of(found.version)}}};
  MILLRACE_TRY(body, context.bodies.get(found.hash));
  return workflow_response(workflow_json(*body, name.ns, found.generation, found.version),
                           found.version, 200);
}

Result<http::Response> list_workflows(Context& context, const http::Request& request,
                                      const std::string& ns) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {"limit", "cursor", "watch"}));
  MILLRACE_TRY(page, page_of(request));
  struct Found {
    std::vector<std::pair<std::string, Stored>> documents;
    EventId as_of;
  };
  const auto found_result = look_at(context.ports.engine, [&](const View& view) -> Result<Found> {
    Found found{.documents = {}, .as_of = EventId::end_of(view.applied)};
    const auto& documents = view.state->documents();
    for (auto it = documents.upper_bound({kKind, {ns, page.after}});
         it != documents.end() && it->first.first == kKind && it->first.second.ns == ns &&
         found.documents.size() <= page.limit;
         ++it)
      found.documents.emplace_back(
          it->first.second.name,
          Stored{it->second.version, it->second.generation, it->second.body_hash});
    return found;
  });
  if (!found_result.ok()) return found_result.error();
  auto documents = found_result->documents;
  const bool more = documents.size() > page.limit;
  if (more) documents.resize(page.limit);
  Json items = Json::array();
  for (const auto& [name, document] : documents) {
    MILLRACE_TRY(body, context.bodies.get(document.hash));
    items.push_back(workflow_json(*body, ns, document.generation, document.version));
  }
  return json_response(list_json(std::move(items),
                                 more ? next_cursor(request, documents.back().first) : "",
                                 found_result->as_of.to_text()));
}

// The list, or with watch=true what happens to it.
Status get_workflows(Context& context, const http::Request& request,
                     const http::Responder& responder) {
  MILLRACE_TRY(ns, label_of(request, "ns"));
  MILLRACE_TRY(watch, boolean_query(request, "watch"));
  if (watch) {
    MILLRACE_RETURN_IF_ERROR(check_query(request, {"watch", "after"}));
    return watch_list(context, request, responder,
                      {.scope = Interest::Scope::kDocuments, .ns = ns});
  }
  // Also where nothing is streamed, what is no position is told.
  MILLRACE_RETURN_IF_ERROR(position_of(request));
  MILLRACE_TRY(response, list_workflows(context, request, ns));
  responder.send(std::move(response));
  return ok_status();
}

Status delete_workflow(Context& context, const http::Request& request,
                       const http::Responder& responder) {
  MILLRACE_RETURN_IF_ERROR(check_query(request, {}));
  MILLRACE_TRY(name, labels_of(request, "name"));
  MILLRACE_TRY(before, stored(context, name));
  if (before.version == 0) return no_workflow(name.name);
  MILLRACE_TRY(precondition, precondition_of(request, before.version));
  scheduler::DeleteDocument deletion{
      .request = {}, .kind = kKind, .name = name, .if_version = precondition};
  context.ports.engine.submit(std::move(deletion), [responder](const EnginePort::Answer& answer) {
    responder.send(answer.ok() ? http::Response{.status = 204} : problem_response(answer.error()));
  });
  return ok_status();
}

}  // namespace

void add_workflow_routes(http::Router& router, Context& context) {
  const std::string workflows = "/v1/namespaces/{ns}/workflows";
  router.add("GET", workflows, starting(context, get_workflows));
  router.add("GET", workflows + "/{name}", answering(context, get_workflow));
  router.add("PUT", workflows + "/{name}", starting(context, put_workflow));
  router.add("DELETE", workflows + "/{name}", starting(context, delete_workflow));
}

}  // namespace millrace::api
