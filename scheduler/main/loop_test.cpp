// The loop on its real thread, over a store that a thread of its own answers, as Postgres' does.
#include "scheduler/main/loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace millrace::scheduler {
namespace {

// Elects at once, recovers to nothing, commits in the order of the calls; unless it is held.
class ThreadedStore final : public StorePort {
 public:
  ThreadedStore() : thread_([this] { run(); }) {}
  ~ThreadedStore() override { close(); }

  void answer_to(std::function<void(StoreAnswer)> answer) { answer_ = std::move(answer); }
  // Ends the thread; nothing is answered any more.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  // While held, commits wait.
  void hold(bool held) {
    {
      const std::lock_guard lock(mutex_);
      held_ = held;
    }
    changed_.notify_all();
  }
  void wait_for_commit() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_commits_ > 0; });
  }
  int resigned() const { return resigned_; }

  void campaign(LeaderId) override {
    post(Elected{LeaderEpoch(1), Monotonic(std::numeric_limits<std::int64_t>::max())}, false);
  }
  void recover(LeaderEpoch epoch) override {
    post(Recovered{epoch, std::make_shared<State>(), Sequence(0)}, false);
  }
  void commit(BatchRef batch) override {
    post(CommitAnswer{batch->id, CommitOutcome::kCommitted}, true);
  }
  void resign() override { ++resigned_; }

 private:
  struct Item {
    StoreAnswer answer;
    bool commit = false;
  };
  void post(StoreAnswer answer, bool commit) {
    {
      const std::lock_guard lock(mutex_);
      if (commit && held_) ++held_commits_;
      items_.push_back({std::move(answer), commit});
    }
    changed_.notify_all();
  }
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] {
        return closed_ || (!items_.empty() && !(held_ && items_.front().commit));
      });
      if (closed_) return;
      Item item = std::move(items_.front());
      items_.pop_front();
      lock.unlock();
      answer_(std::move(item.answer));
      lock.lock();
    }
  }

  std::function<void(StoreAnswer)> answer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  int held_commits_ = 0;
  bool held_ = false;
  bool closed_ = false;
  std::atomic<int> resigned_{0};
  std::thread thread_;
};

struct NoWorkers final : WorkerPort {
  void send(WorkerId, Command) override {}
  void dismiss(WorkerId) override {}
};

Input put(const std::string& name) {
  PutDocument input;
  input.kind = "workflows";
  input.name = {"default", name};
  return input;
}

std::string code_of(const api::EnginePort::Answer& answer) {
  return answer.ok() ? "ok" : answer.error().code;
}

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() {
    store_.answer_to([this](StoreAnswer answer) { loop_.post_answer(std::move(answer)); });
  }
  ~LoopTest() override {
    store_.close();  // before the loop that it posts to
    loop_.stop();
  }
  void start() {
    loop_.start();
    led_.get_future().wait();
  }
  std::future<std::string> submit(const std::string& name) {
    auto answer = std::make_shared<std::promise<std::string>>();
    std::future<std::string> future = answer->get_future();
    // A second call would throw out of the loop's thread, and end the test.
    loop_.submit(put(name), [answer](const api::EnginePort::Answer& came) {
      answer->set_value(code_of(came));
    });
    return future;
  }
  std::size_t documents() {
    std::promise<std::size_t> count;
    loop_.read([&](const Result<api::View>& view) {
      count.set_value(view.ok() ? view->state->documents().size() : SIZE_MAX);
    });
    return count.get_future().get();
  }

  NoWorkers workers_;
  ThreadedStore store_;
  std::promise<void> led_;
  Loop loop_{Settings(), EngineLimits(), store_, workers_, LoopListener{.leading = [this](bool on) {
               if (on) led_.set_value();
             }}};
};

TEST_F(LoopTest, answers_when_it_is_durable_and_shows_it_then) {
  start();
  EXPECT_TRUE(loop_.leads());
  EXPECT_EQ(documents(), 0U);
  store_.hold(true);
  std::future<std::string> answer = submit("w");
  store_.wait_for_commit();
  EXPECT_EQ(documents(), 0U) << "what is not durable is shown";
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  store_.hold(false);
  EXPECT_EQ(answer.get(), "ok");
  EXPECT_EQ(documents(), 1U);
}

TEST_F(LoopTest, many_threads_are_answered_each_once) {
  start();
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::atomic<int> answers{0};
  std::atomic<int> looks{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        loop_.submit(put(std::to_string(thread) + "-" + std::to_string(i)),
                     [&](const api::EnginePort::Answer& answer) {
                       EXPECT_EQ(code_of(answer), "ok");
                       ++answers;
                     });
        loop_.read([&](const Result<api::View>& view) {
          EXPECT_TRUE(view.ok());
          ++looks;
        });
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(submit("last").get(), "ok");  // inputs are taken in the order of the inbox
  EXPECT_EQ(answers, kThreads * kEach);
  EXPECT_EQ(looks, kThreads * kEach);
  EXPECT_EQ(documents(), kThreads * kEach + 1U);
}

TEST_F(LoopTest, a_stop_answers_everyone_who_waits) {
  start();
  store_.hold(true);
  std::future<std::string> under_way = submit("committing");
  store_.wait_for_commit();
  std::future<std::string> waiting = submit("waiting");
  loop_.stop();
  EXPECT_EQ(under_way.get(), "engine.not_leading");
  EXPECT_EQ(waiting.get(), "engine.not_leading");
  EXPECT_EQ(store_.resigned(), 1);
  // Whoever comes late is told on his own thread.
  EXPECT_EQ(submit("late").get(), "engine.not_leading");
  EXPECT_EQ(documents(), SIZE_MAX);
  loop_.stop();
  EXPECT_EQ(store_.resigned(), 1) << "stopped twice";
}

TEST_F(LoopTest, stops_among_submitting_threads_and_forgets_nobody) {
  start();
  constexpr int kThreads = 4;
  std::atomic<int> asked{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 3'000; ++i) {
        ++asked;
        loop_.submit(put(std::to_string(thread) + "-" + std::to_string(i % 50)),
                     [&](const api::EnginePort::Answer&) { ++answered; });
      }
    });
  submit("first").wait();  // they are at it
  loop_.stop();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(asked, answered);
}

TEST_F(LoopTest, before_it_leads_people_are_sent_away) {
  // Never started: nobody is answered before the thread runs, all when it is stopped.
  std::future<std::string> answer = submit("early");
  loop_.start();
  led_.get_future().wait();
  const std::string came = answer.get();  // taken before or after the election
  EXPECT_TRUE(came == "ok" || came == "engine.not_leading") << came;
}

TEST_F(LoopTest, the_inbox_has_an_end) {
  // Not started, so that nothing is taken out.
  std::atomic<int> full{0};
  std::atomic<int> stopping{0};
  for (std::size_t i = 0; i < Loop::kMaxInbox + 3; ++i)
    loop_.submit(put("w"), [&](const api::EnginePort::Answer& answer) {
      ++(code_of(answer) == "engine.full" ? full : stopping);
    });
  EXPECT_EQ(full, 3);
  loop_.start();
  loop_.stop();
  EXPECT_EQ(full + stopping, static_cast<int>(Loop::kMaxInbox) + 3);
}

}  // namespace
}  // namespace millrace::scheduler
