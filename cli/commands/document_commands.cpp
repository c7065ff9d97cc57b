// apply, diff, delete: what is wanted.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/diff_text.h"
#include "cli/documents.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/yaml_text.h"
#include "manifest/document.h"
#include "manifest/problem.h"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

Json parse(const std::string& text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::int64_t generation_of(const client::Answer& answer) {
  const Json json = parse(answer.body);
  const auto at = Json::json_pointer("/metadata/generation");
  return json.is_object() && json.contains(at) && json.at(at).is_number_integer()
             ? json.at(at).get<std::int64_t>()
             : 0;
}

client::Defect defect_of(const manifest::Problem& problem) {
  return {.code = problem.error.code,
          .pointer = problem.pointer,
          .line = problem.line,
          .column = problem.column,
          .detail = problem.error.message,
          .hint = problem.error.hint};
}

// Where a document goes; nothing when it can't go anywhere: then no scheduler can be asked what is
// wrong with it, and it is told from here.
std::optional<std::vector<std::string>> address_of(const DocumentText& document,
                                                   std::ostream& err) {
  const std::string collection = collection_of_kind(document.kind);
  client::Problem problem;
  for (const manifest::Problem& found : manifest::parse(document.text, "").problems)
    problem.defects.push_back(defect_of(found));
  const bool named = std::ranges::none_of(problem.defects, [](const client::Defect& defect) {
    return defect.pointer == "/metadata/name" || defect.pointer == "/metadata";
  });
  if (!collection.empty() && !document.name.empty() && named)
    return std::vector<std::string>{collection, document.name};
  if (!problem.defects.empty()) {
    err << problem_text(problem, &document.place);
    return std::nullopt;
  }
  problem.detail = collection.empty() && !document.kind.empty()
                       ? "no kind \"" + document.kind + "\" can be applied"
                       : "a manifest needs kind and metadata.name";
  problem.hint = "`millrace validate` says more";
  const DocumentPlace place = begin_of(document);
  err << problem_text(problem, &place);
  return std::nullopt;
}

// What is wanted is put under its name; so is a run, which is made once.
client::Call call_for(std::vector<std::string> path, const DocumentText& document) {
  return {.method = "PUT",
          .path = std::move(path),
          .body = document.text,
          .content_type = "application/yaml"};
}

// Documents to send. Nothing is sent at all where two of them are of one name.
Result<std::vector<DocumentText>> wanted_documents(const std::vector<std::string>& files,
                                                   std::ostream& err) {
  MILLRACE_TRY(documents, read_documents(files, std::cin));
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const auto doubled = doubled_problem(documents, i);
    if (!doubled) continue;
    const DocumentPlace place = begin_of(documents[i]);
    err << problem_text(*doubled, &place);
    return Error{ErrorClass::kUser, "document.doubled", "nothing was sent"};
  }
  return documents;
}

// Whether a run is of a workflow that stands before it among the documents, which apply would have
// made by then.
bool is_of_new_workflow(const std::vector<DocumentText>& documents, const DocumentText& run) {
  const manifest::Parsed parsed = manifest::parse(run.text, run.place.source);
  if (parsed.documents.size() != 1) return false;
  const auto* asked = std::get_if<manifest::WorkflowRun>(&parsed.documents.front().resource);
  return asked != nullptr &&
         std::any_of(documents.data(), &run, [asked](const DocumentText& before) {
           return before.kind == "Workflow" && before.name == asked->spec.workflow;
         });
}

// The first failure counts as the command's.
void worsen(Exit& exit, Exit next) {
  if (exit == Exit::kDone) exit = next;
}

// What a person wrote, without what the server added.
std::string plain_yaml(Json json) {
  json.erase("plan");
  json.erase("status");
  if (json.contains("metadata") && json["metadata"].is_object())
    for (const char* name :
         {"generation", "resourceVersion", "namespace", "uid", "creationTimestamp"})
      json["metadata"].erase(name);
  return yaml_of_json(json.dump());
}

}  // namespace

