#include <deque>
#include <utility>
#include <vector>

#include "base/check.h"
#include "scheduler/simulation/memory_store.h"
#include "tests/conformance/store_contract.h"

namespace millrace::conformance {
namespace {

using simulation::CommitFate;
using simulation::MemoryLog;
using simulation::MemoryStore;

class MemoryWorld final : public StoreWorld {
 public:
  scheduler::StorePort& open() override {
    Party& party = *parties_.emplace_back(std::make_unique<Party>());
    MemoryStore::Options options;
    options.leader_lease = seconds(3600);
    options.fate = [&party] {
      CommitFate fate;
      fate.answer_lost = std::exchange(party.lose_answer, false);
      return fate;
    };
    party.store =
        std::make_unique<MemoryStore>(log_, options, [&party](scheduler::StoreAnswer answer) {
          if (!std::holds_alternative<scheduler::Renewed>(answer))
            party.answers.push_back(std::move(answer));
        });
    return *party.store;
  }
  scheduler::StoreAnswer answer(int store) override {
    Party& party = *parties_.at(static_cast<std::size_t>(store));
    for (int step = 0; party.answers.empty(); ++step) {
      MILLRACE_CHECK(step < 1'000'000, "the store does not answer");
      now_ = now_ + Micros(100);
      log_.step(now_);
      for (const auto& each : parties_) each->store->step(now_);
    }
    scheduler::StoreAnswer answer = std::move(party.answers.front());
    party.answers.pop_front();
    return answer;
  }
  void lapse() override {
    // Its lease of an hour on the log's clock, not on its own.
    const Monotonic later = now_ + seconds(7200);
    const auto epoch = log_.campaign(scheduler::LeaderId(RawId{9, 9}), later, Micros(0));
    MILLRACE_CHECK(epoch.has_value(), "the lease has not lapsed");
    log_.resign(scheduler::LeaderId(RawId{9, 9}));
  }
  void lose_answer(int store) override {
    parties_.at(static_cast<std::size_t>(store))->lose_answer = true;
  }
  std::uint64_t log_size() override { return log_.batches().size(); }

 private:
  struct Party {
    std::unique_ptr<MemoryStore> store;
    std::deque<scheduler::StoreAnswer> answers;
    bool lose_answer = false;
  };
  MemoryLog log_;
  Monotonic now_{1'000'000};
  std::vector<std::unique_ptr<Party>> parties_;
};

}  // namespace

std::unique_ptr<StoreWorld> make_memory_world() { return std::make_unique<MemoryWorld>(); }

}  // namespace millrace::conformance
