// Checkpointer: keeps recovery short and the log bounded. Now and then it recovers the state for
// itself, from the checkpoint before and the log after it, writes it as the next checkpoint, and
// drops the part of the log that is both covered and old.
//
// It reads what is durable and never the engine's state: so the loop is not held up for a moment,
// the checkpoint is of one sequence, and every checkpoint is a rehearsal of recovery. The price is
// a second state in memory while it works, and a replay. Two of them at once do no harm.
//
// Blocking; one thread at a time. Connects for each call.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "scheduler/core/types.h"
#include "scheduler/store/watched_connection.h"

namespace millrace::scheduler {

struct CheckpointPolicy {
  // When the log after the last checkpoint has so many batches, or so many bytes.
  std::int64_t every_batches = 10'000;
  Bytes every_bytes = mebibytes(64);
  Micros log_retention = seconds(24 * 3600);  // for those who follow events
  Micros run_retention = seconds(90LL * 24 * 3600);
};

class Checkpointer {
 public:
  Checkpointer(const std::string& connection_string, int shard, CheckpointPolicy policy)
      : connection_(connection_string), shard_(shard), policy_(policy) {}

  // Partitions ahead, and when a checkpoint is due: the checkpoint, then retention. Its sequence; 0
  // when none was due. `cancelled` is asked now and then. Errors: postgres.unavailable and such,
  // log.broken, log.unknown, store.cancelled.
  Result<Sequence> run(const std::function<bool()>& cancelled);
  // A checkpoint now; its sequence, that of an earlier one when nothing has happened since.
  Result<Sequence> checkpoint(const std::function<bool()>& cancelled);
  // Any thread: a call that hangs fails soon.
  void break_off() { connection_.break_off(); }

 private:
  WatchedConnection connection_;
  int shard_;
  CheckpointPolicy policy_;
};

}  // namespace millrace::scheduler
