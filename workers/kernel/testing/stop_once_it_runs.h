// A statement's stop that comes while it runs. For tests.
//
//   const auto stopper = stop_once_it_runs(stop_, activity_);
//   … run it; it fails with task.cancelled …
//   EXPECT_GE(activity_.fraction, -1) << "stopped before it said how far it was";
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>

#include "tests/support/eventually.h"
#include "workers/kernel/activity.h"

namespace millrace::kernel {

// Once `condition` holds, or a minute has passed.
template <typename Condition>
std::jthread stop_once(std::stop_source& stop, Condition condition) {
  return std::jthread([&stop, condition] {
    static_cast<void>(testing_support::eventually(condition, std::chrono::seconds(60)));
    stop.request_stop();
  });
}

// The engine says between its slices how far it is, so once it has begun; and whenever it hears of
// the stop, it ends. One that never says it has a fraction below -1.
inline std::jthread stop_once_it_runs(std::stop_source& stop, Activity& activity) {
  activity.fraction = -2;
  return stop_once(stop, [&activity] { return activity.fraction >= -1; });
}

}  // namespace millrace::kernel
