// Describer: answers a worker's question about an attempt that it holds: what the state knows of
// it, then, off the loop, bodies, outputs and files out of the store, with every reference
// resolved. A document is read and taken apart once for all its tasks, not once for each.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/recently_used.h"
#include "base/result.h"
#include "scheduler/api/bodies.h"
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

class Describer {
 public:
  Describer(Reads& reads, AttemptReads& attempts)
      : bodies_(reads, kMaxBodies), attempts_(attempts), documents_(kMaxDocuments) {}

  // Thread-safe. Blocks on the store when there is something to ask it. Errors: the store's;
  // body.lost, describe.broken when what it holds is not what was checked.
  Result<Description> describe(const HeldAttempt& held);
  // The same where it is small, in memory, and needs nothing filled in, so that it may travel with
  // the Start; nothing otherwise. Quick, never blocks: for the loop's thread.
  std::optional<Description> at_hand(const HeldAttempt& held);

 private:
  static constexpr std::size_t kMaxBodies = 8 << 20;
  static constexpr std::size_t kMaxDocuments = 32 << 20;
  // A batch places thousands, and what waits for a worker is bounded in bytes.
  static constexpr std::size_t kSmall = 2 << 10;
  using TaskBodies = std::vector<std::string>;  // canonical JSON, in the document's order

  Result<std::shared_ptr<const TaskBodies>> tasks_of(const BodyHash& document);
  Result<std::string> resolved(const HeldAttempt& held, const std::string& body,
                               const std::string& parameters);

  api::Bodies bodies_;
  AttemptReads& attempts_;
  RecentlyUsed<BodyHash, TaskBodies> documents_;  // taken apart
};

}  // namespace millrace::scheduler
