// SimulatedScheduler: one scheduler process: the very Engine and Sweeper, a connection to the
// store, and a clock of its own. Crashes, stalls, loses its store and has its wall clock moved when
// told to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/engine/engine.h"
#include "scheduler/engine/sweeper.h"
#include "scheduler/simulation/checker.h"
#include "scheduler/simulation/clockwork.h"
#include "scheduler/simulation/dice.h"
#include "scheduler/simulation/memory_catalog.h"
#include "scheduler/simulation/memory_folder.h"
#include "scheduler/simulation/memory_store.h"
#include "scheduler/simulation/random.h"

namespace millrace::simulation {

class SimulatedScheduler final : public scheduler::WorkerPort,
                                 public scheduler::ObserverPort,
                                 public scheduler::SweepEngine {
 public:
  struct World {
    Clockwork& clockwork;
    Random& random;
    Dice& dice;
    Checker& checker;
    const scheduler::Settings& settings;
    MemoryLog& log;
    MemoryCatalog& catalog;
    MemoryFolder& folder;
    std::function<void(scheduler::WorkerId, const scheduler::Command&)> send;
    std::function<void(const scheduler::Reply&)> answer;    // to whoever asked
    std::function<void()> break_streams;                    // of the workers connected to this one
    std::function<void(scheduler::WorkerId)> break_stream;  // of one of them
  };
  explicit SimulatedScheduler(World world) : world_(std::move(world)) {}

  void boot();
  void crash();
  void step();
  void sweep();
  std::optional<Monotonic> next_due() const;

  bool alive() const { return engine_ != nullptr; }
  bool leads() const { return leads_; }
  bool stalled() const { return world_.clockwork.now() < stalled_until_; }
  Monotonic stalled_until() const { return stalled_until_; }
  // What is offered to the process from outside; only while it is alive.
  scheduler::Engine& engine() { return *engine_; }
  scheduler::Now now() const;

  void stall_until(Monotonic time) { stalled_until_ = time; }
  void partition_until(Monotonic time) { partitioned_until_ = time; }
  void jump_wall(Micros by) { wall_offset_ += by; }

  void send(scheduler::WorkerId worker, scheduler::Command command) override;
  void dismiss(scheduler::WorkerId worker) override { world_.break_stream(worker); }
  void reply(scheduler::Reply reply) override;
  void applied(const scheduler::Batch& batch, const scheduler::State& state) override;
  void leading(bool leads) override;
  void counted(const std::string& reason, std::uint64_t count) override;
  Status ask(scheduler::SweepSnapshots question) override;
  Result<std::vector<scheduler::AttemptFate>> fates(
      const std::vector<scheduler::AttemptPrefix>& prefixes) override;

 private:
  bool partitioned() const { return world_.clockwork.now() < partitioned_until_; }

  World world_;
  std::unique_ptr<MemoryStore> store_;
  std::unique_ptr<scheduler::Engine> engine_;
  std::unique_ptr<scheduler::Sweeper> sweeper_;
  Micros wall_offset_;
  Monotonic stalled_until_;
  Monotonic partitioned_until_;
  bool leads_ = false;
  std::uint64_t since_check_ = 0;
};

}  // namespace millrace::simulation
