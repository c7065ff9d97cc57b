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

namespace millrace::scheduler {
namespace {

using ReadTransaction = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

// Both by log_pkey; bytes of at most as many rows as would be due anyway.
constexpr const char* kDue = R"(
  SELECT count(*) >= $2::bigint OR coalesce(sum(octet_length(events)), 0) >= $3::bigint
  FROM (SELECT events FROM millrace.log
        WHERE shard = $1 AND sequence > coalesce(
          (SELECT max(sequence) FROM millrace.checkpoints WHERE shard = $1), 0)
        ORDER BY sequence LIMIT $2::bigint) AS since)";

// Locks of partitions are not waited for: a reader with an old snapshot must not hold up the writer
// that would queue behind us. The next round tries again.
void housekeep(pqxx::connection_base& connection, const std::string& statement) {
  try {
    pqxx::work work(connection);
    work.exec("SET LOCAL lock_timeout = '200ms'");
    work.exec(statement);
    work.commit();
  } catch (const pqxx::sql_error& error) {
    const postgres::SqlTrouble trouble = postgres::sql_failure(error).trouble;
    // Refused, too: rows that came before their partition keep it from being made, and stay where
    // they are.
    if (trouble == postgres::SqlTrouble::kLost) throw;
  }
}

void make_partitions(pqxx::connection_base& connection, int shard) {
  housekeep(connection,
            "SELECT millrace.make_log_partitions(coalesce(max(sequence), 0), 2) "
            "FROM millrace.log WHERE shard = " +
                std::to_string(shard));
  housekeep(connection,
            "SELECT millrace.make_run_partitions((extract(epoch FROM now()) * 1000)::bigint, 2)");
}

void drop_partitions(pqxx::connection_base& connection, int shard, const CheckpointPolicy& policy) {
  // The oldest of the checkpoints that are kept covers the log up to its own sequence.
  housekeep(connection,
            "SELECT millrace.drop_log_partitions(least("
            "(SELECT coalesce(min(sequence), 0) + 1 FROM millrace.checkpoints WHERE shard = " +
                std::to_string(shard) +
                "), (SELECT coalesce(min(sequence), 0) FROM millrace.log WHERE at >= now() - " +
                std::to_string(policy.log_retention.value()) + " * interval '1 microsecond')))");
  housekeep(connection, "SELECT millrace.drop_run_partitions((extract(epoch FROM now() - " +
                            std::to_string(policy.run_retention.value()) +
                            " * interval '1 microsecond') * 1000)::bigint)");
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

}  // namespace

Result<Sequence> Checkpointer::checkpoint(const std::function<bool()>& cancelled) {
  const auto between = [&]() -> Status {
    if (!cancelled()) return ok_status();
    return Error{ErrorClass::kTransient, "store.cancelled", "the checkpoint was cancelled"};
  };
  try {
    RecoveredState recovered;
    {
      ReadTransaction work(connection_.get());
      postgres::Transaction transaction{work};
      MILLRACE_TRY(state, recover_state(transaction, shard_, between));
      recovered = std::move(state);
    }
    if (recovered.batches == 0) return recovered.checkpoint;
    return write_checkpoint(connection_.get(), shard_, recovered, between);
  } catch (const std::exception& exception) {
    connection_.close();
    return postgres::sql_failure(exception).to_error();
  }
}

Result<Sequence> Checkpointer::run(const std::function<bool()>& cancelled) {
  const auto work = [&]() -> Result<Sequence> {
    pqxx::connection_base& connection = connection_.get();
    make_partitions(connection, shard_);
    const bool due =
        pqxx::nontransaction(connection)
            .exec_params1(kDue, shard_, policy_.every_batches, policy_.every_bytes.value())[0]
            .as<bool>();
    if (!due) return Sequence();
    MILLRACE_TRY(sequence, checkpoint(cancelled));
    drop_partitions(connection_.get(), shard_, policy_);
    return sequence;
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
