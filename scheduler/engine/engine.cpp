#include "scheduler/engine/engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "scheduler/core/apply.h"
#include "scheduler/core/planted.h"

namespace millrace::scheduler {
namespace {

bool from_worker(const Input& input) {
  return std::holds_alternative<WorkerJoined>(input) || std::holds_alternative<WorkerLeft>(input) ||
         std::holds_alternative<WorkerHeartbeat>(input) ||
         std::holds_alternative<AttemptSucceeded>(input) ||
         std::holds_alternative<AttemptFailed>(input);
}

RequestId request_of(const Input& input) {
  return std::visit(
      [](const auto& i) {
        if constexpr (requires { i.request; })
          return i.request;
        else
          return RequestId();
      },
      input);
}

// Of which attempt it is a result, and by whom; nothing for what is none.
std::optional<std::pair<WorkerId, Epoch>> result_of(const Input& input) {
  if (const auto* succeeded = std::get_if<AttemptSucceeded>(&input))
    return std::pair(succeeded->worker, succeeded->attempt.epoch);
  if (const auto* failed = std::get_if<AttemptFailed>(&input))
    return std::pair(failed->worker, failed->attempt.epoch);
  return std::nullopt;
}

Error not_leading() {
  return {ErrorClass::kInfrastructure, "engine.not_leading",
          "this scheduler does not lead at the moment", "try again in a few seconds", ""};
}

}  // namespace

Engine::Engine(Settings settings, EngineLimits limits, Ports ports)
    : settings_(std::move(settings)),
      limits_(limits),
      ports_(ports),
      state_(std::make_shared<State>()) {}

void Engine::start(Now now) {
  self_ = LeaderId::make(now.wall, ports_.entropy.next(), ports_.entropy.next());
  ports_.store.campaign(self_);
}

void Engine::stop() {
  stopped_ = true;
  ports_.store.resign();
}

Status Engine::offer(Input input, Now now) {
  const bool worker = from_worker(input);
  // Somebody else may lead by now, and may have given the attempts to others: renewing their leases
  // here would have two run at once. (Commits need no such care, the log's key refuses them.)
  if (role_ != Role::kLeading ||
      (worker && now.monotonic >= leads_until_ && !MILLRACE_PLANTED(kLeaderOutlivesItsLease)))
    return not_leading();
  const bool queued =
      !std::holds_alternative<WorkerHeartbeat>(input) && !std::holds_alternative<WorkerLeft>(input);
  const auto result = result_of(input);
  // Said again for as long as it is not acknowledged: one that is here is not held twice.
  if (result && results_.contains(*result)) return ok_status();
  // Results free what waits, so they get in where new work does not.
  if (queued && pending_.size() >= limits_.max_pending * (worker ? 2 : 1))
    return Error{ErrorClass::kResource, "engine.full",
                 std::to_string(pending_.size()) + " inputs wait already", "try again in a moment",
                 ""};
  if (worker) hear(input, now);
  if (auto* joined = std::get_if<WorkerJoined>(&input)) joined->heard_at = state_->next_epoch();
  if (result) results_.insert(*result);
  if (queued) pending_.push_back(std::move(input));
  return ok_status();
}

void Engine::hear(const Input& input, Now now) {
  if (const auto* heartbeat = std::get_if<WorkerHeartbeat>(&input)) {
    const auto seen = liveness_.workers().find(heartbeat->worker);
    if (seen == liveness_.workers().end()) {
      // Its stream is of an earlier leadership, or its greeting was refused. Nothing of it is
      // counted here, so nothing is "renewed"; and on this stream it would never greet again.
      ports_.observer.counted("worker.unknown", 1);
      return ports_.workers.dismiss(heartbeat->worker);
    }
    // One that was given up, is back, or drains no more, takes tasks again.
    if (now.monotonic - seen->second.last_heard > settings_.lease || seen->second.draining ||
        !seen->second.connected)
      dirty_ = true;
  }
  liveness_.observe(input, *state_, now);
  if (const auto* joined = std::get_if<WorkerJoined>(&input)) {
    dirty_ = true;
    acknowledge({joined->worker, joined->sent_monotonic_us, joined->attempts, false});
  } else if (const auto* heartbeat = std::get_if<WorkerHeartbeat>(&input)) {
    acknowledge(*heartbeat);
  }
}

void Engine::acknowledge(const WorkerHeartbeat& heartbeat) {
  commands::HeartbeatAck ack{heartbeat.sent_monotonic_us, {}, {}};
  for (const AttemptRef& attempt : heartbeat.attempts) {
    const bool renewed = liveness_.renews(heartbeat.worker, attempt, *state_);
    (renewed ? ack.renewed : ack.fenced).push_back(attempt);
  }
  // Of a worker that was silent for too long; now and then of one whose result was just written.
  if (!ack.fenced.empty()) ports_.observer.counted("heartbeat.fenced", ack.fenced.size());
  ports_.workers.send(heartbeat.worker, std::move(ack));
}

void Engine::answer(StoreAnswer answer, Now now) {
  if (stopped_) return;
  if (const auto* elected = std::get_if<Elected>(&answer)) {
    if (role_ != Role::kFollower) step_down("elected again", now);
    role_ = Role::kRecovering;
    leader_epoch_ = elected->epoch;
    leads_until_ = elected->until;
    ports_.store.recover(elected->epoch);
  } else if (const auto* renewed = std::get_if<Renewed>(&answer)) {
    if (renewed->epoch == leader_epoch_) leads_until_ = std::max(leads_until_, renewed->until);
  } else if (auto* recovered = std::get_if<Recovered>(&answer)) {
    if (role_ == Role::kRecovering && recovered->epoch == leader_epoch_ && !in_flight_)
      lead(std::move(*recovered), now);
  } else if (const auto* commit = std::get_if<CommitAnswer>(&answer)) {
    if (!in_flight_ || in_flight_->batch->id != commit->batch)
      return;  // of a batch that was given up
    switch (commit->outcome) {
      case CommitOutcome::kCommitted:
        return committed(now);
      case CommitOutcome::kConflict:
        if (MILLRACE_PLANTED(kConflictIgnored)) return committed(now);
        return step_down("another leader's batch stands in the log", now);
      // Neither done nor undone: the same sequence and batch id again settle it.
      case CommitOutcome::kUnknown:
        if (MILLRACE_PLANTED(kUnknownIsSuccess)) return committed(now);
        return ports_.store.commit(in_flight_->batch);
    }
  } else if (const auto* deposed = std::get_if<Deposed>(&answer)) {
    if (role_ != Role::kFollower && deposed->epoch == leader_epoch_)
      step_down(deposed->reason, now);
  }
}

void Engine::lead(Recovered recovered, Now now) {
  MILLRACE_CHECK(recovered.state != nullptr, "a recovery without a state");
  state_ = std::move(recovered.state);
  applied_ = recovered.last;
  // The first word of a leader: from here on the log is its own, or it learns that it is not.
  commit({events::LeaderStarted{self_, leader_epoch_, now.wall}}, {}, now);
}

void Engine::commit(std::vector<Event> events, Planned rest, Now now) {
  auto batch = std::make_shared<Batch>();
  batch->sequence = applied_.next();
  batch->id = BatchId::make(now.wall, ports_.entropy.next(), ports_.entropy.next());
  batch->leader_epoch = leader_epoch_;
  batch->at = now.wall;
  batch->events = std::move(events);
  batch->attachments = std::move(rest.attachments);
  batch->finished = std::move(rest.finished);
  in_flight_ = InFlight{batch, std::move(rest.replies), std::move(rest.commands)};
  ports_.store.commit(in_flight_->batch);
}

void Engine::committed(Now now) {
  MILLRACE_CHECK(in_flight_.has_value(), "a commit is answered that is not under way");
  InFlight done = std::move(*in_flight_);
  in_flight_.reset();
  forget_results_under_way();
  const Batch& batch = *done.batch;
  std::vector<AddressedCommand> commands = std::move(done.commands);
  for (const Event& event : batch.events) {
    apply(*state_, event);
    liveness_.applied(event, *state_, now, settings_);
    for (AddressedCommand& command : commands_after(*state_, event))
      commands.push_back(std::move(command));
  }
  applied_ = batch.sequence;
  if (role_ == Role::kRecovering) {
    role_ = Role::kLeading;
    liveness_ = Liveness();
    liveness_.rebuild(*state_, now, settings_);
    dirty_ = true;
    expected_wake_.reset();
    ports_.observer.leading(true);
  }
  ports_.observer.applied(batch, *state_);
  send(std::move(done.replies), std::move(commands));
}

void Engine::send(std::vector<Reply> replies, std::vector<AddressedCommand> commands) {
  for (Reply& reply : replies) ports_.observer.reply(std::move(reply));
  for (AddressedCommand& command : commands) {
    if (auto* start = std::get_if<commands::Start>(&command.command))
      start_on(command.worker, std::move(*start));
    else
      ports_.workers.send(command.worker, std::move(command.command));
  }
}

void Engine::start_on(WorkerId worker, commands::Start start) {
  const auto seen = liveness_.workers().find(worker);
  if (seen == liveness_.workers().end()) return;  // it will say hello, and be told then
  start.lease_from_us = seen->second.last_sent_us;
  ports_.workers.send(worker, std::move(start));
}

void Engine::step_down(const std::string& reason, Now) {
  const bool led = role_ == Role::kLeading;
  role_ = Role::kFollower;
  if (in_flight_) {
    for (const Reply& reply : in_flight_->replies)
      ports_.observer.reply(
          {reply.request, Error{ErrorClass::kInfrastructure, "engine.outcome_unknown",
                                "leadership was lost before the commit was answered: " + reason,
                                "look whether it took effect, or repeat it under the same key"}});
    in_flight_.reset();
  }
  for (const Input& input : pending_)
    if (request_of(input) != RequestId()) ports_.observer.reply({request_of(input), not_leading()});
  pending_.clear();
  results_.clear();
  results_under_way_.clear();
  liveness_ = Liveness();
  // Nothing of the old state is to be acted on; the next recovery brings a fresh one.
  state_ = std::make_shared<State>();
  if (led) ports_.observer.leading(false);
  ports_.observer.counted("leader.stepped_down", 1);
  if (!stopped_) ports_.store.campaign(self_);
}

void Engine::step(Now now) {
  if (stopped_ || role_ != Role::kLeading) return;
  if (expected_wake_ && now.monotonic - *expected_wake_ > settings_.heartbeat_interval) {
    // The loop itself was away: nobody's silence in the meantime means anything.
    liveness_.grant_all(*state_, now);
    ports_.observer.counted("loop.stalled", 1);
  }
  while (!in_flight_) {
    liveness_.advance(*state_, now, settings_);
    if (pending_.empty() && liveness_.due().empty() && !dirty_) break;
    plan_batch(now);
  }
  expected_wake_ = next_wake();
}

void Engine::plan_batch(Now now) {
  const std::size_t count = std::min(pending_.size(), limits_.max_batch_inputs);
  std::vector<Input> inputs(
      std::make_move_iterator(pending_.begin()),
      std::make_move_iterator(pending_.begin() + static_cast<std::ptrdiff_t>(count)));
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
  for (const Input& input : inputs)
    if (const auto result = result_of(input)) results_under_way_.push_back(*result);
  Planned planned = plan(*state_, liveness_, inputs, now, settings_);
  liveness_.clear_due();
  liveness_.forget_idle_workers(*state_, now, settings_);
  const auto placed = std::count_if(
      planned.events.begin(), planned.events.end(),
      [](const Event& event) { return std::holds_alternative<events::AttemptPlaced>(event); });
  dirty_ = static_cast<std::size_t>(placed) >= settings_.max_placements;
  for (const auto& [reason, times] : planned.counted) ports_.observer.counted(reason, times);
  if (MILLRACE_PLANTED(kReplyBeforeCommit)) send(std::exchange(planned.replies, {}), {});
  if (planned.events.empty()) {
    forget_results_under_way();
    return send(std::move(planned.replies), std::move(planned.commands));
  }
  std::vector<Event> events = std::move(planned.events);
  commit(std::move(events), std::move(planned), now);
}

void Engine::forget_results_under_way() {
  for (const ResultKey& result : results_under_way_) results_.erase(result);
  results_under_way_.clear();
}

std::optional<Monotonic> Engine::next_wake() const {
  if (stopped_ || role_ != Role::kLeading || in_flight_) return std::nullopt;
  if (dirty_ || !pending_.empty()) return Monotonic(0);
  return liveness_.next_due();
}

bool Engine::idle() const { return pending_.empty() && !in_flight_; }

}  // namespace millrace::scheduler
