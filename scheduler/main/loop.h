// Loop: the engine on a thread of its own, with an inbox that any thread posts to. The only place
// where the engine meets a clock, a thread and randomness.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "scheduler/api/ports.h"
#include "scheduler/engine/engine.h"
#include "scheduler/engine/ports.h"

namespace millrace::scheduler {

Now read_clocks();

// What the host does with what the engine says. Called on the loop's thread: quick, and no call
// back into the loop that waits.
struct LoopListener {
  std::function<void(const Batch&, const State&)> applied = [](const Batch&, const State&) {};
  std::function<void(bool)> leading = [](bool) {};
  std::function<void(const std::string&, std::uint64_t)> counted = [](const std::string&,
                                                                      std::uint64_t) {};
  // After each round, for gauges.
  std::function<void(const Engine&)> round = [](const Engine&) {};
};

class Loop final : public api::EnginePort, private ObserverPort, private EntropyPort {
 public:
  // The inbox holds at most this many inputs of people; beyond, submit() answers engine.full.
  static constexpr std::size_t kMaxInbox = 100'000;

  Loop(Settings settings, EngineLimits limits, StorePort& store, WorkerPort& workers,
       LoopListener listener);
  ~Loop() override;  // stops

  void start();
  // Resigns, answers everyone who waits, joins the thread. Twice is once.
  void stop();

  // --- api::EnginePort, any thread
  void submit(Input input, std::function<void(Answer)> done) override;
  void read(std::function<void(const Result<api::View>&)> look) override;

  // --- for the adapters, any thread
  void post_worker(Input input);  // a worker's word; dropped while this scheduler does not lead
  void post_answer(StoreAnswer answer);
  bool leads() const { return leads_.load(std::memory_order_relaxed); }

 private:
  struct Submission {
    Input input;
    std::function<void(Answer)> done;
  };
  struct WorkerInput {
    Input input;
  };
  using Look = std::function<void(const Result<api::View>&)>;
  using Item = std::variant<Submission, WorkerInput, StoreAnswer, Look>;

  void post(Item item);
  void run();
  void handle(Item item, Now now);
  void refuse_rest();

  // ObserverPort, EntropyPort: on the loop's thread
  void reply(Reply reply) override;
  void applied(const Batch& batch, const State& state) override;
  void leading(bool leads) override;
  void counted(const std::string& reason, std::uint64_t count) override;
  std::uint64_t next() override;

  LoopListener listener_;
  Engine engine_;                                             // the loop thread's own, once it runs
  std::map<RequestId, std::function<void(Answer)>> waiting_;  // likewise
  RequestId next_request_{1};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> inbox_;
  std::size_t submissions_ = 0;  // in inbox_
  bool stopping_ = false;
  bool stopped_ = false;
  std::atomic<bool> leads_{false};
  std::thread thread_;
};

}  // namespace millrace::scheduler
