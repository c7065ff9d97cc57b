// The worker program itself, with a scheduler and a runner that speak the real protocols.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/contents.h"
#include "lib/process/handle.h"
#include "tests/support/eventually.h"
#include "workers/runtime/memory_groups.h"
#include "workers/runtime/process_table.h"
#include "workers/runtime/testing/scripted_scheduler.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {
namespace {

using nlohmann::json;
using testing_support::eventually;
using worker::v1alpha1::Heartbeat;
using worker::v1alpha1::WorkerMessage;

const std::string kToken = "a-token-of-enough-characters";
constexpr Micros kLease = seconds(10);      // longer than any hiccup of a busy machine
constexpr Micros kShortLease = seconds(1);  // where it is to pass

class WorkerProgram : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "worker.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(folder_ / "token") << kToken;
    ::chmod((folder_ / "token").c_str(), 0600);
    listen();
  }
  void TearDown() override {
    if (worker_ > 0) {
      ::kill(worker_, SIGCONT);
      ::kill(worker_, SIGKILL);
      ::waitpid(worker_, nullptr, 0);
    }
    scheduler_.reset();
    if (HasFailure()) std::fputs(contents_of_file(folder_ / "worker.log").c_str(), stderr);
    std::filesystem::remove_all(folder_);
  }

  void listen(Micros lease = kLease) {
    scheduler_.reset();
    scheduler_ = std::make_unique<ScriptedScheduler>((folder_ / "s").string(), kToken, lease);
  }

  void start_worker(const std::vector<std::string>& more = {}) {
    const std::filesystem::path programs(std::getenv("MILLRACE_BIN_DIR"));
    std::vector<std::string> arguments{
        (programs / "millrace-worker").string(),
        "--scheduler=unix:" + (folder_ / "s").string(),
        "--token-file=" + (folder_ / "token").string(),
        "--name=w1",
        "--data-root=" + (folder_ / "data").string(),
        "--scratch=" + (folder_ / "scratch").string(),
        "--state-dir=" + (folder_ / "state").string(),
        "--runner=" + std::string(std::getenv("MILLRACE_ECHO_RUNNER")),
        "--cpu=2",
        "--memory=1Gi",
        "--disk=1Gi",
        "--runners=2",
        "--grace=1",
    };
    arguments.insert(arguments.end(), more.begin(), more.end());
    worker_ = ::fork();
    if (worker_ == 0) {
      FILE* log = std::freopen((folder_ / "worker.log").c_str(), "a", stderr);
      std::vector<char*> pointers;
      pointers.reserve(arguments.size() + 1);
      for (std::string& argument : arguments) pointers.push_back(argument.data());
      pointers.push_back(nullptr);
      if (log != nullptr) ::execv(pointers[0], pointers.data());
      ::_exit(127);
    }
  }
  worker::v1alpha1::Hello start_and_greet(const std::vector<std::string>& more = {}) {
    start_worker(more);
    return scheduler_->await_hello().hello();
  }
  int wait_for_worker() {
    int status = 0;
    ::waitpid(std::exchange(worker_, 0), &status, 0);
    return status;
  }

  // Starts it and waits until a heartbeat says that the runner has it.
  void start_and_await(std::uint64_t epoch, const json& body) {
    scheduler_->start(epoch, body.dump());
    scheduler_->await_heartbeat([&](const Heartbeat& heartbeat) {
      for (const auto& status : heartbeat.attempts())
        if (status.attempt().epoch() == epoch && status.started()) return true;
      return false;
    });
  }
  json outputs_of(std::uint64_t epoch) {
    const WorkerMessage result = scheduler_->await_result(epoch);
    EXPECT_TRUE(result.has_succeeded()) << result.ShortDebugString();
    scheduler_->acknowledge(epoch);
    return json::parse(result.succeeded().success().outputs_json());
  }
  task::v1alpha1::Failure failure_of(std::uint64_t epoch) {
    const WorkerMessage result = scheduler_->await_result(epoch);
    EXPECT_TRUE(result.has_failed()) << result.ShortDebugString();
    scheduler_->acknowledge(epoch);
    return result.failed().failure();
  }
  std::vector<pid_t> runners() const { return ProcessTable::read().children(worker_); }
  // So that their ends can be awaited, though they are not our children.
  std::vector<process::Handle> held_runners() const {
    std::vector<process::Handle> held;
    for (const pid_t pid : runners())
      if (auto runner = process::Handle::of(pid)) held.push_back(std::move(*runner));
    EXPECT_FALSE(held.empty());
    return held;
  }
  std::filesystem::path log_of(const std::string& ns = "default") const {
    return folder_ / "data" / ".logs" / ns / "00000000000000000000000007" / "2-1.log";
  }
  // No attempt has a file there any more.
  bool scratch_is_empty() const {
    std::error_code code;
    std::filesystem::recursive_directory_iterator it(folder_ / "scratch" / "w1", code), end;
    for (; !code && it != end; it.increment(code))
      if (!it->is_directory(code)) return false;
    return !code;
  }
  json wait_body() const { return {{"do", "wait"}, {"file", (folder_ / "go").string()}}; }
  void go() { std::ofstream(folder_ / "go") << "go"; }

  std::filesystem::path folder_;
  std::unique_ptr<ScriptedScheduler> scheduler_;
  pid_t worker_ = 0;
};

