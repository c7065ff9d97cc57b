#include "scheduler/core/liveness.h"

#include <algorithm>

#include "base/overloaded.h"
#include "scheduler/core/planted.h"
#include "scheduler/core/ready.h"

namespace millrace::scheduler {
namespace {

constexpr Micros kKeysPause = seconds(60);

// How much of `whole` is left when it began at `since` by the wall clock. A clock that jumped can
// make a wait no longer than it was, and no shorter than nothing.
Micros left_of(Micros whole, WallTime since, WallTime now) {
  const Micros left = whole - (now - since);
  return std::clamp(left, Micros(0), whole);
}

// Whether the run's ready tasks wait for the run itself, not for room.
bool holds_back(const RunFacts& run) {
  return run.desired == DesiredState::kPaused || is_full(run);
}

// How much the task has left of its queueTimeout, which counts while it is ready and its run does
// not hold it back itself; what was counted before the run last did is forgotten.
Micros queue_time_left(const RunFacts& run, TaskIndex index, const Task& task, WallTime now) {
  const Micros whole = run.task_spec(index).queue_timeout;
  if (holds_back(run)) return whole;
  return left_of(whole, std::max(task.since, run.held_until), now);
}

}  // namespace

bool Liveness::expired(Epoch epoch, Monotonic now, const Settings& settings) const {
  const Monotonic* renewed = renewed_.find(epoch);
  return renewed == nullptr || now - *renewed >= settings.lease;
}

bool Liveness::renews(WorkerId worker, const AttemptRef& attempt, const State& state) const {
  const Task* task = state.task(attempt.task_ref());
  return task != nullptr && holds_lease(task->state) && task->epoch == attempt.epoch &&
         task->worker == worker && !overdue_.contains(attempt.epoch);
}

void Liveness::observe(const Input& input, const State& state, Now now) {
  const auto renew = [&](WorkerId worker, const std::vector<AttemptRef>& attempts) {
    for (const AttemptRef& attempt : attempts)
      if (renews(worker, attempt, state) && !MILLRACE_PLANTED(kLeaseNotRenewed))
        renewed_[attempt.epoch] = now.monotonic;
  };
  if (const auto* joined = std::get_if<WorkerJoined>(&input)) {
    workers_[joined->worker] = {joined->name, joined->capacity,         now.monotonic, true,
                                false,        joined->sent_monotonic_us};
    renew(joined->worker, joined->attempts);
  } else if (const auto* left = std::get_if<WorkerLeft>(&input)) {
    const auto it = workers_.find(left->worker);
    if (it != workers_.end()) it->second.connected = false;
  } else if (const auto* heartbeat = std::get_if<WorkerHeartbeat>(&input)) {
    const auto it = workers_.find(heartbeat->worker);
    if (it == workers_.end()) return;  // it has to say hello first
    it->second.last_heard = now.monotonic;
    // A stream that breaks may be noticed only after its successor has said hello.
    it->second.connected = true;
    it->second.draining = heartbeat->draining;
    it->second.last_sent_us = std::max(it->second.last_sent_us, heartbeat->sent_monotonic_us);
    renew(heartbeat->worker, heartbeat->attempts);
  }
}

void Liveness::arm(Monotonic due, TimerKind kind, TaskRef task, std::uint64_t token) {
  timers_.arm({due, kind, task.task, token, task.run});
}

void Liveness::arm_for_keys(const State& state, Now now, const Settings& settings,
                            Monotonic earliest) {
  const auto oldest = state.oldest_ended_key();
  if (keys_armed_ || !oldest) return;
  keys_armed_ = true;
  const Monotonic due = now.monotonic + left_of(settings.key_retention, *oldest, now.wall);
  arm(std::max(due, earliest), TimerKind::kKeyRetention, {}, 0);
}

void Liveness::applied(const Event& event, const State& state, Now now, const Settings& settings) {
  std::visit(
      Overloaded{
          [&](const events::RunCreated& e) {
            if (e.spec->timeout > Micros(0))
              arm(now.monotonic + e.spec->timeout, TimerKind::kRunTimeout, {e.run, TaskIndex()}, 0);
          },
          [&](const events::TaskReady& e) {
            const RunHeader* run = state.run(e.task.run);
            const Task* task = state.task(e.task);
            if (run == nullptr || task == nullptr) return;
            const TaskSpec& spec = run->task_spec(e.task.task);
            if (spec.queue_timeout > Micros(0))
              arm(now.monotonic + spec.queue_timeout, TimerKind::kQueueTimeout, e.task,
                  static_cast<std::uint64_t>(e.at.value()));
            if (spec.timeout > Micros(0) && task->first_ready == e.at)
              arm(now.monotonic + spec.timeout, TimerKind::kTaskTimeout, e.task, 0);
          },
          [&](const events::AttemptPlaced& e) {
            const std::uint64_t token = e.attempt.epoch.value();
            const TaskRef ref = e.attempt.task_ref();
            renewed_[e.attempt.epoch] = now.monotonic;
            arm(now.monotonic + settings.lease, TimerKind::kLease, ref, token);
            const RunHeader* run = state.run(ref.run);
            if (run == nullptr) return;
            const Micros timeout = run->task_spec(ref.task).attempt_timeout;
            if (timeout > Micros(0))
              arm(now.monotonic + timeout, TimerKind::kAttemptTimeout, ref, token);
          },
          [&](const events::AttemptSucceeded& e) { forget(e.attempt.epoch); },
          [&](const events::AttemptFailed& e) {
            forget(e.attempt.epoch);
            if (const auto* retry = std::get_if<events::Retry>(&e.next))
              arm(now.monotonic + std::max(Micros(0), retry->at - e.at), TimerKind::kBackoff,
                  e.attempt.task_ref(), e.attempt.attempt.value());
          },
          [&](const events::CancelRequested& e) {
            const Task* task = state.task(e.task);
            if (task != nullptr)
              arm(now.monotonic + settings.cancel_grace, TimerKind::kCancelGrace, e.task,
                  task->epoch.value());
          },
          [&](const events::RunFinished&) { arm_for_keys(state, now, settings, now.monotonic); },
          [](const events::LeaderStarted&) {},
          [](const events::DocumentPut&) {},
          [](const events::DocumentDeleted&) {},
          [](const events::RunDesired&) {},
          [](const events::TaskEnded&) {},
          [](const events::KeysForgotten&) {},
          [](const events::SnapshotsExpired&) {},
          [](const events::HoldsReleased&) {},
      },
      event);
}

void Liveness::forget(Epoch epoch) {
  renewed_.erase(epoch);
  overdue_.erase(epoch);
}

void Liveness::grant_all(const State& state, Now now) {
  for (const auto& [worker, load] : state.loads())
    for (const TaskRef& ref : load.tasks) renewed_[state.task(ref)->epoch] = now.monotonic;
  // Who was heard when is as uncertain as the leases are.
  for (auto& [id, worker] : workers_)
    worker.last_heard = std::max(worker.last_heard, now.monotonic);
}

void Liveness::rebuild(const State& state, Now now, const Settings& settings) {
  timers_.clear();
  due_.clear();
  renewed_.clear();
  overdue_.clear();
  keys_armed_ = false;
  arm_for_keys(state, now, settings, now.monotonic);
  for (const auto& [id, run] : state.runs()) {
    const Micros timeout = run.header.spec->timeout;
    if (timeout > Micros(0) && run.header.desired != DesiredState::kCancelled)
      arm(now.monotonic + left_of(timeout, run.header.created, now.wall), TimerKind::kRunTimeout,
          {id, TaskIndex()}, 0);
    for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
      arm_for_task({id, TaskIndex(i)}, run.header, run.tasks[i], now, settings);
  }
  grant_all(state, now);
}

void Liveness::arm_for_task(TaskRef ref, const RunHeader& run, const Task& task, Now now,
                            const Settings& settings) {
  if (is_terminal(task.state) || task.state == TaskState::kPending) return;
  const TaskSpec& spec = run.task_spec(ref.task);
  if (spec.timeout > Micros(0))
    arm(now.monotonic + left_of(spec.timeout, task.first_ready, now.wall), TimerKind::kTaskTimeout,
        ref, 0);
  switch (task.state) {
    case TaskState::kReady:
      if (spec.queue_timeout > Micros(0))
        arm(now.monotonic + queue_time_left(run, ref.task, task, now.wall),
            TimerKind::kQueueTimeout, ref, static_cast<std::uint64_t>(task.since.value()));
      return;
    case TaskState::kBackingOff:
      arm(now.monotonic + left_of(task.retry_at - task.since, task.since, now.wall),
          TimerKind::kBackoff, ref, task.attempt.value());
      return;
    case TaskState::kCancelling:
      arm(now.monotonic + settings.cancel_grace, TimerKind::kCancelGrace, ref, task.epoch.value());
      [[fallthrough]];
    case TaskState::kRunning:
      arm(now.monotonic + settings.lease, TimerKind::kLease, ref, task.epoch.value());
      if (spec.attempt_timeout > Micros(0))
        arm(now.monotonic + left_of(spec.attempt_timeout, task.since, now.wall),
            TimerKind::kAttemptTimeout, ref, task.epoch.value());
      return;
    case TaskState::kPending:
    case TaskState::kSucceeded:
    case TaskState::kFailed:
    case TaskState::kSkipped:
    case TaskState::kCancelled:
      return;
  }
}

void Liveness::advance(const State& state, Now now, const Settings& settings) {
  timers_.tidy(state);
  while (const auto timer_due = timers_.take_due(now.monotonic)) {
    const Timer& timer = *timer_due;
    if (moot(timer, state)) continue;
    if (timer.kind == TimerKind::kKeyRetention) {
      keys_armed_ = false;
      const auto oldest = state.oldest_ended_key();
      const bool due = oldest && now.wall - *oldest >= settings.key_retention;
      // After this one comes the next in a minute: keys go in handfuls, not each with its own
      // event.
      arm_for_keys(state, now, settings, due ? now.monotonic + kKeysPause : now.monotonic);
      if (due) due_.push_back(timer);
      continue;
    }
    if (timer.kind == TimerKind::kQueueTimeout) {
      // A task that no run held back is due by this clock, whatever the wall's shows.
      const RunFacts& run = *state.run(timer.run);
      const Task& task = *state.task(timer.task());
      const Micros left = queue_time_left(run, timer.index, task, now.wall);
      if (left > Micros(0) && (holds_back(run) || run.held_until > task.since)) {
        arm(now.monotonic + left, timer.kind, timer.task(), timer.token);
        continue;
      }
    }
    if (timer.kind == TimerKind::kLease) {
      const Monotonic* renewed = renewed_.find(Epoch(timer.token));
      if (renewed != nullptr && now.monotonic - *renewed < settings.lease) {
        arm(*renewed + settings.lease, timer.kind, timer.task(), timer.token);
        continue;
      }
      // Until plan's word on it is applied, or its batch turns out to have been renewed meanwhile:
      // look again.
      arm(now.monotonic + settings.lease, timer.kind, timer.task(), timer.token);
    }
    if (timer.kind == TimerKind::kCancelGrace) overdue_.insert(Epoch(timer.token));
    due_.push_back(timer);
  }
}

void Liveness::forget_idle_workers(const State& state, Now now, const Settings& settings) {
  std::erase_if(workers_, [&](const auto& entry) {
    return !entry.second.connected && state.load(entry.first) == nullptr &&
           now.monotonic - entry.second.last_heard > settings.lease * 4;
  });
}

std::optional<Monotonic> Liveness::next_due() const {
  if (!due_.empty()) return due_.front().due;
  return timers_.next_due();
}

}  // namespace millrace::scheduler
