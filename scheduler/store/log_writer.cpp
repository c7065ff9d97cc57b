#include "scheduler/store/log_writer.h"

#include <pqxx/binarystring>
#include <pqxx/connection_base>
#include <pqxx/transaction>

#include "base/failpoint.h"
#include "lib/postgres/sql_text.h"
#include "scheduler/store/codec.h"

namespace millrace::scheduler {
namespace {

// On a conflict (log_pkey) nothing is inserted, after the other transaction has ended. A SELECT
// beforehand could miss one that is still under way.
constexpr const char* kInsert = R"(
  INSERT INTO millrace.log (shard, sequence, leader_epoch, batch_id, at, event_count, events)
  VALUES ($1, $2::bigint, $3::bigint, $4::uuid, millrace.from_us($5::bigint), $6, $7)
  ON CONFLICT DO NOTHING)";

}  // namespace

Result<CommitOutcome> write_batch(pqxx::connection_base& connection, int shard, const Batch& batch,
                                  const LiveRuns& runs) {
  const std::string events = encode_events(batch.events);
  const std::string id = postgres::to_uuid(batch.id.raw());
  MILLRACE_FAILPOINT("store.before_commit");
  pqxx::work work(connection);
  const pqxx::result inserted =
      work.exec_params(kInsert, shard, batch.sequence.value(), batch.leader_epoch.value(), id,
                       batch.at.value(), batch.events.size(), pqxx::binarystring(events));
  if (inserted.affected_rows() == 0) {
    const pqxx::row stands = work.exec_params1(
        "SELECT batch_id FROM millrace.log WHERE shard = $1 AND sequence = $2::bigint", shard,
        batch.sequence.value());
    return stands[0].c_str() == id ? CommitOutcome::kCommitted : CommitOutcome::kConflict;
  }
  MILLRACE_FAILPOINT("store.projection");
  postgres::Transaction transaction{work};
  MILLRACE_RETURN_IF_ERROR(write_projections(transaction, batch, runs));
  MILLRACE_FAILPOINT("store.in_commit");
  work.commit();
  MILLRACE_FAILPOINT("store.after_commit");
  return CommitOutcome::kCommitted;
}

}  // namespace millrace::scheduler