TEST_F(WorkerProgram, runs_an_attempt_and_says_its_result_until_it_is_acknowledged) {
  const auto hello = start_and_greet();
  EXPECT_EQ(hello.worker_name(), "w1");
  EXPECT_EQ(hello.protocol(), 1U);
  EXPECT_EQ(hello.incarnation().size(), 16U);
  EXPECT_EQ(hello.capacity().memory_bytes(), std::int64_t{1} << 30);
  EXPECT_TRUE(hello.ended_incarnation().empty());

  scheduler_->start(7, json{{"do", "succeed"}, {"files", 3}, {"say", "hello there"}}.dump());
  std::size_t rows = 0;
  for (int i = 0; i < 3; ++i)
    rows += static_cast<std::size_t>(
        scheduler_->await([](const WorkerMessage& m) { return m.has_file_page(); })
            .file_page()
            .page()
            .files_size());
  EXPECT_EQ(rows, 3U);
  const auto succeeded = scheduler_->await_result(7).succeeded();
  EXPECT_EQ(succeeded.success().file_count(), 3U);
  EXPECT_EQ(succeeded.usage().rows_read(), 17);
  EXPECT_GT(succeeded.usage().wall_us(), 0);
  EXPECT_GT(succeeded.usage().memory_peak_bytes(), 0);

  // Not acknowledged: again, pages first.
  scheduler_->await([](const WorkerMessage& m) { return m.has_file_page(); });
  scheduler_->await_result(7);
  scheduler_->acknowledge(7);
  scheduler_->await_heartbeat([](const Heartbeat& h) { return h.attempts_size() == 0; });
  EXPECT_EQ(contents_of_file(log_of()), "hello there\n");
  EXPECT_TRUE(eventually([&] { return scratch_is_empty(); }));
}

TEST_F(WorkerProgram, does_not_ask_for_a_description_that_came_with_the_start) {
  start_and_greet();
  scheduler_->start_described(7, json{{"do", "succeed"}}.dump());
  EXPECT_EQ(outputs_of(7)["served"], 1);
}

TEST_F(WorkerProgram, a_failure_is_carried_and_its_runner_replaced) {
  start_and_greet();
  scheduler_->start(1, json{{"do", "succeed"}}.dump());
  const json first = outputs_of(1);
  scheduler_->start(2, json{{"do", "succeed"}}.dump());
  EXPECT_EQ(outputs_of(2)["pid"], first["pid"]) << "the runner was to serve its namespace again";
  scheduler_->start(3, json{{"do", "fail"}, {"code", "sql.syntax"}}.dump());
  EXPECT_EQ(failure_of(3).code(), "sql.syntax");
  scheduler_->start(4, json{{"do", "succeed"}}.dump());
  EXPECT_NE(outputs_of(4)["pid"], first["pid"]);
}

TEST_F(WorkerProgram, namespaces_share_no_runner) {
  start_and_greet();
  scheduler_->start(1, json{{"do", "succeed"}}.dump(), "alpha");
  const json alpha = outputs_of(1);
  scheduler_->start(2, json{{"do", "succeed"}}.dump(), "beta");
  const json beta = outputs_of(2);
  EXPECT_NE(alpha["pid"], beta["pid"]);
  EXPECT_EQ(beta["served"], 1);
  scheduler_->start(3, json{{"do", "succeed"}}.dump(), "gamma");  // of two runners, one makes way
  EXPECT_EQ(outputs_of(3)["served"], 1);
}

