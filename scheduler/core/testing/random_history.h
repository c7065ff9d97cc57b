// RandomHistory: legal events drawn from a seed, one after the other, whatever plan() would have
// decided: for properties that must hold of any log.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "scheduler/core/events.h"
#include "scheduler/core/state.h"

namespace millrace::scheduler::testing {

class RandomHistory {
 public:
  explicit RandomHistory(std::uint64_t seed) : random_(seed) {}

  // An event that may follow on `state`, which is what all events so far gave.
  Event draw(const State& state);

  // Everything that events so far may have named.
  const std::vector<RunId>& runs() const { return runs_; }
  static std::vector<WorkerId> workers();
  static std::vector<std::string> queues() { return {"default", "narrow"}; }
  static std::vector<NamespacedName> datasets();
  static std::vector<NamespacedName> keys();
  static std::vector<DocumentKey> documents();
  static std::vector<NamespacedName> run_names();

 private:
  std::optional<Event> try_draw(const State& state);
  std::optional<Event> draw_document(const State& state);
  std::optional<Event> draw_run(const State& state);
  void take_over(events::RunCreated& created);
  std::optional<Event> draw_of_task(const State& state, const Run& run);
  std::optional<Event> draw_result(const State& state, const Run& run, TaskRef ref);
  WorkflowSpecRef draw_spec();
  std::vector<events::Pin> draw_pins();
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  template <typename T>
  T one_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }
  AttemptRef latest_of(TaskRef ref, const Task& task) const {
    return {ref.run, ref.task, task.attempt, task.epoch};
  }

  std::mt19937_64 random_;
  WallTime now_{1'700'000'000'000'000};
  std::vector<RunId> runs_;
};

}  // namespace millrace::scheduler::testing
