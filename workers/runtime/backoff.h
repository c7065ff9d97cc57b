// Backoff: how long to wait before the next try of something that failed. Doubles up to a limit,
// and starts again after a success. Jitter, in [0, 1), is an argument, so that workers do not come
// back in step.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.h"

namespace millrace::runtime {

class Backoff {
 public:
  Backoff(Micros initial, Micros limit) : initial_(initial), limit_(limit), next_(initial) {}

  // Between half of the wait and all of it.
  Micros failed(double jitter) {
    const std::int64_t wait = next_.value();
    next_ = std::min(Micros(wait * 2), limit_);
    ++failures_;
    const std::int64_t half = wait / 2;
    return Micros(half + static_cast<std::int64_t>(static_cast<double>(wait - half) * jitter));
  }
  void succeeded() {
    next_ = initial_;
    failures_ = 0;
  }
  std::uint32_t failures() const { return failures_; }  // in a row

 private:
  Micros initial_;
  Micros limit_;
  Micros next_;
  std::uint32_t failures_ = 0;
};

}  // namespace millrace::runtime
