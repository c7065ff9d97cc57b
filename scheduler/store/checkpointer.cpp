#include "scheduler/store/checkpointer.h"

#include <exception>
#include <pqxx/binarystring>
#include <pqxx/connection>
#include <pqxx/nontransaction>
#include <pqxx/transaction>

#include "base/failpoint.h"
#include "lib/postgres/sql_failure.h"
#include "scheduler/store/codec.h"
#include "scheduler/store/recovery.h"
#include "scheduler/store/retention.h"

namespace millrace::scheduler {
namespace {

using ReadTransaction = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

// Both by log_pkey; bytes of at most as many rows as would be due anyway.
constexpr const char* kDue = R"(
  SELECT count(*) >= $2::bigint OR coalesce(sum(octet_length(events)), 0) >= $3::bigint
      OR coalesce(min(at) < now() - $4::bigint * interval '1 microsecond', false)
  FROM (SELECT events, at FROM millrace.log
        WHERE shard = $1 AND sequence > coalesce(
          (SELECT max(sequence) FROM millrace.checkpoints WHERE shard = $1), 0)
        ORDER BY sequence LIMIT $2::bigint) AS since)";

// Locks of partitions are not waited for: a reader with an old snapshot must not hold up the writer
// that would queue behind us. The next round tries again.
void make_partitions(pqxx::connection_base& connection, int shard) {
  housekeep(connection,
            "SELECT millrace.make_log_partitions(coalesce(max(sequence), 0), 2) "
            "FROM millrace.log WHERE shard = " +
                std::to_string(shard));
  housekeep(connection,
            "SELECT millrace.make_run_partitions((extract(epoch FROM now()) * 1000)::bigint, 2)");
}

Result<Sequence> write_checkpoint(pqxx::connection_base& connection, int shard,
                                  const RecoveredState& recovered,
                                  const std::function<Status()>& between) {
  MILLRACE_FAILPOINT("store.before_checkpoint");
  const auto sequence = recovered.last.value();
  {
    // What an interrupted one left at this very sequence.
    pqxx::work work(connection);
    work.exec_params(
        "DELETE FROM millrace.checkpoint_chunks WHERE shard = $1 AND sequence = $2::bigint", shard,
        sequence);
    work.commit();
  }
  CheckpointEncoder encoder(*recovered.state);
  int count = 0;
  std::int64_t bytes = 0;
  while (const auto chunk = encoder.next()) {
    MILLRACE_RETURN_IF_ERROR(between());
    pqxx::work work(connection);
    work.exec_params(
        "INSERT INTO millrace.checkpoint_chunks (shard, sequence, chunk, content) "
        "VALUES ($1, $2::bigint, $3, $4)",
        shard, sequence, count++, pqxx::binarystring(*chunk));
    work.commit();
    bytes += static_cast<std::int64_t>(chunk->size());
  }
  MILLRACE_FAILPOINT("store.in_checkpoint");
  pqxx::work work(connection);
  work.exec_params(
      "INSERT INTO millrace.checkpoints (shard, sequence, chunk_count, byte_count, at) "
      "VALUES ($1, $2::bigint, $3, $4::bigint, now())",
      shard, sequence, count, bytes);
  // One before the newest is kept, should the newest turn out to be unreadable by a version that is
  // rolled back. Chunks without a header are of one that was interrupted.
  work.exec_params(R"(DELETE FROM millrace.checkpoints c WHERE shard = $1 AND sequence < (
                        SELECT sequence FROM millrace.checkpoints WHERE shard = $1
                        ORDER BY sequence DESC OFFSET 1 LIMIT 1))",
                   shard);
  work.exec_params(R"(DELETE FROM millrace.checkpoint_chunks c WHERE shard = $1 AND NOT EXISTS (
                        SELECT FROM millrace.checkpoints h WHERE h.shard = c.shard
                        AND h.sequence = c.sequence) AND sequence < $2::bigint)",
                   shard, sequence);
  work.commit();
  MILLRACE_FAILPOINT("store.after_checkpoint");
  return recovered.last;
}

// For whoever works long: ends with an error when it is cancelled.
std::function<Status()> asking(const std::function<bool()>& cancelled) {
  return [&cancelled]() -> Status {
    if (!cancelled()) return ok_status();
    return Error{ErrorClass::kTransient, "store.cancelled", "the checkpoint was cancelled"};
  };
}

}  // namespace

Result<RecoveredState> Checkpointer::recover(const std::function<Status()>& between) {
  ReadTransaction work(connection_.get());
  postgres::Transaction transaction{work};
  return recover_state(transaction, shard_, between);
}

Result<Sequence> Checkpointer::checkpoint(const std::function<bool()>& cancelled) {
  const auto between = asking(cancelled);
  try {
    MILLRACE_TRY(recovered, recover(between));
    if (recovered.batches == 0) return recovered.checkpoint;
    return write_checkpoint(connection_.get(), shard_, recovered, between);
  } catch (const std::exception& exception) {
    connection_.close();
    return postgres::sql_failure(exception).to_error();
  }
}

Result<Sequence> Checkpointer::run(const std::function<bool()>& cancelled) {
  const auto between = asking(cancelled);
  const auto work = [&]() -> Result<Sequence> {
    make_partitions(connection_.get(), shard_);
    const auto now = std::chrono::steady_clock::now();
    const bool retains =
        !retained_at_ ||
        now - *retained_at_ >= std::chrono::microseconds(policy_.retention_interval.value());
    const bool due = pqxx::nontransaction(connection_.get())
                         .exec_params1(kDue, shard_, policy_.every_batches,
                                       policy_.every_bytes.value(), policy_.every_time.value())[0]
                         .as<bool>();
    if (!due && !retains) return Sequence();
    MILLRACE_TRY(recovered, recover(between));
    Sequence written;
    if (due && recovered.batches > 0) {
      MILLRACE_TRY(sequence, write_checkpoint(connection_.get(), shard_, recovered, between));
      written = sequence;
    }
    drop_old(connection_.get(), shard_, {policy_.log_retention, policy_.run_retention},
             *recovered.state, recovered.last);
    retained_at_ = now;
    return written;
  };
  try {
    auto result = work();
    connection_.close();
    return result;
  } catch (const std::exception& exception) {
    connection_.close();
    return postgres::sql_failure(exception).to_error();
  }
}

}  // namespace millrace::scheduler
