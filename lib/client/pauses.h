// Pauses: how long to wait before a server that did not answer is asked again.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace::client {

// 50 ms, then twice as long each time, up to a second.
class Pauses {
 public:
  std::chrono::milliseconds next() { return std::exchange(next_, std::min(next_ * 2, kLongest)); }
  // It answered: the next time begins anew.
  void reset() { next_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{50};
  static constexpr std::chrono::milliseconds kLongest{1'000};
  std::chrono::milliseconds next_ = kFirst;
};

}  // namespace millrace::client
