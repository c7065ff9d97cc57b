// One batch, one transaction: the log row and what goes with it. The innermost piece of the store;
// what happens when the answer is lost is PostgresStore's affair.
#pragma once

#include "base/result.h"
#include "scheduler/engine/ports.h"
#include "scheduler/store/projections.h"

namespace pqxx {
class connection_base;  // NOLINT(readability-identifier-naming): its own name
}  // namespace pqxx

namespace millrace::scheduler {

// kCommitted: it is durable, by this call or an earlier one with the same batch id. kConflict:
// another batch stands at its sequence. Waits for a transaction under way that is about to say so.
// Exceptions of libpqxx pass through: then, unless they say otherwise, nobody knows. Errors: those
// of projections.
Result<CommitOutcome> write_batch(pqxx::connection_base& connection, int shard, const Batch& batch,
                                  const LiveRuns& runs);

}  // namespace millrace::scheduler
