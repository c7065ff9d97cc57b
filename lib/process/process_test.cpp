#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>

#include "lib/process/handle.h"
#include "lib/process/owned_fd.h"
#include "lib/process/run.h"
#include "lib/process/start.h"
#include "lib/process/stat.h"

namespace millrace::process {
namespace {

// A shell's script, and what it said on its standard output; empty where it did not start.
std::string said(StartOptions options, const std::string& script) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "";
  const OwnedFd reader(ends[0]);
  OwnedFd writer(ends[1]);
  options.program = "/bin/sh";
  options.arguments = {"-c", script};
  options.descriptors[1] = writer.get();
  const Started started = start(options);
  writer.reset();
  if (!std::holds_alternative<Handle>(started)) return "";
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t size = 0; (size = ::read(reader.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  std::get<Handle>(started).reap();
  return text;
}

Handle sleeper(StartOptions options = {}) {
  options.program = "/bin/sleep";
  options.arguments = {"600"};
  Started started = start(options);
  EXPECT_TRUE(std::holds_alternative<Handle>(started));
  return std::get<Handle>(std::move(started));
}

TEST(Stat, a_name_may_hold_anything) {
  const auto stat = parse_stat(
      "42 (a) Z 1 (b)) S 7 42 40 0 -1 4194304 1 2 3 4 10 20 300 150 20 0 3 0 98765 1000 50 "
      "18446744073709551615");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 42);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->group, 42);
  EXPECT_EQ(stat->session, 40);
  EXPECT_EQ(stat->children_cpu, Micros(4'500'000));
  EXPECT_EQ(stat->start_ticks, 98'765U);
  for (const char* bad : {"", "42", "42 (x)", "42 (x) S 1", "x (y) S 1 2 3", ") ("})
    EXPECT_FALSE(parse_stat(bad)) << bad;
}

TEST(Stat, of_this_process) {
  const auto stat = read_stat(::getpid());
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, ::getpid());
  EXPECT_EQ(stat->parent, ::getppid());
  EXPECT_GT(stat->start_ticks, 0U);
  EXPECT_FALSE(read_stat(0));
}

TEST(Handle, tells_how_a_child_ended) {
  StartOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-c", "exit 7"};
  const Handle exits = std::get<Handle>(start(options));
  const auto exited = exits.reap();
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->exit_code, 7);
  EXPECT_EQ(exited->shell_code(), 7);
  EXPECT_FALSE(exits.reap()) << "waited for twice";

  const Handle child = sleeper();
  EXPECT_FALSE(child.ended());
  EXPECT_FALSE(child.wait(milliseconds(1)));
  child.signal(SIGTERM);
  EXPECT_TRUE(child.wait(seconds(60)));
  const auto killed = child.reap();
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->signal, SIGTERM);
  EXPECT_EQ(killed->shell_code(), 143);
}

TEST(Handle, never_reaches_a_successor) {
  Handle child = sleeper();
  const pid_t pid = child.pid();
  child.signal(SIGKILL);
  child.reap();
  EXPECT_TRUE(child.ended());
  child.signal(SIGKILL);  // nobody
  EXPECT_FALSE(Handle::of(pid)) << "its number is free";
  EXPECT_FALSE(Handle::of(0));
  EXPECT_FALSE(Handle::of(-1)) << "a pid that means everybody";
}

