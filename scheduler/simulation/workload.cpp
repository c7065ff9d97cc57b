#include "scheduler/simulation/workload.h"

#include <algorithm>

#include "base/check.h"

namespace millrace::simulation {
namespace {

using namespace scheduler;  // NOLINT: a file of one function over the core's types

std::string dataset(Random& random) { return "d" + std::to_string(random.below(6)); }

TaskSpec draw_task(Random& random, std::uint32_t index) {
  TaskSpec task;
  task.name = "t" + std::to_string(index);
  task.kind = "simulated";
  task.request = {MilliCpu(random.between(1, 4) * 250), mebibytes(random.between(1, 8) * 64),
                  Bytes(0)};
  if (index > 0) {
    const std::uint64_t needs = random.below(3);
    for (std::uint64_t i = 0; i < needs; ++i)
      task.needs.emplace_back(static_cast<std::uint32_t>(random.below(index)));
  }
  if (random.chance(0.08)) task.run_on = random.chance(0.5) ? RunOn::kFailure : RunOn::kAlways;
  if (random.chance(0.25))
    task.writes.push_back({dataset(random),
                           random.chance(0.5) ? WriteMode::kOverwrite : WriteMode::kAppend,
                           random.chance(0.8) ? OnConflict::kRetry : OnConflict::kFail});
  if (random.chance(0.1)) task.publishes = true;
  if (random.chance(0.05)) task.attempt_timeout = seconds(random.between(5, 60));
  if (random.chance(0.03)) task.timeout = seconds(random.between(30, 300));
  if (random.chance(0.03)) task.queue_timeout = seconds(random.between(5, 120));
  if (random.chance(0.2)) {
    RetryRow row;
    row.max_attempts = static_cast<std::uint32_t>(random.between(1, 6));
    row.backoff_initial = milliseconds(random.between(100, 3000));
    row.elsewhere = random.chance(0.5);
    if (random.chance(0.1)) row.action = RetryRow::Action::kFailRun;
    task.on_error.push_back(row);
  }
  return task;
}

// Two writers of one dataset in a run need an order, as a manifest would be asked for one.
void order_writers(std::vector<TaskSpec>& tasks) {
  for (std::uint32_t i = 0; i < tasks.size(); ++i)
    for (std::uint32_t j = i + 1; j < tasks.size(); ++j)
      if (!tasks[i].writes.empty() && !tasks[j].writes.empty() &&
          tasks[i].writes[0].dataset == tasks[j].writes[0].dataset)
        tasks[j].needs.emplace_back(i);
}

// Whoever reads what another task of the run writes waits for it.
void add_reads(Random& random, std::vector<TaskSpec>& tasks) {
  for (std::uint32_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].writes.empty() || i + 1 == tasks.size() || !random.chance(0.7)) continue;
    TaskSpec& reader = tasks[static_cast<std::size_t>(
        random.between(i + 1, static_cast<std::int64_t>(tasks.size()) - 1))];
    reader.reads.push_back(tasks[i].writes[0].dataset);
    for (std::uint32_t j = 0; &tasks[j] != &reader; ++j)
      if (!tasks[j].writes.empty() && tasks[j].writes[0].dataset == tasks[i].writes[0].dataset)
        reader.needs.emplace_back(j);
  }
}

TaskBehaviour draw_behaviour(Random& random, const Load& load) {
  TaskBehaviour behaviour;
  behaviour.takes = Micros(random.between(1'000, load.task_time_max.value()));
  if (load.long_tasks && random.chance(0.02)) behaviour.takes = seconds(random.between(60, 120));
  behaviour.poison = random.chance(0.01);
  behaviour.broken = random.chance(0.02);
  return behaviour;
}

}  // namespace

std::vector<PlannedRun> draw_workload(Random& random, const Load& load) {
  std::vector<PlannedRun> runs;
  for (std::uint32_t i = 0; i < load.runs; ++i) {
    PlannedRun run;
    run.at = Micros(random.between(0, load.over.value()));
    run.name = "run" + std::to_string(i);
    if (random.chance(0.7)) run.key = "key" + std::to_string(i);
    auto spec = std::make_shared<WorkflowSpec>();
    const auto tasks = static_cast<std::uint32_t>(random.between(load.min_tasks, load.max_tasks));
    for (std::uint32_t t = 0; t < tasks; ++t) {
      spec->tasks.push_back(draw_task(random, t));
      run.behaviours.push_back(draw_behaviour(random, load));
    }
    order_writers(spec->tasks);
    add_reads(random, spec->tasks);
    if (random.chance(0.2)) spec->max_parallel = static_cast<std::uint32_t>(random.between(1, 3));
    if (random.chance(0.05)) spec->timeout = seconds(random.between(60, 600));
    if (random.chance(0.3)) spec->queue = "narrow";
    const Status finished = spec->finish();
    MILLRACE_CHECK(finished.ok(), finished.error().to_text());
    run.spec = std::move(spec);
    if (random.chance(load.steered)) {
      if (random.chance(0.5)) {
        run.cancel_after = seconds(random.between(1, 60));
      } else {
        run.pause_after = seconds(random.between(1, 30));
        run.resume_after = run.pause_after + seconds(random.between(1, 60));
      }
    }
    run.submit_twice = random.chance(0.3);
    if (random.chance(load.rerun)) {
      run.rerun_after = Micros(random.between(1, load.rerun_within.value()));
      for (std::uint32_t t = 0; t < tasks; ++t) {
        if (random.chance(0.1)) run.asked.emplace_back(t);
        if (random.chance(0.05)) run.changed.emplace_back(t);
      }
    }
    runs.push_back(std::move(run));
  }
  std::sort(runs.begin(), runs.end(), [](const PlannedRun& a, const PlannedRun& b) {
    return a.at != b.at ? a.at < b.at : a.name < b.name;
  });
  return runs;
}

}  // namespace millrace::simulation
