// What the scheduler's core costs with many live tasks: time of a plan step and of the whole round
// of the engine while results trickle in, memory of a live task, replay of the log, and a simulated
// day. No disk and no network: the store is a vector that commits at once.
//
//   core_bench [--tasks 100000] [--skip-day]
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "scheduler/core/apply.h"
#include "scheduler/engine/engine.h"
#include "scheduler/simulation/profiles.h"

namespace millrace::scheduler {
namespace {

// CPU time of this thread: what else the machine has to do is not counted.
struct Clock {
  static double now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  }
};
double micros_since(double start) { return Clock::now() - start; }

std::size_t bytes_in_use() { return mallinfo2().uordblks; }

// A sample of durations, in microseconds.
class Sample {
 public:
  void add(double micros) { values_.push_back(micros); }
  double quantile(double q) {
    std::sort(values_.begin(), values_.end());
    return values_[std::min(values_.size() - 1,
                            static_cast<std::size_t>(q * static_cast<double>(values_.size())))];
  }
  std::string text() {
    std::array<char, 80> line{};
    std::snprintf(line.data(), line.size(), "p50 %7.0f us  p99 %7.0f us  max %7.0f us",
                  quantile(0.5), quantile(0.99), quantile(1));
    return line.data();
  }

 private:
  std::vector<double> values_;
};

// All ports of an engine that is alone in the world.
class Installation final : public StorePort,
                           public WorkerPort,
                           public ObserverPort,
                           public EntropyPort {
 public:
  explicit Installation(bool keep_log) : keep_log_(keep_log) {
    engine_.start(now_);
    engine_.answer(Elected{LeaderEpoch(1), now_.monotonic + seconds(1'000'000)}, now_);
    engine_.answer(Recovered{LeaderEpoch(1), std::make_shared<State>(), Sequence(0)}, now_);
    settle();
  }

  // Until nothing is left to do; `step_time` and `apply_time` get the time of each part.
  void settle(Sample* step_time = nullptr, Sample* apply_time = nullptr) {
    do {
      const auto start = Clock::now();
      engine_.step(now_);
      if (step_time != nullptr) step_time->add(micros_since(start));
      if (!under_way_) continue;
      const BatchRef batch = std::exchange(under_way_, nullptr);
      if (keep_log_) log_.push_back(batch);
      const auto committed = Clock::now();
      engine_.answer(CommitAnswer{batch->id, CommitOutcome::kCommitted}, now_);
      if (apply_time != nullptr) apply_time->add(micros_since(committed));
    } while (engine_.next_wake() == Monotonic(0));
  }
  void offer(Input input) {
    const Status taken = engine_.offer(std::move(input), now_);
    MILLRACE_CHECK(taken.ok(), taken.error().to_text());
  }
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
  void send(WorkerId worker, Command command) override {
    if (const auto* start = std::get_if<commands::Start>(&command))
      started_.emplace_back(worker, start->attempt);
  }
  void reply(Reply reply) override {
    MILLRACE_CHECK(reply.body.ok(), reply.body.error().to_text());
  }
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

WorkflowSpecRef make_spec(const Shape& shape) {
  auto spec = std::make_shared<WorkflowSpec>();
  for (std::size_t i = 0; i < shape.tasks_per_run; ++i) {
    TaskSpec task;
    task.name = "task-" + std::to_string(i);
    task.kind = "query";
    task.request = {MilliCpu(100), mebibytes(64), Bytes(0)};
    task.attempt_timeout = seconds(3600);
    if (shape.layer > 0 && i >= shape.layer)
      task.needs.emplace_back(static_cast<std::uint32_t>(i - shape.layer));
    if (shape.data) {
      task.reads = {"flights"};
      task.writes = {{"part-" + std::to_string(i), WriteMode::kOverwrite, OnConflict::kRetry}};
    }
    spec->tasks.push_back(std::move(task));
  }
  if (shape.data)  // somebody makes what the others read
    spec->tasks[0].writes.push_back({"flights", WriteMode::kOverwrite, OnConflict::kRetry});
  spec->max_parallel = shape.max_parallel;
  const Status finished = spec->finish();
  MILLRACE_CHECK(finished.ok(), finished.error().to_text());
  return spec;
}

// A worker takes 100 attempts.
void add_workers(Installation& installation, std::size_t running) {
  for (std::uint64_t i = 1; i <= (running + 99) / 100; ++i) {
    WorkerJoined joined;
    joined.worker = WorkerId(RawId{1, i});
    joined.name = "worker-" + std::to_string(i);
    joined.capacity = {MilliCpu(10'000), mebibytes(6'400), mebibytes(1)};
    installation.offer(std::move(joined));
  }
}

void submit_runs(Installation& installation, const Shape& shape, std::size_t tasks) {
  WorkflowSpecRef spec = make_spec(shape);
  for (std::uint64_t run = 1; run <= tasks / shape.tasks_per_run; ++run) {
    SubmitRun input;
    input.request = RequestId(run);
    input.run = RunId(RawId{run, installation.now().wall.value() * 0x9E3779B97F4A7C15ULL + run});
    input.ns = "default";
    input.name = "flights-daily-" + std::to_string(run);
    input.workflow = "flights-daily";
    input.spec = shape.own_spec ? make_spec(shape) : spec;
    input.key = "7f3c2a10-" + std::to_string(run);
    installation.offer(std::move(input));
    installation.settle();
  }
}

// `count` results, of the attempts that run longest.
void report_results(Installation& installation, std::size_t count) {
  auto& started = installation.started();
  count = std::min(count, started.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [worker, attempt] = started[i];
    AttemptSucceeded result{worker, attempt, {}, nullptr};
    const RunHeader& run = *installation.engine().state().run(attempt.run);
    for (const DatasetWrite& write : run.task_spec(attempt.task).writes)
      result.writes.push_back({write.dataset, {}, 1});
    installation.offer(std::move(result));
  }
  started.erase(started.begin(), started.begin() + static_cast<std::ptrdiff_t>(count));
}

void measure(const Shape& shape, std::size_t tasks) {
  const std::size_t before = bytes_in_use();
  Installation installation(false);
  add_workers(installation, shape.running);
  const auto start = Clock::now();
  submit_runs(installation, shape, tasks);
  const double submitted = micros_since(start);
  // The log is not kept, so what is in use is state and liveness.
  const std::size_t live = installation.engine().state().live_tasks();
  const std::size_t used = bytes_in_use() - before;
  std::printf("%-9s %s\n", shape.name, shape.what);
  std::printf("          %zu live tasks in runs of %zu, %zu attempts running\n", live,
              shape.tasks_per_run, installation.started().size());
  std::printf("          %.0f bytes a live task; submitted in %.0f ms\n",
              static_cast<double>(used) / static_cast<double>(live), submitted / 1e3);
  for (const std::size_t results : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
    Sample step;
    Sample apply_time;
    const std::size_t rounds = std::min<std::size_t>(2'000, tasks / 10 / results);
    for (std::size_t i = 0; i < rounds && !installation.started().empty(); ++i) {
      installation.pass(Micros(500));
      report_results(installation, results);
      installation.settle(&step, &apply_time);
    }
    std::printf("          %3zu results a batch: plan  %s\n", results, step.text().c_str());
    std::printf("                               apply %s\n", apply_time.text().c_str());
  }
}

// The whole log applied to nothing, and the timers built again: what a new leader does.
void measure_recovery(const Shape& shape, std::size_t tasks) {
  Installation installation(true);
  add_workers(installation, shape.running);
  submit_runs(installation, shape, tasks);
  for (int i = 0; i < 1'000; ++i) {
    installation.pass(Micros(500));
    report_results(installation, 10);
    installation.settle();
  }
  std::size_t events = 0;
  const auto start = Clock::now();
  State state;
  for (const BatchRef& batch : installation.log())
    for (const Event& event : batch->events) {
      apply(state, event);
      ++events;
    }
  const double applied = micros_since(start);
  const auto rebuild = Clock::now();
  Liveness liveness;
  liveness.rebuild(state, installation.now(), Settings{});
  std::printf(
      "recovery  %zu events applied in %.0f ms (%.2f M/s), timers of %zu live tasks in %.1f ms\n",
      events, applied / 1e3, static_cast<double>(events) / applied, state.live_tasks(),
      micros_since(rebuild) / 1e3);
}

void measure_day() {
  const std::optional<simulation::Options> day = simulation::profile("day", 1);
  MILLRACE_CHECK(day.has_value(), "the day is a profile");
  const auto start = Clock::now();
  const simulation::Outcome outcome = simulation::simulate(*day);
  const double took = micros_since(start) / 1e6;
  std::printf("day       %zu runs, %llu events, %.1f virtual hours in %.1f s, trace %016llx%s\n",
              outcome.runs, static_cast<unsigned long long>(outcome.events),
              static_cast<double>(outcome.virtual_time.value()) / 3600e6, took,
              static_cast<unsigned long long>(outcome.trace_hash),
              outcome.violation ? (": " + *outcome.violation).c_str() : "");
}

void print_settings(std::size_t tasks) {
  std::array<double, 1> load{};
  if (getloadavg(load.data(), 1) != 1) load[0] = -1;
#ifdef _GLIBCXX_ASSERTIONS
  const char* assertions = "on";
#else
  const char* assertions = "off";
#endif
#ifdef __OPTIMIZE__
  const char* optimized = "yes";
#else
  const char* optimized = "no";
#endif
  std::printf(
      "settings  %zu tasks, compiler %s, optimized %s, library assertions %s, %u cores, load "
      "%.1f\n",
      tasks, __VERSION__, optimized, assertions, std::thread::hardware_concurrency(), load[0]);
  std::printf(
      "          times are CPU time of the one thread; a batch commits at once: no disk, no "
      "network\n");
}

}  // namespace
}  // namespace millrace::scheduler

int main(int argc, char** argv) {
  using namespace millrace::scheduler;  // NOLINT(google-build-using-namespace): a program of one
                                        // page
  std::size_t tasks = 100'000;
  bool day = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--tasks" && i + 1 < argc) {
      tasks = std::strtoull(argv[++i], nullptr, 10);
    } else if (flag == "--skip-day") {
      day = false;
    } else {
      std::fprintf(stderr, "core_bench: --tasks N, --skip-day\n");
      return 2;
    }
  }
  print_settings(tasks);
  const std::vector<Shape> shapes{
      {.name = "mixed",
       .what = "layers of 100, all with data, 5,000 at once",
       .tasks_per_run = 1'000,
       .running = 5'000,
       .layer = 100,
       .data = true},
      {.name = "ready",
       .what = "all ready, room for 5,000",
       .tasks_per_run = 1'000,
       .running = 5'000},
      {.name = "running",
       .what = "all running, all with data",
       .tasks_per_run = 1'000,
       .running = tasks,
       .data = true},
      {.name = "huge",
       .what = "runs of 10,000, with data, 50,000 at once",
       .tasks_per_run = 10'000,
       .running = 50'000,
       .data = true},
      {.name = "narrow",
       .what = "many runs that take one task at a time",
       .tasks_per_run = 30,
       .running = 5'000,
       .max_parallel = 1},
      {.name = "own",
       .what = "as mixed, but each run of a document of its own",
       .tasks_per_run = 100,
       .running = 5'000,
       .layer = 10,
       .data = true,
       .own_spec = true},
  };
  for (const Shape& shape : shapes) measure(shape, tasks);
  measure_recovery(shapes.front(), tasks);
  if (day) measure_day();
  return 0;
}
