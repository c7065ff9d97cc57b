// What the scheduler's core costs with many live tasks: time of a plan step and of the whole round
// of the engine while results trickle in, memory of a live task, replay of the log, and a simulated
// day. No disk and no network: the store is a vector that commits at once.
//
//   core_bench [--tasks 100000] [--skip-day] [--smoke]
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "bench/installation.h"
#include "bench/timing.h"
#include "scheduler/core/apply.h"
#include "scheduler/simulation/profiles.h"

namespace millrace::scheduler {
namespace {

using bench::cpu_micros;
using bench::Sample;

double micros_since(double start) { return cpu_micros() - start; }

std::size_t bytes_in_use() { return mallinfo2().uordblks; }

void measure(const Shape& shape, std::size_t tasks) {
  const std::size_t before = bytes_in_use();
  Installation installation(false);
  add_workers(installation, shape.running);
  const auto start = cpu_micros();
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
  const auto start = cpu_micros();
  State state;
  for (const BatchRef& batch : installation.log())
    for (const Event& event : batch->events) {
      apply(state, event);
      ++events;
    }
  const double applied = micros_since(start);
  const auto rebuild = cpu_micros();
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
  const auto start = cpu_micros();
  const simulation::Outcome outcome = simulation::simulate(*day);
  const double took = micros_since(start) / 1e6;
  std::printf("day       %zu runs, %llu events, %.1f virtual hours in %.1f s, trace %016llx%s\n",
              outcome.runs, static_cast<unsigned long long>(outcome.events),
              static_cast<double>(outcome.virtual_time.value()) / 3600e6, took,
              static_cast<unsigned long long>(outcome.trace_hash),
              outcome.violation ? (": " + *outcome.violation).c_str() : "");
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
    } else if (flag == "--smoke") {
      tasks = 10'000;
      day = false;
    } else {
      std::fprintf(stderr, "core_bench: --tasks N, --skip-day, --smoke\n");
      return 2;
    }
  }
  millrace::bench::print_settings(
      "core", std::to_string(tasks) +
                  " tasks; times are CPU time of the one thread, a batch commits "
                  "at once: no disk, no network");
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
