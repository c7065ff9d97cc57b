#include "scheduler/core/events.h"

#include <algorithm>
#include <sstream>

#include "base/overloaded.h"

namespace millrace::scheduler {
namespace {

std::ostream& operator<<(std::ostream& out, const TaskRef& ref) {
  return out << ref.run.to_text() << "/" << ref.task;
}
std::ostream& operator<<(std::ostream& out, const AttemptRef& ref) {
  return out << ref.task_ref() << "#" << ref.attempt << " epoch " << ref.epoch;
}

std::string decision_text(const events::Decision& decision) {
  return std::visit(
      Overloaded{[](const events::Retry& retry) {
                   return "again at " + std::to_string(retry.at.value()) +
                          (retry.elsewhere ? " elsewhere" : "") + " by " + retry.reason;
                 },
                 [](const events::GiveUp& give_up) { return "given up by " + give_up.reason; },
                 [](const events::Cancelled&) { return std::string("cancelled"); }},
      decision);
}

}  // namespace

const events::Pin* events::find_pin(const std::vector<Pin>& pins, const std::string& dataset) {
  const auto found = std::ranges::find(pins, dataset, &Pin::dataset);
  return found == pins.end() ? nullptr : &*found;
}

Stop events::stop_for(std::string_view reason) {
  if (reason == kAttemptTimedOut) return Stop::kAttemptTimeout;
  if (reason == kTaskTimedOut) return Stop::kTaskTimeout;
  return Stop::kCancel;
}

std::string_view events::reason_of(Stop stop) {
  if (stop == Stop::kAttemptTimeout) return kAttemptTimedOut;
  return stop == Stop::kTaskTimeout ? kTaskTimedOut : "task.cancelled";
}

std::string to_text(const Event& event) {
  std::ostringstream out;
  std::visit(Overloaded{
                 [&](const events::LeaderStarted& e) {
                   out << "leader " << e.epoch << " " << e.leader.to_text();
                 },
                 [&](const events::DocumentPut& e) {
                   out << "put " << e.kind << " " << e.name.ns << "/" << e.name.name
                       << " generation " << e.generation;
                 },
                 [&](const events::DocumentDeleted& e) {
                   out << "deleted " << e.kind << " " << e.name.ns << "/" << e.name.name;
                 },
                 [&](const events::RunCreated& e) {
                   out << "created " << e.ns << "/" << e.name << " " << e.run.to_text() << " with "
                       << e.spec->tasks.size() << " tasks";
                   if (e.rerun_of.is_nil()) return;
                   out << ", again of " << e.rerun_of.to_text() << " with";
                   for (const auto& taken : e.taken) {
                     out << " " << taken.task;
                     for (const auto& pin : taken.snapshots)
                       out << " " << pin.dataset << "=" << pin.snapshot.to_text();
                   }
                 },
                 [&](const events::RunDesired& e) {
                   out << "desired " << e.run.to_text() << " " << to_string(e.desired)
                       << (e.reason.empty() ? "" : " " + e.reason);
                 },
                 [&](const events::RunFinished& e) {
                   out << "finished " << e.run.to_text() << " " << to_string(e.outcome);
                 },
                 [&](const events::TaskReady& e) { out << "ready " << e.task; },
                 [&](const events::TaskEnded& e) {
                   out << "ended " << e.task << " " << to_string(e.state) << " " << e.code;
                 },
                 [&](const events::AttemptPlaced& e) {
                   out << "placed " << e.attempt << " on " << e.worker.to_text() << " "
                       << to_string(e.phase);
                 },
                 [&](const events::AttemptSucceeded& e) {
                   out << "succeeded " << e.attempt;
                   for (const auto& snapshot : e.snapshots)
                     out << " " << snapshot.dataset << "=" << snapshot.snapshot.to_text();
                   if (e.publication_order != 0) out << " staged " << e.publication_order;
                 },
                 [&](const events::AttemptFailed& e) {
                   out << "failed " << e.attempt << " " << e.failure.code << ", "
                       << decision_text(e.next);
                 },
                 [&](const events::CancelRequested& e) {
                   out << "cancelling " << e.task << " " << e.reason;
                 },
                 [&](const events::KeysForgotten& e) {
                   out << "keys forgotten before " << e.ended_before;
                 },
                 [&](const events::SnapshotsExpired& e) {
                   out << "expired " << e.dataset.ns << "/" << e.dataset.name;
                   for (const SnapshotId& snapshot : e.snapshots) out << " " << snapshot.to_text();
                 },
                 [&](const events::HoldsReleased& e) {
                   out << "holds released before " << e.ended_before;
                 },
             },
             event);
  return out.str();
}

}  // namespace millrace::scheduler
