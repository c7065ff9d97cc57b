#include "bench/installation.h"

#include <algorithm>
#include <memory>
#include <string>
#include <variant>

#include "base/check.h"

namespace millrace::scheduler {

Installation::Installation(bool keep_log) : keep_log_(keep_log) {
  engine_.start(now_);
  engine_.answer(Elected{LeaderEpoch(1), now_.monotonic + seconds(1'000'000)}, now_);
  engine_.answer(Recovered{LeaderEpoch(1), std::make_shared<State>(), Sequence(0)}, now_);
  settle();
}

void Installation::settle(bench::Sample* step_time, bench::Sample* apply_time) {
  do {
    const auto start = bench::cpu_micros();
    engine_.step(now_);
    if (step_time != nullptr) step_time->add(bench::cpu_micros() - start);
    if (!under_way_) continue;
    const BatchRef batch = std::exchange(under_way_, nullptr);
    if (keep_log_) log_.push_back(batch);
    const auto committed = bench::cpu_micros();
    engine_.answer(CommitAnswer{batch->id, CommitOutcome::kCommitted}, now_);
    if (apply_time != nullptr) apply_time->add(bench::cpu_micros() - committed);
  } while (engine_.next_wake() == Monotonic(0));
}

void Installation::offer(Input input) {
  const Status taken = engine_.offer(std::move(input), now_);
  MILLRACE_CHECK(taken.ok(), taken.error().to_text());
}

void Installation::send(WorkerId worker, Command command) {
  if (const auto* start = std::get_if<commands::Start>(&command))
    started_.emplace_back(worker, start->attempt);
}

void Installation::reply(Reply reply) {
  MILLRACE_CHECK(reply.body.ok(), reply.body.error().to_text());
}

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

}  // namespace millrace::scheduler
