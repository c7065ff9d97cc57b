#include "cli/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <map>
#include <memory>

#include "manifest/nearest.h"
#include "manifest/problem.h"

namespace millrace::cli {
namespace {

const std::map<std::string, Format> kFormats = {{"table", Format::kTable},
                                                {"json", Format::kJson},
                                                {"yaml", Format::kYaml},
                                                {"name", Format::kName}};

const std::map<std::string, RowsFormat> kRowsFormats = {
    {"table", RowsFormat::kTable}, {"json", RowsFormat::kJson}, {"csv", RowsFormat::kCsv}};

// Commands fill these; the one that was named wins.
class Grammar {
 public:
  explicit Grammar(const Environment& environment) : app_("Durable data workflows.", "millrace") {
    if (std::string name = environment("MILLRACE_NAMESPACE"); !name.empty())
      parsed_.common.name_space = std::move(name);
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string(), "The same as `millrace version`");
    app_.fallthrough();
    app_.set_help_all_flag();
    add_name(&app_, "-n,--namespace", parsed_.common.name_space, "Namespace (MILLRACE_NAMESPACE)")
        ->capture_default_str();
    add_name(&app_, "--dir", parsed_.common.directory,
             "Directory of the local stack (MILLRACE_HOME, ~/.millrace)");
    add_stack();
    add_documents();
    add_runs();
    add_reading();
  }

