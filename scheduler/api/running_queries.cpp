#include "scheduler/api/running_queries.h"

#include <utility>

#include "manifest/quantity.h"

namespace millrace::api {
namespace {

using scheduler::AttemptRef;
using scheduler::RunId;

constexpr const char* kTimedOut = "run.timed_out";

std::string outputs_of(const scheduler::Batch& batch, std::size_t event) {
  for (const scheduler::PlannedAttachment& planned : batch.attachments)
    if (planned.event == event && planned.attachment != nullptr)
      return planned.attachment->outputs_json;
  return "";
}

Error timed_out(Micros timeout, bool placed) {
  const std::string within = " within " + manifest::format_duration(timeout);
  if (!placed)
    return {ErrorClass::kTransient, "query.no_room", "no worker had room for the query" + within,
            "try again when others have ended, or give it more time"};
  return {ErrorClass::kResource, "query.timed_out", "the query did not end" + within,
          "ask for less, or give it more time"};
}

}  // namespace

Error query_error(const scheduler::Failure& failure) {
  switch (failure.error_class) {
    case ErrorClass::kUser:
    case ErrorClass::kPolicy:
    case ErrorClass::kResource:
      return {failure.error_class, failure.code, failure.message};
    case ErrorClass::kTransient:
    case ErrorClass::kInfrastructure:
      break;
  }
  return {ErrorClass::kTransient, "query.interrupted",
          "the query was interrupted: " + failure.message + " (" + failure.code + ")", "ask again"};
}

RunningQueries::Place RunningQueries::enter() {
  const std::lock_guard lock(mutex_);
  if (entered_ >= limit_) return nullptr;
  ++entered_;
  return {this, [](RunningQueries* queries) {
            const std::lock_guard inner(queries->mutex_);
            --queries->entered_;
          }};
}

void RunningQueries::await(RunId run, Place place, Micros timeout, Done done) {
  const std::lock_guard lock(mutex_);
  waiting_[run] = Waiting{std::move(place), timeout, std::move(done), std::nullopt, {}};
}

void RunningQueries::forget(RunId run) {
  Waiting gone;  // destroyed without the lock: its place takes it
  const std::lock_guard lock(mutex_);
  if (const auto found = waiting_.find(run); found != waiting_.end()) {
    gone = std::move(found->second);
    waiting_.erase(found);
  }
}

bool RunningQueries::waits(RunId run) const {
  const std::lock_guard lock(mutex_);
  return waiting_.contains(run);
}

void RunningQueries::note(const scheduler::Batch& batch, std::size_t index,
                          const scheduler::State& state, std::vector<Told>& told) {
  const auto waiting_of = [this](RunId run) -> Waiting* {
    const auto found = waiting_.find(run);
    return found == waiting_.end() ? nullptr : &found->second;
  };
  const scheduler::Event& event = batch.events[index];
  if (const auto* succeeded = std::get_if<scheduler::events::AttemptSucceeded>(&event)) {
    if (Waiting* waiting = waiting_of(succeeded->attempt.run))
      waiting->answer = {succeeded->attempt, outputs_of(batch, index)};
  } else if (const auto* failed = std::get_if<scheduler::events::AttemptFailed>(&event)) {
    if (Waiting* waiting = waiting_of(failed->attempt.run)) waiting->failure = failed->failure;
  } else if (const auto* desired = std::get_if<scheduler::events::RunDesired>(&event)) {
    Waiting* waiting = waiting_of(desired->run);
    if (waiting == nullptr || desired->reason != kTimedOut || !waiting->done) return;
    // A run that was never placed has ended with this batch, and is gone.
    const bool placed = state.run(desired->run) != nullptr;
    told.push_back({std::exchange(waiting->done, nullptr), timed_out(waiting->timeout, placed)});
  }
}

void RunningQueries::finish(const scheduler::Run& run, scheduler::RunOutcome outcome,
                            std::vector<Told>& told, std::vector<AttemptRef>& unwanted) {
  const bool succeeded = outcome == scheduler::RunOutcome::kSucceeded;
  const auto found = waiting_.find(run.header.id);
  if (succeeded && (found == waiting_.end() || !found->second.done)) {
    const scheduler::Task& task = run.tasks.front();
    unwanted.push_back({run.header.id, scheduler::TaskIndex(0), task.attempt, task.epoch});
  }
  if (found == waiting_.end()) return;
  Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  // Outside the lock, and before its caller may ask again.
  Done done = [done = std::move(waiting.done),
               place = std::move(waiting.place)](Result<QueryAnswer> answer) mutable {
    place.reset();
    if (done) done(std::move(answer));
  };
  if (succeeded)
    told.push_back({std::move(done), std::move(waiting.answer)});
  else if (waiting.failure && outcome == scheduler::RunOutcome::kFailed)
    told.push_back({std::move(done), query_error(*waiting.failure)});
  else
    told.push_back({std::move(done), Error{ErrorClass::kTransient, "query.cancelled",
                                           "the query was cancelled", "ask again"}});
}

std::vector<AttemptRef> RunningQueries::applied(const scheduler::Batch& batch,
                                                const scheduler::State& state) {
  std::vector<Told> told;
  std::vector<AttemptRef> unwanted;
  std::map<RunId, const scheduler::Run*> ended;
  for (const auto& run : batch.finished)
    if (run->header.spec->hidden) ended.emplace(run->header.id, run.get());
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty() && ended.empty()) return {};
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      note(batch, i, state, told);
      const auto* finished = std::get_if<scheduler::events::RunFinished>(&batch.events[i]);
      if (finished == nullptr) continue;
      if (const auto run = ended.find(finished->run); run != ended.end())
        finish(*run->second, finished->outcome, told, unwanted);
    }
  }
  for (Told& one : told) one.done(std::move(one.answer));
  return unwanted;
}

void RunningQueries::lost() {
  std::map<RunId, Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (auto& [run, one] : waiting)
    if (one.done)
      one.done(Error{ErrorClass::kTransient, "query.interrupted",
                     "the query was interrupted: this scheduler leads no more", "ask again"});
}

}  // namespace millrace::api
