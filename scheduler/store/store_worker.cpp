#include "scheduler/store/store_worker.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <pqxx/connection_base>
#include <pqxx/transaction>
#include <utility>

#include "scheduler/store/log_writer.h"
#include "scheduler/store/process_name.h"
#include "scheduler/store/recovery.h"

namespace millrace::scheduler {
namespace {

using Clock = std::chrono::steady_clock;
using ReadTransaction = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

constexpr Micros kStopPatience = seconds(2);
constexpr Micros kFollowerPause = seconds(1);  // between two looks whether leadership is free

// The engine's clock, too: `until` of an election is told on it.
Monotonic now() {
  return Monotonic(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch())
          .count());
}
WallTime wall_now() {
  return WallTime(std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count());
}
Clock::time_point to_time_point(Monotonic time) {
  return Clock::time_point(std::chrono::microseconds(time.value()));
}
Micros part(Micros whole, std::int64_t count) { return Micros(whole.value() / count); }

}  // namespace

class PostgresStore::Worker::Call {
 public:
  explicit Call(Worker& worker) : worker_(worker) {
    const std::lock_guard lock(worker_.mutex_);
    worker_.call_began_ = now();
  }
  ~Call() {
    const std::lock_guard lock(worker_.mutex_);
    worker_.call_began_.reset();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  Worker& worker_;
};

PostgresStore::Worker::Worker(PostgresStoreOptions options, Answer answer, Fatal fatal)
    : options_(std::move(options)),
      answer_(std::move(answer)),
      fatal_(std::move(fatal)),
      connection_(options_.connection_string),
      recovery_(options_.connection_string),
      checkpointer_(options_.connection_string, options_.shard, options_.checkpoints) {
  row_.shard = options_.shard;
  row_.lease = options_.leader_lease;
  row_.holder = process_name();
  health_.since = wall_now();
  watch_ = std::thread([this] { watch_loop(); });
  housekeeper_ = std::thread([this] { housekeep_loop(); });
  writer_ = std::thread([this] { write_loop(); });
}

PostgresStore::Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stop_by_ = now() + kStopPatience;
  }
  changed_.notify_all();
  writer_.join();
  housekeeper_.join();
  {
    const std::lock_guard lock(mutex_);
    watching_ = false;
  }
  changed_.notify_all();
  watch_.join();
}

// --- what is asked
// -----------------------------------------------------------------------------------

void PostgresStore::Worker::campaign(LeaderId self) {
  {
    const std::lock_guard lock(mutex_);
    // Who stands anew has given up what was under way.
    asked_ = Asked{.campaign = self, .recover = {}, .commit = nullptr, .resign = asked_.resign};
  }
  changed_.notify_all();
}

void PostgresStore::Worker::recover(LeaderEpoch epoch) {
  {
    const std::lock_guard lock(mutex_);
    asked_.recover = epoch;
  }
  changed_.notify_all();
}

void PostgresStore::Worker::commit(BatchRef batch) {
  {
    const std::lock_guard lock(mutex_);
    asked_.commit = std::move(batch);
  }
  changed_.notify_all();
}

void PostgresStore::Worker::resign() {
  {
    const std::lock_guard lock(mutex_);
    asked_.resign = true;
    asked_.campaign.reset();
  }
  changed_.notify_all();
}

StoreHealth PostgresStore::Worker::health() const {
  const std::lock_guard lock(mutex_);
  StoreHealth health = health_;
  health.leading = leadership_.has_value();
  // A server that hangs says nothing, and the call is broken off only when the lease ends.
  if (call_began_ && now() - *call_began_ > options_.silence) health.connected = false;
  return health;
}

// --- the writer
// --------------------------------------------------------------------------------------

void PostgresStore::Worker::write_loop() {
  while (true) {
    Asked asked;
    bool stopping = false;
    {
      std::unique_lock lock(mutex_);
      const auto something = [this] { return stopping_ || (asked_.any() && !ended_); };
      if (ended_) {
        changed_.wait(lock, something);
      } else if (standing_) {
        changed_.wait_for(
            lock, std::chrono::microseconds(std::min(kFollowerPause, part(row_.lease, 4)).value()),
            something);
      } else if (leadership_) {
        changed_.wait_until(lock, to_time_point(leadership_->next_renewal), something);
      } else {
        changed_.wait(lock, something);
      }
      stopping = stopping_;
      if (stopping) {
        // What was handed over and not begun is neither done nor undone.
        if (asked_.commit != nullptr) asked.commit = std::exchange(asked_.commit, nullptr);
      } else if (!ended_) {
        asked = std::exchange(asked_, {});
      }
    }
    if (stopping) {
      if (asked.commit != nullptr) answer_(CommitAnswer{asked.commit->id, CommitOutcome::kUnknown});
      release();
      return;
    }
    if (asked.commit != nullptr) commit_batch(*asked.commit);
    if (asked.resign) {
      standing_ = false;
      release();
    }
    if (asked.campaign) {
      // Elected anew even when we lead still: the engine's state is not the log's any more.
      {
        const std::lock_guard lock(mutex_);
        leadership_.reset();
      }
      row_.self = *asked.campaign;
      standing_ = true;
    }
    if (standing_) stand();
    renew_if_due();
    if (asked.recover) recover_for(*asked.recover);
  }
}

