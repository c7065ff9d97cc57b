#include "lib/postgres/private_postgres.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "base/fnv1a.h"
#include "lib/postgres/binaries.h"

namespace millrace::postgres {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "millrace";  // of the role, the database and the identity map
constexpr const char* kSocketName = ".s.PGSQL.5432";
constexpr std::size_t kMaxSocketPath = 107;
constexpr std::uintmax_t kMaxLogBytes = 16 << 20;

Error file_error(const std::string& what, const fs::path& path, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return Error{full ? ErrorClass::kResource : ErrorClass::kInfrastructure,
               full ? "postgres.disk_full" : "postgres.files",
               what + " \"" + path.string() + "\": " + std::string(std::strerror(number))};
}

Monotonic monotonic_now() {
  return Monotonic(std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::steady_clock::now().time_since_epoch())
                       .count());
}

// Short, stable names for folders that stand for a path.
std::string short_name(const fs::path& path) {
  std::ostringstream text;
  text << std::hex << fnv1a(path.string());
  return text.str();
}

// While it lives, files are touched as the server's user: what is made is that user's, and a link
// that the user planted leads root nowhere.
class AsUser {
 public:
  explicit AsUser(const std::optional<process::User>& user) : active_(user.has_value()) {
    if (!active_) return;
    ::setfsgid(user->gid);
    ::setfsuid(user->uid);
  }
  ~AsUser() {
    if (!active_) return;
    ::setfsuid(::geteuid());
    ::setfsgid(::getegid());
  }
  AsUser(const AsUser&) = delete;
  AsUser& operator=(const AsUser&) = delete;

 private:
  bool active_;
};

fs::path nearest_existing(fs::path path) {
  struct stat info{};
  while (path.has_relative_path() && ::stat(path.c_str(), &info) != 0) path = path.parent_path();
  return path;
}

bool can_reach(const process::User& user, const fs::path& directory) {
  const auto child = start_child({.argv = {"/bin/true"}, .user = user, .directory = directory});
  if (!child.ok()) return false;
  child->wait(seconds(10));
  const std::optional<process::End> end = child->reap();
  return end && end->shell_code() == 0;
}

// Root lends the work to the owner of the directory, or to `postgres`; others work as themselves.
Result<std::optional<process::User>> choose_user(const fs::path& directory) {
  struct stat info{};
  const bool exists = ::stat(directory.c_str(), &info) == 0;
  if (::geteuid() != 0) {
    if (exists && info.st_uid != ::geteuid()) {
      return Error{ErrorClass::kUser, "postgres.directory_not_ours",
                   "the directory \"" + directory.string() + "\" belongs to somebody else",
                   "choose another directory"};
    }
    return std::optional<process::User>();
  }
  std::optional<process::User> user =
      exists && info.st_uid != 0 ? process::find_user(info.st_uid) : process::find_user("postgres");
  if (!user) {
    return Error{ErrorClass::kUser, "postgres.no_user",
                 "Postgres does not run as root, and there is no user to run it as",
                 "make a user named postgres, or start as another user"};
  }
  return user;
}

Status check_contents(const fs::path& directory) {
  std::error_code problem;
  const fs::file_status status = fs::status(directory, problem);
  if (status.type() == fs::file_type::not_found) return ok_status();
  if (problem) return file_error("can't look at", directory, problem.value());
  if (status.type() == fs::file_type::directory) {
    if (fs::exists(directory / "data" / "PG_VERSION", problem)) return ok_status();
    bool strange = fs::exists(directory / "data", problem);
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, problem)) {
      const std::string name = entry.path().filename();
      strange = strange || !(name == "run" || name == "lock" || name == "data.new" ||
                             name.starts_with("postgres.log"));
    }
    if (!strange && !problem) return ok_status();
  }
  return Error{ErrorClass::kUser, "postgres.directory_not_ours",
               "\"" + directory.string() + "\" is there and holds something else",
               "choose another directory, or move this one away"};
}

std::optional<int> data_version(const fs::path& data) {
  std::ifstream file(data / "PG_VERSION");
  int major = 0;
  if (file >> major) return major;
  return std::nullopt;
}

