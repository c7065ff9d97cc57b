#include "cli/stack/starter.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "cli/stack/ports.h"
#include "cli/stack/programs.h"
#include "cli/stack/readiness.h"
#include "lib/postgres/private_postgres.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{10};  // between two looks at what is starting

class Starter {
 public:
  Starter(const UpOptions& options, Layout layout, StackRecord record, const Say& say,
          postgres::PrivatePostgres server)
      : options_(options),
        layout_(std::move(layout)),
        record_(std::move(record)),
        say_(say),
        server_(std::move(server)),
        deadline_(Clock::now() + options.patience) {}

  Status start() {
    MILLRACE_TRY(api_token, token_at(layout_.api_token()));
    MILLRACE_TRY(worker_token, token_at(layout_.worker_token()));
    tokens_ = {{"scheduler", fingerprint(api_token + worker_token)},
               {"worker", fingerprint(worker_token)}};
    MILLRACE_RETURN_IF_ERROR(settle_port());
    std::string waits_for;
    do {
      // Each time from the beginning: what was alive at the last look may have died since, and is
      // then started like the rest.
      MILLRACE_RETURN_IF_ERROR(ensure_postgres());
      MILLRACE_RETURN_IF_ERROR(ensure("scheduler"));
      MILLRACE_TRY(listens, learn_port());
      if (listens) {
        MILLRACE_RETURN_IF_ERROR(ensure("worker"));
        const Readiness readiness = ask_readiness(record_.url(), api_token, deadline_);
        waits_for = readiness.reason;
        if (readiness.ready && all_alive()) return ok_status();
      } else {
        waits_for = "the scheduler does not listen";
      }
      std::this_thread::sleep_for(kLook);
    } while (Clock::now() < deadline_);
    return Error{ErrorClass::kTransient, "up.not_ready", "not ready in time: " + waits_for,
                 "see the logs in \"" + layout_.logs().string() +
                     "\"; `millrace down`, then `up` starts afresh",
                 ""};
  }

 private:
  Status save() const { return replace_file(layout_.record(), to_json(record_)); }

  Status ensure_postgres() {
    if (server_.status().running) return ok_status();
    database_lasted_ = false;
    say_("starting Postgres");
    return server_.start(Micros(std::chrono::microseconds(options_.patience).count()));
  }

  // The port of last time is kept, so that addresses that people noted stay right.
  Status settle_port() {
    const bool moves = options_.port && *options_.port != record_.port;
    if (find_part(record_, "scheduler", layout_) && !moves) return ok_status();
    if (moves) {
      if (!port_is_free(*options_.port)) return port_taken(*options_.port);
      record_.port = *options_.port;
    } else if (record_.port != 0 && !port_is_free(record_.port)) {
      if (options_.port) return port_taken(record_.port);
      say_("port " + std::to_string(record_.port) +
           " is taken by another program: choosing a new one");
      record_.port = 0;
    }
    return ok_status();
  }

  DaemonSpec spec_of(const std::string& part) const {
    const ProgramPlaces places{options_.programs, server_.connection_string(), record_.port,
                               record_.lease,     record_.log_format,          record_.retention,
                               record_.allowed};
    return part == "scheduler" ? scheduler_spec(layout_, places) : worker_spec(layout_, places);
  }

  // Starts the part unless it lives and is as wanted.
  Status ensure(const std::string& part) {
    if (const auto known = record_.parts.find(part);
        checked_.contains(part) && is_alive(known->second.id))
      return ok_status();
    if (fresh_.contains(part)) return ended(part);
    const DaemonSpec spec = spec_of(part);
    if (const auto id = find_part(record_, part, layout_)) {
      const std::string why = why_restart(part, *id, spec);
      if (why.empty()) {
        checked_.insert(part);
        return ok_status();
      }
      say_("restarting the " + part + ": " + why);
      MILLRACE_RETURN_IF_ERROR(stop_daemon(*id, kStopGrace));
    } else {
      say_("starting the " + part);
    }
    if (part == "scheduler") {
      MILLRACE_RETURN_IF_ERROR(check_socket());
      ::unlink(layout_.port_file().c_str());
    }
    MILLRACE_TRY(id, start_daemon(spec));
    record_.parts[part] = {id, spec.arguments, tokens_.at(part)};
    checked_.insert(part);
    fresh_.insert(part);
    return save();
  }

