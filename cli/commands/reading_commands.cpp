// get, logs, explain, version: what there is, and why.
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/utf8.h"
#include "cli/commands/commands.h"
#include "cli/decode.h"
#include "cli/documents.h"
#include "cli/explain_text.h"
#include "cli/field_text.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "cli/text.h"
#include "cli/yaml_text.h"
#include "lib/client/pauses.h"

#ifndef MILLRACE_VERSION
#error "the build says which version this is"
#endif

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

Json parse(const std::string& text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

WallTime wall_now() {
  return WallTime(std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count());
}

std::optional<std::vector<std::string>> address_of(const std::string& collection,
                                                   const std::string& name) {
  if (collection == "tasks" || collection == "snapshots") {
    if (name.empty()) return std::nullopt;
    return std::vector<std::string>{collection == "tasks" ? "runs" : "datasets", name, collection};
  }
  if (collection.empty()) return std::nullopt;
  std::vector<std::string> path = {collection};
  if (!name.empty()) path.push_back(name);
  return path;
}

// "run/task" → both; the task empty where there is none.
std::pair<std::string, std::string> run_and_task(const std::string& target) {
  const std::size_t slash = target.find('/');
  if (slash == std::string::npos) return {target, ""};
  return {target.substr(0, slash), target.substr(slash + 1)};
}

Exit usage(std::ostream& err, const std::string& sentence) {
  err << "error: " << sentence << "\n";
  return Exit::kUsage;
}

constexpr std::size_t kLogPage = 1 << 20;

// Whether the task may yet be attempted. No answer: it may, and asking again will tell.
bool may_begin(const std::string& run, const std::string& task, Session& session) {
  const client::Answer answer = session.client.call({.path = {"runs", run, "tasks"}});
  if (!answer.ok()) return client::may_pass(answer.problem);
  RunView view;
  decode_tasks(answer.body, view);
  const auto found = std::ranges::find(view.tasks, task, &TaskView::name);
  return found != view.tasks.end() && !has_ended(found->phase);
}

// A log comes in pages: all that it had when the last was asked for. One that is followed goes on
// from there as it is written, through lost connections and schedulers that are started again, and
// one of a task that has not begun once it has. The heading comes before the first piece, so that a
// task which said nothing has none.
Exit print_log(const std::string& run, const std::string& task, const std::string& heading,
               const commands::Logs& options, Session& session) {
  bool begun = heading.empty();
  std::string rest;  // the beginning of a character that goes on in the next piece
  std::string attempt = options.attempt ? std::to_string(*options.attempt) : "";
  std::uint64_t offset = 0;  // up to where the attempt's log is shown
  bool following = false;    // the pages are through
  bool waiting = false;      // for the first attempt
  bool lost = false;         // the connection
  client::Pauses pauses;
  for (;;) {
    client::Call call{
        .path = {"runs", run, "logs"}, .query = {{"task", task}}, .accept = "text/plain"};
    if (!attempt.empty()) call.query.emplace_back("attempt", attempt);
    if (offset > 0) call.query.emplace_back("offset", std::to_string(offset));
    call.query.emplace_back(following ? "follow" : "limit",
                            following ? "true" : std::to_string(kLogPage));
    std::size_t came = 0;
    const client::Answer answer = session.client.stream(call, [&](std::string_view piece) {
      if (std::exchange(lost, false)) session.err << connection_text("") << "\n";
      if (!std::exchange(begun, true)) session.err << heading;
      came += piece.size();
      pauses.reset();
      rest += piece;
      const std::size_t whole = without_begun_character(rest);
      session.out << printable(rest.substr(0, whole), /*keep_line_breaks=*/true) << std::flush;
      rest.erase(0, whole);
      return session.out.good();
    });
    if (answer.problem.code == "log.not_found" && options.follow && !options.attempt &&
        !following && may_begin(run, task, session)) {
      if (!std::exchange(waiting, true))
        session.err << run << "/" << task << " has not begun; waiting\n";
      std::this_thread::sleep_for(pauses.next());
      continue;
    }
    if (!answer.ok() && (following || waiting) && session.out.good() &&
        client::may_pass(answer.problem)) {
      offset += came;
      if (!std::exchange(lost, true)) session.err << connection_text(answer.problem.detail) << "\n";
      std::this_thread::sleep_for(pauses.next());
      continue;
    }
    if (!answer.ok()) {
      const bool wrote_none = !heading.empty() && answer.problem.code == "log.not_found";
      return wrote_none && offset == 0 ? Exit::kDone : report(session.err, answer.problem);
    }
    offset += came;
    const bool last_page = came < kLogPage;
    if (following || (last_page && !options.follow) || !session.out.good()) {
      session.out << printable(rest, /*keep_line_breaks=*/true);
      return Exit::kDone;
    }
    // Of the same attempt, also when another begins meanwhile.
    attempt = answer.header("millrace-attempt");
    following = last_page;
  }
}

}  // namespace

