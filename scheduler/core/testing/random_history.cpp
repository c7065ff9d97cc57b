#include "scheduler/core/testing/random_history.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/check.h"

namespace millrace::scheduler::testing {
namespace {

std::vector<NamespacedName> named(const std::string& stem, int count) {
  std::vector<NamespacedName> names;
  names.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) names.push_back({"default", stem + std::to_string(i)});
  return names;
}

}  // namespace

std::vector<WorkerId> RandomHistory::workers() {
  std::vector<WorkerId> ids;
  for (std::uint64_t i = 1; i <= 4; ++i) ids.push_back(WorkerId(RawId{1, i}));
  return ids;
}
std::vector<NamespacedName> RandomHistory::datasets() { return named("d", 4); }
std::vector<NamespacedName> RandomHistory::keys() { return named("k", 6); }
std::vector<NamespacedName> RandomHistory::run_names() { return named("r", 8); }
std::vector<DocumentKey> RandomHistory::documents() {
  std::vector<DocumentKey> keys;
  for (NamespacedName& name : named("w", 3)) keys.emplace_back("workflows", std::move(name));
  return keys;
}

Event RandomHistory::draw(const State& state) {
  now_ = now_ + Micros(static_cast<std::int64_t>(below(3) * below(2'000'000)));
  for (int tries = 0; tries < 10'000; ++tries)
    if (std::optional<Event> event = try_draw(state)) return *std::move(event);
  return events::LeaderStarted{LeaderId(RawId{3, random_()}), state.leader_epoch().next(), now_};
}

std::optional<Event> RandomHistory::try_draw(const State& state) {
  const std::uint64_t kind = below(40);
  if (kind == 0)
    return events::LeaderStarted{LeaderId(RawId{3, random_()}), state.leader_epoch().next(), now_};
  if (kind == 1) return draw_document(state);
  if (kind == 2) {
    const WallTime before = now_ + Micros(-static_cast<std::int64_t>(below(60'000'000)));
    if (below(3) == 0)
      return events::SnapshotsExpired{one_of(datasets()), {SnapshotId(RawId{4, random_()})}, now_};
    if (below(2) == 0) return events::HoldsReleased{before};
    return events::KeysForgotten{before};
  }
  if (kind < 6) return draw_run(state);
  if (state.runs().empty()) return std::nullopt;
  auto run = state.runs().begin();
  std::advance(run, below(state.runs().size()));
  if (run->second.header.counts.open == 0)
    return events::RunFinished{
        run->first, below(2) == 0 ? RunOutcome::kSucceeded : RunOutcome::kFailed, "", now_};
  if (kind == 6) {
    static constexpr DesiredState kDesired[] = {DesiredState::kRunning, DesiredState::kPaused,
                                                DesiredState::kCancelled};
    return events::RunDesired{run->first, kDesired[below(3)], below(2) == 0 ? "" : "drawn", now_};
  }
  return draw_of_task(state, run->second);
}

std::optional<Event> RandomHistory::draw_document(const State& state) {
  const DocumentKey key = one_of(documents());
  const Document* before = state.document(key);
  if (before != nullptr && below(3) == 0)
    return events::DocumentDeleted{key.first, key.second, now_};
  BodyHash hash{};
  hash[0] = static_cast<std::uint8_t>(below(256));
  return events::DocumentPut{key.first, key.second,  before == nullptr ? 1 : before->generation + 1,
                             hash,      draw_spec(), now_};
}

std::optional<Event> RandomHistory::draw_run(const State& state) {
  if (state.runs().size() >= 6) return std::nullopt;
  const NamespacedName name = one_of(run_names());
  if (state.run_named(name)) return std::nullopt;
  events::RunCreated created;
  created.run = RunId(RawId{2, random_()});
  created.ns = name.ns;
  created.name = name.name;
  created.spec = draw_spec();
  if (below(2) == 0) {
    const NamespacedName key = one_of(keys());
    if (state.key(key) != nullptr) return std::nullopt;  // a replay creates nothing
    created.key = key.name;
  }
  for (const std::string& dataset : created.spec->external_reads) {
    const Head* head = state.head({name.ns, dataset});
    created.pins.push_back({dataset, head == nullptr ? SnapshotId() : head->snapshot});
  }
  created.at = now_;
  if (below(3) == 0) take_over(created);
  runs_.push_back(created.run);
  return created;
}

// As a rerun does: any tasks, each with all that it needs.
void RandomHistory::take_over(events::RunCreated& created) {
  created.rerun_of = RunId(RawId{2, random_()});
  created.rerun_of_name = "origin";
  std::set<TaskIndex> taken;
  for (std::uint32_t i = 0; i < created.spec->tasks.size(); ++i) {
    const TaskSpec& task = created.spec->tasks[i];
    if (!std::all_of(task.needs.begin(), task.needs.end(),
                     [&](TaskIndex need) { return taken.contains(need); }) ||
        below(3) == 0)
      continue;
    taken.insert(TaskIndex(i));
    created.taken.push_back({TaskIndex(i), created.rerun_of, draw_pins()});
  }
}

std::optional<Event> RandomHistory::draw_of_task(const State& state, const Run& run) {
  const TaskIndex index(static_cast<std::uint32_t>(below(run.tasks.size())));
  const TaskRef ref{run.header.id, index};
  const Task& task = run.tasks[index.value()];
  const auto ended = [&](TaskState to) {
    return events::TaskEnded{ref, to, "task.drawn", "was drawn", now_};
  };
  switch (task.state) {
    case TaskState::kPending:
      if (below(12) == 0) return ended(below(2) == 0 ? TaskState::kSkipped : TaskState::kCancelled);
      if (task.needs_open > 0) return std::nullopt;
      return events::TaskReady{ref, now_};
    case TaskState::kReady: {
      if (below(12) == 0) return ended(below(2) == 0 ? TaskState::kFailed : TaskState::kCancelled);
      const Epoch epoch(state.next_epoch().value() + below(3));
      return events::AttemptPlaced{{ref.run, ref.task, task.attempt.next(), epoch},
                                   one_of(workers()),
                                   task.phase,
                                   run.header.task_spec(index).request,
                                   draw_pins(),
                                   draw_pins(),
                                   now_,
                                   "w"};
    }
    case TaskState::kBackingOff:
      if (below(8) == 0) return ended(below(2) == 0 ? TaskState::kFailed : TaskState::kCancelled);
      return events::TaskReady{ref, now_};
    case TaskState::kRunning:
      if (below(8) == 0) return events::CancelRequested{ref, "drawn", now_};
      return draw_result(state, run, ref);
    case TaskState::kCancelling:
      return draw_result(state, run, ref);
    case TaskState::kSucceeded:
    case TaskState::kFailed:
    case TaskState::kSkipped:
    case TaskState::kCancelled:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Event> RandomHistory::draw_result(const State& state, const Run& run, TaskRef ref) {
  const Task& task = run.tasks[ref.task.value()];
  const TaskSpec& spec = run.header.task_spec(ref.task);
  if (below(2) == 0) {
    events::AttemptSucceeded done{latest_of(ref, task), task.worker, task.phase, {}, 0,
                                  task.since,           now_};
    if (spec.publishes && task.phase == Phase::kExecute)
      done.publication_order = state.next_publication_order();
    for (std::uint32_t i = 0; i < spec.writes.size() && task.phase == Phase::kExecute; ++i) {
      const std::string& dataset = spec.writes[i].dataset;
      const Head* head = state.head({run.header.ns, dataset});
      done.snapshots.push_back({dataset, SnapshotId(RawId{4, random_()}),
                                head == nullptr ? SnapshotId() : head->snapshot,
                                spec.writes[i].mode, i, BodyHash{}, 1});
    }
    return done;
  }
  events::Decision next = events::Cancelled{};
  if (task.state == TaskState::kRunning) {
    if (below(2) == 0)
      next = events::Retry{now_ + seconds(1), below(2) == 0, "retry.drawn"};
    else
      next = events::GiveUp{"retry.drawn"};
  }
  const std::string code = below(3) == 0 ? "runner.crashed" : "drawn";
  return events::AttemptFailed{latest_of(ref, task),
                               task.worker,
                               task.phase,
                               {ErrorClass::kTransient, code, std::string(below(700), 'x'), 0},
                               std::move(next),
                               task.since,
                               now_};
}

std::vector<events::Pin> RandomHistory::draw_pins() {
  std::vector<events::Pin> pins;
  if (below(2) == 0) pins.push_back({one_of(datasets()).name, SnapshotId(RawId{4, random_()})});
  return pins;
}

WorkflowSpecRef RandomHistory::draw_spec() {
  auto spec = std::make_shared<WorkflowSpec>();
  const std::uint64_t count = 1 + below(8);
  for (std::uint32_t i = 0; i < count; ++i) {
    TaskSpec task;
    task.name = "t" + std::to_string(i);
    task.request = {MilliCpu(static_cast<std::int64_t>(500 * (1 + below(3)))), mebibytes(64),
                    Bytes(0)};
    for (std::uint32_t need = 0; need < i; ++need)
      if (below(4) == 0) task.needs.emplace_back(need);
    task.run_on = below(5) == 0 ? RunOn::kAlways : RunOn::kSuccess;
    task.publishes = below(4) == 0;
    if (below(3) == 0) task.reads.push_back(one_of(datasets()).name);
    if (below(3) == 0)
      task.writes.push_back({one_of(datasets()).name, WriteMode::kOverwrite, OnConflict::kRetry});
    spec->tasks.push_back(std::move(task));
  }
  spec->queue = one_of(queues());
  if (below(2) == 0) spec->max_parallel = static_cast<std::uint32_t>(1 + below(2));
  const Status finished = spec->finish();
  MILLRACE_CHECK(finished.ok(), finished.error().to_text());
  return spec;
}

}  // namespace millrace::scheduler::testing