Result<fs::path> choose_socket_directory(const PrivatePostgresOptions& options) {
  const auto fits = [](const fs::path& folder) {
    return (folder / kSocketName).string().size() <= kMaxSocketPath;
  };
  if (options.socket_directory.empty()) {
    fs::path own = options.directory / "run";
    if (fits(own)) return own;
    return fs::path("/tmp") / ("millrace-postgres-" + short_name(options.directory));
  }
  fs::path given = fs::absolute(options.socket_directory).lexically_normal();
  if (fits(given)) return given;
  return Error{ErrorClass::kUser, "postgres.socket_path_too_long",
               "the path \"" + (given / kSocketName).string() + "\" is too long for a socket",
               "choose a folder with a path of at most 93 bytes"};
}

// Whole or not at all, and never through a link.
Status write_file(const fs::path& path, const std::string& content) {
  const fs::path beside = path.string() + ".new";
  ::unlink(beside.c_str());
  const process::OwnedFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return file_error("can't write", beside, errno);
  if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::fsync(fd.get()) != 0 || ::rename(beside.c_str(), path.c_str()) != 0) {
    return file_error("can't write", path, errno);
  }
  return ok_status();
}

// A folder that nobody else writes to; made when it is missing.
Status private_folder(const fs::path& path, uid_t owner) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("can't make", path, errno);
  }
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return file_error("can't look at", path, errno);
  if (!S_ISDIR(info.st_mode) || info.st_uid != owner || (info.st_mode & 0022) != 0) {
    return Error{ErrorClass::kUser, "postgres.directory_not_ours",
                 "\"" + path.string() + "\" is not a folder that only the server's user writes to",
                 "remove it, or choose another directory"};
  }
  return ok_status();
}

// One `up` at a time may make, start or stop the server.
Result<process::OwnedFd> lock_directory(const fs::path& directory) {
  const fs::path path = directory / "lock";
  process::OwnedFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return file_error("can't open", path, errno);
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return file_error("can't lock", path, errno);
  }
  return fd;
}

// What the server complained about since `from`, or, where it did not, the last that it said.
std::string complaints(const fs::path& path, std::uintmax_t from) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  std::string found;
  std::string last = "it said nothing";
  for (std::string line; std::getline(file, line) && found.size() < 2000;) {
    if (!line.empty()) last = line;
    const std::size_t start =
        std::min({line.find("FATAL:"), line.find("PANIC:"), line.find("ERROR:")});
    if (start == std::string::npos) continue;
    const std::size_t text = line.find_first_not_of(' ', start + 6);
    if (text != std::string::npos) found += (found.empty() ? "" : "; ") + line.substr(text);
  }
  return found.empty() ? last : found;
}

// In a libpq connection string.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

struct PostmasterFile {
  pid_t pid = 0;
  bool ready = false;
};

std::optional<PostmasterFile> read_postmaster_file(const fs::path& data) {
  std::ifstream file(data / "postmaster.pid");
  PostmasterFile result;
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  result.pid = static_cast<pid_t>(std::strtol(line.c_str(), nullptr, 10));
  while (std::getline(file, line)) result.ready = line.starts_with("ready");
  return result;
}

}  // namespace

Result<PrivatePostgres> PrivatePostgres::open(PrivatePostgresOptions options) {
  options.directory = fs::absolute(options.directory).lexically_normal();
  if (!options.directory.has_filename()) options.directory = options.directory.parent_path();
  MILLRACE_RETURN_IF_ERROR(check_contents(options.directory));
  MILLRACE_TRY(user, choose_user(options.directory));
  if (user && !can_reach(*user, nearest_existing(options.directory))) {
    return Error{ErrorClass::kUser, "postgres.directory_unreachable",
                 "the user \"" + user->name + "\", who runs Postgres for root, can't get to \"" +
                     options.directory.string() + "\"",
                 "choose a directory below /var/lib or /tmp"};
  }
  MILLRACE_TRY(binaries, find_binaries(options.binaries, data_version(options.directory / "data")));
  options.binaries = binaries.folder;
  MILLRACE_TRY(sockets, choose_socket_directory(options));
  options.socket_directory = std::move(sockets);
  PrivatePostgres server(std::move(options));
  server.server_user_ = std::move(user);
  return server;
}

