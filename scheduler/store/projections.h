// Projections: what of a batch goes into tables besides the log: bodies, snapshots, outputs,
// publications, attempts, and, when they end, runs with their tasks. Written in the batch's own
// transaction, in bulk. Of a hidden run (WorkflowSpec::hidden) there is its body alone, until it
// ends.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "lib/postgres/transaction.h"
#include "scheduler/core/state.h"
#include "scheduler/engine/ports.h"

namespace millrace::scheduler {

// What projections need to know of a run that events do not say again.
struct LiveRun {
  std::string ns;
  std::string name;
  WorkflowSpecRef spec;
};

// The runs that have not ended, as the store knows them, and which workers' names it has written.
// Owned by the store's thread.
class LiveRuns {
 public:
  void reset(const State& state);
  // Before a batch is written: the runs that it creates.
  void before(const Batch& batch);
  // After it has taken effect: without those that it ended.
  void after(const Batch& batch);
  const LiveRun* find(RunId run) const;
  bool is_named(WorkerId worker) const { return named_.contains(worker); }

 private:
  std::map<RunId, LiveRun> runs_;
  std::set<WorkerId> named_;
};

// Exceptions of libpqxx pass through. Error catalog.head_differs, store.inconsistent: the batch
// does not fit what the database holds; it is not to be committed, and the scheduler not to go on.
Status write_projections(postgres::Transaction& transaction, const Batch& batch,
                         const LiveRuns& runs);

}  // namespace millrace::scheduler
