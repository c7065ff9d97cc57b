#include "scheduler/main/options.h"

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <system_error>
#include <tuple>
#include <vector>

namespace millrace::scheduler {
namespace {

// Workers are heard three times in it, over a network and beside other work.
constexpr Micros kShortestLease = milliseconds(100);

Error wrong(std::string code, std::string message, std::string hint) {
  return {ErrorClass::kUser, std::move(code), std::move(message), std::move(hint), ""};
}

// 127.0.0.0/8 or ::1, as a number, the latter also in brackets.
bool is_loopback(std::string address) {
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  boost::system::error_code none;
  const auto parsed = boost::asio::ip::make_address(address, none);
  return !none && parsed.is_loopback();
}

}  // namespace

Result<Micros> parse_duration(const std::string& text) {
  std::int64_t count = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits{
      {{"ms", 1'000},
       {"s", 1'000'000},
       {"m", 60'000'000},
       {"h", 3'600'000'000},
       {"d", 86'400'000'000}}};
  if (failure == std::errc() && count > 0 && count < 1'000'000)
    for (const auto& [name, micros] : kUnits)
      if (unit == name) return Micros(count * micros);
  return wrong("duration.invalid", "\"" + text + "\" is no duration",
               "write it like 500ms, 15s, 2m, 12h or 7d");
}

namespace {

// "[NAMESPACE/]DATASET=DURATION"
Status parse_dataset_retention(const std::string& text,
                               std::map<NamespacedName, Micros>& retentions) {
  const auto equals = text.find('=');
  const auto slash = text.rfind('/', equals);
  NamespacedName dataset{"default", text.substr(0, equals)};
  if (slash != std::string::npos)
    dataset = {text.substr(0, slash), text.substr(slash + 1, equals - slash - 1)};
  if (equals == std::string::npos || dataset.ns.empty() || dataset.name.empty())
    return wrong("retention.invalid", "\"" + text + "\" names no dataset's retention",
                 "write it like flights=30d or team/flights=30d");
  MILLRACE_TRY(retention, parse_duration(text.substr(equals + 1)));
  retentions[dataset] = retention;
  return ok_status();
}

// The flags of retention, as texts until they are checked.
struct RetentionFlags {
  std::string snapshots;
  std::string runs;
  std::string events;
  std::vector<std::string> of_datasets;

  void add_to(CLI::App& app, RetentionOptions& options) {
    app.add_option("--retention", snapshots,
                   "how long a snapshot is kept after it was replaced (7d)");
    app.add_option("--dataset-retention", of_datasets,
                   "[NAMESPACE/]DATASET=DURATION: its own retention; repeatable");
    app.add_option("--keep-snapshots", options.kept_snapshots,
                   "newest snapshots of each dataset that are kept however old (1)")
        ->check(CLI::Range(1, 1'000'000));
    app.add_option("--run-retention", runs, "how long runs and their logs are kept (90d)");
    app.add_option("--event-retention", events, "how long events can be followed back (1d)");
  }
  Status check(RetentionOptions& options) const {
    for (const auto& [flag, text, value] :
         {std::tuple("--retention", &snapshots, &options.snapshots),
          std::tuple("--run-retention", &runs, &options.runs),
          std::tuple("--event-retention", &events, &options.events)}) {
      if (text->empty()) continue;
      const Result<Micros> parsed = parse_duration(*text);
      if (!parsed.ok()) return Error(parsed.error()).at(flag);
      *value = *parsed;
    }
    for (const std::string& text : of_datasets)
      if (Status parsed = parse_dataset_retention(text, options.of_datasets); !parsed.ok())
        return Error(parsed.error()).at("--dataset-retention");
    return ok_status();
  }
};

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  SchedulerOptions options;
  std::string listen = "127.0.0.1:0";
  std::string lease = "15s";
  std::string checkpoint_interval = "60s";
  std::string log_format = "text";
  std::vector<std::string> queues;
  bool check = false;
  CLI::App app{"The scheduler: owns runs, places tasks on workers, serves the REST API."};
  app.set_version_flag("--version", MILLRACE_VERSION);
  app.add_option("--postgres", options.postgres, "connection string of the database")->required();
  app.add_option("--socket", options.socket, "unix socket for the workers")->required();
  app.add_option("--token-file", options.token_file, "token of the REST API, mode 0600")
      ->required();
  app.add_option("--worker-token-file", options.worker_token_file,
                 "token of the workers, mode 0600")
      ->required();
  app.add_option("--data-root", options.data_root, "where datasets lie")->required();
  app.add_option("--listen", listen,
                 "address:port of the REST API, of this machine alone; port 0 takes a free one");
  app.add_option("--port-file", options.port_file, "file that gets the port once it listens");
  app.add_option("--log-dir", options.log_dir, "where task logs lie; data root/logs by default");
  app.add_option("--sql-parser", options.sql_parser,
                 "millrace-sql; beside this program by default");
  app.add_option("--lease", lease, "how long an attempt lives without its worker being heard");
  app.add_option("--checkpoint-interval", checkpoint_interval,
                 "between looks whether a checkpoint is due (60s)");
  app.add_option("--checkpoint-batches", options.checkpoint_batches,
                 "batches of the log after which a checkpoint is due (10000)")
      ->check(CLI::PositiveNumber);
  app.add_option("--queue-limit", queues, "NAME=N: attempts of a queue at once; repeatable");
  RetentionFlags retention;
  retention.add_to(app, options.retention);
  app.add_flag("--check", check, "say whether these options are right, and end");
  app.add_option("--log-format", log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return {std::nullopt, code == 0 ? 0 : 2};
  }
  const auto refuse = [](const std::string& what) {
    std::fprintf(stderr, "millrace-scheduler: %s\n", what.c_str());
    return ParsedOptions{std::nullopt, 2};
  };
  const auto refuse_flag = [&refuse](const std::string& flag, const Error& why) {
    return refuse(flag + ": " + why.message + "; " + why.hint);
  };
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos)
    return refuse("--listen wants address:port, not \"" + listen + "\"");
  options.listen_address = listen.substr(0, colon);
  if (!is_loopback(options.listen_address))
    return refuse(
        "--listen wants an address of this machine alone, 127.0.0.1 or [::1], not \"" +
        options.listen_address +
        "\": REST has no encryption. Let a proxy that has it take the requests of others.");
  const char* port = listen.data() + colon + 1;
  const auto [end, failure] =
      std::from_chars(port, listen.data() + listen.size(), options.listen_port);
  if (failure != std::errc() || end != listen.data() + listen.size())
    return refuse("--listen wants address:port, not \"" + listen + "\"");
  const Result<Micros> parsed = parse_duration(lease);
  if (!parsed.ok()) return refuse_flag("--lease", parsed.error());
  if (*parsed < kShortestLease)
    return refuse("--lease wants 100ms or more, not \"" + lease +
                  "\": no worker could be heard in time");
  options.lease = *parsed;
  const Result<Micros> looks = parse_duration(checkpoint_interval);
  if (!looks.ok()) return refuse_flag("--checkpoint-interval", looks.error());
  options.checkpoint_interval = *looks;
  for (const std::string& queue : queues) {
    const auto equals = queue.find('=');
    std::uint32_t limit = 0;
    const char* number = queue.data() + (equals == std::string::npos ? queue.size() : equals + 1);
    if (std::from_chars(number, queue.data() + queue.size(), limit).ptr !=
            queue.data() + queue.size() ||
        limit == 0 || equals == 0)
      return refuse("--queue-limit wants NAME=N, not \"" + queue + "\"");
    options.queue_limits[queue.substr(0, equals)] = limit;
  }
  if (const Status checked = retention.check(options.retention); !checked.ok())
    return refuse_flag(checked.error().path, checked.error());
  if (check) return {std::nullopt, 0};
  if (options.log_dir.empty()) options.log_dir = options.data_root / "logs";
  if (options.sql_parser.empty())
    options.sql_parser =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "millrace-sql";
  options.log_format =
      log_format == "json" ? telemetry::Log::Format::kJson : telemetry::Log::Format::kText;
  return {std::move(options), 0};
}

}  // namespace millrace::scheduler
