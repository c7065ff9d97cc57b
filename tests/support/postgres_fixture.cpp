#include "tests/support/postgres_fixture.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <pqxx/connection>
#include <pqxx/nontransaction>
#include <vector>

#include "base/check.h"
#include "lib/process/handle.h"

namespace millrace::testing_support {
namespace {

namespace fs = std::filesystem;

class Folders {
 public:
  std::string make() {
    std::string pattern = "/tmp/millrace_test_XXXXXX";
    MILLRACE_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    fs::permissions(pattern, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    folders_.push_back(pattern);
    return pattern;
  }
  ~Folders() {
    // A child that was forked inherits the list, not the folders.
    if (::getpid() != owner_) return;
    std::error_code ignored;
    for (const std::string& folder : folders_) fs::remove_all(folder, ignored);
  }

 private:
  pid_t owner_ = ::getpid();
  std::vector<std::string> folders_;
};

Folders& folders() {
  static Folders instance;
  return instance;
}

class Server {
 public:
  Server() : server_(open()) {
    const Status started = server_.start();
    MILLRACE_CHECK(started.ok(), started.error().to_text());
  }
  ~Server() {
    if (::getpid() != owner_) return;
    const Status stopped = server_.stop(milliseconds(500));
    MILLRACE_CHECK(stopped.ok(), stopped.error().to_text());
  }
  const postgres::PrivatePostgres& get() const { return server_; }

 private:
  static postgres::PrivatePostgres open() {
    auto opened = postgres::PrivatePostgres::open({.directory = folders().make() + "/postgres",
                                                   .durable = false,
                                                   .die_with_parent = true,
                                                   .settings = {{"max_connections", "100"}}});
    MILLRACE_CHECK(opened.ok(), opened.error().to_text());
    return std::move(*opened);
  }

  pid_t owner_ = ::getpid();
  postgres::PrivatePostgres server_;
};

}  // namespace

const postgres::PrivatePostgres& postgres_server() {
  folders();  // made first, so that it goes last
  static const Server server;
  return server.get();
}

std::string fresh_database() {
  static int count = 0;
  const std::string& server = postgres_server().connection_string();
  const std::string name = "test_" + std::to_string(++count);
  pqxx::connection connection(server);
  pqxx::nontransaction work(connection);
  work.exec("CREATE DATABASE " + work.quote_name(name));
  return server + " dbname=" + name;
}

bool kill_server(const postgres::PrivatePostgres& server) {
  const auto postmaster = process::Handle::of(server.status().pid);
  if (!postmaster) return false;
  postmaster->signal(SIGKILL);
  return postmaster->wait(seconds(30));
}

bool backend_ends(pid_t backend) {
  const auto held = process::Handle::of(backend);
  return !held || held->wait(seconds(30));
}

std::string reachable_folder() { return folders().make(); }

}  // namespace millrace::testing_support
