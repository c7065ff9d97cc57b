#include "scheduler/store/leadership.h"

#include <pqxx/connection_base>
#include <pqxx/nontransaction>

#include "base/failpoint.h"
#include "lib/postgres/sql_text.h"
#include "scheduler/store/process_name.h"

namespace millrace::scheduler {
namespace {

// Times are taken when the row's lock is held (clock_timestamp), not when the statement began.
constexpr const char* kTake = R"(
  INSERT INTO millrace.leadership AS l (shard, leader_epoch, leader, holder, expires_at)
  VALUES ($1, 1, $2::uuid, $3, clock_timestamp() + $4::bigint * interval '1 microsecond')
  ON CONFLICT (shard) DO UPDATE
  SET leader_epoch = l.leader_epoch + 1, leader = excluded.leader, holder = excluded.holder,
      expires_at = clock_timestamp() + $4::bigint * interval '1 microsecond'
  WHERE l.expires_at <= clock_timestamp() OR l.leader = excluded.leader OR l.holder = nullif($5, '')
  RETURNING leader_epoch)";

constexpr const char* kRenew = R"(
  UPDATE millrace.leadership
  SET expires_at = clock_timestamp() + $4::bigint * interval '1 microsecond'
  WHERE shard = $1 AND leader = $2::uuid AND leader_epoch = $3::bigint)";

constexpr const char* kGiveUp = R"(
  UPDATE millrace.leadership SET expires_at = clock_timestamp()
  WHERE shard = $1 AND leader = $2::uuid AND expires_at > clock_timestamp())";

// Who holds it, when that is a process that is gone; "" otherwise.
std::string holder_that_is_gone(pqxx::nontransaction& work, int shard) {
  const pqxx::result found =
      work.exec_params("SELECT holder FROM millrace.leadership WHERE shard = $1", shard);
  if (found.empty()) return "";
  std::string holder = found[0][0].as<std::string>();
  return is_gone(holder) ? holder : "";
}

}  // namespace

std::optional<LeaderEpoch> take_leadership(pqxx::connection_base& connection,
                                           const LeadershipRow& row) {
  MILLRACE_FAILPOINT("store.before_leadership");
  pqxx::nontransaction work(connection);
  const std::string gone = holder_that_is_gone(work, row.shard);
  const pqxx::result taken = work.exec_params(kTake, row.shard, postgres::to_uuid(row.self.raw()),
                                              row.holder, row.lease.value(), gone);
  if (taken.empty()) return std::nullopt;
  MILLRACE_FAILPOINT("store.after_leadership");
  return LeaderEpoch(taken[0][0].as<std::uint64_t>());
}

bool renew_leadership(pqxx::connection_base& connection, const LeadershipRow& row,
                      LeaderEpoch epoch) {
  pqxx::nontransaction work(connection);
  const pqxx::result renewed = work.exec_params(
      kRenew, row.shard, postgres::to_uuid(row.self.raw()), epoch.value(), row.lease.value());
  return renewed.affected_rows() == 1;
}

void give_up_leadership(pqxx::connection_base& connection, const LeadershipRow& row) {
  pqxx::nontransaction work(connection);
  work.exec_params(kGiveUp, row.shard, postgres::to_uuid(row.self.raw()));
}

}  // namespace millrace::scheduler