void PostgresStore::Worker::stand() {
  try {
    const Call call(*this);
    const Monotonic asked_at = now();
    const std::optional<LeaderEpoch> epoch = take_leadership(connection_.get(), row_);
    worked();
    if (!epoch) return;
    standing_ = false;
    const Monotonic until = asked_at + row_.lease;
    // Told before the watch can see it lapse, which it may have done by now: Deposed before Elected
    // would mean nothing to the engine. What is asked in answer waits for this thread.
    answer_(Elected{*epoch, until});
    const std::lock_guard lock(mutex_);
    leadership_ = Leadership{*epoch, until, asked_at + part(row_.lease, 3)};
  } catch (const std::exception& exception) {
    failed(postgres::sql_failure(exception));
  }
}

void PostgresStore::Worker::renew_if_due() {
  LeaderEpoch epoch;
  {
    const std::lock_guard lock(mutex_);
    if (!leadership_ || now() < leadership_->next_renewal) return;
    epoch = leadership_->epoch;
  }
  try {
    const Monotonic asked_at = now();
    bool renewed = false;
    {
      const Call call(*this);
      renewed = renew_leadership(connection_.get(), row_, epoch);
    }
    worked();
    if (!renewed) return lose_leadership(epoch, "another scheduler leads");
    const Monotonic until = asked_at + row_.lease;
    {
      const std::lock_guard lock(mutex_);
      if (!leadership_ || leadership_->epoch != epoch) return;  // it had lapsed meanwhile
      leadership_->until = until;
      leadership_->next_renewal = asked_at + part(row_.lease, 3);
    }
    answer_(Renewed{epoch, until});
  } catch (const std::exception& exception) {
    failed(postgres::sql_failure(exception));
    const std::lock_guard lock(mutex_);
    if (leadership_) leadership_->next_renewal = now() + options_.retry_pause;
  }
}

void PostgresStore::Worker::release() {
  {
    const std::lock_guard lock(mutex_);
    if (!leadership_) return;
    leadership_.reset();
  }
  if (!connection_.open()) return;  // then it lapses
  try {
    const Call call(*this);
    give_up_leadership(connection_.get(), row_);
  } catch (const std::exception& exception) {
    failed(postgres::sql_failure(exception));
  }
}

void PostgresStore::Worker::recover_for(LeaderEpoch epoch) {
  Micros length = options_.retry_pause;
  do {
    try {
      const Call call(*this);
      auto recovered = read_state(epoch);
      recovery_.close();
      if (recovered.ok()) {
        live_runs_.reset(*recovered->state);
        return answer_(std::move(*recovered));
      }
      if (recovered.error().code == "store.cancelled") return;
      return end(std::move(recovered).error());
    } catch (const std::exception& exception) {
      recovery_.close();
      failed(postgres::sql_failure(exception));
    }
  } while (pause(epoch, length));
}

Result<Recovered> PostgresStore::Worker::read_state(LeaderEpoch epoch) {
  ReadTransaction work(recovery_.get());
  postgres::Transaction transaction{work};
  MILLRACE_TRY(recovered, recover_state(transaction, options_.shard, [&]() -> Status {
                 renew_if_due();
                 const std::lock_guard lock(mutex_);
                 call_began_ = now();  // it advances, so it does not hang
                 if (!stopping_ && leadership_ && leadership_->epoch == epoch) return ok_status();
                 return Error{ErrorClass::kTransient, "store.cancelled", "leadership was lost", "",
                              ""};
               }));
  MILLRACE_RETURN_IF_ERROR(compare_heads(transaction, *recovered.state));
  return Recovered{epoch, std::move(recovered.state), recovered.last};
}

void PostgresStore::Worker::commit_batch(const Batch& batch) {
  const Monotonic began = now();
  live_runs_.before(batch);
  const CommitOutcome outcome = settle(batch);
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    if (outcome == CommitOutcome::kCommitted) {
      ++health_.committed_batches;
      health_.committed_events += batch.events.size();
    }
  }
  if (outcome == CommitOutcome::kCommitted && options_.on_commit) options_.on_commit(now() - began);
  if (outcome == CommitOutcome::kCommitted) live_runs_.after(batch);
  answer_(CommitAnswer{batch.id, outcome});
}

