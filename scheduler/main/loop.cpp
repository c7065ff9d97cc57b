#include "scheduler/main/loop.h"

#include <sys/random.h>

#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/overloaded.h"

namespace millrace::scheduler {
namespace {

Error stopping() {
  return {ErrorClass::kInfrastructure, "engine.not_leading", "this scheduler is stopping",
          "try again in a few seconds", ""};
}

void set_request(Input& input, RequestId request) {
  std::visit(
      [&](auto& i) {
        if constexpr (requires { i.request; }) i.request = request;
      },
      input);
}

}  // namespace

Now read_clocks() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const auto monotonic = std::chrono::steady_clock::now().time_since_epoch();
  return {WallTime(duration_cast<microseconds>(wall).count()),
          Monotonic(duration_cast<microseconds>(monotonic).count())};
}

Loop::Loop(Settings settings, EngineLimits limits, StorePort& store, WorkerPort& workers,
           LoopListener listener)
    : listener_(std::move(listener)),
      engine_(std::move(settings), limits, Engine::Ports{store, workers, *this, *this}) {}

Loop::~Loop() { stop(); }

void Loop::start() {
  thread_ = std::thread([this] { run(); });
}

void Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Loop::submit(Input input, std::function<void(Answer)> done) {
  {
    std::unique_lock lock(mutex_);
    const bool full = submissions_ >= kMaxInbox;
    if (!stopped_ && !full) {
      ++submissions_;
      inbox_.push_back(Submission{std::move(input), std::move(done)});
      lock.unlock();
      wake_.notify_one();
      return;
    }
    if (full) {
      lock.unlock();
      return done(Error{ErrorClass::kResource, "engine.full",
                        "the scheduler has more to do than it can hold", "try again in a moment",
                        ""});
    }
  }
  done(stopping());
}

void Loop::read(Look look) {
  {
    std::unique_lock lock(mutex_);
    if (!stopped_) {
      inbox_.push_back(std::move(look));
      lock.unlock();
      wake_.notify_one();
      return;
    }
  }
  look(stopping());
}

void Loop::post_worker(Input input) { post(WorkerInput{std::move(input)}); }
void Loop::post_answer(StoreAnswer answer) { post(std::move(answer)); }

void Loop::post(Item item) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    inbox_.push_back(std::move(item));
  }
  wake_.notify_one();
}

void Loop::run() {
  engine_.start(read_clocks());
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (inbox_.empty()) {
      const auto due = engine_.next_wake();
      const auto ready = [this] { return stopping_ || !inbox_.empty(); };
      if (due)
        wake_.wait_until(
            lock, std::chrono::steady_clock::time_point(std::chrono::microseconds(due->value())),
            ready);
      else
        wake_.wait(lock, ready);
    }
    std::deque<Item> items = std::exchange(inbox_, {});
    submissions_ = 0;
    lock.unlock();
    // All that has come is heard before anything is judged late.
    const Now now = read_clocks();
    for (Item& item : items) handle(std::move(item), now);
    engine_.step(read_clocks());
    listener_.round(engine_);
    lock.lock();
  }
  stopped_ = true;
  lock.unlock();
  engine_.stop();
  refuse_rest();
}

void Loop::handle(Item item, Now now) {
  std::visit(Overloaded{
                 [&](Submission& submission) {
                   const RequestId request = next_request_;
                   next_request_ = next_request_.next();
                   set_request(submission.input, request);
                   if (Status taken = engine_.offer(std::move(submission.input), now); !taken.ok())
                     return submission.done(std::move(taken).error());
                   waiting_[request] = std::move(submission.done);
                 },
                 [&](WorkerInput& input) {
                   // Refused while another leads: the worker says it again to whoever does.
                   if (Status taken = engine_.offer(std::move(input.input), now); !taken.ok())
                     listener_.counted(taken.error().code, 1);
                 },
                 [&](StoreAnswer& answer) { engine_.answer(std::move(answer), now); },
                 [&](Look& look) {
                   if (engine_.role() != Role::kLeading) {
                     return look(Error{ErrorClass::kInfrastructure, "engine.not_leading",
                                       "this scheduler does not lead at the moment",
                                       "try again in a few seconds"});
                   }
                   look(api::View{&engine_.state(), &engine_.liveness(), &engine_.settings(),
                                  engine_.applied(), now});
                 },
             },
             item);
}

void Loop::refuse_rest() {
  // Nobody posts any more: stopped_ is set.
  for (Item& item : inbox_) {
    if (auto* submission = std::get_if<Submission>(&item)) submission->done(stopping());
    if (auto* look = std::get_if<Look>(&item)) (*look)(stopping());
  }
  inbox_.clear();
  for (auto& [request, done] : waiting_) done(stopping());
  waiting_.clear();
}

void Loop::reply(Reply reply) {
  const auto it = waiting_.find(reply.request);
  if (it == waiting_.end()) return;
  const auto done = std::move(it->second);
  waiting_.erase(it);
  done(std::move(reply.body));
}

void Loop::applied(const Batch& batch, const State& state) { listener_.applied(batch, state); }

void Loop::leading(bool leads) {
  leads_ = leads;
  listener_.leading(leads);
}

void Loop::counted(const std::string& reason, std::uint64_t count) {
  listener_.counted(reason, count);
}

std::uint64_t Loop::next() {
  std::uint64_t value = 0;
  const ssize_t read = getrandom(&value, sizeof value, 0);
  MILLRACE_CHECK(read == sizeof value, "the kernel gives no randomness");
  return value;
}

}  // namespace millrace::scheduler
