// Clockwork: virtual time and what is to happen when. Events at the same time happen in the order
// in which they were asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "base/units.h"

namespace millrace::simulation {

class Clockwork {
 public:
  Monotonic now() const { return now_; }
  void at(Monotonic time, std::function<void()> what) {
    queue_.push(Entry{time < now_ ? now_ : time, next_++, std::move(what)});
  }
  void after(Micros delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  bool empty() const { return queue_.empty(); }
  Monotonic next_time() const { return queue_.top().time; }
  void advance(Monotonic time) { now_ = time; }
  // Does what is due now.
  void run_due() {
    while (!queue_.empty() && queue_.top().time <= now_) {
      const std::function<void()> what = std::move(const_cast<Entry&>(queue_.top()).what);
      queue_.pop();
      what();
    }
  }

 private:
  struct Entry {
    Monotonic time;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Entry& other) const {  // priority_queue serves the greatest first
      return time != other.time ? time > other.time : order > other.order;
    }
  };
  std::priority_queue<Entry> queue_;
  std::uint64_t next_ = 0;
  Monotonic now_{1'000'000};
};

}  // namespace millrace::simulation
