#include "scheduler/api/run_names.h"

#include <set>
#include <utility>
#include <variant>

namespace millrace::api {
namespace {

namespace events = scheduler::events;

template <typename Run>
std::shared_ptr<const RunContext> context_of(scheduler::RunId id, const Run& run) {
  return std::make_shared<const RunContext>(
      RunContext{id, run.ns, run.name, run.workflow, run.spec});
}

}  // namespace

Status RunNames::learn(Context& context, const LogPage& page) {
  std::set<scheduler::RunId> unknown;
  for (const LoggedEvent& logged : page.events) {
    if (const auto* created = std::get_if<events::RunCreated>(&logged.event))
      known_[created->run] = context_of(created->run, *created);
    else if (is_of_run_itself(logged.event))
      if (const scheduler::RunId run = run_of(logged.event); !known_.contains(run))
        unknown.insert(run);
  }
  if (unknown.empty()) return ok_status();
  MILLRACE_RETURN_IF_ERROR(look_at(context.ports.engine, [&](const View& view) -> Status {
    for (const scheduler::RunId id : unknown)
      if (const scheduler::RunHeader* header = view.state->run(id); header != nullptr)
        known_[id] = context_of(id, *header);
    return ok_status();
  }));
  for (const scheduler::RunId id : unknown) {
    if (known_.contains(id)) continue;
    MILLRACE_TRY(record, context.ports.reads.run(id));
    known_[id] = record ? context_of(id, *record) : nullptr;
  }
  return ok_status();
}

std::shared_ptr<const RunContext> RunNames::of(scheduler::RunId run) const {
  const auto known = known_.find(run);
  return known == known_.end() ? nullptr : known->second;
}

void RunNames::forget_ended(const LogPage& page) {
  for (const LoggedEvent& logged : page.events)
    if (std::holds_alternative<events::RunFinished>(logged.event))
      known_.erase(run_of(logged.event));
}

}  // namespace millrace::api