  std::variant<Parsed, ParseStop> parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // the library takes them from the back
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      const auto chosen = app_.get_subcommands();
      return ParseStop{Exit::kDone,
                       chosen.empty() ? app_.help() : chosen.front()->help("millrace")};
    } catch (const CLI::CallForVersion&) {
      parsed_.command = commands::Version{};
      return parsed_;
    } catch (const CLI::ParseError& error) {
      const std::string text =
          app_.get_subcommands().empty() ? no_command_text() : std::string(error.what());
      return ParseStop{Exit::kUsage, text + "\nRun `millrace --help`, or with a command."};
    }
    fill_();
    return parsed_;
  }

 private:
  // A command whose options live as long as this grammar.
  template <typename Options>
  CLI::App* add(const char* name, const char* description,
                const std::shared_ptr<Options>& options) {
    CLI::App* command = app_.add_subcommand(name, description);
    command->callback([this, options] { fill_ = [this, options] { parsed_.command = *options; }; });
    return command;
  }

  // Of arguments that name no command, as the library's words name nothing either.
  std::string no_command_text() const {
    const std::vector<std::string> left = app_.remaining();
    if (left.empty()) return "a command is wanted";
    const std::string& argument = left.front();
    const bool is_option = argument.starts_with("-");
    std::vector<std::string> known;
    if (is_option) {
      for (const CLI::Option* option : app_.get_options()) known.push_back(option->get_name());
    } else {
      for (const CLI::App* command : app_.get_subcommands(nullptr))
        known.push_back(command->get_name());
    }
    return std::string("there is no ") + (is_option ? "option " : "command ") +
           manifest::in_quotes(argument) + did_you_mean(argument, known);
  }

  static std::string did_you_mean(const std::string& given, const std::vector<std::string>& known) {
    const auto near = manifest::nearest(given, known);
    return near ? ". Did you mean " + *near + "?" : ".";
  }

  template <typename Value>
  static void add_form(CLI::App* command, Value& format,
                       const std::map<std::string, Value>& forms) {
    std::string names;
    for (const auto& [name, form] : forms) names += (names.empty() ? "" : "|") + name;
    command
        ->add_option_function<std::string>(
            "-o,--output",
            [&format, &forms, names](const std::string& given) {
              const auto form = forms.find(given);
              if (form == forms.end())
                throw CLI::ValidationError("--output", manifest::in_quotes(given) +
                                                           " is no form of output; give " + names);
              format = form->second;
            },
            "Form of the output")
        ->option_text(names);
  }

  static void add_format(CLI::App* command, Format& format) { add_form(command, format, kFormats); }

  // A name that is empty is most likely a shell's variable that is not set: never all of them, nor
  // the one that is meant when nothing is said.
  static CLI::Option* add_name(CLI::App* command, const char* option, std::string& name,
                               const char* text) {
    return command->add_option(option, name, text)
        ->check(CLI::Validator(
            [](const std::string& given) {
              return std::string(given.empty() ? "is empty; is a variable of the shell not set?"
                                               : "");
            },
            ""));
  }

  static void add_files(CLI::App* command, std::vector<std::string>& files) {
    command->add_option("-f,--file,file", files,
                        "File or folder of manifests; - is standard input; may be repeated");
    command->parse_complete_callback([command, &files] {
      if (files.empty())
        throw CLI::ValidationError(
            command->get_name(), "which manifests? Give files, folders, or - for standard input.");
    });
  }

  void add_timeout(CLI::App* command, std::optional<std::chrono::milliseconds>& timeout,
                   const char* text) {
    command
        ->add_option_function<std::string>(
            "--timeout",
            [&timeout](const std::string& given) {
              timeout = parse_duration(given);
              if (!timeout)
                throw CLI::ValidationError("--timeout",
                                           "\"" + given + "\" is no duration; like 90s, 5m, 1h30m");
            },
            text)
        ->type_name("DURATION");
  }

  void add_stack() {
    auto up = std::make_shared<commands::Up>();
    CLI::App* command = add("up", "Start the local stack, or repair it", up);
    command
        ->add_option("--port", up->port, "Port of REST on 127.0.0.1 (that of last time, else any)")
        ->check(CLI::Range(1, 65535));
    command
        ->add_option("--allow", up->allow,
                     "Folder that workflows may read and write; may be repeated")
        ->allow_extra_args(false);
    command
        ->add_option("--lease", up->lease,
                     "Time after which a silent worker's attempts are given away")
        ->type_name("DURATION");
    command
        ->add_option(
            "--log-format", up->log_format,
            "Of the scheduler's and the worker's own logs (text); stays for the next start")
        ->check(CLI::IsMember({"text", "json"}))
        ->type_name("text|json");
    command
        ->add_option(
            "--retention", up->retention,
            "How long a snapshot is kept after it was replaced (7d); with the next two, stays "
            "for the next start")
        ->type_name("DURATION");
    command
        ->add_option("--dataset-retention", up->dataset_retention,
                     "A dataset's own retention; may be repeated")
        ->type_name("DATASET=DURATION")
        ->allow_extra_args(false);
    command
        ->add_option("--keep-snapshots", up->keep_snapshots,
                     "Newest snapshots of each dataset that are kept however old (1)")
        ->check(CLI::Range(1, 1'000'000));
    command
        ->add_option_function<std::string>(
            "--timeout",
            [up](const std::string& given) {
              const auto time = parse_duration(given);
              if (!time || time->count() <= 0)
                throw CLI::ValidationError(
                    "--timeout", "\"" + given + "\" is no time to wait for; like 90s, 5m, 1h30m");
              up->timeout = std::chrono::ceil<std::chrono::seconds>(*time);
            },
            "How long to wait until it is ready (60s)")
        ->type_name("DURATION");
    auto down = std::make_shared<commands::Down>();
    command = add("down", "Stop the local stack; data stays", down);
    command->add_flag("--purge", down->purge, "Also remove its directory, with all data");
    auto status = std::make_shared<commands::Status>();
    add_format(add("status", "What of the local stack runs, and where", status), status->format);
    auto version = std::make_shared<commands::Version>();
    add_format(add("version", "Version of this program and of the scheduler", version),
               version->format);
  }

  void add_documents() {
    auto apply = std::make_shared<commands::Apply>();
    CLI::App* command = add("apply", "Create or change what manifests describe", apply);
    add_files(command, apply->files);
    add_format(command, apply->format);
    auto diff = std::make_shared<commands::Diff>();
    add_files(add("diff", "Show what apply would change", diff), diff->files);
    auto validate = std::make_shared<commands::Validate>();
    add_files(add("validate", "Check manifests, offline", validate), validate->files);
    auto remove = std::make_shared<commands::Delete>();
    command = add("delete", "Remove a workflow, or cancel a run", remove);
    command->add_option("kind", remove->kind, "workflow or run")->required();
    add_name(command, "name", remove->name, "Its name")->required();
  }

  void add_starting(CLI::App* command, commands::Starting& options) {
    command
        ->add_option("-p,--parameter", options.parameters, "Parameter, name=value; may be repeated")
        ->allow_extra_args(false);
    add_name(command, "--key", options.key, "Idempotency key: the same key starts one run only");
    command->add_flag("-w,--watch", options.watch,
                      "Show it until it ends; the exit code is the run's");
    command->add_flag("--wait", options.wait, "Block until it ends; the exit code is the run's");
    add_timeout(command, options.timeout, "With --watch or --wait: give up watching after this");
    add_format(command, options.format);
    command->parse_complete_callback([&options] {
      if (options.timeout && !options.watch && !options.wait)
        throw CLI::ValidationError(
            "--timeout",
            "ends --watch and --wait; give one of them, or spec.timeout to the workflow");
    });
  }

  void add_runs() {
    auto run = std::make_shared<commands::Run>();
    CLI::App* command = add("run", "Start a run of a workflow", run);
    add_name(command, "workflow", run->workflow, "Name of the workflow")->required();
    add_starting(command, *run);
    auto retry = std::make_shared<commands::Retry>();
    command = add("retry", "Do a run again from what did not succeed, as a new run", retry);
    add_name(command, "run", retry->run, "Name of the run, which has ended")->required();
    command
        ->add_option("-t,--task", retry->tasks,
                     "Run this task again, with all that follow it; may be repeated")
        ->allow_extra_args(false);
    add_starting(command, *retry);
    auto wait = std::make_shared<commands::Wait>();
    command = add("wait", "Block until a run ends; the exit code is the run's", wait);
    add_name(command, "run", wait->run, "Name of the run")->required();
    add_timeout(command, wait->timeout, "Give up after this");
    auto watch = std::make_shared<commands::Watch>();
    command = add("watch", "Show a run until it ends; the exit code is the run's", watch);
    add_name(command, "run", watch->run, "Name of the run")->required();
    add_timeout(command, watch->timeout, "Give up after this");
    for (const auto& [verb, text] :
         {std::pair{"cancel", "Cancel a run"}, std::pair{"pause", "Start no more tasks of a run"},
          std::pair{"resume", "Go on with a paused run"}}) {
      auto steer = std::make_shared<commands::Steer>();
      steer->verb = verb;
      add_name(add(verb, text, steer), "run", steer->run, "Name of the run")->required();
    }
  }

  void add_reading() {
    auto get = std::make_shared<commands::Get>();
    CLI::App* command = add("get", "List things, or show one", get);
    command
        ->add_option("kind", get->kind, "workflows, runs, tasks, datasets, snapshots, quarantine")
        ->required();
    add_name(command, "name", get->name,
             "One of them; for tasks a run, for snapshots and quarantine a dataset");
    command->add_option("--limit", get->limit, "At most so many")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    add_name(command, "--workflow", get->workflow, "Only runs of this workflow");
    command->add_option("--state", get->state, "Only runs in this phase");
    add_format(command, get->format);
    auto query = std::make_shared<commands::Query>();
    command = add("query", "Print the rows of a SELECT over datasets", query);
    command->add_option("sql", query->sql, "One SELECT; - is standard input")->required();
    command
        ->add_option("-p,--parameter", query->parameters,
                     "Value of $name, as name=value; may be repeated")
        ->allow_extra_args(false);
    command->add_option("--limit", query->limit, "At most so many rows")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    add_timeout(command, query->timeout, "Stop it after this (60s)");
    add_form(command, query->format, kRowsFormats);
    auto logs = std::make_shared<commands::Logs>();
    command = add("logs", "Print the logs of a run's tasks", logs);
    add_name(command, "target", logs->target, "RUN or RUN/TASK")->required();
    command->add_option("--attempt", logs->attempt,
                        "Of this attempt, instead of the latest, which may be at work");
    command->add_flag("-F,--follow", logs->follow, "Go on until the attempt ends");
    auto explain = std::make_shared<commands::Explain>();
    command = add("explain", "Say why a task or run is as it is, or what a field means", explain);
    add_name(command, "what", explain->what, "task, run, or a field such as workflow.spec.tasks")
        ->required();
    add_name(command, "target", explain->target, "RUN/TASK, or RUN; none for a field");
    add_format(command, explain->format);
    command->parse_complete_callback([explain] {
      const bool field = explain->what != "task" && explain->what != "run";
      if (field && !explain->target.empty())
        throw CLI::ValidationError("explain", manifest::in_quotes(explain->what) +
                                                  " is neither task nor run, and a field is "
                                                  "explained alone");
      if (!field && explain->target.empty())
        throw CLI::ValidationError("explain", "which " + explain->what + "? Give " +
                                                  (explain->what == "run" ? "RUN." : "RUN/TASK."));
    });
  }

  CLI::App app_;
  Parsed parsed_;
  std::function<void()> fill_;  // set by the one command that the library wants
};

}  // namespace

