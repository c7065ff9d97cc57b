#include "scheduler/simulation/simulated_worker.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/overloaded.h"
#include "scheduler/core/planted.h"

namespace millrace::simulation {

using namespace scheduler;  // NOLINT: a file over the core's types

SimulatedWorker::SimulatedWorker(World world, std::uint32_t index)
    : world_(std::move(world)), index_(index), name_("worker-" + std::to_string(index)) {
  capacity_ = {MilliCpu(world_.random.between(2, 8) * 500),
               mebibytes(world_.random.between(4, 16) * 128), mebibytes(1024)};
  id_ = WorkerId(RawId{world_.random.next(), world_.random.next()});
  world_.checker.worker_exists(id_, capacity_);
}

void SimulatedWorker::connected() {
  connected_ = true;
  WorkerJoined joined{id_, name_, capacity_, {}, before_, world_.clockwork.now().value(), {}};
  for (const auto& [epoch, held] : held_) joined.attempts.push_back(held.attempt);
  world_.send(index_, std::move(joined));
}

void SimulatedWorker::beat() {
  if (!connected_) return;
  WorkerHeartbeat heartbeat{id_, world_.clockwork.now().value(), {}, false};
  for (auto& [epoch, held] : held_) {
    heartbeat.attempts.push_back(held.attempt);
    report(held);  // again, until it is acknowledged
  }
  world_.send(index_, std::move(heartbeat));
}

void SimulatedWorker::receive(const Command& command) {
  std::visit(Overloaded{[&](const commands::Start& c) { start(c); },
                        [&](const commands::HeartbeatAck& c) {
                          for (const AttemptRef& attempt : c.renewed) {
                            const auto it = held_.find(attempt.epoch);
                            if (it == held_.end()) continue;
                            const Monotonic until =
                                Monotonic(c.sent_monotonic_us) + world_.settings.lease;
                            it->second.deadline = std::max(it->second.deadline, until);
                          }
                          for (const AttemptRef& attempt : c.fenced) end(attempt.epoch);
                        },
                        [&](const commands::Cancel& c) {
                          const Epoch epoch = c.attempt.epoch;
                          const auto it = held_.find(epoch);
                          if (it == held_.end() || !it->second.running) return;
                          if (world_.random.chance(0.05)) return;  // it hangs, and hears nothing
                          world_.clockwork.after(milliseconds(world_.random.between(1, 2000)),
                                                 [this, epoch] { finish(epoch, true); });
                        },
                        [&](const commands::ResultAck& c) {
                          if (c.accepted) world_.checker.told_accepted(c.attempt);
                          end(c.attempt.epoch);
                        }},
             command);
}

void SimulatedWorker::start(const commands::Start& c) {
  world_.checker.told_start(c.attempt);
  std::erase_if(ended_, [&](const auto& e) { return e.second <= world_.clockwork.now(); });
  if (held_.contains(c.attempt.epoch) || ended_.contains(c.attempt.epoch)) return;
  Monotonic deadline = Monotonic(c.lease_from_us) + world_.settings.lease;
  if (MILLRACE_PLANTED(kStartOutlivesLease))
    deadline = world_.clockwork.now() + world_.settings.lease;
  if (deadline <= world_.clockwork.now()) return;  // it was under way for longer than its lease
  held_[c.attempt.epoch] = Held{c.attempt, c.phase, deadline, true, std::nullopt};
  world_.checker.attempt_begins(c.attempt, id_);
  watch_lease(c.attempt.epoch);
  const AttemptScript script = world_.script(c.attempt);
  if (c.phase == Phase::kExecute) {
    // What it writes is there from the start: whatever becomes of it, it leaves its files.
    const AttemptPrefix prefix{c.ns, c.attempt.run, c.attempt.task, c.attempt.epoch};
    for (const DatasetWrite& write : script.spec->writes)
      world_.folder.write(prefix, prefix.path() + "/" + write.dataset);
  }
  Micros takes = c.phase == Phase::kPublish ? milliseconds(50) : script.behaviour.takes;
  if (script.behaviour.poison) takes = Micros(takes.value() / 2);
  const Epoch epoch = c.attempt.epoch;
  world_.clockwork.after(takes, [this, epoch] { finish(epoch, false); });
}

// The runner's own clock: it ends itself whether the worker lives, hangs or was stopped.
void SimulatedWorker::watch_lease(Epoch epoch) {
  const auto it = held_.find(epoch);
  if (it == held_.end() || MILLRACE_PLANTED(kRunnerIgnoresLease)) return;
  if (it->second.deadline <= world_.clockwork.now()) {
    if (it->second.running) return end(epoch);
    // Only a result is left. The worker sends it on when it can; fencing sees to it.
    return;
  }
  world_.clockwork.at(it->second.deadline, [this, epoch] { watch_lease(epoch); });
}

void SimulatedWorker::finish(Epoch epoch, bool cancelled) {
  const auto it = held_.find(epoch);
  if (it == held_.end() || !it->second.running) return;
  Held& held = it->second;
  held.running = false;
  world_.checker.attempt_ends(held.attempt);
  const AttemptScript script = world_.script(held.attempt);
  Failure failure;
  bool fails = cancelled;
  if (cancelled) {
    failure = {ErrorClass::kUser, "cancelled", "was told to stop", 143};
  } else if (held.phase == Phase::kPublish) {
    fails = world_.random.chance(0.1);
    failure = {ErrorClass::kTransient, "destination.away", "the destination does not answer", 0};
  } else if (script.behaviour.poison) {
    fails = true;
    failure = {ErrorClass::kInfrastructure, "runner.crashed", "the runner died of signal 11", 0};
  } else if (script.behaviour.broken) {
    fails = true;
    failure = {ErrorClass::kUser, "data.bad", "a row that nothing can be done about", 0};
  } else if (world_.random.chance(world_.load.task_fails)) {
    fails = true;
    static constexpr ErrorClass kClasses[] = {ErrorClass::kTransient, ErrorClass::kResource,
                                              ErrorClass::kInfrastructure, ErrorClass::kUser};
    failure = {kClasses[world_.random.below(4)], "simulated.failure", "drawn", 0};
  }
  world_.checker.produced(held.attempt, !fails);
  if (fails) {
    held.result = AttemptFailed{id_, held.attempt, failure, nullptr};
  } else {
    AttemptSucceeded success{id_, held.attempt, {}, nullptr};
    if (held.phase == Phase::kExecute)
      for (const DatasetWrite& write : script.spec->writes)
        success.writes.push_back({write.dataset, {}, 1});
    held.result = std::move(success);
  }
  if (!stopped()) report(held);
}

void SimulatedWorker::report(const Held& held) {
  if (held.result) world_.send(index_, *held.result);
}

void SimulatedWorker::end(Epoch epoch) {
  const auto it = held_.find(epoch);
  if (it == held_.end()) return;
  if (it->second.running) world_.checker.attempt_ends(it->second.attempt);
  ended_[epoch] = it->second.deadline;
  held_.erase(it);
}

void SimulatedWorker::crash() {
  while (!held_.empty()) end(held_.begin()->first);
  ended_.clear();  // what was sent to this incarnation reaches no other
  connected_ = false;
  stopped_until_ = Monotonic();
  before_ = world_.random.chance(0.5) ? id_ : WorkerId();
  id_ = WorkerId(RawId{world_.random.next(), world_.random.next()});
  world_.checker.worker_exists(id_, capacity_);
}

}  // namespace millrace::simulation
