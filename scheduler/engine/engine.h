// Engine: the loop that owns the state. Stepped: offer() inputs as they come, step() when there may
// be work; it never blocks, starts no thread and reads no clock.
//
//   batch → plan → commit → apply → send
//
// While a batch is being committed inputs gather, so batches grow with the load (group commit).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "scheduler/core/inputs.h"
#include "scheduler/core/liveness.h"
#include "scheduler/core/plan.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/state.h"
#include "scheduler/engine/ports.h"

namespace millrace::scheduler {

struct EngineLimits {
  // Inputs that wait; beyond, those of people are refused, and beyond twice as many all that would
  // have to wait.
  std::size_t max_pending = 100'000;
  std::size_t max_batch_inputs = 4'096;  // planned at once; see also Settings::max_placements
};

enum class Role : std::uint8_t { kFollower, kRecovering, kLeading };

class Engine {
 public:
  struct Ports {
    StorePort& store;
    WorkerPort& workers;
    ObserverPort& observer;
    EntropyPort& entropy;
  };
  Engine(Settings settings, EngineLimits limits, Ports ports);

  // Stands for leadership.
  void start(Now now);
  // An input of api or dispatch. Refused (engine.full, engine.not_leading) without effect when it
  // can't be taken; a result that is refused is sent again by its worker. Heartbeats and greetings
  // of workers take effect at once, and a heartbeat is never refused for want of room. A result
  // that is here already, waiting or being committed, is taken and not held twice.
  Status offer(Input input, Now now);
  // An answer of the store.
  void answer(StoreAnswer answer, Now now);
  // Does what can be done now.
  void step(Now now);
  // When step() has work again even if nothing comes in; nothing: never.
  std::optional<Monotonic> next_wake() const;
  void stop();

  Role role() const { return role_; }
  bool idle() const;  // nothing waits, nothing is under way
  Sequence applied() const { return applied_; }
  LeaderId self() const { return self_; }
  const State& state() const { return *state_; }  // of a follower: empty, or what it last knew
  const Liveness& liveness() const { return liveness_; }
  const Settings& settings() const { return settings_; }
  std::size_t pending() const { return pending_.size(); }

 private:
  void lead(Recovered recovered, Now now);
  void committed(Now now);
  void step_down(const std::string& reason, Now now);
  void plan_batch(Now now);
  void hear(const Input& input, Now now);
  void acknowledge(const WorkerHeartbeat& heartbeat);
  void forget_results_under_way();
  void start_on(WorkerId worker, commands::Start start);
  void send(std::vector<Reply> replies, std::vector<AddressedCommand> commands);
  void commit(std::vector<Event> events, Planned rest, Now now);

  Settings settings_;
  EngineLimits limits_;
  Ports ports_;
  LeaderId self_;
  Role role_ = Role::kFollower;
  LeaderEpoch leader_epoch_;
  Monotonic leads_until_;
  std::shared_ptr<State> state_;
  Liveness liveness_;
  std::deque<Input> pending_;
  // Of the results in pending_ and in the batch under way: by whom, and of which attempt.
  using ResultKey = std::pair<WorkerId, Epoch>;
  std::set<ResultKey> results_;
  std::vector<ResultKey> results_under_way_;
  Sequence applied_;
  struct InFlight {
    BatchRef batch;
    std::vector<Reply> replies;
    std::vector<AddressedCommand> commands;
  };
  std::optional<InFlight> in_flight_;
  // Something changed that no input or timer tells of (a worker came): plan even with nothing to
  // take.
  bool dirty_ = false;
  std::optional<Monotonic> expected_wake_;  // to notice that the loop stalled
  bool stopped_ = false;
};

}  // namespace millrace::scheduler
