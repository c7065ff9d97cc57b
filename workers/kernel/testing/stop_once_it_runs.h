// stop_once_it_runs(): a statement's stop that comes while it runs. For tests.
//
//   const auto stopper = stop_once_it_runs(stop_, activity_);
//   … run it; it fails with task.cancelled …
//   EXPECT_GE(activity_.fraction, -1) << "stopped before it said how far it was";
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>

#include "workers/kernel/activity.h"

namespace millrace::kernel {

// The engine says between its slices how far it is, so once it has begun; and whenever it hears of
// the stop, it ends. One that never says it is stopped after a minute, its fraction below -1.
inline std::jthread stop_once_it_runs(std::stop_source& stop, Activity& activity) {
  activity.fraction = -2;
  return std::jthread([&stop, &activity] {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (activity.fraction < -1 && std::chrono::steady_clock::now() < latest)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop.request_stop();
  });
}

}  // namespace millrace::kernel
