// PrivatePostgres: a Postgres server of our own under one directory: made, started, stopped, looked
// after. It listens on a unix socket alone and lets in only the person who made it (peer
// authentication). For `millrace up` and for tests; a cluster's Postgres is somebody else's to run.
//
//   MILLRACE_TRY(server, postgres::PrivatePostgres::open({.directory = state / "postgres"}));
//   MILLRACE_RETURN_IF_ERROR(server.start());       // makes the cluster the first time
//   connect(server.connection_string());
//
// The server outlives this process, and kill -9 of either: a stale postmaster.pid is told apart
// from a live one by what the process really is. Under root the server runs as the directory's
// owner, or as the user `postgres`; then the directory must lie where that user can get to (see
// reachable_directory).
//
// Calls block (start: 1-2 s the first time, some 100 ms later) and are meant for one thread; two
// processes that start one directory at once wait for each other.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "lib/postgres/child_process.h"

namespace millrace::postgres {

struct PrivatePostgresOptions {
  // Holds data/, run/ (the socket) and postgres.log. Made when it is missing, mode 0700.
  std::filesystem::path directory;
  // Where the socket lies. Empty: directory/run, or a folder below /tmp where that path is too long
  // for a socket (107 bytes).
  std::filesystem::path socket_directory = {};
  // Folder of `postgres` and `initdb`. Empty: the one that fits the data, else the newest
  // installed.
  std::filesystem::path binaries = {};
  // False: nothing is fsynced, so a crash of the machine loses the data; kill -9 does not. For
  // tests.
  bool durable = true;
  // The server ends when the thread that called start() does. For tests.
  bool die_with_parent = false;
  // Further server settings, passed as they are: {"shared_buffers", "256MB"}.
  std::map<std::string, std::string> settings = {};
};

struct PrivatePostgresStatus {
  bool initialized = false;  // the cluster is made
  bool running = false;
  pid_t pid = 0;  // of the postmaster, while running
};

class PrivatePostgres {
 public:
  // Finds binaries, user and places, and checks that the directory is ours; changes nothing.
  // Errors: postgres.not_installed, postgres.no_user, postgres.directory_not_ours,
  // postgres.directory_unreachable, postgres.version_differs, postgres.socket_path_too_long.
  static Result<PrivatePostgres> open(PrivatePostgresOptions options);

  // Makes the cluster unless it is there. Whole or not at all: it is made beside and renamed.
  Status init() const;
  // init(), then starts the server unless it runs, and returns once it takes connections.
  // Errors: postgres.start_failed (with the end of its log), postgres.start_timeout.
  Status start(Micros timeout = seconds(60)) const;
  // Ends it: politely (open transactions are rolled back), after `grace` at once. Fine when it
  // isn't running.
  Status stop(Micros grace = seconds(10)) const;
  PrivatePostgresStatus status() const;

  // For libpq; database and role are both `millrace`.
  std::string connection_string() const;
  const std::filesystem::path& socket_directory() const { return options_.socket_directory; }
  std::filesystem::path data_directory() const { return options_.directory / "data"; }
  std::filesystem::path log_file() const { return options_.directory / "postgres.log"; }
  // Who runs the server; nothing: the caller itself.
  const std::optional<process::User>& server_user() const { return server_user_; }

 private:
  explicit PrivatePostgres(PrivatePostgresOptions options) : options_(std::move(options)) {}

  Status make_directories() const;
  Status make_cluster(const process::OwnedFd& lock) const;
  Status write_access_files(const std::filesystem::path& data) const;
  Status run(std::vector<std::string> argv, const std::string& input,
             const process::OwnedFd& lock) const;
  Status launch(Monotonic deadline) const;
  std::optional<process::Handle> postmaster() const;
  std::vector<std::string> server_arguments() const;
  void remove_stale_locks() const;

  PrivatePostgresOptions options_;
  std::optional<process::User> server_user_;
};

// Where a server's directory may lie: `preferred` when the user that will run the server can get to
// it, else a folder below /var/lib/millrace named after it. Differs from `preferred` only under
// root.
std::filesystem::path reachable_directory(const std::filesystem::path& preferred);

}  // namespace millrace::postgres
