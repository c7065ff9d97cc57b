#include "cli/stack/programs.h"

#include <utility>

namespace millrace::cli {
namespace {

// Less than kStopGrace, so that a worker ends its attempts itself.
constexpr int kDrainSeconds = 10;
static_assert(std::chrono::seconds(kDrainSeconds) < kStopGrace);

constexpr std::chrono::seconds kCheckTime{30};

void add_log_format(std::vector<std::string>& arguments, const ProgramPlaces& places) {
  if (!places.log_format.empty())
    arguments.insert(arguments.end(), {"--log-format", places.log_format});
}

}  // namespace

Status check_settings(const Layout& layout, const ProgramPlaces& places) {
  DaemonSpec spec = scheduler_spec(layout, places);
  spec.arguments.emplace_back("--check");
  MILLRACE_TRY(end, run_to_end(spec, kCheckTime));
  if (end.exit_code == 0) return ok_status();
  std::string why = end.output.substr(0, end.output.find('\n'));
  if (const std::string name = program_name("scheduler") + ": "; why.starts_with(name))
    why.erase(0, name.size());
  return Error{ErrorClass::kUser, "up.setting_refused", std::move(why)};
}

DaemonSpec scheduler_spec(const Layout& layout, const ProgramPlaces& places) {
  std::vector<std::string> arguments = {
      "--postgres",
      places.connection,
      "--socket",
      layout.worker_socket().string(),
      "--token-file",
      layout.api_token().string(),
      "--worker-token-file",
      layout.worker_token().string(),
      "--listen",
      "127.0.0.1:" + std::to_string(places.port),
      "--port-file",
      layout.port_file().string(),
      "--data-root",
      layout.data().string(),
      "--log-dir",
      layout.task_logs().string(),
      "--sql-parser",
      (places.programs / "millrace-sql").string(),
  };
  if (!places.lease.empty()) arguments.insert(arguments.end(), {"--lease", places.lease});
  add_log_format(arguments, places);
  arguments.insert(arguments.end(), places.retention.begin(), places.retention.end());
  return {places.programs / program_name("scheduler"), std::move(arguments),
          layout.logs() / "scheduler.log"};
}

DaemonSpec worker_spec(const Layout& layout, const ProgramPlaces& places) {
  std::vector<std::string> arguments = {
      "--scheduler",    "unix:" + layout.worker_socket().string(),
      "--token-file",   layout.worker_token().string(),
      "--name",         "local",
      "--data-root",    layout.data().string(),
      "--scratch",      layout.scratch().string(),
      "--state-dir",    layout.worker_state().string(),
      "--runner",       (places.programs / "millrace-runner").string(),
      "--log-dir",      layout.task_logs().string(),
      "--drain",        std::to_string(kDrainSeconds),
      "--allowed-root", layout.files().string(),
  };
  add_log_format(arguments, places);
  for (const auto& path : places.allowed)
    arguments.insert(arguments.end(), {"--allowed-root", path.string()});
  return {places.programs / program_name("worker"), std::move(arguments),
          layout.logs() / "worker.log"};
}

std::string program_name(const std::string& part) { return "millrace-" + part; }

std::optional<DaemonId> find_part(const StackRecord& record, const std::string& part,
                                  const Layout& layout) {
  const auto it = record.parts.find(part);
  if (it != record.parts.end() && is_alive(it->second.id)) return it->second.id;
  const std::filesystem::path marker =
      part == "scheduler" ? layout.port_file() : layout.worker_state();
  return find_daemon(program_name(part), marker.string());
}

}  // namespace millrace::cli
