#include "scheduler/main/sweep_thread.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace millrace::scheduler {
namespace {

constexpr Micros kLogsEvery = seconds(3600);
constexpr std::size_t kLogsAtOnce = 1'000;

Error stopping() {
  return {ErrorClass::kInfrastructure, "engine.stopping", "this scheduler is being stopped"};
}

}  // namespace

// Outlives the thread in answers that come when nobody waits for them any more.
struct SweepThread::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
};

SweepThread::SweepThread(Settings settings, Loop& loop, const Places& places, Reported reported)
    : pause_(settings.lease),
      loop_(loop),
      reported_(std::move(reported)),
      catalog_(places.postgres),
      folder_(places.data_root),
      logs_(places.log_dir),
      log_retention_(places.log_retention),
      sweeper_(std::move(settings), Sweeper::Ports{*this, catalog_, folder_}),
      shared_(std::make_shared<Shared>()),
      thread_([this] { run(); }) {}

SweepThread::~SweepThread() { stop(); }

void SweepThread::stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_all();
  catalog_.break_off();
  if (thread_.joinable()) thread_.join();
}

void SweepThread::run() {
  std::unique_lock lock(shared_->mutex);
  while (!shared_->stopping) {
    shared_->changed.wait_for(lock, std::chrono::microseconds(pause_.value()),
                              [this] { return shared_->stopping; });
    if (shared_->stopping) return;
    lock.unlock();
    if (loop_.leads()) {
      const Now now = read_clocks();
      SweepReport report = sweeper_.round(now);
      if (Status logs = sweep_logs(now); !logs.ok() && !report.trouble)
        report.trouble = std::move(logs).error();
      reported_(report);
    }
    lock.lock();
  }
}

Status SweepThread::sweep_logs(Now now) {
  if (logs_swept_ && now.monotonic - *logs_swept_ < kLogsEvery) return ok_status();
  const RunId before = RunId::make(now.wall + (Micros(0) - log_retention_), 0, 0);
  MILLRACE_TRY(found, logs_.runs_before(before, kLogsAtOnce));
  if (found.size() < kLogsAtOnce) logs_swept_ = now.monotonic;
  // A run that began long ago may be at work still: then any attempt of it says so.
  std::vector<AttemptPrefix> prefixes;
  prefixes.reserve(found.size());
  for (const auto& each : found) prefixes.push_back({each.ns, each.run, TaskIndex(), Epoch()});
  MILLRACE_TRY(fates, this->fates(prefixes));
  for (std::size_t i = 0; i < found.size(); ++i)
    if (fates[i].run_over) MILLRACE_RETURN_IF_ERROR(logs_.remove(found[i]));
  return ok_status();
}

template <typename T>
Result<T> SweepThread::await(const std::function<void(std::function<void(Result<T>)>)>& question) {
  struct Answer {
    bool given = false;
    Result<T> result = stopping();  // until it is given
  };
  const auto answer = std::make_shared<Answer>();
  question([shared = shared_, answer](Result<T> result) {
    {
      const std::lock_guard lock(shared->mutex);
      *answer = {true, std::move(result)};
    }
    shared->changed.notify_all();
  });
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait(lock, [&] { return answer->given || shared_->stopping; });
  return answer->result;
}

Status SweepThread::ask(SweepSnapshots question) {
  return await<Unit>([&](std::function<void(Status)> done) {
    loop_.submit(std::move(question), [done = std::move(done)](const Loop::Answer& answer) {
      done(answer.ok() ? ok_status() : Status(answer.error()));
    });
  });
}

Result<std::vector<AttemptFate>> SweepThread::fates(const std::vector<AttemptPrefix>& prefixes) {
  using Fates = std::vector<AttemptFate>;
  return await<Fates>([&](std::function<void(Result<Fates>)> done) {
    loop_.read([prefixes, done = std::move(done)](const Result<api::View>& view) {
      if (!view.ok()) return done(view.error());
      Fates fates;
      fates.reserve(prefixes.size());
      for (const AttemptPrefix& prefix : prefixes) fates.push_back(fate_of(*view->state, prefix));
      done(std::move(fates));
    });
  });
}

}  // namespace millrace::scheduler
