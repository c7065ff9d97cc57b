// RunningQueries: the queries that are under way: how many there may be at once, who waits for
// which hidden run, and what each came to.
//
// Thread-safe. Whoever waits is called back exactly once, on the loop's thread, outside the lock.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"
#include "scheduler/engine/ports.h"

namespace millrace::api {

// What a hidden run left: the attempt whose answer it is, and what it says of it.
struct QueryAnswer {
  scheduler::AttemptRef attempt;
  std::string outputs_json;  // {"rows": 12, "bytes": 345, "truncated": false}
};

class RunningQueries {
 public:
  using Done = std::function<void(Result<QueryAnswer>)>;
  // One of the places there are; given back with the last copy.
  using Place = std::shared_ptr<void>;

  explicit RunningQueries(std::size_t limit) : limit_(limit) {}

  // Nothing when all places are taken.
  Place enter();
  // Before the run is submitted. The place is held until the run has ended, which may be after its
  // caller was told: a query that takes too long is told so when it is stopped.
  void await(scheduler::RunId run, Place place, Micros timeout, Done done);
  // It was not started: nobody is called back.
  void forget(scheduler::RunId run);
  bool waits(scheduler::RunId run) const;

  // As ObserverPort has it. Returns attempts whose answers nobody waits for.
  std::vector<scheduler::AttemptRef> applied(const scheduler::Batch& batch,
                                             const scheduler::State& state);
  // This scheduler leads no more: what becomes of the runs it will not hear.
  void lost();

 private:
  struct Waiting {
    Place place;
    Micros timeout;
    Done done;  // empty once it was called
    std::optional<scheduler::Failure> failure;
    QueryAnswer answer;
  };
  // What is to be told once the lock is released.
  struct Told {
    Done done;
    Result<QueryAnswer> answer;
  };
  void note(const scheduler::Batch& batch, std::size_t index, const scheduler::State& state,
            std::vector<Told>& told);
  void finish(const scheduler::Run& run, scheduler::RunOutcome outcome, std::vector<Told>& told,
              std::vector<scheduler::AttemptRef>& unwanted);

  const std::size_t limit_;
  mutable std::mutex mutex_;  // guards all below
  std::size_t entered_ = 0;
  std::map<scheduler::RunId, Waiting> waiting_;
};

// What a client is told of a failed attempt: the statement's own faults as they are, and whatever
// befell the machinery as one thing, query.interrupted.
Error query_error(const scheduler::Failure& failure);

}  // namespace millrace::api
