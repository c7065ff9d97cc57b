// LeaseBook: until when this worker may work on what. Pure; time is an argument.
//
// A lease runs from the moment the worker sent the heartbeat that was answered, never from the
// answer's arrival: so the worker's deadline lies before the scheduler's, whatever the network did
// in between.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "workers/runtime/types.h"

namespace millrace::runtime {

class LeaseBook {
 public:
  // A hello or a heartbeat leaves now.
  void sent(Monotonic now) { last_sent_ = now; }
  // A Start arrived: its lease runs from the message of ours that the scheduler had heard last as
  // it placed the attempt. The deadline; it may have passed, when the Start was long under way.
  Monotonic hold(Epoch epoch, Monotonic heard, Micros lease);
  // The new deadline; nothing when the lease did not grow: an old answer, an epoch that is not
  // held, or an echo of what was never sent.
  std::optional<Monotonic> renew(Epoch epoch, Monotonic echoed, Micros lease);
  void drop(Epoch epoch);
  // Whether a Start of that epoch came before and is over: one that comes twice is not begun again.
  // Known until the lease that it began with has passed anyway, and for about one more.
  bool dropped(Epoch epoch) const { return dropped_.contains(epoch); }
  bool holds(Epoch epoch) const { return deadlines_.contains(epoch); }
  std::optional<Monotonic> deadline(Epoch epoch) const;
  // Those whose lease has passed, oldest epoch first. They stay until dropped.
  std::vector<Epoch> expired(Monotonic now);
  // When the next one passes.
  std::optional<Monotonic> next() const;

 private:
  Monotonic last_sent_;
  std::map<Epoch, Monotonic> deadlines_;
  std::map<Epoch, Monotonic> dropped_;
};

}  // namespace millrace::runtime
