// Checkpointer: keeps recovery short and the store bounded. Now and then it recovers the state for
// itself, from the checkpoint before and the log after it, writes it as the next checkpoint, and
// drops what is old (retention.h); also where nothing happens any more.
//
// It reads what is durable and never the engine's state: so the loop is not held up for a moment,
// the checkpoint is of one sequence, and every checkpoint is a rehearsal of recovery. The price is
// a second state in memory while it works, and a replay. Two of them at once do no harm.
//
// Blocking; one thread at a time. Connects for each call.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "scheduler/core/types.h"
#include "scheduler/store/recovery.h"
#include "scheduler/store/watched_connection.h"

namespace millrace::scheduler {

struct CheckpointPolicy {
  // When the log after the last checkpoint has so many batches, or so many bytes.
  std::int64_t every_batches = 10'000;
  Bytes every_bytes = mebibytes(64);
  Micros every_time = seconds(3600);  // or when its first batch is so old
  Micros retention_interval =
      seconds(3600);  // between looks for what is old; the first one at once
  Micros log_retention = seconds(24 * 3600);  // for those who follow events
  Micros run_retention = seconds(90LL * 24 * 3600);
};

class Checkpointer {
 public:
  Checkpointer(const std::string& connection_string, int shard, CheckpointPolicy policy)
      : connection_(connection_string), shard_(shard), policy_(policy) {}

  // Partitions ahead; the checkpoint, when it is due; after it, and when it is time for it,
  // retention. The checkpoint's sequence; 0 when none was due. `cancelled` is asked now and then.
  // Errors: postgres.unavailable and such, log.broken, log.unknown, store.cancelled.
  Result<Sequence> run(const std::function<bool()>& cancelled);
  // A checkpoint now; its sequence, that of an earlier one when nothing has happened since.
  Result<Sequence> checkpoint(const std::function<bool()>& cancelled);
  // Any thread: a call that hangs fails soon.
  void break_off() { connection_.break_off(); }

 private:
  Result<RecoveredState> recover(const std::function<Status()>& between);

  WatchedConnection connection_;
  int shard_;
  CheckpointPolicy policy_;
  std::optional<std::chrono::steady_clock::time_point> retained_at_;
};

}  // namespace millrace::scheduler
