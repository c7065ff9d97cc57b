#include "scheduler/core/draft.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scheduler/core/apply.h"
#include "scheduler/core/apply_event.h"
#include "scheduler/core/testing/random_history.h"

namespace millrace::scheduler {
namespace {

using testing::RandomHistory;

template <typename T>
std::optional<T> copied(const T* value) {
  return value == nullptr ? std::nullopt : std::optional(*value);
}

// What placement would walk over.
ReadyIndex ready_of(const Draft& draft) {
  ReadyIndex index;
  for (const ReadyGroup* group : draft.ready_groups()) {
    ReadyKey from;
    while (const auto key = draft.first_ready(*group, from)) {
      index[*group][{key->run_order, key->task.run}].insert(key->task.task);
      from = {key->run_order, {key->task.run, key->task.task.next()}};
    }
  }
  return index;
}

void expect_reads_as(const Draft& draft, const State& state, const RandomHistory& history,
                     const std::string& what) {
  EXPECT_EQ(draft.next_epoch(), state.next_epoch()) << what;
  EXPECT_EQ(draft.next_run_order(), state.next_run_order()) << what;
  EXPECT_EQ(draft.next_publication_order(), state.next_publication_order()) << what;
  EXPECT_EQ(draft.live_tasks(), state.live_tasks()) << what;
  EXPECT_EQ(draft.document_count(), state.documents().size()) << what;
  EXPECT_EQ(ready_of(draft), state.ready()) << what;
  for (const RunId id : history.runs()) {
    const RunHeader* run = state.run(id);
    EXPECT_EQ(copied(draft.run(id)), copied<RunFacts>(run)) << what;
    if (run == nullptr) {
      EXPECT_EQ(draft.task({id, TaskIndex(0)}), nullptr) << what;
      continue;
    }
    EXPECT_EQ(draft.all_tasks(id), *state.tasks(id)) << what;
    for (std::uint32_t i = 0; i <= run->spec->tasks.size(); ++i) {  // one too far
      const TaskRef ref{id, TaskIndex(i)};
      EXPECT_EQ(copied(draft.task(ref)), copied(state.task(ref))) << what;
      EXPECT_EQ(copied(draft.pins(ref)), copied(state.pins(ref))) << what;
    }
  }
  for (const DocumentKey& key : RandomHistory::documents())
    EXPECT_EQ(copied(draft.document(key)), copied(state.document(key))) << what;
  for (const NamespacedName& name : RandomHistory::datasets())
    EXPECT_EQ(copied(draft.head(name)), copied(state.head(name))) << what;
  for (const NamespacedName& name : RandomHistory::keys())
    EXPECT_EQ(copied(draft.key(name)), copied(state.key(name))) << what << name.name;
  for (const NamespacedName& name : RandomHistory::run_names())
    EXPECT_EQ(draft.run_name_taken(name), state.run_named(name).has_value()) << what << name.name;
  for (const std::string& queue : RandomHistory::queues())
    EXPECT_EQ(draft.queue_running(queue), state.queue_running(queue)) << what << queue;
  for (const WorkerId worker : RandomHistory::workers()) {
    const WorkerLoad* load = state.load(worker);
    EXPECT_EQ(draft.used(worker), load == nullptr ? Resources{} : load->used) << what;
  }
}

TEST(Draft, reads_as_a_state_that_applied_its_events) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    RandomHistory history(seed);
    State before;
    for (std::uint64_t step = 0; step < 100 + seed * 3; ++step)
      scheduler::apply(before, history.draw(before));
    const State base = before;  // as it stands, and must stand when the draft is done
    State after = base;
    Draft draft(base);
    for (int step = 0; step < 120; ++step) {
      const Event event = history.draw(after);
      scheduler::apply(after, event);
      std::visit(EventApplier<Draft>(draft), event);
      expect_reads_as(draft, after, history,
                      "seed " + std::to_string(seed) + " step " + std::to_string(step) + ": " +
                          to_text(event) + " ");
      if (HasFailure()) return;
    }
    EXPECT_EQ(base.ready(), before.ready()) << "the draft changed its base, seed " << seed;
  }
}

}  // namespace
}  // namespace millrace::scheduler