TEST_F(WorkerProgram, a_runner_inherits_nothing) {
  ::setenv("MILLRACE_CANARY", "secret", 1);
  start_and_greet();
  ::unsetenv("MILLRACE_CANARY");
  scheduler_->start(1, json{{"do", "succeed"}}.dump());
  const pid_t runner = outputs_of(1)["pid"];
  const std::filesystem::path proc = "/proc/" + std::to_string(runner);
  std::set<std::string> descriptors;
  for (const auto& entry : std::filesystem::directory_iterator(proc / "fd"))
    descriptors.insert(entry.path().filename());
  EXPECT_EQ(descriptors, (std::set<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(contents_of_file(proc / "environ").find("CANARY"), std::string::npos);
  EXPECT_NE(contents_of_file(proc / "status").find("NoNewPrivs:\t1"), std::string::npos);
  const auto stat = process::read_stat(runner);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->group, runner);
  EXPECT_EQ(stat->session, runner);
}

TEST_F(WorkerProgram, an_attempt_survives_a_scheduler_that_goes_and_comes_back) {
  start_and_greet();
  start_and_await(5, wait_body());
  scheduler_.reset();
  listen();
  const auto hello = scheduler_->await_hello().hello();
  ASSERT_EQ(hello.attempts_size(), 1);
  EXPECT_EQ(hello.attempts(0).epoch(), 5U);
  go();
  outputs_of(5);
  scheduler_->await_heartbeat([](const Heartbeat& h) { return h.attempts_size() == 0; });
  EXPECT_EQ(scheduler_->count([](const WorkerMessage& m) { return m.has_succeeded(); }), 0U)
      << "once";
}

TEST_F(WorkerProgram, a_result_waits_for_a_scheduler_that_is_away) {
  start_and_greet();
  start_and_await(5, wait_body());
  scheduler_.reset();
  go();
  ASSERT_TRUE(eventually([&] { return scratch_is_empty(); }));
  listen();
  const auto hello = scheduler_->await_hello().hello();
  ASSERT_EQ(hello.attempts_size(), 1) << "it has not been told to forget it";
  outputs_of(5);
}

TEST_F(WorkerProgram, without_renewal_the_attempt_ends_with_its_lease) {
  listen(kShortLease);
  start_and_greet();
  start_and_await(5, json{{"do", "ignore"}});
  scheduler_->set_silent(true);
  EXPECT_EQ(failure_of(5).code(), "lease.expired");
  EXPECT_TRUE(eventually([&] { return scratch_is_empty(); }));
}

TEST_F(WorkerProgram, with_renewals_an_attempt_outlives_its_first_lease) {
  listen(kShortLease);
  start_and_greet();
  start_and_await(5, wait_body());
  const Monotonic begin = monotonic_now();
  scheduler_->await_heartbeat(
      [&](const Heartbeat&) { return monotonic_now() - begin > kShortLease * 3; });
  go();
  outputs_of(5);
}

TEST_F(WorkerProgram, a_stopped_worker_leaves_no_runner_beyond_the_lease) {
  listen(kShortLease);
  start_and_greet();
  start_and_await(5, json{{"do", "ignore"}});
  const std::vector<process::Handle> before = held_runners();
  ::kill(worker_, SIGSTOP);
  // One of them is busy. It ends itself, though nobody tells it to.
  std::vector<pollfd> ends;
  ends.reserve(before.size());
  for (const process::Handle& runner : before) ends.push_back({runner.descriptor(), POLLIN, 0});
  EXPECT_GT(::poll(ends.data(), ends.size(), 20'000), 0);
  ::kill(worker_, SIGCONT);
  EXPECT_EQ(failure_of(5).code(), "lease.expired");
  // A start that knows only of what was sent before the stop would come with a lease that has
  // passed.
  scheduler_->await_heartbeat([](const Heartbeat& h) { return h.attempts_size() == 0; });
  scheduler_->start(6, json{{"do", "succeed"}}.dump());
  outputs_of(6);
}

TEST_F(WorkerProgram, a_fenced_attempt_is_ended_and_nothing_said_of_it) {
  start_and_greet();
  start_and_await(5, json{{"do", "ignore"}});
  scheduler_->fence(5);
  scheduler_->await_heartbeat([](const Heartbeat& h) { return h.attempts_size() == 0; });
  EXPECT_EQ(scheduler_->count([](const WorkerMessage& m) { return m.has_failed(); }), 0U);
  EXPECT_TRUE(eventually([&] { return scratch_is_empty(); }));
}

TEST_F(WorkerProgram, runners_die_with_a_killed_worker_and_its_journal_ends_the_rest) {
  const auto first = start_and_greet();
  scheduler_->start(5, json{{"do", "command"}}.dump());
  const auto heartbeat = scheduler_->await_heartbeat([](const Heartbeat& h) {
    return h.attempts_size() == 1 && h.attempts(0).progress().rows() > 0;
  });
  const auto command =
      process::Handle::of(static_cast<pid_t>(heartbeat.heartbeat().attempts(0).progress().rows()));
  ASSERT_TRUE(command);
  const std::vector<process::Handle> before = held_runners();

  ::kill(worker_, SIGKILL);
  ::waitpid(worker_, nullptr, 0);
  for (const process::Handle& runner : before)
    EXPECT_TRUE(runner.wait(seconds(10))) << runner.pid();
  EXPECT_FALSE(command->ended()) << "the journal has nothing to do";

  const auto second = start_and_greet();
  EXPECT_TRUE(command->ended()) << "it was ended before the hello";
  EXPECT_NE(second.incarnation(), first.incarnation());
  EXPECT_EQ(second.ended_incarnation(), first.incarnation());
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "scratch" / "w1"));
}

TEST_F(WorkerProgram, two_workers_do_not_share_a_journal) {
  start_and_greet();
  const pid_t first = std::exchange(worker_, 0);
  start_worker();
  const int status = wait_for_worker();
  worker_ = first;
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_NE(contents_of_file(folder_ / "worker.log").find("worker.state_in_use"),
            std::string::npos);
}

TEST_F(WorkerProgram, a_crash_is_told_with_signal_and_last_words) {
  start_and_greet();
  scheduler_->start(5, json{{"do", "crash"}, {"say", "first\nassertion failed: x"}}.dump());
  const auto failure = failure_of(5);
  EXPECT_EQ(failure.code(), "runner.crashed");
  EXPECT_EQ(failure.error_class(), "Infrastructure");
  EXPECT_NE(failure.message().find("signal 6"), std::string::npos) << failure.message();
  EXPECT_NE(failure.message().find("last words: assertion failed: x"), std::string::npos)
      << failure.message();
  scheduler_->start(6, json{{"do", "succeed"}}.dump());
  outputs_of(6);
}

// What a process says is no text until it is made one: a single byte would end the stream, again
// and again, for everybody whose attempts this worker has.
TEST_F(WorkerProgram, last_words_that_are_no_text_are_told_all_the_same) {
  start_and_greet();
  scheduler_->start(5, json{{"do", "crash"}, {"say_bytes", {0xFF, 0xFE, 'o', 'h', '!', 0}}}.dump());
  const auto odd = failure_of(5);
  EXPECT_EQ(odd.code(), "runner.crashed");
  EXPECT_NE(odd.message().find("last words: \uFFFD\uFFFDoh!\uFFFD"), std::string::npos)
      << odd.message();

  std::string line = "a";  // so that the tail begins within a character
  for (int i = 0; i < 1'000; ++i) line += "漢";
  scheduler_->start(6, json{{"do", "crash"}, {"say", line}}.dump(-1, ' ', true));
  const auto cut = failure_of(6);
  EXPECT_EQ(cut.code(), "runner.crashed");
  EXPECT_NE(cut.message().find("last words: 漢漢"), std::string::npos) << cut.message();

  scheduler_->start(7, json{{"do", "succeed"}}.dump());
  outputs_of(7);
}

TEST_F(WorkerProgram, a_result_that_ends_the_stream_is_said_ever_more_seldom) {
  start_and_greet();
  scheduler_->set_refusing_results(true);
  scheduler_->start(5, json{{"do", "succeed"}}.dump());
  const auto waited = [&](int at_least, int at_most) {
    return [this, at_least, at_most] {
      const std::string log = contents_of_file(folder_ / "worker.log");
      const std::size_t at = log.rfind("retry_ms=");
      if (at == std::string::npos) return false;
      int wait = -1;
      std::from_chars(log.data() + at + std::strlen("retry_ms="), log.data() + log.size(), wait);
      return at_least <= wait && wait <= at_most;
    };
  };
  // Welcomed each time, and yet: a welcome is no sign that what was said is taken.
  EXPECT_TRUE(eventually(waited(800, 2'000)));
  scheduler_->set_refusing_results(false);
  outputs_of(5);
  // The heartbeat's answer goes out before the next start.
  scheduler_->await_heartbeat([](const Heartbeat&) { return true; });
  scheduler_->start(6, json{{"do", "succeed"}}.dump());
  outputs_of(6);
  scheduler_.reset();
  EXPECT_TRUE(eventually(waited(0, 50))) << "what was taken makes it quick again";
}

TEST_F(WorkerProgram, a_runner_that_sends_nonsense_is_ended) {
  start_and_greet();
  scheduler_->start(5, json{{"do", "nonsense"}}.dump());
  EXPECT_EQ(failure_of(5).code(), "runner.protocol");
}

TEST_F(WorkerProgram, cancel_is_passed_on) {
  start_and_greet();
  start_and_await(5, wait_body());
  scheduler_->cancel(5, seconds(1));
  EXPECT_EQ(failure_of(5).code(), "attempt.cancelled");
}

TEST_F(WorkerProgram, a_runner_that_does_not_mind_cancel_is_killed_after_the_grace) {
  start_and_greet();
  start_and_await(5, json{{"do", "ignore"}});
  const Monotonic begin = monotonic_now();
  scheduler_->cancel(5, milliseconds(200));
  EXPECT_EQ(failure_of(5).code(), "attempt.cancelled");
  EXPECT_GE(monotonic_now() - begin, milliseconds(200));
}

TEST_F(WorkerProgram, an_attempt_beyond_its_memory_is_ended_with_figures) {
  start_and_greet();
  scheduler_->start(5, json{{"do", "grow"}, {"mebibytes", 200}}.dump(), "default", 64 << 20);
  const WorkerMessage result = scheduler_->await_result(5);
  const auto& failure = result.failed().failure();
  EXPECT_EQ(failure.code(), "memory.exceeded");
  EXPECT_EQ(failure.error_class(), "Resource");
  EXPECT_NE(failure.message().find("granted 64.0 MiB"), std::string::npos) << failure.message();
  EXPECT_GE(result.failed().usage().memory_peak_bytes(), 64 << 20);
}

TEST_F(WorkerProgram, the_kernel_holds_an_attempt_to_its_memory_where_it_may) {
  // So seldom does the watchdog look that it comes too late for the attempt.
  start_and_greet({"--sample-interval=10000"});
  const bool by_kernel =
      contents_of_file(folder_ / "worker.log").find("the kernel holds attempts to their memory") !=
      std::string::npos;
  EXPECT_EQ(by_kernel, MemoryGroups::open(own_memory_cgroup()).ok());
  scheduler_->start(5, json{{"do", "grow"}, {"mebibytes", 200}}.dump(), "default", 64 << 20);
  const WorkerMessage result = scheduler_->await_result(5);
  const auto& failure = result.failed().failure();
  EXPECT_EQ(failure.code(), "memory.exceeded");
  EXPECT_EQ(failure.message().find("the kernel ended the attempt") != std::string::npos, by_kernel)
      << failure.message();
  // The next one gets a runner that is no worse off.
  scheduler_->start(6, json{{"do", "grow"}, {"mebibytes", 32}}.dump(), "default", 64 << 20);
  scheduler_->cancel(6, milliseconds(200));
  EXPECT_EQ(failure_of(6).code(), "attempt.cancelled");
}

TEST_F(WorkerProgram, what_an_attempt_leaves_running_is_killed) {
  start_and_greet();
  scheduler_->start(5, json{{"do", "daemon"}}.dump());
  const auto daemon = process::Handle::of(outputs_of(5)["daemon"]);
  EXPECT_TRUE(!daemon || daemon->wait(seconds(10)));
}

TEST_F(WorkerProgram, a_log_is_capped) {
  start_and_greet({"--log-limit=1Ki"});
  scheduler_->start(
      5, json{{"do", "succeed"}, {"say", std::string(900, 'a') + "\n" + std::string(900, 'b')}}
             .dump());
  outputs_of(5);
  const std::string log = contents_of_file(log_of());
  EXPECT_EQ(log,
            std::string(900, 'a') +
                "\n[the log ends here: it reached its limit of 1024 bytes; the attempt goes on]\n");
}

// As a command reads them, which runs as the same user: the token's file, /proc/<worker>/environ.
TEST_F(WorkerProgram, its_own_secrets_are_masked_in_logs_and_last_words) {
  ::setenv("PARTNER_API_TOKEN", "a-key-of-the-partner", 1);
  ::setenv("MILLRACE_PLAIN", "nothing-to-hide", 1);
  start_and_greet();
  ::unsetenv("PARTNER_API_TOKEN");
  ::unsetenv("MILLRACE_PLAIN");
  const std::string said = "sent " + kToken + " and a-key-of-the-partner, nothing-to-hide";
  scheduler_->start(5, json{{"do", "crash"}, {"say", said}}.dump());
  EXPECT_NE(failure_of(5).message().find("last words: sent *** and ***, nothing-to-hide"),
            std::string::npos);
  EXPECT_EQ(contents_of_file(log_of()), "sent *** and ***, nothing-to-hide\n");
}

TEST_F(WorkerProgram, a_started_epoch_is_not_started_twice) {
  start_and_greet();
  start_and_await(5, wait_body());
  scheduler_->start(5, json{{"do", "crash"}}.dump());
  // Heard after it: with this one's result it is certain that the worker has seen both.
  scheduler_->start(6, json{{"do", "succeed"}}.dump());
  bool failed = false;
  const auto await = [&](const std::function<bool(const WorkerMessage&)>& wanted) {
    scheduler_->await([&](const WorkerMessage& m) {
      failed = failed || m.has_failed();
      return wanted(m);
    });
  };
  const auto await_success = [&](std::uint64_t epoch) {
    await([&](const WorkerMessage& m) {
      return m.has_succeeded() && m.succeeded().attempt().epoch() == epoch;
    });
    scheduler_->acknowledge(epoch);
  };
  await_success(6);
  go();
  await_success(5);
  await([](const WorkerMessage& m) {
    return m.has_heartbeat() && m.heartbeat().attempts_size() == 0;
  });
  EXPECT_FALSE(failed);
}

TEST_F(WorkerProgram, drains_on_sigterm) {
  start_and_greet();
  start_and_await(5, wait_body());
  ::kill(worker_, SIGTERM);
  scheduler_->await_heartbeat([](const Heartbeat& h) { return h.draining(); });
  scheduler_->start(6, json{{"do", "succeed"}}.dump());
  EXPECT_EQ(failure_of(6).code(), "worker.draining");
  const std::vector<process::Handle> before = held_runners();
  go();
  outputs_of(5);
  EXPECT_EQ(wait_for_worker(), 0);
  for (const process::Handle& runner : before) EXPECT_TRUE(runner.ended());
}

TEST_F(WorkerProgram, what_outlasts_the_drain_is_ended_and_said) {
  start_and_greet({"--drain=1"});
  start_and_await(5, json{{"do", "ignore"}});
  ::kill(worker_, SIGTERM);
  EXPECT_EQ(failure_of(5).code(), "worker.drained");
  EXPECT_EQ(wait_for_worker(), 0);
}

TEST_F(WorkerProgram, a_second_sigterm_ends_it_at_once) {
  start_and_greet();
  start_and_await(5, json{{"do", "ignore"}});
  const std::vector<process::Handle> before = held_runners();
  ::kill(worker_, SIGTERM);
  scheduler_->await_heartbeat([](const Heartbeat& h) { return h.draining(); });
  ::kill(worker_, SIGTERM);
  EXPECT_EQ(wait_for_worker(), 0);
  for (const process::Handle& runner : before) EXPECT_TRUE(runner.ended());
}

TEST_F(WorkerProgram, leaves_no_zombie) {
  start_and_greet();
  for (std::uint64_t epoch = 1; epoch <= 6; ++epoch) {
    scheduler_->start(epoch, json{{"do", epoch % 2 == 0 ? "crash" : "daemon"}}.dump());
    scheduler_->await_result(epoch);
    scheduler_->acknowledge(epoch);
  }
  EXPECT_TRUE(eventually([&] {
    const ProcessTable processes = ProcessTable::read();
    for (const pid_t child : processes.children(worker_))
      for (const ProcessStat& process : processes.all())
        if (process.pid == child && process.state == 'Z') return false;
    return true;
  }));
}

TEST_F(WorkerProgram, a_wrong_token_is_told_to_the_operator) {
  std::ofstream(folder_ / "token") << "another-token-of-enough-characters";
  start_worker();
  EXPECT_TRUE(eventually([&] {
    return contents_of_file(folder_ / "worker.log").find("worker.unauthenticated") !=
           std::string::npos;
  }));
}

}  // namespace
}  // namespace millrace::runtime
