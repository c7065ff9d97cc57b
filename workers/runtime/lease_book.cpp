#include "workers/runtime/lease_book.h"

#include <algorithm>
#include <utility>

namespace millrace::runtime {

Monotonic LeaseBook::hold(Epoch epoch, Monotonic heard, Micros lease) {
  const Monotonic deadline = std::min(heard, last_sent_) + lease;
  deadlines_[epoch] = deadline;
  return deadline;
}

void LeaseBook::drop(Epoch epoch) {
  if (auto held = deadlines_.extract(epoch)) dropped_.insert(std::move(held));
}

std::optional<Monotonic> LeaseBook::renew(Epoch epoch, Monotonic echoed, Micros lease) {
  const auto it = deadlines_.find(epoch);
  if (it == deadlines_.end() || echoed > last_sent_ || lease <= Micros(0)) return std::nullopt;
  const Monotonic deadline = echoed + lease;
  if (deadline <= it->second) return std::nullopt;
  it->second = deadline;
  return deadline;
}

std::optional<Monotonic> LeaseBook::deadline(Epoch epoch) const {
  const auto it = deadlines_.find(epoch);
  if (it == deadlines_.end()) return std::nullopt;
  return it->second;
}

std::vector<Epoch> LeaseBook::expired(Monotonic now) {
  // From the oldest on, as far as they are over: one that was renewed for long keeps the younger
  // for a lease more, and nothing is looked at twice.
  while (!dropped_.empty() && dropped_.begin()->second <= now) dropped_.erase(dropped_.begin());
  std::vector<Epoch> epochs;
  for (const auto& [epoch, deadline] : deadlines_)
    if (deadline <= now) epochs.push_back(epoch);
  return epochs;
}

std::optional<Monotonic> LeaseBook::next() const {
  std::optional<Monotonic> first;
  for (const auto& [epoch, deadline] : deadlines_)
    if (!first || deadline < *first) first = deadline;
  return first;
}

}  // namespace millrace::runtime
