// Recovery: the state out of the newest complete checkpoint and the log after it.
//
// One read-only transaction of one snapshot, so that log, checkpoint and catalog are of one moment.
// Exceptions of libpqxx pass through.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "lib/postgres/transaction.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

struct RecoveredState {
  std::shared_ptr<State> state;
  Sequence last;            // of the log; 0 when it is empty
  Sequence checkpoint;      // where the replay began; 0 without one
  std::size_t batches = 0;  // replayed
};

// `between` is called now and then, at most some 100 ms apart, and ends the recovery with its
// error: for whoever has other things to see to meanwhile. Errors: log.broken, log.unknown.
Result<RecoveredState> recover_state(postgres::Transaction& transaction, int shard,
                                     const std::function<Status()>& between);

// The state's heads against the catalog's. Error store.heads_differ names the first that differs.
Status compare_heads(postgres::Transaction& transaction, const State& state);

}  // namespace millrace::scheduler
