// command: a program of the user's own; what it hands on, it writes to files.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/contents.h"
#include "base/file_error.h"
#include "base/overloaded.h"
#include "base/utf8.h"
#include "lib/process/orphans.h"
#include "workers/tasks/child_command.h"
#include "workers/tasks/task.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kMaxOutputsBytes = 16 << 10;  // of all outputs as JSON

// Few and known: nothing of the worker's own environment reaches the program.
std::vector<std::string> environment_of(const manifest::CommandTask& task,
                                        const TaskRequest& request, const std::string& outputs) {
  std::vector<std::pair<std::string, std::string>> variables{
      {"PATH", std::string(kDefaultPath)},
      {"HOME", request.scratch_folder},
      {"TMPDIR", request.scratch_folder},
      {"LANG", "C.UTF-8"},
      {"MILLRACE_NAMESPACE", request.ns},
      {"MILLRACE_RUN", request.run_name},
      {"MILLRACE_RUN_ID", request.run_id},
      {"MILLRACE_TASK", request.task.name},
      {"MILLRACE_ATTEMPT", std::to_string(request.attempt)},
      {"MILLRACE_OUTPUTS", outputs}};
  for (const manifest::EnvironmentVariable& own : task.env) {
    const auto same = [&](const auto& variable) { return variable.first == own.name; };
    if (const auto found = std::ranges::find_if(variables, same); found == variables.end())
      variables.emplace_back(own.name, own.value);
    else
      found->second = own.value;
  }
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [name, value] : variables)
    environment.emplace_back(name).append("=").append(value);
  return environment;
}

Error output_error(const std::string& name, const std::string& what, const std::string& hint) {
  return Error{ErrorClass::kUser, "command.output_invalid", "output \"" + name + "\" " + what, hint,
               ""};
}

// The text of an output's file, at most a line feed at its end taken off.
Result<std::string> read_output(const fs::path& folder, const std::string& name) {
  const fs::path path = folder / name;
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error)))
    return Error{ErrorClass::kUser, "command.output_missing",
                 "the program wrote no output \"" + name + "\"",
                 "write it to the file $MILLRACE_OUTPUTS/" + name};
  if (fs::file_size(path, error) > kMaxOutputsBytes || error)
    return output_error(name, "exceeds 16 KiB", "hand on large things as datasets");
  std::string text = contents_of_file(path);
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Result<nlohmann::json> typed(const manifest::Output& output, const std::string& text) {
  return std::visit(
      Overloaded{[&](const manifest::StringOutput&) -> Result<nlohmann::json> {
                   if (valid_utf8_prefix(text) != text.size())
                     return output_error(output.name, "is not UTF-8", "write text");
                   return nlohmann::json(text);
                 },
                 [&](const manifest::IntegerOutput&) -> Result<nlohmann::json> {
                   std::int64_t number = 0;
                   const char* const end = text.data() + text.size();
                   const auto [at, error] = std::from_chars(text.data(), end, number);
                   if (error != std::errc() || at != end)
                     return output_error(output.name,
                                         "is no whole number: \"" + text.substr(0, 40) + "\"",
                                         "write digits alone");
                   return nlohmann::json(number);
                 },
                 [&](const manifest::BooleanOutput&) -> Result<nlohmann::json> {
                   if (text != "true" && text != "false")
                     return output_error(
                         output.name, "is neither true nor false: \"" + text.substr(0, 40) + "\"",
                         "write true or false");
                   return nlohmann::json(text == "true");
                 }},
      output.type);
}

Result<std::string> outputs_of(const std::vector<manifest::Output>& declared,
                               const std::string& folder) {
  nlohmann::json outputs = nlohmann::json::object();
  for (const manifest::Output& output : declared) {
    MILLRACE_TRY(text, read_output(folder, output.name));
    MILLRACE_TRY(value, typed(output, text));
    outputs[output.name] = std::move(value);
  }
  std::string json = outputs.dump();
  if (json.size() > kMaxOutputsBytes)
    return Error{ErrorClass::kUser, "command.output_invalid", "the outputs exceed 16 KiB together",
                 "hand on large things as datasets"};
  return json;
}

Error error_of(const CommandEnd& end, const manifest::CommandTask& task) {
  const std::string& program = task.argv.front();
  if (end.signal != 0) {
    const std::string message = "\"" + program + "\" was ended by signal " +
                                std::to_string(end.signal) + " (" + ::strsignal(end.signal) + ")";
    // The worker tells of the attempt's own limit; left are the machine's memory, and whoever else.
    if (end.signal == SIGKILL)
      return Error{ErrorClass::kResource, "command.killed", message,
                   "look at the task's log, and whether the machine was short of memory"};
    return Error{ErrorClass::kUser, "command.signal", message, "look at the task's log"};
  }
  const std::string message =
      "\"" + program + "\" ended with exit code " + std::to_string(end.exit_code);
  for (const manifest::ExitCodeMeaning& meaning : task.exit_codes)
    if (std::ranges::find(meaning.codes, end.exit_code) != meaning.codes.end())
      return Error{meaning.error_class, meaning.code, message, "look at the task's log"};
  return Error{ErrorClass::kUser, "command.exit", message, "look at the task's log"};
}

}  // namespace

Result<TaskSuccess> run_command(const manifest::CommandTask& task, const TaskRequest& request,
                                TaskContext& context) {
  const std::string outputs = request.scratch_folder + "/outputs";
  std::error_code error;
  fs::create_directories(outputs, error);
  if (error) return file_error("making", outputs, error, "command.start");
  const CommandSpec spec{task.argv, environment_of(task, request, outputs),
                         task.working_directory.value_or(request.scratch_folder)};
  Result<ChildCommand> child = ChildCommand::start(spec, context.report_group);
  if (!child.ok()) {
    context.report_group({});
    return std::move(child).error();
  }
  const CommandEnd end = child->wait(context.stop, request.grace);
  process::end_orphans();
  context.report_group({});
  context.exit_code = end.exit_code;
  if (end.stopped) return Error{ErrorClass::kTransient, "task.cancelled", "the task was stopped"};
  if (end.signal != 0 || end.exit_code != 0) return error_of(end, task);
  TaskSuccess success;
  MILLRACE_TRY(values, outputs_of(request.task.outputs, outputs));
  success.outputs_json = std::move(values);
  success.message = "exit code 0";
  return success;
}

}  // namespace millrace::tasks
