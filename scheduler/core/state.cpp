#include "scheduler/core/state.h"

#include <algorithm>

#include "base/check.h"
#include "scheduler/core/planted.h"
#include "scheduler/core/ready.h"

namespace millrace::scheduler {
namespace {

template <typename Map, typename Key>
const typename Map::mapped_type* find_in(const Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

std::uint32_t* counter_of(RunCounts& counts, TaskState state) {
  switch (state) {
    case TaskState::kSucceeded:
      return &counts.succeeded;
    case TaskState::kFailed:
      return &counts.failed;
    case TaskState::kSkipped:
      return &counts.skipped;
    case TaskState::kCancelled:
      return &counts.cancelled;
    case TaskState::kPending:
    case TaskState::kReady:
    case TaskState::kRunning:
    case TaskState::kCancelling:
    case TaskState::kBackingOff:
      return &counts.open;
  }
  return nullptr;
}

}  // namespace

void account(RunCounts& counts, const Task* before, const Task& after) {
  if (before != nullptr) {
    --*counter_of(counts, before->state);
    if (holds_lease(before->state)) --counts.running;
  }
  ++*counter_of(counts, after.state);
  if (holds_lease(after.state)) ++counts.running;
}

bool in_ready_index(const RunFacts& run, TaskIndex index, const Task& task) {
  if (task.state != TaskState::kReady) return false;
  switch (run.desired) {
    case DesiredState::kRunning:
      return true;
    case DesiredState::kPaused:
      return false;
    case DesiredState::kCancelled:
      // What survives a cancellation: publications, past the point of no return, and clean-up
      // tasks.
      return task.phase == Phase::kPublish || run.task_spec(index).run_on != RunOn::kSuccess;
  }
  return false;
}

ReadyGroup ready_group(const RunFacts& run, TaskIndex index) {
  return {run.spec->queue, run.task_spec(index).request};
}

RunPlace place_of(const RunFacts& run) { return {run.order, run.id}; }

bool is_full(const RunFacts& run) {
  return run.spec->max_parallel != 0 && run.counts.running >= run.spec->max_parallel;
}

const RunHeader* State::run(RunId id) const {
  const Run* run = find_in(runs_, id);
  return run == nullptr ? nullptr : &run->header;
}

const std::vector<Task>* State::tasks(RunId id) const {
  const Run* run = find_in(runs_, id);
  return run == nullptr ? nullptr : &run->tasks;
}

const Task* State::task(TaskRef ref) const {
  const Run* run = find_in(runs_, ref.run);
  if (run == nullptr || ref.task.value() >= run->tasks.size()) return nullptr;
  return &run->tasks[ref.task.value()];
}

const TaskPins* State::pins(TaskRef ref) const {
  const RunHeader* header = run(ref.run);
  return header == nullptr ? nullptr : find_in(header->task_pins, ref.task);
}

const Document* State::document(const DocumentKey& key) const { return find_in(documents_, key); }
const Head* State::head(const NamespacedName& dataset) const { return find_in(heads_, dataset); }
const KeyEntry* State::key(const NamespacedName& key) const { return find_in(keys_, key); }

std::optional<WallTime> State::oldest_ended_key() const {
  return ended_keys_.empty() ? std::nullopt : std::optional(ended_keys_.begin()->first);
}

std::optional<WallTime> State::oldest_hold() const {
  return holds_by_end_.empty() ? std::nullopt : std::optional(holds_by_end_.begin()->first);
}

const WorkerLoad* State::load(WorkerId worker) const { return find_in(loads_, worker); }

std::optional<RunId> State::run_named(const NamespacedName& name) const {
  const RunId* id = find_in(run_names_, name);
  return id == nullptr ? std::nullopt : std::optional(*id);
}

std::uint32_t State::queue_running(const std::string& queue) const {
  const std::uint32_t* count = find_in(queue_running_, queue);
  return count == nullptr ? 0 : *count;
}

void State::index_task(const RunFacts& run, TaskIndex index, const Task& task, bool add) {
  if (in_ready_index(run, index, task)) {
    ReadyIndex& ready = is_full(run) ? held_back_ : ready_;
    const ReadyGroup group = ready_group(run, index);
    ReadyRuns& runs = ready[group];
    std::set<TaskIndex>& tasks = runs[place_of(run)];
    if (add)
      tasks.insert(index);
    else
      tasks.erase(index);
    if (tasks.empty()) runs.erase(place_of(run));
    if (runs.empty()) ready.erase(group);
  }
  if (holds_lease(task.state)) index_load(run, index, task.worker, add);
}

void State::index_load(const RunFacts& run, TaskIndex index, WorkerId worker, bool add) {
  const TaskRef ref{run.id, index};
  WorkerLoad& load = loads_[worker];
  auto& queue = queue_running_[run.spec->queue];
  const auto at = std::lower_bound(load.tasks.begin(), load.tasks.end(), ref);
  if (add) {
    load.used = load.used + run.task_spec(index).request;
    load.tasks.insert(at, ref);
    ++queue;
  } else {
    if (!MILLRACE_PLANTED(kCapacityLeaked)) load.used = load.used - run.task_spec(index).request;
    load.tasks.erase(at);
    if (load.tasks.empty() && !MILLRACE_PLANTED(kCapacityLeaked)) loads_.erase(worker);
    if (--queue == 0) queue_running_.erase(run.spec->queue);
  }
}

void State::move_ready(const RunFacts& run, ReadyIndex& from, ReadyIndex& to) {
  const RunPlace place = place_of(run);
  for (const Resources& request : run.spec->requests) {
    const auto group = from.find({run.spec->queue, request});
    if (group == from.end()) continue;
    auto tasks = group->second.extract(place);
    if (tasks.empty()) continue;
    to[group->first].insert(std::move(tasks));
    if (group->second.empty()) from.erase(group);
  }
}

void State::put_run(RunHeader header, std::vector<Task> tasks) {
  MILLRACE_CHECK(!runs_.contains(header.id), "a run is put twice");
  MILLRACE_CHECK(header.spec != nullptr && header.spec->tasks.size() == tasks.size(),
                 "a run's tasks are not its spec's");
  const RunId id = header.id;
  header.counts = {};
  for (const Task& task : tasks) account(header.counts, nullptr, task);
  run_names_[{header.ns, header.name}] = id;
  live_tasks_ += tasks.size();
  Run& run = runs_[id] = Run{std::move(header), std::move(tasks)};
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
    index_task(run.header, TaskIndex(i), run.tasks[i], true);
}

RunFacts& State::edit_run(RunId id) {
  const auto it = runs_.find(id);
  MILLRACE_CHECK(it != runs_.end(), "an edit of a run that is not there");
  return it->second.header;
}

void State::put_pins(TaskRef ref, TaskPins pins) {
  const auto it = runs_.find(ref.run);
  MILLRACE_CHECK(it != runs_.end(), "pins of a run that is not there");
  it->second.header.task_pins[ref.task] = std::move(pins);
}

void State::erase_pins(TaskRef ref) {
  const auto it = runs_.find(ref.run);
  MILLRACE_CHECK(it != runs_.end(), "pins of a run that is not there");
  it->second.header.task_pins.erase(ref.task);
}

void State::put_desired(RunId id, DesiredState desired, std::string reason) {
  const auto it = runs_.find(id);
  MILLRACE_CHECK(it != runs_.end(), "an edit of a run that is not there");
  Run& run = it->second;
  // What is ready may become, or cease to be, eligible for placement.
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
    index_task(run.header, TaskIndex(i), run.tasks[i], false);
  run.header.desired = desired;
  run.header.desired_reason = std::move(reason);
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
    index_task(run.header, TaskIndex(i), run.tasks[i], true);
}

void State::put_task(TaskRef ref, Task task) {
  const auto it = runs_.find(ref.run);
  MILLRACE_CHECK(it != runs_.end() && ref.task.value() < it->second.tasks.size(),
                 "an edit of a task that is not there");
  Run& run = it->second;
  Task& place = run.tasks[ref.task.value()];
  index_task(run.header, ref.task, place, false);
  const bool was_full = is_full(run.header);
  account(run.header.counts, &place, task);
  if (was_full && !is_full(run.header)) move_ready(run.header, held_back_, ready_);
  if (!was_full && is_full(run.header)) move_ready(run.header, ready_, held_back_);
  place = task;
  index_task(run.header, ref.task, place, true);
}

void State::erase_run(RunId id) {
  const auto it = runs_.find(id);
  MILLRACE_CHECK(it != runs_.end(), "an erased run is not there");
  const Run& run = it->second;
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
    index_task(run.header, TaskIndex(i), run.tasks[i], false);
  live_tasks_ -= run.tasks.size();
  const auto named = run_names_.find({run.header.ns, run.header.name});
  if (named != run_names_.end() && named->second == id) run_names_.erase(named);
  runs_.erase(it);
}

void State::put_document(DocumentKey key, Document document) {
  documents_[std::move(key)] = std::move(document);
}
void State::erase_document(const DocumentKey& key) { documents_.erase(key); }
void State::put_head(NamespacedName dataset, Head head) { heads_[std::move(dataset)] = head; }
void State::put_key(NamespacedName key, KeyEntry entry) {
  KeyEntry& place = keys_[key];
  if (place.ended != WallTime()) ended_keys_.erase({place.ended, key});
  place = std::move(entry);
  if (place.ended != WallTime()) ended_keys_.emplace(place.ended, std::move(key));
}

void State::forget_keys(WallTime ended_before) {
  while (!ended_keys_.empty() && ended_keys_.begin()->first < ended_before) {
    keys_.erase(ended_keys_.begin()->second);
    ended_keys_.erase(ended_keys_.begin());
  }
}

void State::put_hold(RunId run, Hold hold) {
  Hold& place = holds_[run];
  holds_by_end_.erase({place.ended, run});
  place = std::move(hold);
  holds_by_end_.emplace(place.ended, run);
  if (holds_.size() <= kMostHolds) return;
  holds_.erase(holds_by_end_.begin()->second);
  holds_by_end_.erase(holds_by_end_.begin());
}

void State::release_holds(WallTime ended_before) {
  while (!holds_by_end_.empty() && holds_by_end_.begin()->first < ended_before) {
    holds_.erase(holds_by_end_.begin()->second);
    holds_by_end_.erase(holds_by_end_.begin());
  }
}

}  // namespace millrace::scheduler
