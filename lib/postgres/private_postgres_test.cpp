#include "lib/postgres/private_postgres.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <pqxx/pqxx>

namespace millrace::postgres {
namespace {

namespace fs = std::filesystem;

// A folder that the server's user can get to, also under root.
class PrivatePostgresTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/millrace_postgres_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::permissions(root_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
  }
  void TearDown() override {
    if (server_) {
      EXPECT_TRUE(server_->stop().ok());
    }
    fs::remove_all(root_);
  }

  PrivatePostgresOptions options() const {
    return {.directory = root_ / "it's a server", .durable = false, .die_with_parent = true};
  }
  PrivatePostgres& open() {
    auto opened = PrivatePostgres::open(options());
    EXPECT_TRUE(opened.ok()) << opened.error().to_text();
    return server_.emplace(std::move(*opened));
  }
  void start() {
    const Status started = server_->start();
    ASSERT_TRUE(started.ok()) << started.error().to_text();
  }
  std::string ask(const std::string& sql) const {
    pqxx::connection connection(server_->connection_string());
    pqxx::nontransaction work(connection);
    const pqxx::result result = work.exec(sql);
    return result.empty() ? "" : result[0][0].as<std::string>();
  }
  static std::string refusal(PrivatePostgresOptions options) {
    const auto opened = PrivatePostgres::open(std::move(options));
    return opened.ok() ? "accepted" : opened.error().code;
  }

  fs::path root_;
  std::optional<PrivatePostgres> server_;
};

TEST_F(PrivatePostgresTest, starts_stops_and_keeps_its_data) {
  open();
  EXPECT_FALSE(server_->status().initialized);
  start();
  ask("CREATE TABLE kept AS SELECT 42 AS n");
  const pid_t pid = server_->status().pid;
  start();
  EXPECT_EQ(server_->status().pid, pid) << "a running server is left alone";
  EXPECT_EQ(ask("SHOW listen_addresses"), "") << "no TCP";
  EXPECT_TRUE(server_->stop().ok());
  EXPECT_FALSE(server_->status().running);
  EXPECT_TRUE(server_->stop().ok()) << "stopping twice is fine";
  start();
  EXPECT_EQ(ask("SELECT n FROM kept"), "42");
}

TEST_F(PrivatePostgresTest, another_role_is_not_let_in) {
  open();
  start();
  EXPECT_THROW(pqxx::connection(server_->connection_string() + " user=postgres"),
               pqxx::broken_connection);
}

TEST_F(PrivatePostgresTest, comes_back_after_kill) {
  open();
  start();
  ask("CREATE TABLE kept AS SELECT 42 AS n");
  pqxx::connection lingering(server_->connection_string());
  for (int round = 0; round < 3; ++round) {
    const auto postmaster = process::Handle::of(server_->status().pid);
    ASSERT_TRUE(postmaster);
    postmaster->signal(SIGKILL);
    ASSERT_TRUE(postmaster->wait(seconds(30)));
    EXPECT_FALSE(server_->status().running);
    start();
    EXPECT_EQ(ask("SELECT n FROM kept"), "42");
  }
}

TEST_F(PrivatePostgresTest, a_stranger_under_the_old_number_is_no_server) {
  open();
  start();
  ASSERT_TRUE(server_->stop().ok());
  {
    std::ofstream file(server_->data_directory() / "postmaster.pid");
    file << ::getpid() << "\n" << server_->data_directory().string() << "\n1\n5432\n\n\n\nready\n";
  }
  EXPECT_FALSE(server_->status().running);
  start();
  EXPECT_NE(server_->status().pid, ::getpid());
  EXPECT_EQ(ask("SELECT 1"), "1");
}

TEST_F(PrivatePostgresTest, an_interrupted_init_is_started_afresh) {
  open();
  fs::create_directories(server_->data_directory().string() + ".new/base");
  if (server_->server_user()) {
    for (const fs::path& path : {server_->data_directory().parent_path(),
                                 fs::path(server_->data_directory().string() + ".new"),
                                 fs::path(server_->data_directory().string() + ".new/base")}) {
      ASSERT_EQ(::chown(path.c_str(), server_->server_user()->uid, server_->server_user()->gid), 0);
    }
  }
  fs::permissions(server_->data_directory().parent_path(), fs::perms::owner_all);
  start();
  EXPECT_EQ(ask("SELECT 1"), "1");
}

TEST_F(PrivatePostgresTest, says_why_it_did_not_start) {
  PrivatePostgresOptions broken = options();
  broken.settings["shared_buffers"] = "many";
  auto opened = PrivatePostgres::open(broken);
  ASSERT_TRUE(opened.ok());
  const Status started = opened->start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, "postgres.start_failed");
  EXPECT_NE(started.error().message.find("shared_buffers"), std::string::npos)
      << started.error().to_text();
}

