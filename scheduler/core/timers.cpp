#include "scheduler/core/timers.h"

#include <utility>

namespace millrace::scheduler {

void Timers::arm(const Timer& timer) {
  heap_.push_back(timer);
  rise(heap_.size() - 1);
  ++armed_;
}

std::optional<Timer> Timers::take_due(Monotonic now) {
  if (heap_.empty() || heap_.front().due > now) return std::nullopt;
  const Timer timer = heap_.front();
  // Armed twice (a rebuild, a word that came again) is asked once.
  do remove(0);
  while (!heap_.empty() && heap_.front() == timer);
  return timer;
}

void Timers::tidy(const State& state) {
  std::size_t looks = std::exchange(armed_, 0) * 2;
  if (heap_.size() < kSmall) return;
  for (; looks > 0 && !heap_.empty(); --looks) {
    if (next_look_ >= heap_.size()) next_look_ = 0;
    if (moot(heap_[next_look_], state))
      remove(next_look_);
    else
      ++next_look_;
  }
}

std::optional<Monotonic> Timers::next_due() const {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().due);
}

void Timers::remove(std::size_t at) {
  std::swap(heap_[at], heap_.back());
  heap_.pop_back();
  if (at == heap_.size()) return;
  sink(at);
  rise(at);
}

void Timers::rise(std::size_t at) {
  while (at > 0 && heap_[at] < heap_[(at - 1) / 2]) {
    std::swap(heap_[at], heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
}

void Timers::sink(std::size_t at) {
  for (;;) {
    std::size_t least = at;
    for (const std::size_t child : {2 * at + 1, 2 * at + 2})
      if (child < heap_.size() && heap_[child] < heap_[least]) least = child;
    if (least == at) return;
    std::swap(heap_[at], heap_[least]);
    at = least;
  }
}

}  // namespace millrace::scheduler
