// The worker's edges to the system, without the rest: logs, flags, journal on disk, starting a
// program.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/contents.h"
#include "workers/runtime/config.h"
#include "workers/runtime/journal.h"
#include "workers/runtime/own_secrets.h"
#include "workers/runtime/scratch.h"
#include "workers/runtime/spawn.h"
#include "workers/runtime/task_log.h"
#include "workers/runtime/wire.h"

namespace millrace::runtime {
namespace {

class InFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "runtime.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
  telemetry::Log log_{telemetry::Log::Format::kText};
};
using Logs = InFolder;
using JournalFile = InFolder;
using Scratch = InFolder;

TEST(LineMasker, masks_whatever_the_pipe_cuts) {
  const std::string text = "token=s3cret, s3cret2!\nnothing\ns3cr";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    LineMasker masker({"s3cret", "s3cret2", "no"});
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += cut) out += masker.feed(text.substr(at, cut));
    out += masker.finish();
    EXPECT_EQ(out, "token=***, ***!\nnothing\ns3cr") << "cut at " << cut;
  }
}

TEST(LineMasker, a_line_without_end_does_not_grow) {
  LineMasker masker({});
  EXPECT_EQ(masker.feed(std::string(LineMasker::kMaxLine + 5, 'x')).size(), LineMasker::kMaxLine);
  EXPECT_EQ(masker.finish().size(), 5U);
}

