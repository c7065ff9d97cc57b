// Options: what a command line asks for, as values. parse() is pure but for the environment that it
// is given.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "cli/exit.h"

namespace millrace::cli {

enum class Format { kTable, kJson, kYaml, kName };
enum class RowsFormat { kTable, kJson, kCsv };

// Of every command.
struct CommonOptions {
  std::string name_space = "default";
  std::string directory;  // of the local stack; empty: MILLRACE_HOME, ~/.millrace
};

namespace commands {
struct Up {
  std::optional<int> port;
  std::vector<std::string> allow;
  std::string lease;
  std::string log_format;
  std::optional<std::string> retention;
  std::vector<std::string> dataset_retention;
  std::optional<int> keep_snapshots;
  std::chrono::seconds timeout{60};
};
struct Down {
  bool purge = false;  // also remove the directory with all data
};
struct Status {
  Format format = Format::kTable;
};
struct Apply {
  std::vector<std::string> files;
  Format format = Format::kTable;
};
struct Diff {
  std::vector<std::string> files;
};
struct Validate {
  std::vector<std::string> files;
};
struct Delete {
  std::string kind;
  std::string name;
};
// Of every command that starts a run.
struct Starting {
  std::vector<std::string> parameters;  // "k=v"
  std::string key;                      // Idempotency-Key; empty: one made up
  bool watch = false;
  bool wait = false;
  std::optional<std::chrono::milliseconds> timeout;
  Format format = Format::kTable;
};
struct Run : Starting {
  std::string workflow;
};
struct Retry : Starting {
  std::string run;
  std::vector<std::string> tasks;
};
struct Wait {
  std::string run;
  std::optional<std::chrono::milliseconds> timeout;
};
struct Watch {
  std::string run;
  std::optional<std::chrono::milliseconds> timeout;
};
struct Get {
  std::string kind;  // workflows, runs, tasks, datasets, snapshots, quarantine
  std::string name;  // tasks: a run; snapshots, quarantine: a dataset
  int limit = 100;
  std::string workflow;
  std::string state;
  Format format = Format::kTable;
};
struct Logs {
  std::string target;  // RUN or RUN/TASK
  std::optional<int> attempt;
  bool follow = false;
};
struct Explain {
  std::string what;    // task, run, or a field: workflow.spec.tasks
  std::string target;  // RUN/TASK or RUN; empty for a field
  Format format = Format::kTable;
};
struct Steer {
  std::string verb;  // cancel, pause, resume
  std::string run;
};
struct Query {
  std::string sql;                      // "-": standard input
  std::vector<std::string> parameters;  // "k=v"
  int limit = 1'000;
  std::optional<std::chrono::milliseconds> timeout;
  RowsFormat format = RowsFormat::kTable;
};
struct Version {
  Format format = Format::kTable;
};
}  // namespace commands

using Command =
    std::variant<commands::Up, commands::Down, commands::Status, commands::Apply, commands::Diff,
                 commands::Validate, commands::Delete, commands::Run, commands::Retry,
                 commands::Wait, commands::Watch, commands::Get, commands::Logs, commands::Explain,
                 commands::Steer, commands::Query, commands::Version>;

struct Parsed {
  CommonOptions common;
  Command command;
};

// What to print instead of running a command: help, or what is wrong.
struct ParseStop {
  Exit exit = Exit::kUsage;
  std::string text;
};

// Reads the value of an environment variable; empty when it is not set.
using Environment = std::function<std::string(const char*)>;

std::variant<Parsed, ParseStop> parse_options(const std::vector<std::string>& arguments,
                                              const Environment& environment);

// "90s", "5m", "1h30m", "500ms", a bare number is seconds; nothing for anything else.
std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

}  // namespace millrace::cli
