// Timers: what is due when, on the monotonic clock. A timer is a question, not a decision: by the
// time it is due what it asks about may have gone on, and then it is moot.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/units.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

enum class TimerKind : std::uint8_t {
  kLease,           // token: epoch
  kAttemptTimeout,  // token: epoch
  kCancelGrace,     // token: epoch
  kBackoff,         // token: attempt number
  kQueueTimeout,    // token: when the task became ready (wall)
  kTaskTimeout,     // token: 0
  kRunTimeout,      // token: 0; task is 0
  kKeyRetention,    // token: 0; of no run
};

// 40 bytes: there are two for each running attempt.
struct Timer {
  Monotonic due;
  TimerKind kind = TimerKind::kLease;
  TaskIndex index;
  std::uint64_t token = 0;
  RunId run;

  TaskRef task() const { return {run, index}; }
  friend auto operator<=>(const Timer&, const Timer&) = default;
};

// Whether what the timer asks about is over. `Reader` is a State or a plan's Draft.
template <typename Reader>
bool moot(const Timer& timer, const Reader& reader) {
  if (timer.kind == TimerKind::kKeyRetention) return false;
  if (timer.kind == TimerKind::kRunTimeout) {
    const RunFacts* run = reader.run(timer.run);
    return run == nullptr || run->desired == DesiredState::kCancelled;
  }
  const Task* task = reader.task(timer.task());
  if (task == nullptr) return true;
  switch (timer.kind) {
    case TimerKind::kLease:
    case TimerKind::kAttemptTimeout:
    case TimerKind::kCancelGrace:
      return !holds_lease(task->state) || task->epoch.value() != timer.token;
    case TimerKind::kBackoff:
      return task->state != TaskState::kBackingOff || task->attempt.value() != timer.token;
    case TimerKind::kQueueTimeout:
      return task->state != TaskState::kReady || task->phase == Phase::kPublish ||
             static_cast<std::uint64_t>(task->since.value()) != timer.token;
    case TimerKind::kTaskTimeout:
      return is_terminal(task->state) || task->phase == Phase::kPublish;
    case TimerKind::kRunTimeout:
    case TimerKind::kKeyRetention:
      break;
  }
  return false;
}

// The timers that are armed, first due first; of the same time in the order of their other members,
// so that the order in which they were armed decides nothing.
//
// A binary heap of its own, for it gives up any of its members: most timers are moot long before
// they are due (an attempt ends within its hour), and are not kept till then.
class Timers {
 public:
  void arm(const Timer& timer);
  // The first, when it is due.
  std::optional<Timer> take_due(Monotonic now);
  // Call often: looks at two timers for each that was armed since, in turn, and drops what is moot.
  // So at most about half of them are, and no call takes long.
  void tidy(const State& state);
  std::optional<Monotonic> next_due() const;
  std::size_t size() const { return heap_.size(); }
  void clear() { heap_.clear(); }

 private:
  void remove(std::size_t at);
  void rise(std::size_t at);
  void sink(std::size_t at);

  static constexpr std::size_t kSmall = 4096;  // fewer are not worth a look
  std::vector<Timer> heap_;                    // each is less than its children, 2i + 1 and 2i + 2
  std::size_t armed_ = 0;                      // since tidy() was called
  std::size_t next_look_ = 0;
};

}  // namespace millrace::scheduler
