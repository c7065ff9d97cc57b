// What the sweeper may take, of what it finds in the folder of data files. (Which snapshots may go
// is plan()'s to decide, by an event.)
//
// Pure. An answer "over" is for good: an epoch is never placed a second time, so whoever was told
// so may act on it at any later time, also when another leads by then.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scheduler/core/settings.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

// Where an attempt writes its files: NAMESPACE/RUN/TASK/EPOCH below the data root.
struct AttemptPrefix {
  std::string ns;
  RunId run;
  TaskIndex task;
  Epoch epoch;

  std::string path() const;
  friend auto operator<=>(const AttemptPrefix&, const AttemptPrefix&) = default;
};

struct AttemptFate {
  // It has ended, by a result or without: nothing that it writes from now on will count. False for
  // one that the state has not seen placed yet.
  bool over = false;
  bool run_over = false;  // so has its run: no other attempt of it will come
};
// `state` is to be durable, as a leader's always is.
AttemptFate fate_of(const State& state, const AttemptPrefix& prefix);

// How long files that were found free stay untouched, whether an attempt left them or a snapshot
// had them. An attempt is given up no sooner than its runner's own clock has ended it; but a
// process that was stopped together with its machine learns of that late, and reads and writes
// until then.
Micros sweep_grace(const Settings& settings);

// Gives things that were found free their time: found_free() for the first time begins it.
template <typename Key>
class GracePeriods {
 public:
  // At most `limit` things at once; for more there is no room until some are forgotten.
  explicit GracePeriods(std::size_t limit) : limit_(limit) {}

  void found_free(const Key& key, Monotonic now) {
    if (since_.size() < limit_) since_.emplace(key, now);
  }
  void forget(const Key& key) { since_.erase(key); }
  void clear() { since_.clear(); }
  // Those whose time is over, in their order; at most `count`.
  std::vector<Key> over(Monotonic now, Micros grace, std::size_t count) const {
    std::vector<Key> keys;
    for (const auto& [key, since] : since_) {
      if (keys.size() == count) break;
      if (now - since >= grace) keys.push_back(key);
    }
    return keys;
  }
  std::size_t size() const { return since_.size(); }

 private:
  std::size_t limit_;
  std::map<Key, Monotonic> since_;
};

}  // namespace millrace::scheduler
