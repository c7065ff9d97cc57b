#include "scheduler/core/spec.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace millrace::scheduler {
namespace {

Error invalid(const TaskSpec& task, std::string message) {
  return Error{ErrorClass::kUser, "spec.invalid",
               "task \"" + task.name + "\" " + std::move(message)};
}

// Kahn's algorithm: whatever can't be taken off lies on, or behind, a cycle.
bool acyclic(const std::vector<TaskSpec>& tasks, const Dependents& dependents) {
  std::vector<std::size_t> open(tasks.size());
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    open[i] = tasks[i].needs.size();
    if (open[i] == 0) free.push_back(i);
  }
  std::size_t taken = 0;
  while (!free.empty()) {
    const std::size_t i = free.back();
    free.pop_back();
    ++taken;
    for (const TaskIndex dependent : dependents[i])
      if (--open[dependent.value()] == 0) free.push_back(dependent.value());
  }
  return taken == tasks.size();
}

}  // namespace

Dependents::Dependents(const std::vector<TaskSpec>& tasks) : begin_(tasks.size() + 1) {
  for (const TaskSpec& task : tasks)
    for (const TaskIndex need : task.needs) ++begin_[need.value() + 1];
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
  all_.resize(begin_.back());
  std::vector<std::uint32_t> next = begin_;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    for (const TaskIndex need : tasks[i].needs)
      all_[next[need.value()]++] = TaskIndex(static_cast<std::uint32_t>(i));
}

Status WorkflowSpec::finish() {
  tasks.shrink_to_fit();  // it lives as long as its runs
  std::set<std::string> written;
  std::set<std::string> read;
  for (TaskSpec& task : tasks) {
    std::sort(task.needs.begin(), task.needs.end());
    task.needs.erase(std::unique(task.needs.begin(), task.needs.end()), task.needs.end());
    task.needs.shrink_to_fit();
    if (!task.needs.empty() && task.needs.back().value() >= tasks.size())
      return invalid(task, "needs a task that is not there");
    for (const DatasetWrite& write : task.writes) written.insert(write.dataset);
    read.insert(task.reads.begin(), task.reads.end());
  }
  dependents = Dependents(tasks);
  if (!acyclic(tasks, dependents))
    return Error{ErrorClass::kUser, "spec.invalid", "the tasks wait for each other in a circle", "",
                 ""};
  // A dataset that the run writes too is pinned all the same: whoever reads it before the writer,
  // by an order of its own, sees what was there at the start.
  external_reads.assign(read.begin(), read.end());
  std::set<Resources> asked;
  for (const TaskSpec& task : tasks) asked.insert(task.request);
  requests.assign(asked.begin(), asked.end());
  return ok_status();
}

}  // namespace millrace::scheduler
