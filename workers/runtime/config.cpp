#include "workers/runtime/config.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <string_view>
#include <thread>
#include <utility>

#include "lib/ipc/socket_address.h"
#include "workers/runtime/memory_groups.h"
#include "workers/runtime/task_log.h"

namespace millrace::runtime {
namespace {

bool parse_number(std::string_view text, std::int64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && code == std::errc() && end == text.data() + text.size() && out >= 0;
}

// "500m", "2": thousandths and whole cores.
bool parse_cpu(std::string_view text, MilliCpu& out) {
  std::int64_t value = 0;
  const bool millis = text.ends_with('m');
  if (!parse_number(millis ? text.substr(0, text.size() - 1) : text, value) || value > 1'000'000)
    return false;
  out = MilliCpu(millis ? value : value * 1'000);
  return value > 0;
}

// "512Mi", "4Gi", "1048576".
bool parse_bytes(std::string_view text, Bytes& out) {
  constexpr std::pair<std::string_view, int> kUnits[] = {
      {"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}};
  int shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (!text.ends_with(unit)) continue;
    shift = bits;
    text.remove_suffix(unit.size());
    break;
  }
  std::int64_t value = 0;
  if (!parse_number(text, value) || value > (std::int64_t{1} << 56) >> shift) return false;
  out = Bytes(value << shift);
  return value > 0;
}

bool parse_seconds(std::string_view text, Micros& out) {
  std::int64_t value = 0;
  if (!parse_number(text, value) || value > 86'400) return false;
  out = seconds(value);
  return true;
}

template <typename Number>
bool parse_count(std::string_view text, std::int64_t least, Number& out) {
  std::int64_t value = 0;
  if (!parse_number(text, value) || value < least || value > 10'000) return false;
  out = static_cast<Number>(value);
  return true;
}

bool parse_path(std::string_view text, std::filesystem::path& out) {
  if (!text.starts_with('/')) return false;
  out = std::filesystem::path(text).lexically_normal();
  return true;
}

struct Flag {
  std::string_view name;
  std::string_view value;  // what --help shows for it
  std::string_view help;
  bool (*set)(WorkerConfig&, std::string_view);
};

constexpr Flag kFlags[] = {
    {"scheduler", "unix:PATH", "address of the scheduler's dispatch socket (required)",
     [](WorkerConfig& c, std::string_view v) {
       return c.scheduler = v, ipc::socket_path_of(v).ok();
     }},
    {"token-file", "PATH", "file of mode 0600 with the workers' token (required)",
     [](WorkerConfig& c, std::string_view v) { return parse_path(v, c.token_file); }},
    {"name", "NAME", "name of this worker, stable across restarts (worker-0)",
     [](WorkerConfig& c, std::string_view v) { return c.name = v, is_path_part(v); }},
    {"data-root", "PATH", "folder of the data files (required)",
     [](WorkerConfig& c, std::string_view v) { return parse_path(v, c.data_root); }},
    {"scratch", "PATH", "folder for what attempts need while they run (required)",
     [](WorkerConfig& c, std::string_view v) { return parse_path(v, c.scratch); }},
    {"state-dir", "PATH", "folder of this worker's journal (required)",
     [](WorkerConfig& c, std::string_view v) { return parse_path(v, c.state_dir); }},
    {"log-dir", "PATH", "folder of task logs (.logs below the data root)",
     [](WorkerConfig& c, std::string_view v) { return parse_path(v, c.log_dir); }},
    {"runner", "PATH", "runner program (millrace-runner beside this program)",
     [](WorkerConfig& c, std::string_view v) { return parse_path(v, c.runner); }},
    {"allowed-root", "PATH", "folder that file:// may reach into; may be repeated",
     [](WorkerConfig& c, std::string_view v) {
       return parse_path(v, c.allowed_roots.emplace_back());
     }},
    {"cpu", "CPU", "capacity offered, as 2 or 500m (all)",
     [](WorkerConfig& c, std::string_view v) { return parse_cpu(v, c.cpu); }},
    {"memory", "BYTES", "capacity offered, as 4Gi (four fifths)",
     [](WorkerConfig& c, std::string_view v) { return parse_bytes(v, c.memory); }},
    {"disk", "BYTES", "capacity offered, as 100Gi (four fifths of what is free in scratch)",
     [](WorkerConfig& c, std::string_view v) { return parse_bytes(v, c.disk); }},
    {"runners", "N", "runner processes at most (twice the cores)",
     [](WorkerConfig& c, std::string_view v) { return parse_count(v, 1, c.pool.max_runners); }},
    {"warm-runners", "N", "runners kept ready (1)",
     [](WorkerConfig& c, std::string_view v) { return parse_count(v, 0, c.pool.warm); }},
    {"attempts-per-runner", "N", "attempts that one runner serves before it is replaced (100)",
     [](WorkerConfig& c, std::string_view v) { return parse_count(v, 1, c.pool.max_attempts); }},
    {"grace", "SECONDS", "between TERM and KILL of a cancelled attempt (10)",
     [](WorkerConfig& c, std::string_view v) { return parse_seconds(v, c.grace); }},
    {"drain", "SECONDS", "after SIGTERM, until what still runs is ended (60)",
     [](WorkerConfig& c, std::string_view v) { return parse_seconds(v, c.drain_limit); }},
    {"sample-interval", "MILLISECONDS", "between looks at what attempts use (100)",
     [](WorkerConfig& c, std::string_view v) {
       std::int64_t value = 0;
       const bool valid = parse_count(v, 1, value);
       if (valid) c.sample_interval = milliseconds(value);
       return valid;
     }},
    {"log-format", "text|json", "of the worker's own log, on standard error (text)",
     [](WorkerConfig& c, std::string_view v) {
       c.log_format = v == "json" ? telemetry::Log::Format::kJson : telemetry::Log::Format::kText;
       return v == "json" || v == "text";
     }},
    {"log-limit", "BYTES", "of one attempt's log (64Mi)",
     [](WorkerConfig& c, std::string_view v) { return parse_bytes(v, c.log_limit); }},
};

// The memory that this process may use: of the machine, or of the container.
Bytes machine_memory() {
  std::int64_t bytes = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE);
  if (const auto place = own_memory_cgroup()) {
    std::ifstream limit(place->folder /
                        (place->version == 2 ? "memory.max" : "memory.limit_in_bytes"));
    std::int64_t value = 0;
    if (limit >> value) bytes = std::min(bytes, value);  // "max" is no number
  }
  return Bytes(bytes / 5 * 4);
}

Bytes free_disk(std::filesystem::path folder) {
  while (!folder.empty() && folder != folder.root_path() && !std::filesystem::exists(folder))
    folder = folder.parent_path();
  struct statvfs stat{};
  if (::statvfs(folder.c_str(), &stat) != 0) return Bytes(0);
  return Bytes(static_cast<std::int64_t>(stat.f_bavail * stat.f_frsize / 5 * 4));
}

Status check_required(const WorkerConfig& config) {
  const std::pair<std::string_view, bool> required[] = {
      {"scheduler", config.scheduler.empty()}, {"token-file", config.token_file.empty()},
      {"data-root", config.data_root.empty()}, {"scratch", config.scratch.empty()},
      {"state-dir", config.state_dir.empty()},
  };
  for (const auto& [name, missing] : required)
    if (missing)
      return Error{ErrorClass::kUser, "flag.missing", "--" + std::string(name) + " is missing",
                   "`millrace-worker --help` lists the flags"};
  return ok_status();
}

void fill_defaults(WorkerConfig& config, std::string_view program) {
  const auto cores = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  if (config.cpu == MilliCpu(0)) config.cpu = MilliCpu(cores * 1'000);
  if (config.memory == Bytes(0)) config.memory = machine_memory();
  if (config.disk == Bytes(0)) config.disk = free_disk(config.scratch);
  if (config.log_dir.empty()) config.log_dir = config.data_root / ".logs";
  if (config.runner.empty()) {
    std::error_code code;
    std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", code);
    if (code) self = std::filesystem::absolute(program);
    config.runner = self.parent_path() / "millrace-runner";
  }
}

}  // namespace

Result<WorkerConfig> parse_config(std::span<const char* const> arguments) {
  WorkerConfig config;
  config.pool.max_runners = 2 * std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const auto flag =
        std::find_if(std::begin(kFlags), std::end(kFlags), [&](const Flag& candidate) {
          return name.starts_with("--") && name.substr(2) == candidate.name;
        });
    if (flag == std::end(kFlags))
      return Error{ErrorClass::kUser, "flag.unknown",
                   "there is no flag \"" + std::string(name) + "\"",
                   "`millrace-worker --help` lists the flags"};
    if (equals == std::string_view::npos && ++i >= arguments.size())
      return Error{ErrorClass::kUser, "flag.missing", std::string(name) + " wants a value"};
    const std::string_view value = equals == std::string_view::npos ? std::string_view(arguments[i])
                                                                    : argument.substr(equals + 1);
    if (!flag->set(config, value))
      return Error{ErrorClass::kUser, "flag.invalid",
                   "\"" + std::string(value) + "\" is no value for " + std::string(name),
                   "write it as " + std::string(flag->value) +
                       (flag->value == "PATH" ? ", beginning with /" : ""),
                   ""};
  }
  MILLRACE_RETURN_IF_ERROR(check_required(config));
  fill_defaults(config, arguments.empty() ? std::string_view() : std::string_view(arguments[0]));
  return config;
}

std::string config_help() {
  std::string text = "usage: millrace-worker --FLAG VALUE …\n\n";
  for (const Flag& flag : kFlags) {
    std::string left = "  --" + std::string(flag.name) + " " + std::string(flag.value);
    left.resize(std::max<std::size_t>(left.size() + 2, 32), ' ');
    text += left + std::string(flag.help) + "\n";
  }
  return text;
}

}  // namespace millrace::runtime
