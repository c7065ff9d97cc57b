#include "scheduler/core/state.h"

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

bool in_ready_index(const RunHeader& run, TaskIndex index, const Task& task) {
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

ReadyGroup ready_group(const RunHeader& run, TaskIndex index) {
  return {run.spec->queue, run.task_spec(index).request};
}

ReadyKey ready_key(const RunHeader& run, TaskIndex index) { return {run.order, {run.id, index}}; }

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

const Document* State::document(const DocumentKey& key) const { return find_in(documents_, key); }
const Head* State::head(const NamespacedName& dataset) const { return find_in(heads_, dataset); }
const KeyEntry* State::key(const NamespacedName& key) const { return find_in(keys_, key); }
const WorkerLoad* State::load(WorkerId worker) const { return find_in(loads_, worker); }

std::optional<RunId> State::run_named(const NamespacedName& name) const {
  const RunId* id = find_in(run_names_, name);
  return id == nullptr ? std::nullopt : std::optional(*id);
}

std::uint32_t State::queue_running(const std::string& queue) const {
  const std::uint32_t* count = find_in(queue_running_, queue);
  return count == nullptr ? 0 : *count;
}

void State::index_task(const RunHeader& run, TaskIndex index, const Task& task, bool add) {
  if (in_ready_index(run, index, task)) {
    const ReadyGroup group = ready_group(run, index);
    if (add) {
      ready_[group].insert(ready_key(run, index));
    } else {
      auto& keys = ready_[group];
      keys.erase(ready_key(run, index));
      if (keys.empty()) ready_.erase(group);
    }
  }
  if (holds_lease(task.state)) {
    const TaskRef ref{run.id, index};
    WorkerLoad& load = loads_[task.worker];
    auto& queue = queue_running_[run.spec->queue];
    if (add) {
      load.used = load.used + run.task_spec(index).request;
      load.tasks.insert(ref);
      ++queue;
    } else {
      if (!MILLRACE_PLANTED(kCapacityLeaked)) load.used = load.used - run.task_spec(index).request;
      load.tasks.erase(ref);
      if (load.tasks.empty() && !MILLRACE_PLANTED(kCapacityLeaked)) loads_.erase(task.worker);
      if (--queue == 0) queue_running_.erase(run.spec->queue);
    }
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

RunHeader& State::edit_run(RunId id) {
  const auto it = runs_.find(id);
  MILLRACE_CHECK(it != runs_.end(), "an edit of a run that is not there");
  return it->second.header;
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
  account(run.header.counts, &place, task);
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
  keys_[std::move(key)] = std::move(entry);
}

void State::forget_keys(WallTime ended_before) {
  std::erase_if(keys_, [&](const auto& entry) {
    return entry.second.ended != WallTime() && entry.second.ended < ended_before;
  });
}

}  // namespace millrace::scheduler
