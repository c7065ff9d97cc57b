// up, down, status: the local stack.
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/report.h"
#include "cli/stack/stack.h"
#include "cli/text.h"
#include "cli/yaml_text.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

Say say_to(std::ostream& err) {
  return [&err](const std::string& line) { err << line << "\n"; };
}

std::string table_of(const StackStatus& status) {
  std::vector<std::vector<std::string>> rows;
  for (const PartStatus& part : status.parts) {
    const bool runs = part.state == PartState::kRunning;
    rows.push_back({part.name, runs ? "running" : "stopped", runs ? std::to_string(part.pid) : "",
                    runs ? age_text(Micros(std::chrono::microseconds(part.uptime).count())) : "",
                    part.where});
  }
  return table_text({{"PART"}, {"STATE"}, {"PID", true}, {"UP", true}, {"WHERE"}}, rows);
}

std::string json_of(const StackStatus& status) {
  nlohmann::ordered_json json = {{"directory", status.directory.string()},
                                 {"url", status.url},
                                 {"logs", status.logs.string()},
                                 {"running", status.running()},
                                 {"allowed", nlohmann::ordered_json::array()},
                                 {"parts", nlohmann::ordered_json::array()}};
  for (const fs::path& path : status.allowed) json["allowed"].push_back(path.string());
  for (const PartStatus& part : status.parts) {
    const bool runs = part.state == PartState::kRunning;
    nlohmann::ordered_json entry = {
        {"name", part.name}, {"state", runs ? "running" : "stopped"}, {"where", part.where}};
    if (runs) {
      entry["pid"] = part.pid;
      entry["uptimeSeconds"] = part.uptime.count();
    }
    json["parts"].push_back(std::move(entry));
  }
  return json.dump(2) + "\n";
}

// Whole and existing, so that a daemon in another folder finds the same.
Result<std::vector<fs::path>> allowed_folders(const std::vector<std::string>& given) {
  std::vector<fs::path> folders;
  for (const std::string& name : given) {
    std::error_code problem;
    fs::path folder = fs::canonical(name, problem);
    if (problem || !fs::is_directory(folder))
      return Error{ErrorClass::kUser, "up.no_folder", "--allow \"" + name + "\" is not a folder",
                   "make it first"};
    folders.push_back(std::move(folder));
  }
  return folders;
}

// The scheduler's flags; nothing where none was given. Its program checks what they say.
std::optional<std::vector<std::string>> retention_flags(const commands::Up& options) {
  std::vector<std::string> flags;
  if (options.retention) flags.insert(flags.end(), {"--retention", *options.retention});
  for (const std::string& dataset : options.dataset_retention)
    flags.insert(flags.end(), {"--dataset-retention", dataset});
  if (options.keep_snapshots)
    flags.insert(flags.end(), {"--keep-snapshots", std::to_string(*options.keep_snapshots)});
  return flags.empty() ? std::nullopt : std::optional(std::move(flags));
}

}  // namespace

Exit execute(const commands::Up& options, Session& session) {
  const auto directory = stack_directory(session.common.directory);
  if (!directory.ok()) return report(session.err, directory.error());
  UpOptions up{.directory = *directory,
               .port = options.port,
               .allowed = {},
               .lease = options.lease,
               .log_format = options.log_format,
               .retention = retention_flags(options),
               .programs = own_folder(),
               .patience = options.timeout};
  if (!options.allow.empty()) {
    auto folders = allowed_folders(options.allow);
    if (!folders.ok()) return report(session.err, folders.error());
    up.allowed = std::move(*folders);
  }
  const auto status = bring_up(up, say_to(session.err));
  if (!status.ok()) return report(session.err, status.error());
  session.out << table_of(*status);
  session.err << "ready in " << status->directory.string() << "; logs in " << status->logs.string()
              << "\n";
  std::string folders = layout_of(status->directory).files().string();
  for (const fs::path& path : status->allowed) folders += ", " + path.string();
  session.err << "workflows may read and write " << folders << " (more with --allow)\n";
  return Exit::kDone;
}

Exit execute(const commands::Down& options, Session& session) {
  const auto directory = stack_directory(session.common.directory);
  if (!directory.ok()) return report(session.err, directory.error());
  const auto removed = options.purge ? purge(*directory, say_to(session.err))
                                     : bring_down(*directory, say_to(session.err));
  if (!removed.ok()) return report(session.err, removed.error());
  return Exit::kDone;
}

Exit execute(const commands::Status& options, Session& session) {
  const auto directory = stack_directory(session.common.directory);
  if (!directory.ok()) return report(session.err, directory.error());
  const auto status = inspect(*directory);
  if (!status.ok()) return report(session.err, status.error());
  switch (options.format) {
    case Format::kTable:
      session.out << table_of(*status);
      session.err << status->directory.string() << "; logs in " << status->logs.string() << "\n";
      break;
    case Format::kJson:
      session.out << json_of(*status);
      break;
    case Format::kYaml:
      session.out << yaml_of_json(json_of(*status));
      break;
    case Format::kName:
      for (const PartStatus& part : status->parts)
        if (part.state == PartState::kRunning) session.out << part.name << "\n";
      break;
  }
  return status->running() ? Exit::kDone : Exit::kUnreachable;
}

}  // namespace millrace::cli
