// eventually(): for what a test can only ask for again and again. Where there is an event, a stream
// or a descriptor to wait on, wait on that.
//
//   EXPECT_TRUE(testing_support::eventually([&] { return store.health().connected; }));
#pragma once

#include <chrono>
#include <thread>

namespace millrace::testing_support {

// Whether `condition` gives true within this time, which no healthy machine needs.
template <typename Condition>
[[nodiscard]] bool eventually(Condition condition,
                              std::chrono::seconds limit = std::chrono::seconds(30)) {
  constexpr std::chrono::milliseconds kStep{1};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kStep);
  }
  return true;
}

}  // namespace millrace::testing_support