TEST(LineMasker, masks_what_lies_across_the_parts_of_a_long_line) {
  const std::string secret = "s3cret-of-many-letters";
  for (const std::size_t before :
       {LineMasker::kMaxLine - secret.size(), LineMasker::kMaxLine - 10, LineMasker::kMaxLine - 1})
    for (const std::size_t cut : {std::size_t{1'000}, LineMasker::kMaxLine, std::size_t{1} << 20}) {
      const std::string text = std::string(before, 'x') + secret + "!" + secret.substr(0, 9);
      LineMasker masker({secret});
      std::string out;
      for (std::size_t at = 0; at < text.size(); at += cut)
        out += masker.feed(std::string_view(text).substr(at, cut));
      out += masker.finish();
      EXPECT_EQ(out, std::string(before, 'x') + "***!s3cret-of") << before << ", " << cut;
    }
}

TEST(LineMasker, a_secret_as_long_as_a_line_does_not_make_it_grow) {
  LineMasker masker({std::string(LineMasker::kMaxLine + 10, 's')});
  std::string out;
  for (int i = 0; i < 2; ++i) out += masker.feed(std::string(LineMasker::kMaxLine, 's'));
  EXPECT_EQ(out, "************") << "by its beginning";
}

TEST(LineMasker, leaves_no_end_of_a_secret_that_another_begins) {
  const std::string before(LineMasker::kMaxLine - 6, 'x');
  LineMasker masker({"s3cret", "s3cret-and-more"});
  std::string out = masker.feed(before + "s3cret");
  out += masker.feed("-and-more, s3cret-and\n");
  EXPECT_EQ(out, before + "***, ***-and\n");
}

TEST(OwnSecrets, are_the_token_and_what_names_say) {
  for (const char* name : {"AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "GITHUB_TOKEN", "api_key"})
    EXPECT_TRUE(names_a_secret(name)) << name;
  for (const char* name : {"PATH", "HOME", "KEYBOARD", "PWD", "LANG", "USER", "AUTHOR"})
    EXPECT_FALSE(names_a_secret(name)) << name;
  EXPECT_EQ(
      own_secrets("the-token", {"PATH=/usr/bin:/bin", "DB_PASSWORD=hush-hush=", "TOKEN_TTL=3600",
                                "NONE", "TLS_KEY=-----BEGIN KEY-----\nMIIEvQIBADAN\nx\n"}),
      (std::vector<std::string>{"the-token", "hush-hush=", "-----BEGIN KEY-----", "MIIEvQIBADAN"}));
}

TEST(PathPart, names_one_folder_below) {
  for (const char* good : {"default", "a", "a-b.c_D9"}) EXPECT_TRUE(is_path_part(good)) << good;
  for (const char* bad : {"", ".", "..", ".logs", "-a", "a/b", "a b", "a\n", "ä"})
    EXPECT_FALSE(is_path_part(bad)) << bad;
  EXPECT_FALSE(is_path_part(std::string(254, 'a')));
}

TEST_F(Logs, are_made_with_their_folders_and_keep_the_end_in_mind) {
  const auto file = folder_ / "ns" / "run" / "0-1.log";
  TaskLog log(file, mebibytes(1), {"pass-word"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "ns"))
      << "nothing is made for one that says nothing";
  log.write("one\ntwo pass-word\nth");
  EXPECT_EQ(contents_of_file(file), "one\ntwo ***\n");
  log.write("ree");
  log.finish();
  EXPECT_EQ(contents_of_file(file), "one\ntwo ***\nthree");
  EXPECT_EQ(log.tail(), "one\ntwo ***\nthree");
}

TEST_F(Logs, a_link_in_the_way_is_not_followed) {
  std::filesystem::create_symlink(folder_ / "target", folder_ / "0-1.log");
  std::ofstream(folder_ / "target") << "before\n";
  TaskLog log(folder_ / "0-1.log", mebibytes(1), {});
  log.write("line\n");
  EXPECT_NE(log.error().find("cannot open"), std::string::npos);
  EXPECT_EQ(log.tail(), "line\n") << "what was said last is known all the same";
  EXPECT_EQ(contents_of_file(folder_ / "target"), "before\n");
}

TEST_F(Scratch, is_empty_whoever_had_it_before) {
  std::filesystem::create_directory(folder_ / "precious");
  std::ofstream(folder_ / "precious" / "file") << "kept";
  for (int round = 0; round < 50; ++round) {
    ScratchFolders scratch(folder_ / std::to_string(round));
    std::filesystem::create_directory(folder_ / std::to_string(round));
    for (int i = 0; i < 3; ++i) {
      const auto folder = scratch.take();
      ASSERT_TRUE(folder.ok());
      ASSERT_TRUE(std::filesystem::is_directory(*folder));
      ASSERT_TRUE(std::filesystem::is_empty(*folder)) << round;
      std::filesystem::create_directories(*folder / "a" / "b");
      std::ofstream(*folder / "a" / "file") << "x";
      std::filesystem::create_directory_symlink(folder_ / "precious", *folder / "link");
      if (i == 1) {  // the folder itself became a link
        std::filesystem::remove_all(*folder);
        std::filesystem::create_directory_symlink(folder_ / "precious", *folder);
      }
      scratch.give_back(*folder);
    }
  }
  EXPECT_EQ(contents_of_file(folder_ / "precious" / "file"), "kept");
}

TEST(Config, is_filled_from_flags) {
  const char* arguments[] = {"millrace-worker",
                             "--scheduler=unix:/run/s",
                             "--token-file",
                             "/t",
                             "--data-root=/data/../data/",
                             "--scratch=/scratch",
                             "--state-dir=/state",
                             "--cpu=1500m",
                             "--memory",
                             "2Gi",
                             "--disk=10Mi",
                             "--allowed-root=/in",
                             "--allowed-root=/out",
                             "--runners=3",
                             "--name=w-2"};
  const auto config = parse_config(arguments);
  ASSERT_TRUE(config.ok()) << config.error().to_text();
  EXPECT_EQ(config->cpu, MilliCpu(1'500));
  EXPECT_EQ(config->memory, Bytes(std::int64_t{2} << 30));
  EXPECT_EQ(config->disk, mebibytes(10));
  EXPECT_EQ(config->pool.max_runners, 3U);
  EXPECT_EQ(config->name, "w-2");
  EXPECT_EQ(config->allowed_roots, (std::vector<std::filesystem::path>{"/in", "/out"}));
  EXPECT_EQ(config->log_dir, config->data_root / ".logs");
  EXPECT_EQ(config->runner.filename(), "millrace-runner");
}

TEST(Config, names_what_is_wrong) {
  const auto code_of = [](std::vector<const char*> more) {
    std::vector<const char*> arguments{"millrace-worker", "--scheduler=unix:/run/s",
                                       "--token-file=/t", "--data-root=/d",
                                       "--scratch=/s",    "--state-dir=/st"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto config = parse_config(arguments);
    return config.ok() ? std::string("ok") : config.error().code;
  };
  EXPECT_EQ(code_of({}), "ok");
  EXPECT_EQ(code_of({"--colour=red"}), "flag.unknown");
  EXPECT_EQ(code_of({"cpu=2"}), "flag.unknown");
  EXPECT_EQ(code_of({"--cpu"}), "flag.missing");
  for (const char* bad :
       {"--cpu=0", "--cpu=-1", "--cpu=two", "--cpu=", "--memory=1G", "--memory=9999999999Gi",
        "--memory=99999999999999999999", "--scheduler=host:1", "--data-root=relative",
        "--name=../x", "--runners=0", "--drain=-5", "--grace=1.5", "--log-format=xml"})
    EXPECT_EQ(code_of({bad}), "flag.invalid") << bad;
  const char* nothing[] = {"millrace-worker"};
  EXPECT_EQ(parse_config(nothing).error().code, "flag.missing");
}

TEST_F(JournalFile, ends_what_a_former_incarnation_left) {
  const RawId first{1, 1};
  pid_t pid = 0;
  {
    auto journal = Journal::open(folder_, first, log_);
    ASSERT_TRUE(journal.ok());
    EXPECT_TRUE(journal->ended_incarnation().is_nil());
    EXPECT_EQ(Journal::open(folder_, RawId{9, 9}, log_).error().code, "worker.state_in_use");
    int closed[2] = {};
    ASSERT_EQ(::pipe(closed), 0);
    pid = ::fork();
    if (pid == 0) {
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close_range(3, ~0U, 0);  // the journal's lock among them, as exec would
      while (true) ::pause();
    }
    ::setpgid(pid, pid);
    // Until the child has let go of the lock: its end of the pipe goes with it.
    ::close(closed[1]);
    char nothing = 0;
    ASSERT_EQ(::read(closed[0], &nothing, 1), 0);
    ::close(closed[0]);
    ASSERT_TRUE(journal->record({pid, process::read_stat(pid)->start_ticks, ::getsid(0)}).ok());
    // One that was recorded and is gone, and one whose number is ours now: neither may be touched.
    ASSERT_TRUE(journal->record({::getpid(), 1, 1}).ok());
    ASSERT_TRUE(journal->record({4'000'000, 1, 1}).ok());
  }
  auto journal = Journal::open(folder_, RawId{2, 2}, log_);
  ASSERT_TRUE(journal.ok());
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_EQ(journal->ended_incarnation(), first);
  EXPECT_TRUE(parse_journal(contents_of_file(folder_ / "process-groups")).groups.empty());
}

TEST_F(JournalFile, of_another_boot_names_nobody) {
  std::ofstream(folder_ / "process-groups")
      << "boot another\nincarnation " << RawId({1, 1}).to_text() << "\ngroup " << ::getpgrp() << " "
      << process::read_stat(::getpgrp()).value_or(ProcessStat{}).start_ticks << " " << ::getsid(0)
      << "\n";
  auto journal = Journal::open(folder_, RawId{2, 2}, log_);
  ASSERT_TRUE(journal.ok());  // and this process lives
  EXPECT_EQ(journal->ended_incarnation(), (RawId{1, 1}));
}

TEST_F(JournalFile, stays_small) {
  auto journal = Journal::open(folder_, RawId{1, 1}, log_);
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(journal->record({4'000'001, 1, 1}).ok());
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(journal->record({4'000'002, 1, 1}).ok());
    journal->forget(4'000'002);
  }
  EXPECT_LT(std::filesystem::file_size(folder_ / "process-groups"), 60'000U);
  EXPECT_EQ(parse_journal(contents_of_file(folder_ / "process-groups")).groups.size(), 1U);
}

TEST(Spawn, tells_why_a_program_did_not_start) {
  const auto spawned = spawn({"/nonexistent/program", {}, {}});
  ASSERT_FALSE(spawned.ok());
  EXPECT_EQ(spawned.error().code, "runner.spawn_failed");
  EXPECT_NE(spawned.error().message.find("executing it: No such file"), std::string::npos)
      << spawned.error().message;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(Spawn, gives_a_program_four_descriptors_and_its_environment) {
  // Inheritable on purpose, and at numbers that the child's own could collide with.
  const int stray = ::dup(0);
  auto spawned =
      spawn({"/bin/sh", {"-c", "echo /proc/self/fd/*; env; kill -0 0; echo >&3 over"}, {"A=b"}});
  ASSERT_TRUE(spawned.ok()) << spawned.error().to_text();
  std::string output;
  char buffer[4096];
  pollfd readable{spawned->output.get(), POLLIN, 0};
  while (::poll(&readable, 1, 10'000) == 1) {
    const ssize_t size = ::read(spawned->output.get(), buffer, sizeof(buffer));
    if (size <= 0) break;
    output.append(buffer, static_cast<std::size_t>(size));
  }
  ::waitpid(spawned->pid, nullptr, 0);
  ::close(stray);
  // The shell opens one more itself to read the folder.
  EXPECT_TRUE(output.starts_with("/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3"))
      << output;
  EXPECT_EQ(output.find("/proc/self/fd/5"), std::string::npos) << output;
  EXPECT_NE(output.find("A=b\n"), std::string::npos);
  EXPECT_EQ(output.find("HOME="), std::string::npos);
  EXPECT_EQ(::read(spawned->channel.get(), buffer, sizeof(buffer)), 5);
}

TEST(Wire, names_places_of_an_attempt) {
  task::v1alpha1::AttemptRef ref;
  ref.set_run_id(to_wire(RawId{0, 7}));
  ref.set_task_index(2);
  ref.set_attempt(3);
  ref.set_epoch(44);
  EXPECT_EQ(id_from_wire(ref.run_id()), (RawId{0, 7}));
  EXPECT_EQ(output_prefix("default", ref), "default/00000000000000000000000007/2/44");
  EXPECT_EQ(log_path("default", ref), "default/00000000000000000000000007/2-3.log");
}

}  // namespace
}  // namespace millrace::runtime
