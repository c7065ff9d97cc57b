#include "workers/runtime/pool_policy.h"

#include <algorithm>

namespace millrace::runtime {
namespace {

// Idle runners that are not spoken for, those that served longest ago first.
std::vector<const RunnerView*> idle_ones(std::span<const RunnerView> runners,
                                         const PoolSettings& settings, PoolPlan& plan) {
  std::vector<const RunnerView*> idle;
  for (const RunnerView& runner : runners) {
    if (runner.phase != RunnerPhase::kIdle) continue;
    if (is_worn(runner, settings))
      plan.retire.push_back(runner.id);
    else
      idle.push_back(&runner);
  }
  return idle;
}

const RunnerView* take(std::vector<const RunnerView*>& idle, const std::string& ns) {
  const auto it = std::find_if(idle.begin(), idle.end(),
                               [&](const RunnerView* runner) { return runner->ns == ns; });
  if (it == idle.end()) return nullptr;
  const RunnerView* runner = *it;
  idle.erase(it);
  return runner;
}

}  // namespace

bool is_worn(const RunnerView& runner, const PoolSettings& settings) {
  return runner.served >= settings.max_attempts ||
         runner.idle_memory - runner.first_idle_memory > settings.max_idle_growth;
}

PoolPlan plan_pool(const PoolSettings& settings, std::span<const RunnerView> runners,
                   std::span<const std::string> waiting, bool refill) {
  PoolPlan plan;
  std::vector<const RunnerView*> idle = idle_ones(runners, settings, plan);
  std::size_t starting = 0;
  for (const RunnerView& runner : runners)
    starting += runner.phase == RunnerPhase::kStarting ? 1 : 0;

  std::size_t unserved = 0;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const RunnerView* runner = take(idle, waiting[i]);
    if (runner == nullptr) runner = take(idle, "");  // one that has served nobody
    if (runner != nullptr)
      plan.assign.push_back({runner->id, i});
    else
      ++unserved;
  }

  const std::size_t warm = refill ? settings.warm : 0;
  std::size_t wanted = unserved + warm;
  wanted -= std::min(wanted, starting);
  // What is idle now serves as warm, whomever it served before; what waits needs a new one.
  wanted -= std::min({wanted, idle.size(), warm});
  std::size_t room = settings.max_runners - std::min(settings.max_runners, runners.size());
  plan.start = std::min(wanted, room);
  // No room for what waits: idle runners of other namespaces make way. They are started anew once
  // gone.
  const std::size_t served_by_start = starting + plan.start;
  std::size_t short_of = unserved - std::min(unserved, served_by_start + plan.retire.size());
  for (const RunnerView* runner : idle) {
    if (short_of == 0) break;
    plan.retire.push_back(runner->id);
    --short_of;
  }
  return plan;
}

}  // namespace millrace::runtime
