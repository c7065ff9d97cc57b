// Host: the real engine on a thread, over a store in memory and a worker that does as it is told;
// and an Api and a server over it, on real sockets. For tests of the api.
//
//   Host host;
//   host.start();                       // leads when this returns
//   http::fetch(host.port(), "PUT", …);
//   host.succeed("load", {{"flights", 3}});
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "lib/http/server.h"
#include "lib/http/testing/raw_client.h"
#include "scheduler/api/api.h"
#include "scheduler/api/testing/memory_reads.h"
#include "scheduler/engine/engine.h"

namespace millrace::api {

class Host final : public EnginePort,
                   private scheduler::StorePort,
                   private scheduler::WorkerPort,
                   private scheduler::ObserverPort,
                   private scheduler::EntropyPort,
                   public ProgressPort,
                   public LogPort,
                   public AnswerPort {
 public:
  explicit Host(Api::Options options = {}, http::ServerOptions server = {});
  ~Host() override;

  // Elects the engine and starts the server.
  void start();
  void stop();
  std::uint16_t port() const { return server_->port(); }
  MemoryReads& reads() { return reads_; }
  Api& api() { return *api_; }

  // --- requests, with the token
  http::RawResponse get(const std::string& target, const std::string& headers = {}) const;
  http::RawResponse send(std::string_view method, const std::string& target,
                         const std::string& body = {}, const std::string& headers = {}) const;
  static std::string authorization() { return "Authorization: Bearer secret\r\n"; }

  // --- a worker
  void join_worker();
  // Waits until the task of that name is started, and reports.
  using Rows = std::vector<std::pair<std::string, std::int64_t>>;
  void succeed(const std::string& task, const Rows& rows = {}, bool staged = false);
  void succeed_with_outputs(const std::string& task, const std::string& outputs_json);
  void fail(const std::string& task, const std::string& code,
            ErrorClass error_class = ErrorClass::kUser);
  // Waits until it is started, and gives its attempt.
  scheduler::AttemptRef wait_start(const std::string& task);

  // --- the rest of the world
  void set_progress(std::vector<AttemptProgress> progress);
  // To the log of that attempt, which there is from then on.
  void append_log(const scheduler::AttemptRef& attempt, const std::string& text);
  // That much time goes by.
  void pass(Micros duration);
  // Another leader: the engine is deposed, then elected again.
  void depose();
  // The answer that the attempt of a query leaves, before it succeeds.
  void leave_answer(const scheduler::AttemptRef& attempt, const std::string& text);
  // How many of them nobody took or discarded.
  std::size_t answers_left() const;
  // Whether the attempt was told to stop; waits for it.
  void wait_cancel(const scheduler::AttemptRef& attempt);
  // While held, commits are not answered.
  void hold_commits(bool held);
  // Runs on the loop's thread, and waits.
  void on_loop(const std::function<void()>& work);
  // On the loop's thread.
  bool engine_idle() const { return engine_->idle(); }
  std::size_t watchers() const { return api_->watchers(); }

  // EnginePort
  void submit(scheduler::Input input, std::function<void(Answer)> done) override;
  void read(std::function<void(const Result<View>&)> look) override;
  // ProgressPort, LogPort
  std::vector<AttemptProgress> progress(scheduler::RunId run) const override;
  Result<LogText> read(const scheduler::AttemptRef& attempt, std::int64_t offset,
                       std::size_t limit) override;
  // AnswerPort
  Result<std::unique_ptr<AnswerReader>> take(const scheduler::AttemptRef& attempt) override;
  void discard(const scheduler::AttemptRef& attempt) override;

 private:
  struct Started {
    scheduler::commands::Start start;
    std::string task;
  };

  void post(std::function<void()> work);
  void loop();
  scheduler::Now now();
  Started take_start(const std::string& task);
  void report(scheduler::Input input);

  // the engine's ports, on the loop's thread
  void campaign(scheduler::LeaderId self) override;
  void recover(scheduler::LeaderEpoch epoch) override;
  void commit(scheduler::BatchRef batch) override;
  void resign() override {}
  void send(scheduler::WorkerId worker, scheduler::Command command) override;
  void dismiss(scheduler::WorkerId) override {}
  void reply(scheduler::Reply reply) override;
  void applied(const scheduler::Batch& batch, const scheduler::State& state) override;
  void leading(bool leads) override;
  void counted(const std::string&, std::uint64_t) override {}
  std::uint64_t next() override { return ++random_; }

  Api::Options options_;
  http::ServerOptions server_options_;
  MemoryReads reads_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<http::Server> server_;

  // the loop's
  std::unique_ptr<scheduler::Engine> engine_;
  std::map<scheduler::RequestId, std::function<void(Answer)>> waiting_;
  scheduler::RequestId next_request_{1};
  std::uint64_t random_ = 0;
  std::int64_t micros_ = 1'700'000'000'000'000;
  std::vector<scheduler::BatchRef> log_;
  scheduler::LeaderEpoch epoch_;
  bool held_ = false;
  std::vector<scheduler::BatchId> unanswered_;
  scheduler::WorkerId worker_{RawId{1, 1}};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> inbox_;
  bool stopping_ = false;
  bool leads_ = false;
  std::vector<Started> started_;
  std::vector<AttemptProgress> progress_;
  std::vector<scheduler::AttemptRef> cancelled_;
  std::map<scheduler::AttemptRef, std::string> answers_;
  std::map<scheduler::AttemptRef, std::string> logs_;
  std::atomic<std::uint64_t> run_ids_ = 0;
  std::thread thread_;
};

}  // namespace millrace::api
