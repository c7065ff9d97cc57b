#include "scheduler/core/origin_book.h"

#include <utility>

#include "base/overloaded.h"

namespace millrace::scheduler {

void OriginBook::note(const Event& event) {
  std::visit(Overloaded{
                 [&](const events::RunCreated& e) {
                   std::vector<OriginTask> tasks(e.spec->tasks.size());
                   for (OriginTask& task : tasks) task.state = TaskState::kPending;
                   for (const events::TakenTask& taken : e.taken)
                     tasks.at(taken.task.value()) = {TaskState::kSucceeded, taken.source,
                                                     taken.snapshots};
                   runs_[e.run] = {e.spec, {e.run, e.name, std::move(tasks), e.pins, {}, {}}};
                 },
                 [&](const events::RunFinished& e) { ended_.insert(e.run); },
                 [&](const events::TaskEnded& e) { task(e.task).state = e.state; },
                 [&](const events::AttemptSucceeded& e) {
                   OriginTask& of = task(e.attempt.task_ref());
                   for (const events::SnapshotCommitted& snapshot : e.snapshots)
                     of.snapshots.push_back({snapshot.dataset, snapshot.snapshot});
                   if (e.publication_order != 0) return;  // its publication is still to come
                   of.state = TaskState::kSucceeded;
                   of.source = e.attempt.run;
                 },
                 [&](const events::AttemptFailed& e) {
                   if (std::holds_alternative<events::GiveUp>(e.next))
                     task(e.attempt.task_ref()).state = TaskState::kFailed;
                   if (std::holds_alternative<events::Cancelled>(e.next))
                     task(e.attempt.task_ref()).state = TaskState::kCancelled;
                 },
                 [](const auto&) {},
             },
             event);
}

const OriginBook::Entry* OriginBook::ended(RunId run) const {
  return ended_.contains(run) ? &runs_.at(run) : nullptr;
}

}  // namespace millrace::scheduler
