// Which runner serves which attempt, which one is replaced, how many are started. Pure.
//
// A runner serves one attempt at a time, and only ever one namespace. It is replaced when it is
// worn (a number of attempts, a growth of its idle memory); after a failure its owner retires it at
// once. Runners are started ahead of need: exec to ready takes longer than a dispatch may.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {

struct PoolSettings {
  std::size_t max_runners = 4;       // processes at once, those that are ending included
  std::size_t warm = 1;              // idle or starting beyond what waits
  std::uint32_t max_attempts = 100;  // of one runner
  Bytes max_idle_growth = mebibytes(256);
};

enum class RunnerPhase : std::uint8_t { kStarting, kIdle, kBusy, kEnding };

struct RunnerView {
  RunnerId id;
  RunnerPhase phase = RunnerPhase::kStarting;
  std::string ns;  // it has served; empty: none yet
  std::uint32_t served = 0;
  Bytes first_idle_memory;  // when it was ready
  Bytes idle_memory;        // after its last attempt
};

struct PoolPlan {
  struct Assignment {
    RunnerId runner;
    std::size_t waiting = 0;  // index of what waits
    friend bool operator==(const Assignment&, const Assignment&) = default;
  };
  std::vector<Assignment> assign;
  std::vector<RunnerId> retire;
  std::size_t start = 0;
};

// Whether an idle runner is to be replaced.
bool is_worn(const RunnerView& runner, const PoolSettings& settings);

// `waiting`: the namespaces of attempts without a runner, in the order they came. `refill`: whether
// to keep warm ones (not while draining, not while starting them fails).
PoolPlan plan_pool(const PoolSettings& settings, std::span<const RunnerView> runners,
                   std::span<const std::string> waiting, bool refill);

}  // namespace millrace::runtime
