// MemoryStore: the store port over a log in memory, with the faults of a real database and the
// network to it: commits that fail, succeed unanswered, or happen late. Stepped: no thread, no
// clock.
//
// Several stores share one MemoryLog, as several schedulers share one Postgres.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/units.h"
#include "scheduler/core/state.h"
#include "scheduler/engine/ports.h"

namespace millrace::simulation {

// How one commit goes. Delays count from the call.
struct CommitFate {
  Micros reaches_log = Micros(200);  // when it takes effect; negative: never
  Micros answered = Micros(400);     // when the caller hears
  bool answer_lost = false;          // the caller hears kUnknown
};

class MemoryLog {
 public:
  const std::vector<scheduler::BatchRef>& batches() const { return batches_; }
  // Told of each batch that was appended, in order.
  std::function<void(const scheduler::BatchRef&)> on_append = [](const scheduler::BatchRef&) {};

  // The one rule that keeps two leaders apart: a sequence is taken once. A batch that stands there
  // already under its own id counts as committed.
  scheduler::CommitOutcome append(const scheduler::BatchRef& batch);

  // Leadership: a lease on the log's own clock.
  std::optional<scheduler::LeaderEpoch> campaign(scheduler::LeaderId self, Monotonic now,
                                                 Micros lease);
  bool renew(scheduler::LeaderId self, scheduler::LeaderEpoch epoch, Monotonic now, Micros lease);
  void resign(scheduler::LeaderId self);

  // Transactions under way: they take effect at their time even if who sent them is gone.
  void schedule(Monotonic at, scheduler::BatchRef batch,
                std::function<void(scheduler::CommitOutcome)> done);
  void step(Monotonic now);
  std::optional<Monotonic> next_due() const;

  // The state as the log has it: the latest checkpoint and the batches after it.
  std::shared_ptr<scheduler::State> replay();

 private:
  struct Transaction {
    scheduler::BatchRef batch;
    std::function<void(scheduler::CommitOutcome)> done;
  };
  std::vector<scheduler::BatchRef> batches_;
  std::multimap<Monotonic, Transaction> under_way_;
  scheduler::State checkpoint_;
  std::size_t checkpointed_ = 0;  // batches that it holds
  scheduler::LeaderId holder_;
  scheduler::LeaderEpoch epoch_;
  Monotonic expires_;
};

class MemoryStore final : public scheduler::StorePort {
 public:
  struct Options {
    Micros leader_lease = seconds(10);
    std::function<CommitFate()> fate = [] { return CommitFate{}; };
    // While true, nothing gets through to the log and nothing is renewed.
    std::function<bool()> partitioned = [] { return false; };
  };
  MemoryStore(MemoryLog& log, Options options, std::function<void(scheduler::StoreAnswer)> answer);

  void campaign(scheduler::LeaderId self) override;
  void recover(scheduler::LeaderEpoch epoch) override;
  void commit(scheduler::BatchRef batch) override;
  void resign() override;

  // Time passes: answers that are due are given, leadership is renewed or lost.
  void step(Monotonic now);
  std::optional<Monotonic> next_due() const;

 private:
  MemoryLog& log_;
  Options options_;
  std::function<void(scheduler::StoreAnswer)> answer_;
  Monotonic now_;
  scheduler::LeaderId self_;
  bool campaigning_ = false;
  std::optional<scheduler::LeaderEpoch> leading_;
  Monotonic renewed_;
  Monotonic next_look_;
  std::multimap<Monotonic, scheduler::StoreAnswer> answers_;
  // Outlives this store in transactions under way.
  std::shared_ptr<MemoryStore*> alive_;
};

}  // namespace millrace::simulation
