// Dice: what becomes of each message and each commit, drawn from the seed by the odds of Faults,
// and counted.
#pragma once

#include "scheduler/simulation/fault_counts.h"
#include "scheduler/simulation/faults.h"
#include "scheduler/simulation/memory_store.h"
#include "scheduler/simulation/random.h"

namespace millrace::simulation {

class Dice {
 public:
  Dice(const Faults& faults, Random& random, FaultCounts& counts)
      : faults_(faults), random_(random), counts_(counts) {}
  // From here on everything goes well.
  void heal() { healed_ = true; }

  // How long a message is under way, and how often it arrives: 0, 1 or 2 times.
  Micros delay();
  int copies();
  CommitFate commit();

 private:
  const Faults faults_;
  Random& random_;
  FaultCounts& counts_;
  bool healed_ = false;
};

}  // namespace millrace::simulation
