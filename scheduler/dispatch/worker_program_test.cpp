// DispatchServer and the worker program together, with a runner that speaks the real protocol.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "base/contents.h"
#include "scheduler/dispatch/dispatch.h"

namespace millrace::scheduler {
namespace {

const std::string kToken = "a-token-of-enough-characters";

AttemptRef attempt_of(std::uint64_t epoch) {
  return {RunId(RawId{1, 2}), TaskIndex(0), AttemptNumber(1), Epoch(epoch)};
}

// Answers nothing by itself: leases are long enough for that.
class Host final : public DispatchHost {
 public:
  void offer(Input input) override {
    const std::scoped_lock lock(mutex_);
    inputs_.push_back(std::move(input));
    changed_.notify_all();
  }
  void progress(WorkerId, std::vector<AttemptProgress>) override {}
  void describe(WorkerId, const AttemptRef& attempt, DescribeDone done) override {
    Description description;
    description.attempt = attempt;
    description.ns = "default";
    description.body_json = body;
    done(std::move(description));
  }
  void counted(const std::string& reason, const std::string& text) override {
    ADD_FAILURE() << reason << ": " << text;
  }

  template <typename T>
  T await() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return !inputs_.empty(); })) {
        ADD_FAILURE() << "the worker did not send what was awaited";
        return {};
      }
      Input input = std::move(inputs_.front());
      inputs_.pop_front();
      if (auto* wanted = std::get_if<T>(&input)) return std::move(*wanted);
      if (const auto* failed = std::get_if<AttemptFailed>(&input))
        ADD_FAILURE() << failed->failure.code << ": " << failed->failure.message;
    }
  }

  std::string body;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Input> inputs_;
};

class WorkerOfDispatch : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "dispatch.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(folder_ / "token") << kToken;
    ::chmod((folder_ / "token").c_str(), 0600);
    auto server = DispatchServer::start({(folder_ / "run" / "s").string(),
                                         kToken,
                                         {"0.1.0", seconds(600), seconds(5), seconds(10)},
                                         mebibytes(16),
                                         {}},
                                        host_);
    ASSERT_TRUE(server.ok()) << server.error().to_text();
    server_ = std::move(server).value();
    start_worker();
    joined_ = host_.await<WorkerJoined>();
  }
  void TearDown() override {
    ::kill(worker_, SIGTERM);
    int status = 0;
    ::waitpid(worker_, &status, 0);
    EXPECT_EQ(status, 0);
    server_.reset();
    if (HasFailure()) std::fputs(contents_of_file(folder_ / "worker.log").c_str(), stderr);
    std::filesystem::remove_all(folder_);
  }
  void start_worker() {
    const std::filesystem::path programs(std::getenv("MILLRACE_BIN_DIR"));
    std::vector<std::string> arguments{
        (programs / "millrace-worker").string(),
        "--scheduler=unix:" + (folder_ / "run" / "s").string(),
        "--token-file=" + (folder_ / "token").string(),
        "--data-root=" + (folder_ / "data").string(),
        "--scratch=" + (folder_ / "scratch").string(),
        "--state-dir=" + (folder_ / "state").string(),
        "--runner=" + std::string(std::getenv("MILLRACE_ECHO_RUNNER")),
        "--attempts-per-runner=10000",
        "--runners=4"};
    worker_ = ::fork();
    if (worker_ != 0) return;
    FILE* log = std::freopen((folder_ / "worker.log").c_str(), "a", stderr);
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    if (log != nullptr) ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  void start(std::uint64_t epoch) {
    server_->send(joined_.worker, commands::Start{attempt_of(epoch),
                                                  {},
                                                  "test",
                                                  "default",
                                                  Phase::kExecute,
                                                  Micros(0),
                                                  joined_.sent_monotonic_us});
  }

  std::filesystem::path folder_;
  Host host_;
  std::unique_ptr<DispatchServer> server_;
  pid_t worker_ = 0;
  WorkerJoined joined_;
};

TEST_F(WorkerOfDispatch, a_result_with_its_files_comes_back) {
  host_.body = R"({"do": "succeed", "files": 0})";
  start(7);
  const auto succeeded = host_.await<AttemptSucceeded>();
  EXPECT_EQ(succeeded.attempt, attempt_of(7));
  EXPECT_EQ(succeeded.worker, joined_.worker);
  EXPECT_GT(succeeded.attachment->usage.memory_peak, Bytes(0));
  server_->send(joined_.worker, commands::ResultAck{attempt_of(7), true, ""});
}

TEST_F(WorkerOfDispatch, a_long_body_travels_in_pages) {
  host_.body = R"({"do": "succeed", "say": ")" + std::string(3 << 20, 'x') + R"("})";
  start(7);
  host_.await<AttemptSucceeded>();
  server_->send(joined_.worker, commands::ResultAck{attempt_of(7), true, ""});
}

// Prints what a hop costs; asserts only that nothing is lost.
TEST_F(WorkerOfDispatch, many_attempts_all_come_back) {
  host_.body = R"({"do": "succeed"})";
  constexpr std::uint64_t kAttempts = 2'000;
  constexpr std::uint64_t kAtOnce = 32;
  const auto begin = std::chrono::steady_clock::now();
  std::uint64_t started = 0;
  std::set<Epoch> done;  // a result may come twice: until it is acknowledged
  while (done.size() < kAttempts) {
    while (started < kAttempts && started < done.size() + kAtOnce) start(++started);
    const auto succeeded = host_.await<AttemptSucceeded>();
    ASSERT_FALSE(HasFailure());
    done.insert(succeeded.attempt.epoch);
    server_->send(joined_.worker, commands::ResultAck{succeeded.attempt, true, ""});
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.0f attempts/s\n", static_cast<double>(kAttempts) / took.count());
}

}  // namespace
}  // namespace millrace::scheduler
