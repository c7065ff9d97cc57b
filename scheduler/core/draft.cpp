#include "scheduler/core/draft.h"

#include <algorithm>

#include "base/check.h"
#include "scheduler/core/ready.h"

namespace millrace::scheduler {
namespace {

const std::set<ReadyKey>* keys_of(const ReadyIndex& index, const ReadyGroup& group) {
  const auto it = index.find(group);
  return it == index.end() ? nullptr : &it->second;
}

}  // namespace

const RunHeader* Draft::run(RunId id) const {
  const auto it = runs_.find(id);
  if (it == runs_.end()) return base_.run(id);
  return it->second.erased ? nullptr : &it->second.header;
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

const Document* Draft::document(const DocumentKey& key) const {
  const auto it = documents_.find(key);
  if (it == documents_.end()) return base_.document(key);
  return it->second ? &*it->second : nullptr;
}

const Head* Draft::head(const NamespacedName& dataset) const {
  const auto it = heads_.find(dataset);
  return it == heads_.end() ? base_.head(dataset) : &it->second;
}

const KeyEntry* Draft::key(const NamespacedName& key) const {
  const auto it = keys_.find(key);
  return it == keys_.end() ? base_.key(key) : &it->second;
}

bool Draft::run_name_taken(const NamespacedName& name) const {
  return names_.contains(name) || base_.run_named(name).has_value();
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

std::size_t Draft::document_count() const { return base_.documents().size() + documents_.size(); }

std::vector<Task> Draft::all_tasks(RunId id) const {
  const auto it = runs_.find(id);
  if (it == runs_.end()) return *base_.tasks(id);
  if (it->second.own) return *it->second.own;
  std::vector<Task> tasks = *base_.tasks(id);
  for (const auto& [index, task] : it->second.touched) tasks[index.value()] = task;
  return tasks;
}

std::vector<const ReadyGroup*> Draft::ready_groups() const {
  std::vector<const ReadyGroup*> groups;
  for (const auto& [group, keys] : base_.ready()) groups.push_back(&group);
  for (const auto& [group, keys] : added_)
    if (keys_of(base_.ready(), group) == nullptr) groups.push_back(&group);
  return groups;
}

std::optional<ReadyKey> Draft::first_ready(const ReadyGroup& group, const ReadyKey& from) const {
  std::optional<ReadyKey> first;
  const auto* removed = keys_of(removed_, group);
  if (const auto* keys = keys_of(base_.ready(), group)) {
    auto it = keys->lower_bound(from);
    while (it != keys->end() && removed != nullptr && removed->contains(*it)) ++it;
    if (it != keys->end()) first = *it;
  }
  if (const auto* keys = keys_of(added_, group)) {
    const auto it = keys->lower_bound(from);
    if (it != keys->end() && (!first || *it < *first)) first = *it;
  }
  return first;
}

Draft::RunDraft& Draft::touch(RunId id) {
  const auto it = runs_.find(id);
  if (it != runs_.end()) return it->second;
  const RunHeader* header = base_.run(id);
  MILLRACE_CHECK(header != nullptr, "an edit of a run that is not there");
  RunDraft& run = runs_[id];
  run.header = *header;
  return run;
}

void Draft::index_task(const RunHeader& run, TaskIndex index, const Task& task, bool add) {
  if (in_ready_index(run, index, task)) {
    const ReadyGroup group = ready_group(run, index);
    const ReadyKey key = ready_key(run, index);
    const auto* base = keys_of(base_.ready(), group);
    const bool in_base = base != nullptr && base->contains(key);
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

void Draft::put_run(RunHeader header, std::vector<Task> tasks) {
  const RunId id = header.id;
  header.counts = {};
  for (const Task& task : tasks) account(header.counts, nullptr, task);
  names_.insert({header.ns, header.name});
  live_tasks_ += static_cast<std::int64_t>(tasks.size());
  RunDraft& run = runs_[id];
  run.header = std::move(header);
  run.own = std::move(tasks);
  for (std::uint32_t i = 0; i < run.own->size(); ++i)
    index_task(run.header, TaskIndex(i), (*run.own)[i], true);
}

RunHeader& Draft::edit_run(RunId id) { return touch(id).header; }

void Draft::put_desired(RunId id, DesiredState desired, std::string reason) {
  RunDraft& run = touch(id);
  const std::vector<Task> tasks = all_tasks(id);
  for (std::uint32_t i = 0; i < tasks.size(); ++i)
    index_task(run.header, TaskIndex(i), tasks[i], false);
  run.header.desired = desired;
  run.header.desired_reason = std::move(reason);
  for (std::uint32_t i = 0; i < tasks.size(); ++i)
    index_task(run.header, TaskIndex(i), tasks[i], true);
}

void Draft::put_task(TaskRef ref, Task next) {
  RunDraft& run = touch(ref.run);
  const Task before = *task(ref);
  index_task(run.header, ref.task, before, false);
  account(run.header.counts, &before, next);
  index_task(run.header, ref.task, next, true);
  if (run.own)
    (*run.own)[ref.task.value()] = next;
  else
    run.touched[ref.task] = next;
}

void Draft::erase_run(RunId id) {
  RunDraft& run = touch(id);
  const std::vector<Task> tasks = all_tasks(id);
  for (std::uint32_t i = 0; i < tasks.size(); ++i)
    index_task(run.header, TaskIndex(i), tasks[i], false);
  live_tasks_ -= static_cast<std::int64_t>(tasks.size());
  names_.erase({run.header.ns, run.header.name});
  run.erased = true;
  run.own.reset();
  run.touched.clear();
}

}  // namespace millrace::scheduler
