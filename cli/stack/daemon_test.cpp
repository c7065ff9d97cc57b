#include "cli/stack/daemon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "cli/stack/ports.h"
#include "tests/support/eventually.h"

namespace millrace::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DaemonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "daemon_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override {
    for (const DaemonId& id : started_) EXPECT_TRUE(stop_daemon(id, std::chrono::seconds(0)).ok());
    fs::remove_all(root_);
  }
  DaemonId start(const std::string& script, const std::string& marker = "marker") {
    const auto id = start_daemon({"/bin/sh", {"-c", script, marker}, root_ / "log"});
    EXPECT_TRUE(id.ok());
    started_.push_back(*id);
    return *id;
  }
  // The daemon says in its log that it has come so far; waits for that.
  void wait_for(const std::string& word) {
    ASSERT_TRUE(testing_support::eventually([&] {
      return tail_of(root_ / "log", 100).find(word) != std::string::npos;
    })) << word
        << " is not in:\n"
        << tail_of(root_ / "log", 100);
  }
  fs::path root_;
  std::vector<DaemonId> started_;
};

TEST_F(DaemonTest, runs_in_a_session_of_its_own_with_nothing_of_ours) {
  ::setenv("SECRET_OF_THE_SHELL", "visible", 1);
  const int leaked = ::open("/dev/null", O_RDONLY);  // inherited unless somebody closes it
  const DaemonId id =
      start("env; ls /proc/self/fd | tr '\\n' ' '; pwd; echo ready; exec sleep 100");
  wait_for("ready");
  ::close(leaked);
  const std::string log = tail_of(root_ / "log", 100);
  EXPECT_EQ(log.find("SECRET_OF_THE_SHELL"), std::string::npos);
  EXPECT_THAT(log, HasSubstr("\n0 1 2 3 /\n"));  // 3 is ls' own
  EXPECT_EQ(::getsid(id.pid), id.pid);
  EXPECT_TRUE(is_alive(id));
}

TEST_F(DaemonTest, ends_politely_or_by_force) {
  DaemonId polite = start("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
  wait_for("ready");
  EXPECT_TRUE(stop_daemon(polite, std::chrono::seconds(30)).ok());
  EXPECT_THAT(tail_of(root_ / "log", 10), HasSubstr("bye"));
  EXPECT_FALSE(is_alive(polite));

  DaemonId deaf = start("trap '' TERM; echo deaf; while :; do sleep 0.01; done");
  wait_for("deaf");
  EXPECT_TRUE(stop_daemon(deaf, std::chrono::milliseconds(50)).ok());
  EXPECT_FALSE(is_alive(deaf));
}

TEST_F(DaemonTest, a_stopped_one_ends_too) {
  const DaemonId id = start("echo ready; exec sleep 100");
  wait_for("ready");
  ::kill(id.pid, SIGSTOP);
  EXPECT_TRUE(stop_daemon(id, std::chrono::seconds(30)).ok());
  EXPECT_FALSE(is_alive(id));
}

TEST_F(DaemonTest, another_process_under_its_number_is_not_it) {
  const DaemonId id = start("exec sleep 100");
  DaemonId earlier = id;
  earlier.start_ticks -= 1;
  EXPECT_FALSE(is_alive(earlier));
  DaemonId other_boot = id;
  other_boot.boot_id = "another";
  EXPECT_FALSE(is_alive(other_boot));
  EXPECT_TRUE(stop_daemon(earlier, std::chrono::seconds(0)).ok());
  EXPECT_TRUE(is_alive(id)) << "a stranger was signalled";
}

TEST_F(DaemonTest, one_that_has_ended_but_was_not_waited_for_is_dead) {
  const DaemonId id = start("echo gone");
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(id.pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(is_alive(id));
}

TEST_F(DaemonTest, is_found_again_by_its_argument) {
  const std::string marker = (root_ / "port").string();
  const DaemonId id = start("echo ready; sleep 100; true", marker);
  wait_for("ready");
  EXPECT_EQ(find_daemon("sh", marker), id);
  EXPECT_EQ(find_daemon("sh", marker + "x"), std::nullopt);
  EXPECT_EQ(find_daemon("bash", marker), std::nullopt);
}

TEST_F(DaemonTest, a_replaced_program_is_noticed) {
  const fs::path program = root_ / "program";
  fs::copy_file("/bin/sleep", program);
  const auto id = start_daemon({program, {"100"}, root_ / "log"});
  ASSERT_TRUE(id.ok());
  started_.push_back(*id);
  EXPECT_TRUE(runs_program(*id, program));
  fs::copy_file("/bin/sleep", root_ / "newer");
  fs::rename(root_ / "newer", program);
  EXPECT_FALSE(runs_program(*id, program));
}

TEST_F(DaemonTest, what_cannot_be_started_is_named) {
  const auto id = start_daemon({root_ / "missing", {}, root_ / "log"});
  ASSERT_FALSE(id.ok());
  EXPECT_THAT(id.error().message, HasSubstr("missing"));
}

TEST(Ports, a_taken_port_names_who_has_it) {
  // Any port that a listener of ours gets from the kernel.
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int port = ntohs(address.sin_port);
  EXPECT_FALSE(port_is_free(port));
  EXPECT_THAT(port_taken(port).message, HasSubstr("port " + std::to_string(port) +
                                                  " of 127.0.0.1 is taken by stack_test (process " +
                                                  std::to_string(::getpid()) + ")"));
  ::close(fd);
  EXPECT_TRUE(port_is_free(port));
}

TEST_F(DaemonTest, a_program_that_is_run_to_its_end_tells_what_it_said) {
  const auto spoke = run_to_end({"/bin/sh", {"-c", "echo out; echo err >&2; exit 3"}, ""},
                                std::chrono::seconds(30));
  ASSERT_TRUE(spoke.ok());
  EXPECT_EQ(spoke->exit_code, 3);
  EXPECT_EQ(spoke->output, "out\nerr\n");
  EXPECT_FALSE(run_to_end({"/bin/sleep", {"100"}, ""}, std::chrono::milliseconds(1)).ok());
  EXPECT_FALSE(run_to_end({"/nowhere/at/all", {}, ""}, std::chrono::seconds(30)).ok());
}

}  // namespace
}  // namespace millrace::cli
