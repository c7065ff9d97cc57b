// Sweeping: which snapshots expire, and which attempts' files may go.
#include <algorithm>
#include <set>

#include "scheduler/core/planner.h"
#include "scheduler/core/planted.h"
#include "scheduler/core/sweep.h"

namespace millrace::scheduler {
namespace {

Micros retention_of(const Settings& settings, const NamespacedName& dataset) {
  const auto own = settings.dataset_retention.find(dataset);
  return own == settings.dataset_retention.end() ? settings.snapshot_retention : own->second;
}

Micros longest_retention(const Settings& settings) {
  Micros longest = settings.snapshot_retention;
  for (const auto& [dataset, retention] : settings.dataset_retention)
    longest = std::max(longest, retention);
  return longest;
}

}  // namespace

void Planner::sweep() {
  if (sweeps_.empty()) return;
  // Those that ended exactly that long ago are over, too.
  const WallTime ended_before = now_.wall + (Micros(1) - longest_retention(settings_));
  const auto oldest = state_.oldest_hold();
  if (oldest && *oldest < ended_before) emit(events::HoldsReleased{ended_before});
  std::set<SnapshotId> free;
  for (const SweepSnapshots* asked : sweeps_)
    for (const auto& of : asked->datasets)
      for (const ReplacedSnapshot& each : of.snapshots)
        if (is_old(of.dataset, each)) free.insert(each.snapshot);
  std::map<SnapshotId, WallTime> held;
  if (!MILLRACE_PLANTED(kSweeperIgnoresPins)) {
    draft_.remove_pinned(free);
    held = draft_.held_since(free);
  }
  for (const SweepSnapshots* asked : sweeps_) {
    for (const auto& of : asked->datasets) {
      const Micros retention = retention_of(settings_, of.dataset);
      events::SnapshotsExpired expired{of.dataset, {}, now_.wall};
      for (const ReplacedSnapshot& each : of.snapshots) {
        const auto since = held.find(each.snapshot);
        if (since != held.end() && now_.wall - since->second < retention) continue;
        if (free.erase(each.snapshot) == 1) expired.snapshots.push_back(each.snapshot);
      }
      if (!expired.snapshots.empty()) emit(std::move(expired));
    }
    reply(asked->request, ReplyBody(replies::Done{}));
  }
}

bool Planner::is_kept(const NamespacedName& dataset, SnapshotId snapshot) const {
  if (const Head* head = draft_.head(dataset); head != nullptr && head->snapshot == snapshot)
    return true;
  std::set<SnapshotId> free{snapshot};
  draft_.remove_pinned(free);
  if (free.empty()) return true;
  const auto held = draft_.held_since(free);
  return !held.empty() && now_.wall - held.begin()->second < retention_of(settings_, dataset);
}

bool Planner::is_old(const NamespacedName& dataset, const ReplacedSnapshot& snapshot) const {
  // The newest is nobody's pin, and everybody's tomorrow: it stays whatever the sweeper says of it.
  const Head* head = draft_.head(dataset);
  if (head == nullptr || head->snapshot == snapshot.snapshot) return false;
  return snapshot.newer >= settings_.snapshots_kept &&
         now_.wall - snapshot.replaced >= retention_of(settings_, dataset);
}

std::string AttemptPrefix::path() const {
  return ns + "/" + run.to_text() + "/" + std::to_string(task.value()) + "/" +
         std::to_string(epoch.value());
}

AttemptFate fate_of(const State& state, const AttemptPrefix& prefix) {
  if (prefix.epoch >= state.next_epoch()) return {};  // of a later word of the log
  const Task* task = state.task({prefix.run, prefix.task});
  const bool held = task != nullptr && task->epoch == prefix.epoch && holds_lease(task->state);
  return {!held || MILLRACE_PLANTED(kSweeperTakesLive), state.run(prefix.run) == nullptr};
}

Micros sweep_grace(const Settings& settings) { return settings.lease * 2; }

}  // namespace millrace::scheduler
