#include "scheduler/core/rerun.h"

#include <algorithm>

#include "scheduler/core/planted.h"

namespace millrace::scheduler {
namespace {

Error refusal(std::string code, std::string message, std::string hint) {
  return {ErrorClass::kUser, std::move(code), std::move(message), std::move(hint), ""};
}

// Every task after those that it needs; the spec is acyclic.
std::vector<TaskIndex> in_order(const WorkflowSpec& spec) {
  std::vector<std::size_t> open(spec.tasks.size());
  std::vector<TaskIndex> order;
  order.reserve(spec.tasks.size());
  for (std::uint32_t i = 0; i < spec.tasks.size(); ++i) {
    open[i] = spec.tasks[i].needs.size();
    if (open[i] == 0) order.emplace_back(i);
  }
  for (std::size_t next = 0; next < order.size(); ++next)
    for (const TaskIndex dependent : spec.dependents[order[next].value()])
      if (--open[dependent.value()] == 0) order.push_back(dependent);
  return order;
}

// What it wrote to its own target, the first of its writes, is known. What it writes besides is a
// record of each attempt.
bool wrote_its_own(const TaskSpec& spec, const OriginTask& task) {
  return !spec.writes.empty() &&
         std::any_of(task.snapshots.begin(), task.snapshots.end(), [&](const events::Pin& pin) {
           return pin.dataset == spec.writes.front().dataset;
         });
}

bool ended_badly(const OriginTask& task) {
  return task.state == TaskState::kFailed || task.state == TaskState::kCancelled;
}

}  // namespace

Result<std::vector<events::TakenTask>> taken_by(const WorkflowSpec& spec, const Rerun& rerun) {
  if (rerun.tasks.size() != spec.tasks.size())
    return refusal("rerun.not_kept",
                   "the tasks of run \"" + rerun.origin_name + "\" are not kept any more",
                   "start a new run");
  std::vector<bool> again(spec.tasks.size());
  std::vector<bool> asked(spec.tasks.size());
  bool reason = !rerun.asked.empty() || !rerun.changed.empty();
  for (std::size_t i = 0; i < again.size(); ++i) {
    again[i] = rerun.tasks[i].state != TaskState::kSucceeded;
    reason = reason || ended_badly(rerun.tasks[i]);
  }
  if (!reason)
    return refusal("rerun.nothing", "every task of run \"" + rerun.origin_name + "\" succeeded",
                   "name the tasks to run again, or change a parameter that they see");
  for (const TaskIndex task : rerun.asked) asked.at(task.value()) = true;
  for (const TaskIndex task : rerun.asked) again.at(task.value()) = true;
  for (const TaskIndex task : rerun.changed) again.at(task.value()) = true;

  std::vector<events::TakenTask> taken;
  for (const TaskIndex task : in_order(spec)) {
    const std::size_t i = task.value();
    const TaskSpec& of_spec = spec.tasks[i];
    const OriginTask& before = rerun.tasks[i];
    if (!MILLRACE_PLANTED(kRerunTakesStale))
      again[i] = again[i] || std::any_of(of_spec.needs.begin(), of_spec.needs.end(),
                                         [&](TaskIndex need) { return again[need.value()]; });
    if (!again[i]) {
      if (!of_spec.writes.empty() && !wrote_its_own(of_spec, before))
        return refusal("rerun.not_kept",
                       "what task \"" + of_spec.name + "\" wrote to dataset \"" +
                           of_spec.writes.front().dataset + "\" is not kept any more",
                       "name the task, to run it again");
      taken.push_back({task, before.source, before.snapshots});
    } else if (!asked[i] && wrote_its_own(of_spec, before) &&
               of_spec.writes.front().mode == WriteMode::kAppend) {
      return refusal("rerun.appends",
                     "task \"" + of_spec.name + "\" would run again, and append to dataset \"" +
                         of_spec.writes.front().dataset + "\" what it has appended already",
                     "name the task too, if its rows are to be there twice");
    }
  }
  return taken;
}

}  // namespace millrace::scheduler
