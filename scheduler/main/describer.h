// Describer: answers a worker's question about an attempt that it holds: what the state knows of
// it, then, off the loop, bodies, outputs and files out of the store, with every reference
// resolved.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "scheduler/core/events.h"
#include "scheduler/core/spec.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"
#include "scheduler/dispatch/description.h"
#include "scheduler/engine/reads.h"

namespace millrace::scheduler {

// What the engine's state says of an attempt that holds a lease.
struct HeldAttempt {
  AttemptRef attempt;
  std::string ns;
  std::string run_name;
  std::string task_name;
  std::string kind;
  WorkflowSpecRef spec;
  BodyHash body_hash{};
  BodyHash parameters_hash{};
  std::vector<events::Pin> inputs;
  Phase phase = Phase::kExecute;
  std::uint64_t publication_order = 0;
};

// lease.fenced (Policy) when `worker` does not hold the attempt. On the loop.
Result<HeldAttempt> held_attempt(const State& state, WorkerId worker, const AttemptRef& attempt);

// Blocks on the store.
Result<Description> describe(const HeldAttempt& held, Reads& reads, AttemptReads& attempts);

}  // namespace millrace::scheduler