Exit execute(const commands::Get& options, Session& session) {
  if (options.kind == "quarantine") return get_quarantine(options, session);
  const std::string collection = collection_of_word(options.kind);
  const auto path = address_of(collection, options.name);
  if (collection.empty())
    return usage(session.err,
                 "no kind \"" + options.kind +
                     "\". Give workflows, runs, tasks, datasets, snapshots or quarantine.");
  if (!path)
    return usage(session.err,
                 collection == "tasks"
                     ? "tasks of which run? `millrace get tasks RUN`."
                     : "snapshots of which dataset? `millrace get snapshots DATASET`.");
  if ((!options.workflow.empty() || !options.state.empty()) &&
      (collection != "runs" || !options.name.empty()))
    return usage(session.err, "--workflow and --state choose from `millrace get runs`.");
  const bool pages = options.name.empty() || collection == "snapshots";
  client::Call call{.path = *path};
  if (pages) call.query.emplace_back("limit", std::to_string(options.limit));
  if (!options.workflow.empty()) call.query.emplace_back("workflow", options.workflow);
  if (!options.state.empty()) call.query.emplace_back("state", options.state);
  const client::Answer answer = session.client.call(call);
  if (!answer.ok()) return report(session.err, answer.problem);
  session.out << listing_text(collection, answer.body, options.format, wall_now());
  if (options.format == Format::kTable && parse(answer.body).contains("next"))
    session.err << "there are more; --limit shows up to 1000\n";
  return Exit::kDone;
}

Exit execute(const commands::Logs& options, Session& session) {
  const auto [run, task] = run_and_task(options.target);
  if (!task.empty()) return print_log(run, task, "", options, session);
  if (options.follow || options.attempt)
    return usage(session.err, "--follow and --attempt want RUN/TASK.");
  const client::Answer answer = session.client.call({.path = {"runs", run, "tasks"}});
  if (!answer.ok()) return report(session.err, answer.problem);
  RunView view;
  decode_tasks(answer.body, view);
  for (const TaskView& attempted : view.tasks) {
    if (attempted.attempt == 0) continue;
    const std::string heading = "--- " + run + "/" + attempted.name + "\n";
    if (const Exit exit = print_log(run, attempted.name, heading, options, session);
        exit != Exit::kDone)
      return exit;
  }
  return Exit::kDone;
}

Exit execute(const commands::Explain& options, Session& session) {
  if (options.what != "task" && options.what != "run") {
    const auto text = field_text(options.what);
    if (!text.ok()) return report(session.err, text.error());
    session.out << *text;
    return Exit::kDone;
  }
  const auto [run, task] = run_and_task(options.target);
  if (options.what == "task" && task.empty()) return usage(session.err, "give RUN/TASK.");
  if (options.what == "run" && !task.empty())
    return usage(session.err, "give a run alone; `explain task` takes RUN/TASK.");
  const auto get = [&](std::vector<std::string> path) {
    return session.client.call({.path = std::move(path)});
  };
  const client::Answer answer = options.what == "task"
                                    ? get({"runs", run, "tasks", task, "explanation"})
                                    : get({"runs", run});
  if (!answer.ok()) return report(session.err, answer.problem);
  if (options.format == Format::kJson || options.format == Format::kYaml) {
    session.out << (options.format == Format::kYaml ? yaml_of_json(answer.body) : answer.body);
    return Exit::kDone;
  }
  if (options.what == "task") {
    session.out << explain_task_text(options.target, answer.body, wall_now());
    return Exit::kDone;
  }
  const client::Answer tasks = get({"runs", run, "tasks"});
  if (!tasks.ok()) return report(session.err, tasks.problem);
  session.out << explain_run_text(answer.body, tasks.body, wall_now());
  return Exit::kDone;
}

Exit execute(const commands::Version& options, Session& session) {
  Json json = {{"client", MILLRACE_VERSION}};
  const client::Answer answer = session.client.probe(
      "/v1/version", client::SteadyTime::clock::now() + std::chrono::seconds(2));
  if (const Json server = answer.ok() ? parse(answer.body) : Json();
      server.is_object() && server.contains("version"))
    json["scheduler"] = server["version"];
  switch (options.format) {
    case Format::kJson:
      session.out << json.dump(2) << "\n";
      break;
    case Format::kYaml:
      session.out << yaml_of_json(json.dump());
      break;
    case Format::kTable:
    case Format::kName:
      session.out << "millrace " << MILLRACE_VERSION << "\n";
      if (json.contains("scheduler"))
        session.out << "scheduler " << json["scheduler"].get<std::string>() << "\n";
      break;
  }
  return Exit::kDone;
}

}  // namespace millrace::cli
