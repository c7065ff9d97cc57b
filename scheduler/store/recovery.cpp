#include "scheduler/store/recovery.h"

#include <pqxx/result>
#include <pqxx/transaction_base>
#include <utility>

#include "catalog/catalog.h"
#include "lib/postgres/sql_text.h"
#include "scheduler/core/apply.h"
#include "scheduler/store/codec.h"

namespace millrace::scheduler {
namespace {

// A page is bounded by rows and bytes: a batch may hold 20,000 events.
constexpr const char* kLogPage = R"(
  SELECT sequence, events FROM (
    SELECT sequence, events, sum(octet_length(events)) OVER (ORDER BY sequence) AS bytes,
           row_number() OVER (ORDER BY sequence) AS n
    FROM (SELECT sequence, events FROM millrace.log WHERE shard = $1 AND sequence > $2
          ORDER BY sequence LIMIT 256) AS next
  ) AS page WHERE n = 1 OR bytes <= 4000000 ORDER BY sequence)";

Error broken(std::string what) {
  return Error{ErrorClass::kInfrastructure, "log.broken", std::move(what),
               "restore the database from a backup"};
}

std::string bytes_of(const pqxx::field& field) {
  return postgres::from_bytea(field.c_str()).value_or("");
}

// The newest complete checkpoint into `to`.
Status load_checkpoint(pqxx::transaction_base& work, int shard,
                       const std::function<Status()>& between, SpecPool& specs,
                       RecoveredState& to) {
  const pqxx::result header = work.exec_params(
      "SELECT sequence, chunk_count FROM millrace.checkpoints WHERE shard = $1 "
      "ORDER BY sequence DESC LIMIT 1",
      shard);
  if (header.empty()) return ok_status();
  to.checkpoint = Sequence(header[0][0].as<std::uint64_t>());
  const int chunk_count = header[0][1].as<int>();
  CheckpointDecoder decoder(specs);
  for (int chunk = 0; chunk < chunk_count; ++chunk) {
    const pqxx::result content = work.exec_params(
        "SELECT content FROM millrace.checkpoint_chunks "
        "WHERE shard = $1 AND sequence = $2::bigint AND chunk = $3",
        shard, to.checkpoint.value(), chunk);
    if (content.empty()) {
      return broken("checkpoint " + std::to_string(to.checkpoint.value()) + " lacks chunk " +
                    std::to_string(chunk));
    }
    MILLRACE_RETURN_IF_ERROR(decoder.add(bytes_of(content[0][0])));
    MILLRACE_RETURN_IF_ERROR(between());
  }
  MILLRACE_TRY(state, decoder.finish());
  *to.state = std::move(state);
  to.last = to.checkpoint;
  return ok_status();
}

std::string text_of(const NamespacedName& dataset) {
  return "\"" + dataset.ns + "/" + dataset.name + "\"";
}

Error differs(const NamespacedName& dataset, const std::string& in_log,
              const std::string& in_catalog) {
  return Error{ErrorClass::kInfrastructure, "store.heads_differ",
               "the newest snapshot of dataset " + text_of(dataset) + " is " + in_log +
                   " by the scheduler's log and " + in_catalog + " in the catalog",
               "somebody wrote to the database beside the scheduler: restore it from a backup"};
}

}  // namespace

Result<RecoveredState> recover_state(postgres::Transaction& transaction, int shard,
                                     const std::function<Status()>& between) {
  RecoveredState recovered;
  recovered.state = std::make_shared<State>();
  SpecPool specs;
  MILLRACE_RETURN_IF_ERROR(load_checkpoint(transaction.work, shard, between, specs, recovered));
  while (true) {
    const pqxx::result page = transaction.work.exec_params(kLogPage, shard, recovered.last.value());
    if (page.empty()) return recovered;
    for (const pqxx::row& row : page) {
      const Sequence sequence(row[0].as<std::uint64_t>());
      if (sequence != recovered.last.next()) {
        return broken("the log lacks batch " + std::to_string(recovered.last.next().value()));
      }
      MILLRACE_TRY(events, decode_events(bytes_of(row[1]), specs));
      for (const Event& event : events) apply(*recovered.state, event);
      recovered.last = sequence;
      ++recovered.batches;
    }
    MILLRACE_RETURN_IF_ERROR(between());
  }
}

Status compare_heads(postgres::Transaction& transaction, const State& state) {
  std::map<NamespacedName, Head> in_catalog;
  for (const catalog::Head& head : catalog::heads(transaction)) {
    in_catalog[{head.dataset.ns, head.dataset.name}] = {SnapshotId(head.snapshot),
                                                        head.schema_hash};
  }
  for (const auto& [dataset, head] : state.heads()) {
    const auto found = in_catalog.find(dataset);
    const std::string in_log = head.snapshot.to_text();
    if (found == in_catalog.end()) return differs(dataset, in_log, "missing");
    if (found->second != head) return differs(dataset, in_log, found->second.snapshot.to_text());
    in_catalog.erase(found);
  }
  if (in_catalog.empty()) return ok_status();
  const auto& [dataset, head] = *in_catalog.begin();
  return differs(dataset, "unknown", head.snapshot.to_text());
}

}  // namespace millrace::scheduler