TEST_F(PrivatePostgresTest, refuses_what_is_not_its_own) {
  fs::create_directories(options().directory);
  std::ofstream(options().directory / "thesis.txt") << "precious";
  EXPECT_EQ(refusal(options()), "postgres.directory_not_ours");
  fs::remove(options().directory / "thesis.txt");
  EXPECT_EQ(refusal(options()), "accepted");

  fs::create_directories(options().directory / "data");
  EXPECT_EQ(refusal(options()), "postgres.directory_not_ours") << "data that is no cluster";
  std::ofstream(options().directory / "data" / "PG_VERSION") << "9\n";
  EXPECT_EQ(refusal(options()), "postgres.version_differs");

  PrivatePostgresOptions elsewhere = options();
  elsewhere.directory = root_ / "new";
  elsewhere.binaries = root_ / "nothing_here";
  EXPECT_EQ(refusal(elsewhere), "postgres.not_installed");
}

TEST_F(PrivatePostgresTest, a_long_path_gets_its_socket_elsewhere) {
  PrivatePostgresOptions deep = options();
  deep.directory = root_ / std::string(100, 'd');
  const auto opened = PrivatePostgres::open(deep);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->socket_directory().parent_path(), "/tmp");
  deep.socket_directory = deep.directory;
  EXPECT_EQ(refusal(deep), "postgres.socket_path_too_long");
}

TEST_F(PrivatePostgresTest, root_needs_a_directory_that_the_server_can_reach) {
  fs::create_directories(root_ / "closed");
  fs::permissions(root_ / "closed", fs::perms::owner_all);
  const fs::path inside = root_ / "closed" / "server";
  PrivatePostgresOptions closed = options();
  closed.directory = inside;
  if (::geteuid() == 0) {
    EXPECT_EQ(refusal(closed), "postgres.directory_unreachable");
    EXPECT_EQ(reachable_directory(inside).parent_path(), "/var/lib/millrace");
  } else {
    EXPECT_EQ(refusal(closed), "accepted");
    EXPECT_EQ(reachable_directory(inside), inside);
  }
}

TEST_F(PrivatePostgresTest, a_test_server_dies_with_its_parent) {
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    auto opened = PrivatePostgres::open(options());
    ::_exit(opened.ok() && opened->start().ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(parent, &status, 0), parent);
  ASSERT_EQ(status, 0);
  open();
  const auto postmaster = process::Handle::of(server_->status().pid);
  EXPECT_TRUE(!postmaster || postmaster->wait(seconds(30)));
  EXPECT_FALSE(server_->status().running);
}

// initdb outlives an `up` that is killed, and clears up what it made when that is taken from it.
TEST_F(PrivatePostgresTest, an_initdb_whose_starter_was_killed_is_waited_for) {
  const fs::path programs = root_ / "programs";
  const fs::path stays = root_ / "stays";
  fs::create_directory(programs);
  fs::permissions(root_, fs::perms::all);  // the server's user, under root, writes here too
  const auto script = [&](const char* name, const std::string& text) {
    std::ofstream(programs / name) << "#!/bin/sh\n" << text;
    fs::permissions(programs / name, fs::perms(0755));
  };
  script("postgres", "echo 'postgres (PostgreSQL) 15.0'\n");
  script("initdb", "echo $$ > '" + stays.string() + ".new' && mv '" + stays.string() + ".new' '" +
                       stays.string() + "'\nexec sleep 1000\n");
  PrivatePostgresOptions slow = options();
  slow.binaries = programs;
  const auto server = PrivatePostgres::open(slow);
  ASSERT_TRUE(server.ok()) << server.error().to_text();

  const pid_t starter = ::fork();
  if (starter == 0) ::_exit(server->init().ok() ? 0 : 1);
  pid_t initdb = 0;
  while (!(std::ifstream(stays) >> initdb)) ASSERT_EQ(::waitpid(starter, nullptr, WNOHANG), 0);
  ::kill(starter, SIGKILL);
  ::waitpid(starter, nullptr, 0);

  {
    const process::OwnedFd lock(
        ::open((slow.directory / "lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    ASSERT_TRUE(lock);
    EXPECT_NE(::flock(lock.get(), LOCK_EX | LOCK_NB), 0) << "another would work beside it";
  }
  const auto orphan = process::Handle::of(initdb);
  ASSERT_TRUE(orphan);
  orphan->signal(SIGKILL);
  ASSERT_TRUE(orphan->wait(seconds(60)));
  open();
  start();
}

}  // namespace
}  // namespace millrace::postgres
