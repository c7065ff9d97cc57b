#include "scheduler/simulation/memory_store.h"

#include <utility>

#include "base/check.h"
#include "scheduler/core/apply.h"

namespace millrace::simulation {

using scheduler::CommitOutcome;

CommitOutcome MemoryLog::append(const scheduler::BatchRef& batch) {
  const std::uint64_t sequence = batch->sequence.value();
  if (sequence <= batches_.size())
    return batches_[sequence - 1]->id == batch->id ? CommitOutcome::kCommitted
                                                   : CommitOutcome::kConflict;
  MILLRACE_CHECK(sequence == batches_.size() + 1, "a batch leaves a gap in the log");
  batches_.push_back(batch);
  on_append(batch);
  return CommitOutcome::kCommitted;
}

std::optional<scheduler::LeaderEpoch> MemoryLog::campaign(scheduler::LeaderId self, Monotonic now,
                                                          Micros lease) {
  if (!holder_.is_nil() && holder_ != self && now < expires_) return std::nullopt;
  holder_ = self;
  epoch_ = epoch_.next();
  expires_ = now + lease;
  return epoch_;
}

bool MemoryLog::renew(scheduler::LeaderId self, scheduler::LeaderEpoch epoch, Monotonic now,
                      Micros lease) {
  if (holder_ != self || epoch_ != epoch) return false;
  expires_ = now + lease;
  return true;
}

void MemoryLog::resign(scheduler::LeaderId self) {
  if (holder_ == self) holder_ = {};
}

void MemoryLog::schedule(Monotonic at, scheduler::BatchRef batch,
                         std::function<void(CommitOutcome)> done) {
  under_way_.emplace(at, Transaction{std::move(batch), std::move(done)});
}

void MemoryLog::step(Monotonic now) {
  while (!under_way_.empty() && under_way_.begin()->first <= now) {
    const Transaction transaction = std::move(under_way_.begin()->second);
    under_way_.erase(under_way_.begin());
    transaction.done(append(transaction.batch));
  }
}

std::optional<Monotonic> MemoryLog::next_due() const {
  if (under_way_.empty()) return std::nullopt;
  return under_way_.begin()->first;
}

std::shared_ptr<scheduler::State> MemoryLog::replay() {
  // The checkpoint lags a little behind, so that a recovery always has some log to apply.
  constexpr std::size_t kLag = 16;
  for (; checkpointed_ + kLag < batches_.size(); ++checkpointed_)
    for (const auto& event : batches_[checkpointed_]->events) scheduler::apply(checkpoint_, event);
  auto state = std::make_shared<scheduler::State>(checkpoint_);
  for (std::size_t i = checkpointed_; i < batches_.size(); ++i)
    for (const auto& event : batches_[i]->events) scheduler::apply(*state, event);
  return state;
}

MemoryStore::MemoryStore(MemoryLog& log, Options options,
                         std::function<void(scheduler::StoreAnswer)> answer)
    : log_(log),
      options_(std::move(options)),
      answer_(std::move(answer)),
      alive_(std::make_shared<MemoryStore*>(this)) {}

void MemoryStore::campaign(scheduler::LeaderId self) {
  self_ = self;
  campaigning_ = true;
  leading_.reset();
  next_look_ = now_;
}

void MemoryStore::recover(scheduler::LeaderEpoch epoch) {
  answers_.emplace(
      now_ + milliseconds(20),
      scheduler::Recovered{epoch, log_.replay(), scheduler::Sequence(log_.batches().size())});
}

void MemoryStore::commit(scheduler::BatchRef batch) {
  const CommitFate fate =
      options_.partitioned() ? CommitFate{Micros(-1), seconds(1), true} : options_.fate();
  const Monotonic answered = now_ + fate.answered;
  const bool reaches = fate.reaches_log >= Micros(0);
  if (fate.answer_lost || !reaches)
    answers_.emplace(answered, scheduler::CommitAnswer{batch->id, CommitOutcome::kUnknown});
  if (!reaches) return;
  const bool heard = !fate.answer_lost;
  const std::weak_ptr<MemoryStore*> alive = alive_;
  log_.schedule(now_ + fate.reaches_log, batch, [=](CommitOutcome outcome) {
    if (!heard) return;
    if (const auto store = alive.lock())
      (*store)->answers_.emplace(answered, scheduler::CommitAnswer{batch->id, outcome});
  });
}

void MemoryStore::resign() {
  campaigning_ = false;
  leading_.reset();
  log_.resign(self_);
}

void MemoryStore::step(Monotonic now) {
  now_ = now;
  if (campaigning_ && now >= next_look_) {
    next_look_ = now + milliseconds(500);
    if (!options_.partitioned()) {
      if (const auto epoch = log_.campaign(self_, now, options_.leader_lease)) {
        campaigning_ = false;
        leading_ = epoch;
        renewed_ = now;
        next_look_ = now + Micros(options_.leader_lease.value() / 3);
        answers_.emplace(now, scheduler::Elected{*epoch, now + options_.leader_lease});
      }
    }
  } else if (leading_ && now >= next_look_) {
    next_look_ = now + Micros(options_.leader_lease.value() / 3);
    const bool reached = !options_.partitioned();
    if (reached && log_.renew(self_, *leading_, now, options_.leader_lease)) {
      renewed_ = now;
      answers_.emplace(now, scheduler::Renewed{*leading_, now + options_.leader_lease});
    } else if (reached || now - renewed_ >= options_.leader_lease) {
      answers_.emplace(
          now, scheduler::Deposed{*leading_, reached ? "another leads" : "the store is away"});
      leading_.reset();
    }
  }
  while (!answers_.empty() && answers_.begin()->first <= now) {
    scheduler::StoreAnswer answer = std::move(answers_.begin()->second);
    answers_.erase(answers_.begin());
    answer_(std::move(answer));
  }
}

std::optional<Monotonic> MemoryStore::next_due() const {
  std::optional<Monotonic> due;
  if (!answers_.empty()) due = answers_.begin()->first;
  if ((campaigning_ || leading_) && (!due || next_look_ < *due)) due = next_look_;
  return due;
}

}  // namespace millrace::simulation
