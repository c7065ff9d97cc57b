// The threads of PostgresStore: the writer, which makes every call to the database one after
// another; the watch, which breaks off what hangs and says when leadership has lapsed; the
// housekeeper, which writes checkpoints while this process leads.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lib/postgres/sql_failure.h"
#include "scheduler/store/leadership.h"
#include "scheduler/store/postgres_store.h"
#include "scheduler/store/projections.h"
#include "scheduler/store/watched_connection.h"

namespace millrace::scheduler {

class PostgresStore::Worker {
 public:
  Worker(PostgresStoreOptions options, Answer answer, Fatal fatal);
  ~Worker();

  void campaign(LeaderId self);
  void recover(LeaderEpoch epoch);
  void commit(BatchRef batch);
  void resign();
  StoreHealth health() const;

 private:
  // What was asked and not yet begun. The newest word counts: one campaign, one recovery, one
  // batch.
  struct Asked {
    std::optional<LeaderId> campaign;
    std::optional<LeaderEpoch> recover;
    BatchRef commit;
    bool resign = false;
    bool any() const { return campaign || recover || commit != nullptr || resign; }
  };
  struct Leadership {
    LeaderEpoch epoch;
    Monotonic until;  // on our clock, from before the question
    Monotonic next_renewal;
  };

  // Marks a call to the database, for the watch.
  class Call;

  void write_loop();
  void watch_loop();
  void housekeep_loop();

  // --- the writer's thread
  void stand();  // one try to be elected
  void renew_if_due();
  void release();
  void recover_for(LeaderEpoch epoch);
  Result<Recovered> read_state(LeaderEpoch epoch);
  void commit_batch(const Batch& batch);
  CommitOutcome settle(const Batch& batch);
  // After a failure: waits a little, longer each time. False: there is no more use in trying.
  bool pause(LeaderEpoch epoch, Micros& length);

  // --- any thread
  void lose_leadership(LeaderEpoch epoch, const std::string& reason);
  bool leads(LeaderEpoch epoch) const;
  enum class Doing { kCommitting, kOther };
  void worked(Doing doing = Doing::kOther);
  void failed(const postgres::SqlFailure& failure, Doing doing = Doing::kOther);
  void end(Error error);

  const PostgresStoreOptions options_;
  const Answer answer_;
  const Fatal fatal_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Asked asked_;  // guarded by mutex_, as all up to health_
  std::optional<Leadership> leadership_;
  std::optional<Monotonic> call_began_;  // of the writer's call under way
  bool stopping_ = false;
  Monotonic stop_by_;
  bool ended_ = false;  // fatal_ was called
  StoreHealth health_;
  Doing trouble_while_ = Doing::kOther;  // that of health_.trouble

  // The writer's own.
  WatchedConnection connection_;
  WatchedConnection recovery_;  // so that leadership is renewed while the log is read
  LeadershipRow row_;
  bool standing_ = false;
  LiveRuns live_runs_;
  Checkpointer checkpointer_;  // the housekeeper's

  bool watching_ = true;  // guarded by mutex_
  std::thread watch_;
  std::thread housekeeper_;
  std::thread writer_;
};

}  // namespace millrace::scheduler
