// run, wait, watch, cancel, pause, resume: runs.
#include <sys/random.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <variant>

#include "cli/commands/commands.h"
#include "cli/listing.h"
#include "cli/parameters.h"
#include "cli/report.h"
#include "cli/watch.h"
#include "manifest/codec.h"
#include "manifest/parameters.h"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kPatience{10};  // a scheduler that is just being started again

std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));  // so few bytes always come whole
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string key;
  for (const unsigned char byte : bytes) key += {kHex[byte >> 4], kHex[byte & 15]};
  return key;
}

// A document as a person would write it, out of what the scheduler shows: without what it added
// itself.
std::string as_written(const std::string& shown) {
  const Json json = Json::parse(shown, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return shown;
  Json written = Json::object();
  for (const char* field : {"apiVersion", "kind", "spec"})
    if (json.contains(field)) written[field] = json[field];
  for (const char* field : {"name", "namespace", "labels", "annotations"})
    if (const Json::json_pointer at = Json::json_pointer("/metadata") / field; json.contains(at))
      written["metadata"][field] = json[at];
  return written.dump();
}

// A shell gives texts; what they stand for the workflow declares.
Result<Json> typed_parameters(const std::vector<GivenParameter>& given,
                              const std::string& workflow_json) {
  MILLRACE_TRY(workflow, manifest::workflow_from_json(as_written(workflow_json)));
  Json parameters = Json::object();
  for (const auto& [name, text] : given) {
    Json value = text;  // an undeclared one goes as it is: the scheduler says what it thinks of it
    for (const manifest::Parameter& declared : workflow.spec.parameters) {
      if (declared.name != name) continue;
      MILLRACE_TRY(typed, manifest::value_from_text(declared, text));
      value = std::visit([](const auto& held) -> Json { return held; }, typed);
    }
    parameters[name] = std::move(value);
  }
  return parameters;
}

std::string name_of(const client::Answer& answer) {
  const Json json = Json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  const auto at = Json::json_pointer("/metadata/name");
  return json.is_object() && json.contains(at) && json.at(at).is_string()
             ? json.at(at).get<std::string>()
             : "";
}

}  // namespace

Exit execute(const commands::Run& options, Session& session) {
  const auto given = split_parameters(options.parameters);
  if (!given.ok()) {
    report(session.err, given.error());
    return Exit::kUsage;
  }
  const auto keep_trying = client::SteadyTime::clock::now() + kPatience;
  Json parameters = Json::object();
  if (!options.parameters.empty()) {
    const client::Answer workflow = session.client.call(
        {.path = {"workflows", options.workflow}, .keep_trying_until = keep_trying});
    if (!workflow.ok()) return report(session.err, workflow.problem);
    auto typed = typed_parameters(*given, workflow.body);
    if (!typed.ok()) return report(session.err, typed.error());
    parameters = std::move(*typed);
  }
  // Under a key the request may be made again when its answer is lost: one run comes of it.
  const client::Answer answer = session.client.call(
      {.method = "POST",
       .path = {"runs"},
       .body = Json{{"workflow", options.workflow}, {"parameters", parameters}}.dump(
           -1, ' ', false, Json::error_handler_t::replace),
       .idempotency_key = options.key.empty() ? random_key() : options.key,
       .keep_trying_until = keep_trying});
  if (!answer.ok()) return report(session.err, answer.problem);
  const std::string name = name_of(answer);
  const bool plain = options.format == Format::kTable || options.format == Format::kName;
  session.out << (plain ? name + "\n"
                        : listing_text("runs", answer.body, options.format, WallTime()))
              << std::flush;
  if (!options.watch && !options.wait) return Exit::kDone;
  return watch_run({name, options.timeout, !options.watch, options.format == Format::kTable},
                   session);
}

Exit execute(const commands::Wait& options, Session& session) {
  return watch_run({options.run, options.timeout, /*silent=*/true, true}, session);
}

Exit execute(const commands::Watch& options, Session& session) {
  return watch_run({options.run, options.timeout, /*silent=*/false, true}, session);
}

Exit execute(const commands::Steer& options, Session& session) {
  const std::string desired = options.verb == "cancel"  ? "Cancelled"
                              : options.verb == "pause" ? "Paused"
                                                        : "Running";
  const client::Answer answer =
      session.client.call({.method = "PATCH",
                           .path = {"runs", options.run},
                           .body = Json{{"desiredState", desired}}.dump(),
                           .keep_trying_until = client::SteadyTime::clock::now() + kPatience});
  if (!answer.ok()) return report(session.err, answer.problem);
  session.err << options.run
              << (options.verb == "cancel"  ? " is being cancelled"
                  : options.verb == "pause" ? " starts no more tasks"
                                            : " goes on")
              << "\n";
  return Exit::kDone;
}

}  // namespace millrace::cli
