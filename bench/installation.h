// Installation: the real engine, alone in a world without disk and network: a batch commits at
// once. And the work that benchmarks give it. Single-threaded.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "bench/timing.h"
#include "scheduler/engine/engine.h"

namespace millrace::scheduler {

class Installation final : public StorePort,
                           public WorkerPort,
                           public ObserverPort,
                           public EntropyPort {
 public:
  // `keep_log`: batches are kept in log().
  explicit Installation(bool keep_log);

  // Until nothing is left to do; `step_time` and `apply_time` get the CPU time of each part.
  void settle(bench::Sample* step_time = nullptr, bench::Sample* apply_time = nullptr);
  void offer(Input input);
  void pass(Micros time) { now_ = {now_.wall + time, now_.monotonic + time}; }

  Engine& engine() { return engine_; }
  Now now() const { return now_; }
  // Attempts that were started, oldest first, and the worker of each.
  std::vector<std::pair<WorkerId, AttemptRef>>& started() { return started_; }
  const std::vector<BatchRef>& log() const { return log_; }

 private:
  void campaign(LeaderId) override {}
  void recover(LeaderEpoch) override {}
  void commit(BatchRef batch) override { under_way_ = std::move(batch); }
  void resign() override {}
  void send(WorkerId worker, Command command) override;
  void dismiss(WorkerId) override {}
  void reply(Reply reply) override;
  void applied(const Batch&, const State&) override {}
  void leading(bool) override {}
  void counted(const std::string&, std::uint64_t) override {}
  std::uint64_t next() override { return entropy_ += 0x9E3779B97F4A7C15ULL; }

  bool keep_log_;
  std::uint64_t entropy_ = 1;
  Now now_{WallTime(1'700'000'000'000'000), Monotonic(1'000'000)};
  BatchRef under_way_;
  std::vector<BatchRef> log_;
  std::vector<std::pair<WorkerId, AttemptRef>> started_;
  Engine engine_{Settings{}, EngineLimits{}, Engine::Ports{*this, *this, *this, *this}};
};

struct Shape {
  const char* name;
  const char* what;
  std::size_t tasks_per_run;
  std::size_t running;             // room for so many attempts
  std::uint32_t max_parallel = 0;  // of a run
  std::size_t layer = 0;           // tasks need those of the layer before; 0: all independent
  bool data = false;               // each reads one dataset and overwrites another
  bool own_spec = false;           // of each run; otherwise they share their workflow's
};

WorkflowSpecRef make_spec(const Shape& shape);
// Room for so many attempts; a worker takes 100.
void add_workers(Installation& installation, std::size_t running);
// As many runs of the shape as make up so many tasks, a batch each.
void submit_runs(Installation& installation, const Shape& shape, std::size_t tasks);
// `count` results, of the attempts that run longest; what follows is for settle().
void report_results(Installation& installation, std::size_t count);

}  // namespace millrace::scheduler