std::variant<Parsed, ParseStop> parse_options(const std::vector<std::string>& arguments,
                                              const Environment& environment) {
  return Grammar(environment).parse(arguments);
}

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  constexpr std::int64_t kLongest = std::int64_t{366} * 24 * 3'600'000;
  std::int64_t total = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at == end) return std::nullopt;
  while (at != end) {
    std::int64_t count = 0;
    const auto [rest, problem] = std::from_chars(at, end, count);
    if (problem != std::errc() || count < 0 || count > kLongest) return std::nullopt;
    const std::string_view tail(rest, static_cast<std::size_t>(end - rest));
    const auto unit = [&tail]() -> std::pair<std::int64_t, std::size_t> {
      if (tail.starts_with("ms")) return {1, 2};
      if (tail.starts_with("s")) return {1'000, 1};
      if (tail.starts_with("m")) return {60'000, 1};
      if (tail.starts_with("h")) return {3'600'000, 1};
      return {tail.empty() ? 1'000 : 0, 0};
    }();
    if (unit.first == 0 || (tail.empty() && at != text.data())) return std::nullopt;
    total += count * unit.first;
    if (total > kLongest) return std::nullopt;
    at = rest + unit.second;
  }
  return std::chrono::milliseconds(total);
}

}  // namespace millrace::cli