CommitOutcome PostgresStore::Worker::settle(const Batch& batch) {
  Micros length = options_.retry_pause;
  if (!leads(batch.leader_epoch)) return CommitOutcome::kUnknown;
  while (true) {
    try {
      Result<CommitOutcome> written = CommitOutcome::kUnknown;
      {
        const Call call(*this);
        written = write_batch(connection_.get(), options_.shard, batch, live_runs_);
      }
      worked(Doing::kCommitting);
      if (written.ok()) return *written;
      end(std::move(written).error());
      return CommitOutcome::kUnknown;
    } catch (const std::exception& exception) {
      const postgres::SqlFailure failure = postgres::sql_failure(exception);
      failed(failure, Doing::kCommitting);
      // The database will not take this batch, whoever hands it over: the engine is to forget it
      // and to begin again from what is durable.
      if (failure.trouble == postgres::SqlTrouble::kRefused ||
          failure.trouble == postgres::SqlTrouble::kTaken) {
        return CommitOutcome::kConflict;
      }
    }
    if (!pause(batch.leader_epoch, length)) return CommitOutcome::kUnknown;
    const std::lock_guard lock(mutex_);
    ++health_.retried_commits;
  }
}

bool PostgresStore::Worker::pause(LeaderEpoch epoch, Micros& length) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::microseconds(length.value()),
                      [this] { return stopping_ && now() >= stop_by_; });
    length = std::min(length + length, options_.retry_pause_max);
    if (stopping_ && now() >= stop_by_) return false;
  }
  renew_if_due();
  return leads(epoch);
}

// --- any thread
// --------------------------------------------------------------------------------------

bool PostgresStore::Worker::leads(LeaderEpoch epoch) const {
  const std::lock_guard lock(mutex_);
  return leadership_ && leadership_->epoch == epoch;
}

void PostgresStore::Worker::lose_leadership(LeaderEpoch epoch, const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (!leadership_ || leadership_->epoch != epoch) return;
    leadership_.reset();
  }
  answer_(Deposed{epoch, reason});
}

void PostgresStore::Worker::worked(Doing doing) {
  {
    const std::lock_guard lock(mutex_);
    if (!health_.connected) {
      health_.connected = true;
      health_.since = wall_now();
    }
    // A lease may still be renewed, say, where a full disk takes no batch.
    if (!health_.trouble || (trouble_while_ == Doing::kCommitting && doing != trouble_while_))
      return;
    health_.trouble.reset();
  }
  if (options_.on_trouble) options_.on_trouble(std::nullopt);
}

void PostgresStore::Worker::failed(const postgres::SqlFailure& failure, Doing doing) {
  const bool lost = failure.trouble == postgres::SqlTrouble::kLost;
  if (lost) connection_.close();
  const Error trouble = failure.to_error();
  {
    const std::lock_guard lock(mutex_);
    health_.last_error = failure.message;
    if (lost && health_.connected) {
      health_.connected = false;
      health_.since = wall_now();
      ++health_.lost_connections;
    }
    // One that may pass. What is refused is the batch's own fault, and the engine's to see to.
    const bool passes = lost || failure.trouble == postgres::SqlTrouble::kPasses;
    if (!passes || (health_.trouble && health_.trouble->code == trouble.code)) return;
    health_.trouble = trouble;
    trouble_while_ = doing;
  }
  if (options_.on_trouble) options_.on_trouble(trouble);
}

void PostgresStore::Worker::end(Error error) {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    leadership_.reset();
    health_.last_error = error.to_text();
  }
  fatal_(std::move(error));
}

// --- the watch
// ---------------------------------------------------------------------------------------

void PostgresStore::Worker::watch_loop() {
  std::unique_lock lock(mutex_);
  while (watching_) {
    Monotonic wake = now() + part(row_.lease, 4);
    if (leadership_) wake = std::min(wake, leadership_->until);
    if (stopping_) wake = std::max(now() + milliseconds(50), stop_by_);
    changed_.wait_until(lock, to_time_point(wake), [this, stopping = stopping_] {
      return !watching_ || stopping_ != stopping;
    });
    const Monotonic time = now();
    if (stopping_ && time >= stop_by_) {
      lock.unlock();
      connection_.break_off();
      recovery_.break_off();
      checkpointer_.break_off();
      lock.lock();
      stop_by_ = time;  // once more soon, should another call have begun meanwhile
      continue;
    }
    if (call_began_ && time - *call_began_ >= row_.lease) {
      call_began_ = time;
      lock.unlock();
      connection_.break_off();
      recovery_.break_off();
      lock.lock();
    }
    if (leadership_ && time >= leadership_->until) {
      const LeaderEpoch epoch = leadership_->epoch;
      lock.unlock();
      lose_leadership(epoch, "the store could not be reached for as long as the lease");
      lock.lock();
    }
  }
}

// --- the housekeeper
// ---------------------------------------------------------------------------------

void PostgresStore::Worker::housekeep_loop() {
  const auto stopped = [this] {
    const std::lock_guard lock(mutex_);
    return stopping_;
  };
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::microseconds(options_.checkpoint_interval.value()),
                        [this] { return stopping_; });
      if (stopping_) return;
      if (!leadership_) continue;
    }
    const auto written = checkpointer_.run(stopped);
    const std::lock_guard lock(mutex_);
    if (!written.ok()) {
      health_.last_error = written.error().to_text();
    } else if (*written != Sequence()) {
      health_.checkpoint = *written;
    }
  }
}

}  // namespace millrace::scheduler
