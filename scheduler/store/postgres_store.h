// PostgresStore: the store port on Postgres. A thread of its own with one writer connection, so
// that nothing in the engine ever waits for a database.
//
// It keeps trying through lost connections and restarts: a commit whose answer was lost is settled
// by handing the same sequence and batch id over again. It answers kUnknown only when it is
// stopped, or when leadership was lost meanwhile; a leader that can't renew its lease gets Deposed
// even while a call hangs. Works behind pgbouncer's transaction pooling: nothing depends on a
// session.
//
// StorePort's calls and health() may be made on any thread; none blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "scheduler/engine/ports.h"
#include "scheduler/store/checkpointer.h"

namespace millrace::scheduler {

struct PostgresStoreOptions {
  // What keeps the database from taking what it is given, and nothing once it takes it again: told
  // when it begins, becomes another, and ends; on the store's threads. Nothing is lost meanwhile.
  using OnTrouble = std::function<void(const std::optional<Error>&)>;

  std::string connection_string;  // libpq's, of either form
  int shard = 0;
  Micros leader_lease = seconds(10);       // renewed at a third of it
  Micros retry_pause = milliseconds(100);  // after a failure, doubled up to retry_pause_max
  Micros retry_pause_max = seconds(1);
  CheckpointPolicy checkpoints = {};
  Micros checkpoint_interval = seconds(60);  // between looks whether one is due
  Micros silence = seconds(3);               // a call without an answer for so long: not connected
  OnTrouble on_trouble = nullptr;
  std::function<void(Micros took)> on_commit = nullptr;  // on the store's thread
};

struct StoreHealth {
  bool connected = false;  // and it answers: no call waits for longer than `silence`
  bool leading = false;
  std::optional<Error> trouble;  // see OnTrouble
  std::string last_error;        // the latest trouble, also when it is over; one line
  WallTime since;                // when `connected` last changed
  std::uint64_t lost_connections = 0;
  std::uint64_t retried_commits = 0;  // handed over again after a failure or a lost answer
  std::uint64_t committed_batches = 0;
  std::uint64_t committed_events = 0;
  Sequence checkpoint;  // the newest that this process wrote; 0: none
};

class PostgresStore final : public StorePort {
 public:
  using Answer = std::function<void(StoreAnswer)>;
  // What a person must see to (store.heads_differ, log.broken, postgres.schema_newer, …): nothing
  // is answered after it.
  using Fatal = std::function<void(Error)>;

  // Both are called on the store's threads, and must not call back into the destructor.
  PostgresStore(PostgresStoreOptions options, Answer answer, Fatal fatal);
  // Lets a commit under way end for up to two seconds; gives leadership up, if it was not resigned.
  ~PostgresStore() override;

  void campaign(LeaderId self) override;
  void recover(LeaderEpoch epoch) override;
  void commit(BatchRef batch) override;
  void resign() override;

  StoreHealth health() const;

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

// Brings the schemas `catalog` and `millrace` to what this program knows. To be called, by any
// number of processes, before the first PostgresStore or StoreReader. Errors:
// postgres.schema_newer, postgres.unavailable, postgres.refused.
Status migrate_store(const std::string& connection_string);

}  // namespace millrace::scheduler
