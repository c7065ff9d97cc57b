#include "scheduler/core/state.h"

#include <gtest/gtest.h>

#include "scheduler/core/apply.h"
#include "scheduler/core/ready.h"
#include "scheduler/core/testing/random_history.h"

namespace millrace::scheduler {
namespace {

using testing::RandomHistory;

// All that a state derives, built again from what it keeps.
struct Derived {
  ReadyIndex ready;
  ReadyIndex held_back;
  std::map<WorkerId, WorkerLoad> loads;
  std::map<std::string, std::uint32_t> queues;
  std::map<RunId, RunCounts> counts;
  std::map<NamespacedName, RunId> names;
  std::optional<WallTime> oldest_key;
  std::optional<WallTime> oldest_hold;
  std::size_t live = 0;
};

Derived derive(const State& state) {
  Derived derived;
  for (const auto& [id, run] : state.runs()) {
    derived.names[{run.header.ns, run.header.name}] = id;
    derived.live += run.tasks.size();
    RunCounts& counts = derived.counts[id];
    for (const Task& task : run.tasks) account(counts, nullptr, task);
    const std::uint32_t limit = run.header.spec->max_parallel;
    ReadyIndex& ready = limit != 0 && counts.running >= limit ? derived.held_back : derived.ready;
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
      const Task& task = run.tasks[i];
      const TaskSpec& spec = run.header.spec->tasks[i];
      const DesiredState desired = run.header.desired;
      const bool survives_cancel = task.phase == Phase::kPublish || spec.run_on != RunOn::kSuccess;
      if (task.state == TaskState::kReady && desired != DesiredState::kPaused &&
          (desired != DesiredState::kCancelled || survives_cancel))
        ready[{run.header.spec->queue, spec.request}][{run.header.order, id}].insert(TaskIndex(i));
      if (!holds_lease(task.state)) continue;
      WorkerLoad& load = derived.loads[task.worker];
      load.used = load.used + spec.request;
      load.tasks.push_back({id, TaskIndex(i)});
      ++derived.queues[run.header.spec->queue];
    }
  }
  for (const auto& [name, entry] : state.keys())
    if (entry.ended != WallTime() && (!derived.oldest_key || entry.ended < *derived.oldest_key))
      derived.oldest_key = entry.ended;
  for (const auto& [run, hold] : state.holds())
    if (!derived.oldest_hold || hold.ended < *derived.oldest_hold) derived.oldest_hold = hold.ended;
  return derived;
}

void expect_derived(const State& state, const std::string& what) {
  const Derived derived = derive(state);
  EXPECT_EQ(state.ready(), derived.ready) << what;
  EXPECT_EQ(state.held_back(), derived.held_back) << what;
  EXPECT_EQ(state.loads(), derived.loads) << what;
  EXPECT_EQ(state.live_tasks(), derived.live) << what;
  EXPECT_EQ(state.oldest_ended_key(), derived.oldest_key) << what;
  EXPECT_EQ(state.oldest_hold(), derived.oldest_hold) << what;
  for (const std::string& queue : RandomHistory::queues()) {
    const auto running = derived.queues.find(queue);
    EXPECT_EQ(state.queue_running(queue), running == derived.queues.end() ? 0 : running->second)
        << what;
  }
  for (const auto& [id, run] : state.runs())
    EXPECT_EQ(run.header.counts, derived.counts.at(id)) << what;
  for (const NamespacedName& name : RandomHistory::run_names()) {
    const auto named = derived.names.find(name);
    EXPECT_EQ(state.run_named(name),
              named == derived.names.end() ? std::nullopt : std::optional(named->second))
        << what;
  }
}

TEST(State, indexes_are_what_its_tasks_give_after_any_history) {
  std::set<std::size_t> kinds;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RandomHistory history(seed);
    State state;
    for (int step = 0; step < 400; ++step) {
      const Event event = history.draw(state);
      kinds.insert(event.index());
      scheduler::apply(state, event);
      expect_derived(state, "seed " + std::to_string(seed) + " step " + std::to_string(step) +
                                ": " + to_text(event));
      if (HasFailure()) return;
    }
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Event>) << "a kind of event was never drawn";
}

TEST(State, a_task_pins_while_it_may_run_again_and_only_if_there_is_something_to_pin) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    RandomHistory history(seed);
    State state;
    for (int step = 0; step < 400; ++step) {
      scheduler::apply(state, history.draw(state));
      for (const auto& [id, run] : state.runs())
        for (const auto& [index, pins] : run.header.task_pins) {
          EXPECT_FALSE(is_terminal(run.tasks[index.value()].state)) << "seed " << seed;
          EXPECT_FALSE(pins.inputs.empty() && pins.bases.empty()) << "seed " << seed;
        }
    }
  }
}

TEST(State, forgets_keys_of_runs_that_ended_before_and_no_others) {
  State state;
  const auto entry = [](std::int64_t ended) { return KeyEntry{{}, "r", {}, WallTime(ended)}; };
  state.put_key({"default", "lives"}, entry(0));
  state.put_key({"default", "old"}, entry(10));
  state.put_key({"default", "new"}, entry(20));
  state.put_key({"default", "renewed"}, entry(5));
  state.put_key({"default", "renewed"}, entry(30));
  EXPECT_EQ(state.oldest_ended_key(), WallTime(10));
  state.forget_keys(WallTime(20));
  EXPECT_EQ(state.key({"default", "old"}), nullptr);
  for (const char* kept : {"lives", "new", "renewed"})
    EXPECT_NE(state.key({"default", kept}), nullptr) << kept;
  EXPECT_EQ(state.oldest_ended_key(), WallTime(20));
}

}  // namespace
}  // namespace millrace::scheduler