Status PrivatePostgres::make_directories() const {
  std::error_code problem;
  fs::create_directories(options_.directory.parent_path(), problem);
  if (problem) {
    return file_error("can't make", options_.directory.parent_path(), problem.value());
  }
  const uid_t owner = server_user_ ? server_user_->uid : ::geteuid();
  if (server_user_) {
    // Root's own folder, new or empty, is handed over; a link would not be followed.
    if (::mkdir(options_.directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return file_error("can't make", options_.directory, errno);
    }
    const process::OwnedFd fd(
        ::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::fchown(fd.get(), server_user_->uid, server_user_->gid) != 0) {
      return file_error("can't hand over", options_.directory, errno);
    }
  }
  const AsUser as_user(server_user_);
  MILLRACE_RETURN_IF_ERROR(private_folder(options_.directory, owner));
  return private_folder(options_.socket_directory, owner);
}

// The program holds the lock as well: it may outlive us, and whoever comes next waits for its end.
Status PrivatePostgres::run(std::vector<std::string> argv, const std::string& input,
                            const process::OwnedFd& lock) const {
  const std::string program = fs::path(argv.front()).filename();
  MILLRACE_TRY(result,
               run_child({.argv = std::move(argv), .user = server_user_, .kept_open = lock.get()},
                         input, seconds(120)));
  if (result.exit_code == 0) return ok_status();
  const bool full = result.output.find("No space left on device") != std::string::npos;
  return Error{full ? ErrorClass::kResource : ErrorClass::kInfrastructure,
               full ? "postgres.disk_full" : "postgres.init_failed",
               program + " failed: " + result.output};
}

Status PrivatePostgres::write_access_files(const fs::path& data) const {
  // Peer authentication: the kernel says who is at the other end of the socket. The caller and the
  // server's own user come in, both as the one role; nobody else, and no password exists.
  const std::optional<process::User> caller = process::find_user(::geteuid());
  if (!caller) {
    return Error{ErrorClass::kUser, "postgres.no_user",
                 "the user id " + std::to_string(::geteuid()) + " has no name on this machine",
                 "add it to /etc/passwd"};
  }
  const auto line = [](const std::string& user) {
    return std::string(kName) + " \"" + user + "\" " + kName + "\n";
  };
  std::string identities = line(caller->name);
  if (server_user_ && server_user_->name != caller->name) identities += line(server_user_->name);
  MILLRACE_RETURN_IF_ERROR(write_file(data / "pg_ident.conf", identities));
  return write_file(data / "pg_hba.conf",
                    std::string("local all ") + kName + " peer map=" + kName + "\n");
}

Status PrivatePostgres::make_cluster(const process::OwnedFd& lock) const {
  const fs::path data = options_.directory / "data.new";
  {
    const AsUser as_user(server_user_);
    std::error_code problem;
    fs::remove_all(data, problem);
    if (problem) return file_error("can't remove", data, problem.value());
  }
  std::vector<std::string> initdb = {(options_.binaries / "initdb").string(),
                                     "--pgdata=" + data.string(),
                                     std::string("--username=") + kName,
                                     "--auth=reject",
                                     "--encoding=UTF8",
                                     "--locale=C",
                                     "--data-checksums",
                                     "--no-instructions"};
  if (!options_.durable) initdb.emplace_back("--no-sync");
  MILLRACE_RETURN_IF_ERROR(run(std::move(initdb), "", lock));
  MILLRACE_RETURN_IF_ERROR(
      run({(options_.binaries / "postgres").string(), "--single", "-D", data.string(), "-c",
           "fsync=" + std::string(options_.durable ? "on" : "off"), "postgres"},
          std::string("CREATE DATABASE ") + kName + "\n", lock));
  const AsUser as_user(server_user_);
  MILLRACE_RETURN_IF_ERROR(write_access_files(data));
  if (::rename(data.c_str(), data_directory().c_str()) != 0) {
    return file_error("can't rename", data, errno);
  }
  const process::OwnedFd directory(
      ::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (options_.durable) ::fsync(directory.get());
  return ok_status();
}

Status PrivatePostgres::init() const {
  MILLRACE_RETURN_IF_ERROR(make_directories());
  std::optional<process::OwnedFd> lock;
  {
    const AsUser as_user(server_user_);
    MILLRACE_TRY(locked, lock_directory(options_.directory));
    lock = std::move(locked);
  }
  if (data_version(data_directory())) return ok_status();
  return make_cluster(*lock);
}

std::optional<process::Handle> PrivatePostgres::postmaster() const {
  const std::optional<PostmasterFile> file = read_postmaster_file(data_directory());
  if (!file) return std::nullopt;
  std::optional<process::Handle> handle = process::Handle::of(file->pid);
  if (!handle) return std::nullopt;
  // A number is reused sooner than one thinks (after a container's restart above all): it is ours
  // only if it was started on our data. A zombie has no command line.
  std::ifstream command_line("/proc/" + std::to_string(file->pid) + "/cmdline", std::ios::binary);
  std::string before;
  for (std::string argument; std::getline(command_line, argument, '\0'); before = argument) {
    if (before == "-D" && argument == data_directory().string()) return handle;
  }
  return std::nullopt;
}

PrivatePostgresStatus PrivatePostgres::status() const {
  PrivatePostgresStatus status;
  status.initialized = data_version(data_directory()).has_value();
  if (const std::optional<process::Handle> handle = postmaster(); handle && !handle->ended()) {
    status.running = true;
    status.pid = handle->pid();
  }
  return status;
}

void PrivatePostgres::remove_stale_locks() const {
  // Postgres sees by itself that a lock file's process is gone, but takes a stranger under its
  // number for a running server. Its check of the shared memory stays in force.
  const std::optional<PostmasterFile> file = read_postmaster_file(data_directory());
  if (!file || !process::Handle::of(file->pid)) return;
  ::unlink((data_directory() / "postmaster.pid").c_str());
  ::unlink((options_.socket_directory / (std::string(kSocketName) + ".lock")).c_str());
}

std::vector<std::string> PrivatePostgres::server_arguments() const {
  std::string sockets = "\"";
  for (const char c : options_.socket_directory.string())
    sockets += c == '"' ? "\"\"" : std::string(1, c);
  sockets += '"';
  std::map<std::string, std::string> settings = {
      {"listen_addresses", ""},
      {"unix_socket_directories", sockets},
      {"unix_socket_permissions", "0700"},
      {"port", "5432"},
      {"max_connections", "40"},
      {"shared_buffers", "64MB"},
      {"max_wal_size", "1GB"},
      {"max_parallel_workers_per_gather", "0"},
      {"jit", "off"},
      {"log_checkpoints", "off"},
      {"log_min_messages", "warning"},
      {"timezone", "UTC"},
  };
  if (!options_.durable) {
    // synchronous_commit stays on: what was committed survives kill -9, as it does in earnest.
    settings["fsync"] = "off";
    settings["full_page_writes"] = "off";
  }
  for (const auto& [name, value] : options_.settings) settings[name] = value;
  std::vector<std::string> arguments = {(options_.binaries / "postgres").string(), "-D",
                                        data_directory().string()};
  for (const auto& [name, value] : settings) {
    arguments.emplace_back("-c");
    arguments.emplace_back(name).append("=").append(value);
  }
  return arguments;
}

Status PrivatePostgres::launch(Monotonic deadline) const {
  process::OwnedFd log;
  std::uintmax_t log_start = 0;
  {
    const AsUser as_user(server_user_);
    std::error_code ignored;
    if (fs::file_size(log_file(), ignored) > kMaxLogBytes && !ignored) {
      fs::rename(log_file(), log_file().string() + ".1", ignored);
    }
    log = process::OwnedFd(
        ::open(log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!log) return file_error("can't open", log_file(), errno);
    log_start = static_cast<std::uintmax_t>(::lseek(log.get(), 0, SEEK_END));
    MILLRACE_RETURN_IF_ERROR(write_access_files(data_directory()));
    remove_stale_locks();
  }
  MILLRACE_TRY(server,
               start_child({.argv = server_arguments(),
                            .user = server_user_,
                            .standard_output = log.get(),
                            .own_session = true,
                            .parent_death_signal = options_.die_with_parent ? SIGQUIT : 0}));
  while (!server.wait(milliseconds(5))) {
    const std::optional<PostmasterFile> file = read_postmaster_file(data_directory());
    if (file && file->pid == server.pid() && file->ready) return ok_status();
    if (monotonic_now() > deadline) {
      return Error{ErrorClass::kTransient, "postgres.start_timeout",
                   "Postgres does not take connections yet: it may be recovering",
                   "look at \"" + log_file().string() + "\""};
    }
  }
  server.reap();
  const std::string said = complaints(log_file(), log_start);
  const bool full = said.find("No space left on device") != std::string::npos;
  // The backends of a postmaster that was killed end within moments; until then they hold its
  // memory.
  const bool lingering = said.find("pre-existing shared memory block") != std::string::npos;
  return Error{full        ? ErrorClass::kResource
               : lingering ? ErrorClass::kTransient
                           : ErrorClass::kInfrastructure,
               full        ? "postgres.disk_full"
               : lingering ? "postgres.still_ending"
                           : "postgres.start_failed",
               "Postgres did not start: " + said, "look at \"" + log_file().string() + "\""};
}

Status PrivatePostgres::start(Micros timeout) const {
  const Monotonic deadline = monotonic_now() + timeout;
  MILLRACE_RETURN_IF_ERROR(init());
  std::optional<process::OwnedFd> lock;
  {
    const AsUser as_user(server_user_);
    MILLRACE_TRY(locked, lock_directory(options_.directory));
    lock = std::move(locked);
  }
  while (true) {
    if (const std::optional<process::Handle> running = postmaster(); running && !running->ended()) {
      const std::optional<PostmasterFile> file = read_postmaster_file(data_directory());
      if (file && file->ready) return ok_status();
      if (monotonic_now() > deadline) {
        return Error{ErrorClass::kTransient, "postgres.start_timeout",
                     "Postgres does not take connections yet: it may be recovering",
                     "look at \"" + log_file().string() + "\""};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      continue;
    }
    const Status launched = launch(deadline);
    if (launched.ok() || launched.error().code != "postgres.still_ending" ||
        monotonic_now() > deadline) {
      return launched;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Status PrivatePostgres::stop(Micros grace) const {
  const std::optional<process::Handle> handle = postmaster();
  if (!handle) return ok_status();
  handle->signal(SIGINT);
  if (!handle->wait(grace)) handle->signal(SIGQUIT);
  if (!handle->wait(seconds(10))) handle->signal(SIGKILL);
  if (!handle->wait(seconds(10))) {
    return Error{ErrorClass::kInfrastructure, "postgres.stop_failed",
                 "the server (process " + std::to_string(handle->pid()) + ") does not end"};
  }
  handle->reap();  // nothing when it was started by another process
  return ok_status();
}

std::string PrivatePostgres::connection_string() const {
  return "host=" + quoted(options_.socket_directory.string()) + " port=5432 dbname=" + kName +
         " user=" + kName;
}

std::filesystem::path reachable_directory(const fs::path& preferred) {
  const fs::path wanted = fs::absolute(preferred).lexically_normal();
  const Result<std::optional<process::User>> chosen = choose_user(wanted);
  if (!chosen.ok()) return wanted;
  const std::optional<process::User>& user = *chosen;
  if (!user || can_reach(*user, nearest_existing(wanted))) return wanted;
  return fs::path("/var/lib/millrace") / (wanted.filename().string() + "-" + short_name(wanted));
}

}  // namespace millrace::postgres
