#include "cli/explain_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/decode.h"
#include "cli/text.h"

namespace millrace::cli {
namespace {

using Json = nlohmann::ordered_json;

const Json& at(const Json& object, const char* name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto it = object.find(name);
  return it == object.end() ? kNothing : *it;
}
std::string text(const Json& object, const char* name) {
  const Json& value = at(object, name);
  return value.is_string() ? printable(value.get_ref<const std::string&>()) : std::string();
}
std::int64_t number(const Json& object, const char* name) {
  const Json& value = at(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::string cell_text(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  return printable(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string names_of(const Json& list) {
  std::string names;
  if (list.is_array())
    for (const Json& name : list) names += (names.empty() ? "" : ", ") + cell_text(name);
  return names;
}

// "1 CPU, 512.0 MiB"
std::string resources_text(const Json& resources) {
  const std::int64_t cpu = number(resources, "cpuMillis");
  const std::string cores =
      cpu % 1'000 == 0 ? std::to_string(cpu / 1'000) : std::to_string(cpu) + "m";
  return cores + " CPU, " + bytes_text(number(resources, "memoryBytes")) + " memory, " +
         bytes_text(number(resources, "diskBytes")) + " disk";
}

std::string attempt_text(const Json& attempt) {
  const WallTime placed = parse_time(text(attempt, "placedAt"));
  const WallTime ended = parse_time(text(attempt, "endedAt"));
  std::string line = "attempt " + std::to_string(number(attempt, "attempt"));
  if (text(attempt, "phase") == "Publish") line += " (publication)";
  line += " on " +
          (text(attempt, "worker").empty() ? text(attempt, "workerId") : text(attempt, "worker")) +
          ": " + text(attempt, "state");
  if (ended.value() != 0) line += " after " + duration_text(ended - placed);
  const Json& usage = at(attempt, "usage");
  if (number(usage, "wallMicros") > 0)
    line += ", " + bytes_text(number(usage, "memoryPeakBytes")) + " peak, " +
            duration_text(Micros(number(usage, "cpuMicros"))) + " CPU";
  if (number(usage, "rowsWritten") > 0)
    line += ", " + counted(number(usage, "rowsWritten"), "row") + " written";
  line += "\n";
  const Json& error = at(attempt, "error");
  if (error.is_object()) {
    line += "  " + text(error, "class") + " " + text(error, "code") + ": " +
            text(error, "message") + "\n";
    if (!text(attempt, "next").empty()) line += "  then " + text(attempt, "next") + "\n";
  }
  return line;
}

}  // namespace

std::string explain_task_text(const std::string& target, const std::string& body, WallTime now) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const Json& explanation = at(json, "explanation");
  std::string result = printable(target) + " " + text(json, "state");
  if (const WallTime since = parse_time(text(json, "since")); since.value() != 0)
    result += " for " + duration_text(now - since);
  result += "\n" + text(explanation, "code") + ": " + text(explanation, "message") + "\n";
  if (const std::string needs = names_of(at(explanation, "waitsFor")); !needs.empty())
    result += "waits for " + needs + "\n";
  if (const Json& workers = at(explanation, "workers"); workers.is_array())
    for (const Json& worker : workers) result += "- " + cell_text(worker) + "\n";
  if (at(json, "request").is_object())
    result += "asks for " + resources_text(at(json, "request")) + "\n";
  if (const Json& attempts = at(json, "attempts"); attempts.is_array())
    for (const Json& attempt : attempts) result += attempt_text(attempt);
  return result;
}

std::string explain_run_text(const std::string& run_body, const std::string& tasks_body,
                             WallTime now) {
  const auto decoded = decode_run(run_body);
  if (!decoded) return "the scheduler's answer is no run\n";
  RunView run = *decoded;
  decode_tasks(tasks_body, run);
  std::string result = run.name + " of " + run.workflow + " " + run.phase + ", " +
                       std::to_string(run.done()) + "/" + std::to_string(run.tasks.size()) +
                       " done, " + duration_text((run.ended() ? run.finished : now) - run.created) +
                       "\n";
  if (!run.message.empty()) result += printable(run.message) + "\n";
  for (const TaskView& task : run.tasks) {
    if (task.phase == TaskPhase::kSucceeded) continue;
    std::string why = printable(task.message);
    if (task.phase == TaskPhase::kPending) {
      std::string open;
      for (const std::string& need : task.needs)
        for (const TaskView& other : run.tasks)
          if (other.name == need && !has_ended(other.phase))
            open += (open.empty() ? "" : ", ") + need;
      why = "waits for " + open;
    }
    result += task.name + " " + std::string(to_string(task.phase)) +
              (why.empty() ? "" : ": " + why) + "\n";
  }
  const bool failed = std::ranges::any_of(
      run.tasks, [](const TaskView& t) { return t.phase == TaskPhase::kFailed; });
  if (failed)
    result += "`millrace explain task " + run.name + "/TASK` shows attempts, `millrace logs " +
              run.name + "/TASK` their output\n";
  return result;
}

}  // namespace millrace::cli
