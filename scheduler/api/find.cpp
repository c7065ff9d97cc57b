#include "scheduler/api/find.h"

#include <algorithm>
#include <vector>

#include "manifest/nearest.h"
#include "scheduler/api/problems.h"
#include "scheduler/api/query.h"

namespace millrace::api {

Result<FoundRun> find_run(Context& context, const http::Request& request, SeeRun see) {
  MILLRACE_TRY(name, labels_of(request, "run"));
  return find_run(context, name, std::move(see));
}

Result<FoundRun> find_run(Context& context, const scheduler::NamespacedName& name, SeeRun see) {
  const auto id = scheduler::RunId::parse(name.name);
  struct Seen {
    std::optional<RunSummary> summary;
    EventId as_of;
  };
  const auto seen_result = look_at(context.ports.engine, [&](const View& view) -> Result<Seen> {
    Seen seen{.summary = {}, .as_of = EventId::end_of(view.applied)};
    auto found = view.state->run_named(name);
    if (!found && id) found = id;
    const scheduler::RunHeader* header = found ? view.state->run(*found) : nullptr;
    if (header == nullptr || header->ns != name.ns || header->spec->hidden) return seen;
    seen.summary = summary_of(*header, *view.state->tasks(*found));
    if (see) see(view, *found);
    return seen;
  });
  if (!seen_result.ok()) return seen_result.error();
  if (const auto& summary = seen_result->summary; summary.has_value())
    return FoundRun{*summary, seen_result->as_of};
  // After the look: a run that ends in between has been written by then.
  MILLRACE_TRY(ended, context.ports.reads.run(name));
  if (!ended && id) {
    MILLRACE_TRY(by_id, context.ports.reads.run(*id));
    if (by_id && by_id->ns == name.ns) ended = std::move(by_id);
  }
  if (!ended)
    return not_found("run.not_found", "no run named \"" + name.name + "\"",
                     "`millrace get runs` lists them");
  return FoundRun{summary_of(std::move(*ended)), seen_result->as_of};
}

Status add_endings(Context& context, scheduler::RunId run, std::vector<TaskView>& tasks) {
  const auto has_said = [](const TaskView& task) {
    return scheduler::is_terminal(task.record.state) ||
           task.record.state == scheduler::TaskState::kBackingOff;
  };
  if (std::ranges::none_of(tasks, has_said)) return ok_status();
  MILLRACE_TRY(endings, context.ports.reads.endings(run));
  for (TaskEnding& ending : endings) {
    if (ending.index.value() >= tasks.size()) continue;
    TaskView& task = tasks[ending.index.value()];
    // Since the look, the task may have gone on.
    if (!has_said(task) || (ending.attempt.value() != 0 && ending.attempt != task.record.attempt))
      continue;
    task.started = ending.placed;
    task.record.code = std::move(ending.code);
    task.record.message = std::move(ending.message);
    task.record.rows = ending.rows;
  }
  return ok_status();
}

const scheduler::WorkflowSpec* spec_of(const RunSummary& run) { return run.record.spec.get(); }

std::optional<scheduler::TaskIndex> index_of(const scheduler::WorkflowSpec& spec,
                                             const std::string& task) {
  for (std::uint32_t i = 0; i < spec.tasks.size(); ++i)
    if (spec.tasks[i].name == task) return scheduler::TaskIndex(i);
  return std::nullopt;
}

Result<scheduler::TaskIndex> find_task(const RunSummary& run, const std::string& name) {
  std::vector<std::string> names;
  if (const scheduler::WorkflowSpec* spec = spec_of(run); spec != nullptr) {
    if (const auto index = index_of(*spec, name)) return *index;
    for (const scheduler::TaskSpec& task : spec->tasks) names.push_back(task.name);
  }
  return not_found("task.not_found", "run \"" + run.record.name + "\" has no task \"" + name + "\"",
                   manifest::meant_hint(name, names));
}

Result<scheduler::TaskIndex> find_task(const RunSummary& run, const http::Request& request) {
  MILLRACE_TRY(name, name_of(request, "task"));
  return find_task(run, name);
}

}  // namespace millrace::api
