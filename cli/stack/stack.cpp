#include "cli/stack/stack.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/stack/programs.h"
#include "cli/stack/starter.h"
#include "lib/postgres/private_postgres.h"
#include "lib/process/owned_fd.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;

// Held while the directory is worked on; freed by the kernel if we die.
Result<process::OwnedFd> lock(const Layout& layout, const Say& say) {
  process::OwnedFd fd(
      ::open(layout.lock().c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd && errno == EWOULDBLOCK) {
    say("waiting for another `millrace up` or `down` in " + layout.directory.string());
    while (::flock(fd.get(), LOCK_EX) != 0)
      if (errno != EINTR) break;
    return fd;
  }
  return Error{ErrorClass::kInfrastructure, "up.files",
               "can't lock \"" + layout.lock().string() + "\": " + std::strerror(errno)};
}

// Of a stack whose record is lost, what the directory itself tells; the settings of `up` are then
// the defaults. Nothing: no stack is there.
Result<std::optional<StackRecord>> record_of(const Layout& layout) {
  MILLRACE_TRY(found, read_record(layout.record()));
  if (found || !holds_stack(layout)) return found;
  StackRecord record;
  record.sockets = layout.sockets;
  std::error_code problem;
  if (fs::path database = postgres::reachable_directory(layout.directory / kDatabase);
      fs::exists(database, problem))
    record.postgres_directory = std::move(database);
  return std::optional(std::move(record));
}

Result<postgres::PrivatePostgres> postgres_of(const StackRecord& record) {
  return postgres::PrivatePostgres::open({.directory = record.postgres_directory});
}

PartStatus status_of_daemon(const std::string& part, const StackRecord& record,
                            const Layout& layout) {
  PartStatus status{part, PartState::kStopped, 0, {}, ""};
  if (part == "worker") status.where = layout.worker_socket().string();
  if (part == "scheduler" && record.port != 0) status.where = record.url();
  if (const auto id = find_part(record, part, layout)) {
    status.state = PartState::kRunning;
    status.pid = id->pid;
    status.uptime = uptime(*id);
  }
  return status;
}

}  // namespace

bool StackStatus::running() const {
  return std::ranges::all_of(
      parts, [](const PartStatus& part) { return part.state == PartState::kRunning; });
}

fs::path own_folder() {
  std::error_code problem;
  return fs::read_symlink("/proc/self/exe", problem).parent_path();
}

Result<StackStatus> bring_up(const UpOptions& options, const Say& say) {
  Layout layout = layout_of(options.directory);
  // Before anything is written, and while what runs goes on.
  if (!options.lease.empty() || options.retention)
    MILLRACE_RETURN_IF_ERROR(
        check_settings(layout, {.programs = options.programs,
                                .connection = "",
                                .lease = options.lease,
                                .log_format = {},
                                .retention = options.retention.value_or(std::vector<std::string>()),
                                .allowed = {}}));
  MILLRACE_RETURN_IF_ERROR(make_directory(layout));
  MILLRACE_TRY(held, lock(layout, say));
  MILLRACE_TRY(found, record_of(layout));
  StackRecord record = found.value_or(StackRecord{});
  // Where the runtime folder went or came between two starts, what still runs uses the old one, as
  // long as that is there.
  std::error_code problem;
  if (!record.sockets.empty() && fs::exists(record.sockets, problem) &&
      find_part(record, "scheduler", layout))
    layout.sockets = record.sockets;
  record.sockets = layout.sockets;
  if (options.allowed) record.allowed = *options.allowed;
  if (!options.lease.empty()) record.lease = options.lease;
  if (!options.log_format.empty()) record.log_format = options.log_format;
  if (options.retention) record.retention = *options.retention;
  MILLRACE_RETURN_IF_ERROR(replace_file(layout.record(), to_json(record)));
  MILLRACE_RETURN_IF_ERROR(make_folders(layout));
  MILLRACE_RETURN_IF_ERROR(start_parts(options, layout, std::move(record), say));
  return inspect(options.directory);
}

Status bring_down(const fs::path& directory, const Say& say) {
  Layout layout = layout_of(directory);
  std::error_code problem;
  if (!fs::exists(layout.record(), problem) && !holds_stack(layout)) {
    say("there is no stack in " + directory.string());
    return ok_status();
  }
  MILLRACE_TRY(held, lock(layout, say));
  MILLRACE_TRY(found, record_of(layout));
  if (!found) return ok_status();
  layout.sockets = found->sockets;
  bool ran = false;
  for (const std::string part : {"worker", "scheduler"}) {
    // More than one, where an `up` was killed between starting a daemon and writing it down.
    while (const auto id = find_part(*found, part, layout)) {
      ran = true;
      say("stopping the " + part);
      MILLRACE_RETURN_IF_ERROR(stop_daemon(*id, kStopGrace));
    }
  }
  if (!found->postgres_directory.empty()) {
    MILLRACE_TRY(server, postgres_of(*found));
    if (server.status().running) {
      ran = true;
      say("stopping Postgres");
    }
    MILLRACE_RETURN_IF_ERROR(server.stop());
  }
  if (!ran) say("nothing runs in " + directory.string());
  fs::remove_all(layout.sockets, problem);  // what a killed daemon left there; made anew by `up`
  return ok_status();
}

Status purge(const fs::path& directory, const Say& say) {
  const Layout layout = layout_of(directory);
  MILLRACE_TRY(found, record_of(layout));
  MILLRACE_RETURN_IF_ERROR(bring_down(directory, say));
  if (!found) return ok_status();
  say("removing " + directory.string());
  std::error_code problem;
  if (!found->postgres_directory.empty()) {
    MILLRACE_TRY(server, postgres_of(*found));
    fs::remove_all(server.socket_directory(), problem);  // of a long path it stands elsewhere
    fs::remove_all(found->postgres_directory, problem);
  }
  // The record last: a purge that was interrupted can be repeated.
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, problem))
    if (entry.path() != layout.record()) fs::remove_all(entry.path(), problem);
  fs::remove_all(directory, problem);
  if (!problem) return ok_status();
  return Error{ErrorClass::kInfrastructure, "up.files",
               "can't remove \"" + directory.string() + "\": " + problem.message()};
}

Result<StackStatus> inspect(const fs::path& directory) {
  Layout layout = layout_of(directory);
  MILLRACE_TRY(found, record_of(layout));
  if (!found)
    return Error{ErrorClass::kUser, "up.not_found",
                 "there is no stack in \"" + directory.string() + "\"", "`millrace up` makes one",
                 ""};
  layout.sockets = found->sockets;
  StackStatus status{
      directory, found->port == 0 ? "" : found->url(), layout.logs(), found->allowed, {}};
  PartStatus database{"postgres", PartState::kStopped, 0, {}, found->postgres_directory.string()};
  if (!found->postgres_directory.empty()) {
    const auto server = postgres_of(*found);
    if (server.ok() && server->status().running) {
      database.state = PartState::kRunning;
      database.pid = server->status().pid;
      if (const auto id = identify(database.pid)) database.uptime = uptime(*id);
    }
  }
  status.parts.push_back(database);
  for (const char* part : {"scheduler", "worker"})
    status.parts.push_back(status_of_daemon(part, *found, layout));
  return status;
}

}  // namespace millrace::cli
