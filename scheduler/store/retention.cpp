#include "scheduler/store/retention.h"

#include <algorithm>
#include <cstring>
#include <pqxx/connection_base>
#include <pqxx/nontransaction>
#include <pqxx/result>
#include <pqxx/transaction>
#include <set>
#include <utility>

#include "lib/postgres/sql_failure.h"
#include "lib/postgres/sql_text.h"

namespace millrace::scheduler {
namespace {

using postgres::SqlArray;

constexpr std::size_t kBodiesAtOnce = 10'000;
constexpr const char* kNoLongWait = "SET LOCAL lock_timeout = '200ms'";

// The oldest of the checkpoints that are kept covers the log up to its own sequence; a log without
// a young row is old as a whole. By log_pkey, and at most as many rows as a partition and what is
// kept have.
constexpr const char* kDropLogBefore = R"(
  SELECT least(
    (SELECT coalesce(min(sequence), 0) + 1 FROM millrace.checkpoints WHERE shard = $1),
    (SELECT sequence FROM millrace.log
     WHERE shard = $1 AND at >= now() - $2::bigint * interval '1 microsecond'
     ORDER BY sequence LIMIT 1)))";

void drop_log(pqxx::connection_base& connection, int shard, Micros retention) {
  // In a statement of its own: one that reads the log can't drop a part of it.
  const auto before = pqxx::nontransaction(connection)
                          .exec_params1(kDropLogBefore, shard, retention.value())[0]
                          .as<std::int64_t>();
  housekeep(connection, "SELECT millrace.drop_log_partitions(" + std::to_string(before) + ")");
}

// Of a run that still lives nothing goes, however long ago it began: ids begin with the time they
// were made.
void drop_runs(pqxx::connection_base& connection, Micros retention, const State& state) {
  std::string before = "extract(epoch FROM now() - " + std::to_string(retention.value()) +
                       " * interval '1 microsecond') * 1000";
  if (!state.runs().empty()) {
    const std::uint64_t oldest_ms = state.runs().begin()->first.raw().high >> 16;
    before = "least(" + before + ", " + std::to_string(oldest_ms) + ")";
  }
  housekeep(connection, "SELECT millrace.drop_run_partitions((" + before + ")::bigint)");
}

std::set<BodyHash> bodies_of(const State& state) {
  std::set<BodyHash> used;
  for (const auto& [key, document] : state.documents()) used.insert(document.body_hash);
  for (const auto& [id, run] : state.runs()) {
    used.insert(run.header.body_hash);
    used.insert(run.header.parameters_hash);
  }
  return used;
}

struct BodyKey {
  BodyHash hash{};
  std::string ns;
};

// By bodies_pkey; of runs each row is looked at.
constexpr const char* kUnusedBodies = R"(
  SELECT hash, ns FROM millrace.bodies b
  WHERE touched_sequence < $1::bigint AND (hash, ns) > ($2::bytea, $3)
    AND NOT EXISTS (SELECT FROM millrace.runs r WHERE r.body_hash = b.hash)
    AND NOT EXISTS (SELECT FROM millrace.runs r WHERE r.parameters_hash = b.hash)
  ORDER BY hash, ns LIMIT $4)";

// A batch that refers to one of them has it locked, or waits for us and then writes it anew: none
// is waited for, so that no two wait for each other.
constexpr const char* kDeleteBodies = R"(
  DELETE FROM millrace.bodies b USING (
    SELECT c.hash, c.ns FROM millrace.bodies c
    JOIN unnest($1::bytea[], $2::text[]) AS d (hash, ns) ON d.hash = c.hash AND d.ns = c.ns
    WHERE c.touched_sequence < $3::bigint FOR UPDATE OF c SKIP LOCKED) AS free
  WHERE b.hash = free.hash AND b.ns = free.ns)";

constexpr const char* kDeleteSpecs = R"(
  DELETE FROM millrace.specs s USING (
    SELECT c.hash FROM millrace.specs c
    WHERE c.touched_sequence < $1::bigint
      AND NOT EXISTS (SELECT FROM millrace.runs r WHERE r.spec_hash = c.hash)
    FOR UPDATE OF c SKIP LOCKED) AS free
  WHERE s.hash = free.hash)";

void collect_bodies(pqxx::connection_base& connection, const State& state,
                    std::int64_t touched_before) {
  const std::set<BodyHash> used = bodies_of(state);
  BodyKey after;
  std::string after_hash = "\\x";
  for (bool more = true; more;) {
    SqlArray hashes, namespaces;
    {
      pqxx::nontransaction work(connection);
      const pqxx::result page =
          work.exec_params(kUnusedBodies, touched_before, after_hash, after.ns, kBodiesAtOnce);
      more = page.size() == static_cast<pqxx::result::size_type>(kBodiesAtOnce);
      for (const pqxx::row& row : page) {
        BodyKey key{{}, row[1].as<std::string>()};
        const std::string bytes = postgres::from_bytea(row[0].c_str()).value_or("");
        if (bytes.size() == key.hash.size())
          std::memcpy(key.hash.data(), bytes.data(), bytes.size());
        if (!used.contains(key.hash)) {
          hashes.add(row[0].c_str());
          namespaces.add(key.ns);
        }
        after_hash = row[0].c_str();
        after = std::move(key);
      }
    }
    if (hashes.empty()) continue;
    pqxx::work work(connection);
    work.exec(kNoLongWait);
    work.exec_params(kDeleteBodies, hashes.text(), namespaces.text(), touched_before);
    work.commit();
  }
}

}  // namespace

void housekeep(pqxx::connection_base& connection, const std::string& statement) {
  try {
    pqxx::work work(connection);
    work.exec(kNoLongWait);
    work.exec(statement);
    work.commit();
  } catch (const pqxx::sql_error& error) {
    const postgres::SqlTrouble trouble = postgres::sql_failure(error).trouble;
    // Refused, too: rows that came before their partition keep it from being made, and stay where
    // they are.
    if (trouble == postgres::SqlTrouble::kLost) throw;
  }
}

void drop_old(pqxx::connection_base& connection, int shard, const StoreRetention& retention,
              const State& state, Sequence sequence) {
  drop_log(connection, shard, retention.log);
  drop_runs(connection, retention.runs, state);
  const std::int64_t touched_before = static_cast<std::int64_t>(sequence.value()) - kTouchSlack;
  if (touched_before <= 0) return;
  collect_bodies(connection, state, touched_before);
  pqxx::work work(connection);
  work.exec(kNoLongWait);
  work.exec_params(kDeleteSpecs, touched_before);
  work.commit();
}

}  // namespace millrace::scheduler
