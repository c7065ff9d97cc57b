// SimulatedWorker: a worker and its runners as the protocol sees them: greets, beats, runs, reports
// until acknowledged, and ends what its lease does not cover. Crashes and stops when told to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "scheduler/core/commands.h"
#include "scheduler/core/inputs.h"
#include "scheduler/core/settings.h"
#include "scheduler/simulation/checker.h"
#include "scheduler/simulation/clockwork.h"
#include "scheduler/simulation/memory_folder.h"
#include "scheduler/simulation/random.h"
#include "scheduler/simulation/workload.h"

namespace millrace::simulation {

// What a worker finds when it looks up the task of an attempt.
struct AttemptScript {
  TaskBehaviour behaviour;
  const scheduler::TaskSpec* spec = nullptr;
};

class SimulatedWorker {
 public:
  struct World {
    Clockwork& clockwork;
    Random& random;
    Checker& checker;
    const scheduler::Settings& settings;
    const Load& load;
    MemoryFolder& folder;
    std::function<AttemptScript(const scheduler::AttemptRef&)> script;
    // To whoever this worker is connected to; false: to nobody.
    std::function<bool(std::uint32_t worker, const scheduler::Input&)> send;
  };
  SimulatedWorker(World world, std::uint32_t index);

  scheduler::WorkerId id() const { return id_; }
  bool stopped() const { return world_.clockwork.now() < stopped_until_; }
  Monotonic stopped_until() const { return stopped_until_; }

  void connected();  // a stream is up: says hello
  void disconnected() { connected_ = false; }
  bool is_connected() const { return connected_; }
  void receive(const scheduler::Command& command);
  void beat();
  // Everything in it is lost; it comes back as a new incarnation. Sometimes it knows what it was.
  void crash();
  // SIGSTOP: it does nothing till then; its runners go on, as long as their lease does.
  void stop_until(Monotonic time) { stopped_until_ = time; }

 private:
  struct Held {
    scheduler::AttemptRef attempt;
    scheduler::Phase phase = scheduler::Phase::kExecute;
    Monotonic deadline;  // the runner's lease
    bool running = true;
    std::optional<scheduler::Input> result;  // reported until acknowledged
  };
  void start(const scheduler::commands::Start& start);
  void finish(scheduler::Epoch epoch, bool cancelled);
  void watch_lease(scheduler::Epoch epoch);
  void end(scheduler::Epoch epoch);  // the runner is gone
  void report(const Held& held);     // its result, if there is one

  World world_;
  std::uint32_t index_;
  scheduler::WorkerId id_;
  scheduler::WorkerId before_;
  std::string name_;
  scheduler::Resources capacity_;
  std::map<scheduler::Epoch, Held> held_;
  // Over, and until when their Start could come again.
  std::map<scheduler::Epoch, Monotonic> ended_;
  Monotonic stopped_until_;
  bool connected_ = false;
};

}  // namespace millrace::simulation
