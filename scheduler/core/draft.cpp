#include "scheduler/core/draft.h"

#include <algorithm>

#include "base/check.h"
#include "scheduler/core/ready.h"

namespace millrace::scheduler {
namespace {

template <typename Map>
const typename Map::mapped_type* find_in(const Map& map, const typename Map::key_type& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

bool has(const ReadyIndex& index, const ReadyGroup& group, const ReadyKey& key) {
  const ReadyRuns* runs = find_in(index, group);
  const auto* tasks = runs == nullptr ? nullptr : find_in(*runs, {key.run_order, key.task.run});
  return tasks != nullptr && tasks->contains(key.task.task);
}

// The first task of a run at or after `from` that is not among `removed`.
std::optional<ReadyKey> first_of_run(const ReadyRuns::value_type& run, const ReadyKey& from,
                                     const std::set<ReadyKey>* removed) {
  const auto& [place, tasks] = run;
  const RunPlace from_place{from.run_order, from.task.run};
  auto it = place == from_place ? tasks.lower_bound(from.task.task) : tasks.begin();
  for (; it != tasks.end(); ++it) {
    const ReadyKey key{place.order, {place.run, *it}};
    if (removed == nullptr || !removed->contains(key)) return key;
  }
  return std::nullopt;
}

std::optional<ReadyKey> earlier(const std::optional<ReadyKey>& a,
                                const std::optional<ReadyKey>& b) {
  return !a || (b && *b < *a) ? b : a;
}

// What stands there; nothing: it was taken away.
template <typename T>
const T* standing(const std::optional<T>& place) {
  return place ? &*place : nullptr;
}

}  // namespace

const RunFacts* Draft::run(RunId id) const {
  const auto it = runs_.find(id);
  if (it == runs_.end()) return base_.run(id);
  return it->second.erased ? nullptr : &it->second.facts;
}

const Task* Draft::task(TaskRef ref) const {
  const auto it = runs_.find(ref.run);
  if (it == runs_.end()) return base_.task(ref);
  const RunDraft& run = it->second;
  if (run.erased) return nullptr;
  if (run.own) return ref.task.value() < run.own->size() ? &(*run.own)[ref.task.value()] : nullptr;
  const auto touched = run.touched.find(ref.task);
  return touched == run.touched.end() ? base_.task(ref) : &touched->second;
}

const TaskPins* Draft::pins(TaskRef ref) const {
  const auto it = runs_.find(ref.run);
  if (it == runs_.end()) return base_.pins(ref);
  const RunDraft& run = it->second;
  if (run.erased) return nullptr;
  const auto pins = run.pins.find(ref.task);
  if (pins == run.pins.end()) return run.own ? nullptr : base_.pins(ref);
  return standing(pins->second);
}

const Document* Draft::document(const DocumentKey& key) const {
  const auto it = documents_.find(key);
  if (it == documents_.end()) return base_.document(key);
  return standing(it->second);
}

const Head* Draft::head(const NamespacedName& dataset) const {
  const auto it = heads_.find(dataset);
  return it == heads_.end() ? base_.head(dataset) : &it->second;
}

const KeyEntry* Draft::key(const NamespacedName& key) const {
  const auto it = keys_.find(key);
  if (it != keys_.end()) return standing(it->second);
  const KeyEntry* entry = base_.key(key);
  const bool forgotten =
      entry != nullptr && entry->ended != WallTime() && entry->ended < keys_forgotten_before_;
  return forgotten ? nullptr : entry;
}

void Draft::forget_keys(WallTime ended_before) {
  keys_forgotten_before_ = std::max(keys_forgotten_before_, ended_before);
  for (auto& [key, entry] : keys_)
    if (entry && entry->ended != WallTime() && entry->ended < ended_before) entry.reset();
}

void Draft::release_holds(WallTime ended_before) {
  holds_released_before_ = std::max(holds_released_before_, ended_before);
  std::erase_if(holds_, [&](const auto& entry) { return entry.second.ended < ended_before; });
}

void Draft::remove_pinned(std::set<SnapshotId>& snapshots) const {
  const auto pinned = [&snapshots](const std::vector<events::Pin>& pins) {
    for (const events::Pin& pin : pins) snapshots.erase(pin.snapshot);
  };
  const auto of_task = [&pinned](const TaskPins& pins) {
    pinned(pins.inputs);
    pinned(pins.bases);
  };
  const auto of_run = [&](const RunFacts& run) {
    pinned(run.pins);
    for (const SnapshotId& snapshot : run.outgrown) snapshots.erase(snapshot);
  };
  for (const auto& [id, run] : base_.runs()) {
    if (snapshots.empty()) return;
    of_run(run.header);
    for (const auto& [task, pins] : run.header.task_pins) of_task(pins);
  }
  for (const auto& [id, run] : runs_) {
    of_run(run.facts);
    for (const auto& [task, pins] : run.pins)
      if (pins) of_task(*pins);
  }
}

std::map<SnapshotId, WallTime> Draft::held_since(const std::set<SnapshotId>& snapshots) const {
  std::map<SnapshotId, WallTime> since;
  const auto note = [&](const Hold& hold) {
    for (const SnapshotId& snapshot : hold.snapshots)
      if (snapshots.contains(snapshot)) since[snapshot] = std::max(since[snapshot], hold.ended);
  };
  if (snapshots.empty()) return since;
  for (const auto& [run, hold] : base_.holds())
    if (hold.ended >= holds_released_before_) note(hold);
  for (const auto& [run, hold] : holds_) note(hold);
  return since;
}

bool Draft::run_name_taken(const NamespacedName& name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? base_.run_named(name).has_value() : it->second;
}

std::uint32_t Draft::queue_running(const std::string& queue) const {
  const auto it = queue_running_.find(queue);
  const std::int64_t more = it == queue_running_.end() ? 0 : it->second;
  return static_cast<std::uint32_t>(base_.queue_running(queue) + more);
}

Resources Draft::used(WorkerId worker) const {
  const WorkerLoad* load = base_.load(worker);
  const Resources before = load == nullptr ? Resources{} : load->used;
  const auto it = used_.find(worker);
  return it == used_.end() ? before : before + it->second;
}

std::size_t Draft::live_tasks() const {
  return static_cast<std::size_t>(static_cast<std::int64_t>(base_.live_tasks()) + live_tasks_);
}

std::size_t Draft::document_count() const {
  return static_cast<std::size_t>(static_cast<std::int64_t>(base_.documents().size()) +
                                  document_count_);
}

void Draft::put_document(DocumentKey key, Document document) {
  if (this->document(key) == nullptr) ++document_count_;
  documents_[std::move(key)] = std::move(document);
}

void Draft::erase_document(const DocumentKey& key) {
  if (document(key) != nullptr) --document_count_;
  documents_[key] = std::nullopt;
}

std::vector<Task> Draft::all_tasks(RunId id) const {
  const auto it = runs_.find(id);
  if (it == runs_.end()) return *base_.tasks(id);
  if (const auto& own = it->second.own) return *own;
  std::vector<Task> tasks = *base_.tasks(id);
  for (const auto& [index, task] : it->second.touched) tasks[index.value()] = task;
  return tasks;
}

std::vector<const ReadyGroup*> Draft::ready_groups() const {
  std::vector<const ReadyGroup*> groups;
  for (const auto& [group, runs] : base_.ready()) groups.push_back(&group);
  for (const auto& [group, keys] : added_)
    if (find_in(base_.ready(), group) == nullptr) groups.push_back(&group);
  // What the base holds back counts where its run has room now.
  std::set<ReadyGroup> seen;
  for (const RunPlace& place : opened_) {
    const WorkflowSpec& spec = *run(place.run)->spec;
    for (const Resources& request : spec.requests) {
      const auto held = base_.held_back().find({spec.queue, request});
      if (held == base_.held_back().end() || !held->second.contains(place)) continue;
      const bool listed = find_in(base_.ready(), held->first) || find_in(added_, held->first);
      if (!listed && seen.insert(held->first).second) groups.push_back(&held->first);
    }
  }
  return groups;
}

std::optional<ReadyKey> Draft::first_ready(const ReadyGroup& group, const ReadyKey& from) const {
  return earlier(earlier(first_of_base(group, from), first_opened(group, from)),
                 first_added(group, from));
}

bool Draft::is_full_here(RunId id) const {
  const auto it = runs_.find(id);
  return it != runs_.end() && !it->second.erased && is_full(it->second.facts);
}

std::optional<ReadyKey> Draft::first_of_base(const ReadyGroup& group, const ReadyKey& from) const {
  const ReadyRuns* runs = find_in(base_.ready(), group);
  if (runs == nullptr) return std::nullopt;
  const auto* removed = find_in(removed_, group);
  for (auto run = runs->lower_bound({from.run_order, from.task.run}); run != runs->end(); ++run) {
    if (is_full_here(run->first.run)) continue;
    if (const auto key = first_of_run(*run, from, removed)) return key;
  }
  return std::nullopt;
}

std::optional<ReadyKey> Draft::first_opened(const ReadyGroup& group, const ReadyKey& from) const {
  const ReadyRuns* runs = find_in(base_.held_back(), group);
  if (runs == nullptr) return std::nullopt;
  const auto* removed = find_in(removed_, group);
  for (auto place = opened_.lower_bound({from.run_order, from.task.run}); place != opened_.end();
       ++place) {
    const auto run = runs->find(*place);
    if (run == runs->end()) continue;
    if (const auto key = first_of_run(*run, from, removed)) return key;
  }
  return std::nullopt;
}

std::optional<ReadyKey> Draft::first_added(const ReadyGroup& group, const ReadyKey& from) const {
  const auto* keys = find_in(added_, group);
  if (keys == nullptr) return std::nullopt;
  auto it = keys->lower_bound(from);
  // A full run is passed over whole.
  while (it != keys->end() && is_full_here(it->task.run))
    it = keys->lower_bound({it->run_order + 1, {}});
  return it == keys->end() ? std::nullopt : std::optional(*it);
}

Draft::RunDraft& Draft::touch(RunId id) {
  const auto it = runs_.find(id);
  if (it != runs_.end()) return it->second;
  const RunFacts* facts = base_.run(id);
  MILLRACE_CHECK(facts != nullptr, "an edit of a run that is not there");
  RunDraft& run = runs_[id];
  run.facts = *facts;
  return run;
}

void Draft::index_task(const RunFacts& run, TaskIndex index, const Task& task, bool add) {
  if (in_ready_index(run, index, task)) {
    const ReadyGroup group = ready_group(run, index);
    const ReadyKey key{run.order, {run.id, index}};
    const bool in_base = has(base_.ready(), group, key) || has(base_.held_back(), group, key);
    // In the base or in `added_`, never in both; taken out by `removed_` or from `added_`.
    if (in_base) {
      if (add)
        removed_[group].erase(key);
      else
        removed_[group].insert(key);
    } else if (add) {
      added_[group].insert(key);
    } else {
      added_[group].erase(key);
    }
  }
  if (holds_lease(task.state)) {
    const Resources& request = run.task_spec(index).request;
    Resources& used = used_[task.worker];
    used = add ? used + request : used - request;
    queue_running_[run.spec->queue] += add ? 1 : -1;
  }
}

void Draft::put_run(RunFacts facts, std::vector<Task> tasks) {
  facts.counts = {};
  for (const Task& task : tasks) account(facts.counts, nullptr, task);
  names_[{facts.ns, facts.name}] = true;
  live_tasks_ += static_cast<std::int64_t>(tasks.size());
  RunDraft& run = runs_[facts.id];
  run.facts = std::move(facts);
  run.own = std::move(tasks);
  for (std::uint32_t i = 0; i < run.own->size(); ++i)
    index_task(run.facts, TaskIndex(i), (*run.own)[i], true);
}

RunFacts& Draft::edit_run(RunId id) { return touch(id).facts; }

void Draft::erase_pins(TaskRef ref) {
  if (pins(ref) != nullptr) touch(ref.run).pins[ref.task] = std::nullopt;
}

void Draft::put_desired(RunId id, DesiredState desired, std::string reason) {
  RunDraft& run = touch(id);
  const std::vector<Task> tasks = all_tasks(id);
  for (std::uint32_t i = 0; i < tasks.size(); ++i)
    index_task(run.facts, TaskIndex(i), tasks[i], false);
  run.facts.desired = desired;
  run.facts.desired_reason = std::move(reason);
  for (std::uint32_t i = 0; i < tasks.size(); ++i)
    index_task(run.facts, TaskIndex(i), tasks[i], true);
}

void Draft::put_task(TaskRef ref, Task next) {
  RunDraft& run = touch(ref.run);
  const Task before = *task(ref);
  index_task(run.facts, ref.task, before, false);
  account(run.facts.counts, &before, next);
  index_task(run.facts, ref.task, next, true);
  if (const RunFacts* base = base_.run(ref.run); base != nullptr && is_full(*base)) {
    if (is_full(run.facts))
      opened_.erase(place_of(run.facts));
    else
      opened_.insert(place_of(run.facts));
  }
  if (run.own)
    (*run.own)[ref.task.value()] = next;
  else
    run.touched[ref.task] = next;
}

void Draft::erase_run(RunId id) {
  RunDraft& run = touch(id);
  const std::vector<Task> tasks = all_tasks(id);
  for (std::uint32_t i = 0; i < tasks.size(); ++i)
    index_task(run.facts, TaskIndex(i), tasks[i], false);
  live_tasks_ -= static_cast<std::int64_t>(tasks.size());
  names_[{run.facts.ns, run.facts.name}] = false;
  opened_.erase(place_of(run.facts));
  run.erased = true;
  run.own.reset();
  run.touched.clear();
  run.pins.clear();
}

}  // namespace millrace::scheduler
