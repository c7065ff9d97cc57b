// Liveness: who was heard when, and what is due when, on the monotonic clock of this process.
// Volatile: a new leader starts with an empty one, grants every live attempt a full lease, and
// hears the rest again.
//
// The engine tells it of inputs and of applied events; plan() only reads it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/lookup_map.h"
#include "scheduler/core/events.h"
#include "scheduler/core/inputs.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/state.h"
#include "scheduler/core/timers.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

struct WorkerSeen {
  std::string name;
  Resources capacity;
  Monotonic last_heard;
  bool connected = false;
  bool draining = false;
  std::int64_t last_sent_us = 0;  // its own clock, in the latest word heard
};

class Liveness {
 public:
  // --- read by plan() ---------------------------------------------------------------------------
  const std::map<WorkerId, WorkerSeen>& workers() const { return workers_; }
  const std::vector<Timer>& due() const { return due_; }
  bool expired(Epoch epoch, Monotonic now, const Settings& settings) const;
  // Whether a worker's word that it holds the attempt renews its lease: the lease is that worker's,
  // and it was not told to end the attempt for longer than it may take.
  bool renews(WorkerId worker, const AttemptRef& attempt, const State& state) const;
  bool overdue(Epoch epoch) const { return overdue_.contains(epoch); }

  // --- told by the engine -----------------------------------------------------------------------
  // A worker's word. Renews only what the state says is its own.
  void observe(const Input& input, const State& state, Now now);
  // An event that was just applied to `state`: arms timers, forgets leases.
  void applied(const Event& event, const State& state, Now now, const Settings& settings);
  // A new leader, or a loop that stalled: every live attempt gets a full lease from now on.
  void grant_all(const State& state, Now now);
  // Rebuilds every timer from the state: after a recovery. Waits begin again where wall time says
  // they stand, but never longer than they were.
  void rebuild(const State& state, Now now, const Settings& settings);
  // Moves what is due into due(), drops what has become moot, re-arms leases that were renewed.
  void advance(const State& state, Now now, const Settings& settings);
  void clear_due() { due_.clear(); }
  // Workers that left and hold nothing any more are forgotten.
  void forget_idle_workers(const State& state, Now now, const Settings& settings);

  // When advance() has work again; nothing: never.
  std::optional<Monotonic> next_due() const;

 private:
  void forget(Epoch epoch);
  void arm(Monotonic due, TimerKind kind, TaskRef task, std::uint64_t token);
  // For the key that is to be forgotten next, if there is one, and no sooner than `earliest`.
  void arm_for_keys(const State& state, Now now, const Settings& settings, Monotonic earliest);
  void arm_for_task(TaskRef ref, const RunHeader& run, const Task& task, Now now,
                    const Settings& settings);

  std::map<WorkerId, WorkerSeen> workers_;
  LookupMap<Epoch, Monotonic> renewed_;  // of attempts that hold a lease
  std::set<Epoch> overdue_;              // were told to end, and have not within the grace
  Timers timers_;
  bool keys_armed_ = false;
  std::vector<Timer> due_;
};

}  // namespace millrace::scheduler