Exit execute(const commands::Apply& options, Session& session) {
  const auto documents = wanted_documents(options.files, session.err);
  if (!documents.ok()) return report(session.err, documents.error());
  Exit exit = Exit::kDone;
  for (const DocumentText& document : *documents) {
    const auto path = address_of(document, session.err);
    if (!path) {
      worsen(exit, Exit::kInvalidInput);
      continue;
    }
    const bool run = path->front() == "runs";
    const client::Answer before = run ? client::Answer{} : session.client.call({.path = *path});
    const client::Answer answer = session.client.call(call_for(*path, document));
    if (!answer.ok()) {
      worsen(exit, report(session.err, answer.problem, &document.place));
      continue;
    }
    const bool same = run || (before.ok() && generation_of(before) == generation_of(answer));
    const char* change = answer.status == 201 ? "created" : same ? "unchanged" : "changed";
    switch (options.format) {
      case Format::kTable:
        session.out << path->front() << "/" << document.name << " " << change << "\n";
        break;
      case Format::kName:
        session.out << document.name << "\n";
        break;
      case Format::kJson:
      case Format::kYaml:
        session.out << listing_text(path->front(), answer.body, options.format, WallTime());
        break;
    }
  }
  return exit;
}

Exit execute(const commands::Diff& options, Session& session) {
  const auto documents = wanted_documents(options.files, session.err);
  if (!documents.ok()) return report(session.err, documents.error());
  Exit exit = Exit::kDone;
  for (const DocumentText& document : *documents) {
    const auto path = address_of(document, session.err);
    if (!path) {
      worsen(exit, Exit::kInvalidInput);
      continue;
    }
    client::Call call = call_for(*path, document);
    call.query.emplace_back("dryRun", "All");
    const client::Answer answer = session.client.call(call);
    if (answer.problem.code == "workflow.unknown" && is_of_new_workflow(*documents, document)) {
      session.err << path->front() << "/" << document.name
                  << " would be created after its workflow, which judges its parameters\n";
      continue;
    }
    if (!answer.ok()) {
      worsen(exit, report(session.err, answer.problem, &document.place));
      continue;
    }
    const Json after = parse(answer.body);
    const auto at = Json::json_pointer("/plan/before");
    const bool changed = after.is_object() && after.contains(at);
    const auto change = Json::json_pointer("/plan/change");
    const std::string word =
        after.is_object() && after.contains(change) ? after.at(change).dump() : "";
    session.err << path->front() << "/" << document.name
                << (word == "\"Create\"" ? " would be created"
                    : changed            ? " would change"
                                         : " would stay as it is")
                << "\n";
    if (word == "\"Create\"") session.out << printable(diff_text("", plain_yaml(after)), true);
    if (changed)
      session.out << printable(diff_text(plain_yaml(after.at(at)), plain_yaml(after)), true);
  }
  return exit;
}

Exit execute(const commands::Delete& options, Session& session) {
  const std::string collection = collection_of_word(options.kind);
  if (collection != "workflows" && collection != "runs") {
    session.err << "error: \"" << options.kind << "\" can't be deleted. Give workflow or run.\n";
    return Exit::kUsage;
  }
  const client::Answer answer =
      session.client.call({.method = "DELETE", .path = {collection, options.name}});
  if (!answer.ok()) return report(session.err, answer.problem);
  if (collection == "runs" && answer.status == 204) {
    client::Problem ended;
    ended.status = 409;
    ended.detail = "run \"" + options.name + "\" has ended";
    ended.hint = "nothing is left to cancel; what is told of it goes with time";
    return report(session.err, ended);
  }
  session.err << collection << "/" << options.name
              << (collection == "runs" ? " is being cancelled" : " deleted") << "\n";
  return Exit::kDone;
}

}  // namespace millrace::cli