  // Empty where it lives as it is wanted.
  std::string why_restart(const std::string& part, const DaemonId& id,
                          const DaemonSpec& spec) const {
    const auto known = record_.parts.find(part);
    if (known == record_.parts.end() || known->second.id != id ||
        known->second.arguments != spec.arguments || !runs_program(id, spec.program))
      return "its settings or its program have changed";
    if (known->second.tokens != tokens_.at(part)) return "its token has changed";
    return part == "scheduler" ? lost_file() : "";
  }

  // What a scheduler that runs has made is found again by nobody once it is removed: one started
  // anew makes it anew. Empty: nothing is lost.
  std::string lost_file() const {
    std::error_code problem;
    if (!fs::exists(layout_.port_file(), problem))
      return "\"" + layout_.port_file().string() + "\" is gone";
    // Without its database it leads nobody, and has no socket then.
    if (database_lasted_ && !fs::exists(layout_.worker_socket(), problem))
      return "\"" + layout_.worker_socket().string() + "\" is gone";
    return "";
  }

  Status check_socket() const {
    std::error_code problem;
    const fs::file_type type = fs::symlink_status(layout_.worker_socket(), problem).type();
    if (type == fs::file_type::socket || type == fs::file_type::not_found) return ok_status();
    return Error{ErrorClass::kUser, "up.directory_in_the_way",
                 "\"" + layout_.worker_socket().string() + "\" is no socket", "move it away"};
  }

  Error ended(const std::string& part) const {
    const fs::path log = spec_of(part).log;
    return Error{ErrorClass::kInfrastructure, "up.part_ended",
                 "the " + part + " ended while starting; the end of its log:\n" + tail_of(log, 8),
                 "see \"" + log.string() + "\"", ""};
  }

  // The scheduler writes the port it listens on; when any would do, only it knows. False: not yet.
  Result<bool> learn_port() {
    int port = 0;
    if (!(std::ifstream(layout_.port_file()) >> port) || port <= 0) return false;
    if (port == record_.port) return true;
    record_.port = port;
    // So that the next `up` asks for this very port and sees no change.
    record_.parts["scheduler"].arguments = spec_of("scheduler").arguments;
    MILLRACE_RETURN_IF_ERROR(save());
    return true;
  }

  bool all_alive() const {
    return server_.status().running && find_part(record_, "scheduler", layout_) &&
           find_part(record_, "worker", layout_);
  }

  const UpOptions& options_;
  const Layout layout_;
  StackRecord record_;
  const Say& say_;
  const postgres::PrivatePostgres server_;
  const Clock::time_point deadline_;
  std::map<std::string, std::string> tokens_;  // of each part, as a fingerprint
  bool database_lasted_ = true;                // it ran all the while
  std::set<std::string> checked_;  // parts that were seen alive and as wanted, or started
  std::set<std::string> fresh_;    // parts that were started: if one ends, it can't be helped
};

}  // namespace

Status start_parts(const UpOptions& options, const Layout& layout, StackRecord record,
                   const Say& say) {
  if (record.postgres_directory.empty()) {
    const fs::path wanted = layout.directory / kDatabase;
    record.postgres_directory = postgres::reachable_directory(wanted);
    if (record.postgres_directory != wanted)
      say("the database lies in " + record.postgres_directory.string() +
          ": the user that runs it for root can't get to " + layout.directory.string());
    MILLRACE_RETURN_IF_ERROR(replace_file(layout.record(), to_json(record)));
  }
  MILLRACE_TRY(server, postgres::PrivatePostgres::open({.directory = record.postgres_directory}));
  return Starter(options, layout, std::move(record), say, std::move(server)).start();
}

}  // namespace millrace::cli