TEST(Start, tells_why_there_is_no_child) {
  StartOptions options;
  options.program = "/nonexistent/program";
  Started started = start(options);
  const auto* fault = std::get_if<StartFault>(&started);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(fault->step, StartFault::Step::kExec);
  EXPECT_EQ(to_text(*fault), "executing it: No such file or directory");

  options.program = "/bin/true";
  options.folder = "/nonexistent";
  started = start(options);
  fault = std::get_if<StartFault>(&started);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(fault->step, StartFault::Step::kFolder);

  options.folder = "/";
  options.descriptors = {0, 1, 987'654};
  started = start(options);
  fault = std::get_if<StartFault>(&started);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(fault->step, StartFault::Step::kDescriptors);
  EXPECT_EQ(fault->number, EBADF);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(Start, gives_what_is_given_and_nothing_else) {
  // Inheritable on purpose, and at numbers that the child's own could collide with.
  std::array<OwnedFd, 8> strays;
  for (OwnedFd& stray : strays) stray = OwnedFd(::dup(0));
  StartOptions options;
  options.environment = {"A=b"};
  options.descriptors = {StartOptions::kNull, StartOptions::kNull, STDERR_FILENO,
                         strays.back().get()};
  options.name = "other";
  const std::string text = said(options, "echo /proc/$$/fd/*; /usr/bin/env; echo $0; pwd");
  const std::string pid = text.substr(0, text.find("/fd/"));
  EXPECT_NE(text.find(pid + "/fd/3"), std::string::npos) << text;
  // The shell opens one more itself to read the folder.
  for (const char* other : {"/fd/5", "/fd/6", "/fd/7", "/fd/8"})
    EXPECT_EQ(text.find(other), std::string::npos) << text;
  EXPECT_NE(text.find("A=b\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("HOME="), std::string::npos) << text;
  EXPECT_NE(text.find("\nother\n/\n"), std::string::npos) << text;
}

// Where the descriptors stand in each other's way: each is the other's number.
TEST(Start, descriptors_may_change_places) {
  const std::string text = said({.descriptors = {STDERR_FILENO, StartOptions::kNull, STDIN_FILENO}},
                                "readlink /proc/$$/fd/0 /proc/$$/fd/2");
  std::array<char, 4096> one{};
  std::array<char, 4096> other{};
  ASSERT_GT(::readlink("/proc/self/fd/2", one.data(), one.size()), 0);
  ASSERT_GT(::readlink("/proc/self/fd/0", other.data(), other.size()), 0);
  EXPECT_EQ(text, std::string(one.data()) + "\n" + other.data() + "\n");
}

// The mask and ignored signals would outlive exec.
TEST(Start, no_signal_is_blocked_or_ignored) {
  sigset_t some;
  sigset_t before;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &some, &before);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  const std::string text = said({}, "grep -E '^Sig(Blk|Ign)' /proc/self/status");
  ::signal(SIGPIPE, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // Two are the C library's own, 32 and 33: no program may set them, and whoever was started by its
  // posix_spawn() has them ignored.
  constexpr std::uint64_t kOfTheLibrary = 0x1'8000'0000;
  std::istringstream words(text);
  std::string name;
  std::uint64_t blocked = 0;
  std::uint64_t ignored = 0;
  words >> name >> std::hex >> blocked >> name >> ignored;
  ASSERT_TRUE(words) << text;
  EXPECT_EQ(blocked, 0U) << text;
  EXPECT_EQ(ignored & ~kOfTheLibrary, 0U) << text;
}

TEST(Start, groups) {
  const auto stat_of = [](Group group) {
    StartOptions options;
    options.group = group;
    const Handle child = sleeper(options);
    const auto stat = read_stat(child.pid());
    child.signal(SIGKILL);
    child.reap();
    return stat.value_or(Stat{});
  };
  EXPECT_EQ(stat_of(Group::kOfParent).group, ::getpgrp());
  const Stat own = stat_of(Group::kOwn);
  EXPECT_EQ(own.group, own.pid);
  EXPECT_EQ(own.session, ::getsid(0));
  const Stat session = stat_of(Group::kOwnSession);
  EXPECT_EQ(session.session, session.pid);
}

TEST(Start, waits_with_its_group_made_until_it_is_known) {
  StartOptions options;
  options.group = Group::kOwn;
  pid_t told = 0;
  options.before_exec = [&](pid_t pid) {
    told = pid;
    const auto stat = read_stat(pid);
    ASSERT_TRUE(stat);
    EXPECT_EQ(stat->group, pid);
    std::array<char, 256> program{};
    EXPECT_GT(::readlink(("/proc/" + std::to_string(pid) + "/exe").c_str(), program.data(),
                         program.size() - 1),
              0);
    EXPECT_EQ(std::string_view(program.data()).find("sleep"), std::string_view::npos);
  };
  const Handle child = sleeper(options);
  EXPECT_EQ(told, child.pid());
  child.signal(SIGKILL);
  child.reap();
}

TEST(Start, one_that_ends_before_it_runs_is_seen_by_its_end) {
  StartOptions options;
  options.program = "/bin/true";
  options.before_exec = [](pid_t pid) { ::kill(pid, SIGKILL); };
  const Started started = start(options);
  ASSERT_TRUE(std::holds_alternative<Handle>(started));
  const auto end = std::get<Handle>(started).reap();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGKILL);
}

TEST(Start, a_confined_one_gains_nothing_and_leaves_no_core) {
  const std::string text = said({.confined = true}, "grep NoNewPrivs /proc/self/status; ulimit -c");
  EXPECT_EQ(text, "NoNewPrivs:\t1\n0\n");
}

TEST(Start, files_of_the_child_get_its_umask) {
  EXPECT_EQ(said({.umask = 0027}, "umask"), "0027\n");
}

TEST(Start, as_another_user) {
  const auto user = find_user("nobody");
  if (::geteuid() != 0 || !user) {
    EXPECT_TRUE(find_user(::geteuid())) << "only root changes its user";
    return;
  }
  const std::string text = said({.user = user}, "id -u; id -G");
  EXPECT_TRUE(text.starts_with(std::to_string(user->uid) + "\n")) << text;
  EXPECT_EQ(text.find("\n0"), std::string::npos) << "root's groups are left: " << text;
}

TEST(Run, feeds_a_program_and_keeps_the_end_of_what_it_says) {
  StartOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-c", "cat; echo err >&2; exit 3"};
  auto ran = run(options, "in\n", seconds(60));
  ASSERT_TRUE(std::holds_alternative<Ran>(ran));
  EXPECT_EQ(std::get<Ran>(ran).output, "in\nerr\n");
  EXPECT_EQ(std::get<Ran>(ran).exit_code, 3);

  options.arguments = {"-c", "yes | head -c 1000000; echo; echo last"};
  ran = run(options, "", seconds(60));
  ASSERT_TRUE(std::holds_alternative<Ran>(ran));
  EXPECT_EQ(std::get<Ran>(ran).output.size(), 64U * 1024);
  EXPECT_TRUE(std::get<Ran>(ran).output.ends_with("\nlast\n"));
}

TEST(Run, tells_why_there_is_no_end) {
  StartOptions options;
  options.program = "/bin/sleep";
  options.arguments = {"600"};
  auto ran = run(options, "", milliseconds(1));
  ASSERT_TRUE(std::holds_alternative<RunFault>(ran));
  EXPECT_TRUE(std::holds_alternative<TimedOut>(std::get<RunFault>(ran)));
  options.program = "/nonexistent/program";
  ran = run(options, "", seconds(60));
  ASSERT_TRUE(std::holds_alternative<RunFault>(ran));
  EXPECT_TRUE(std::holds_alternative<StartFault>(std::get<RunFault>(ran)));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

}  // namespace
}  // namespace millrace::process
