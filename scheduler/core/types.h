// The scheduler's vocabulary: ids, resources, references, failures. Plain values, printable, no
// behaviour.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/id.h"
#include "base/strong.h"
#include "base/units.h"

namespace millrace::scheduler {

struct RunTag {};
using RunId = Id<RunTag>;
struct SnapshotTag {};
using SnapshotId = Id<SnapshotTag>;
// One start of a worker process. Leases belong to it, never to the worker's name: a worker that
// comes back under its old name cannot renew or finish what its predecessor held.
struct WorkerTag {};
using WorkerId = Id<WorkerTag>;
struct LeaderTag {};
using LeaderId = Id<LeaderTag>;

// Fencing token of an attempt: grows with every placement in the installation, never reused.
struct EpochTag {
  static constexpr bool kArithmetic = false;
};
using Epoch = Strong<EpochTag, std::uint64_t>;
// Position of a batch in the log, from 1. An event is named by (sequence, index in its batch).
struct SequenceTag {
  static constexpr bool kArithmetic = false;
};
using Sequence = Strong<SequenceTag, std::uint64_t>;
// Counts leaders of the installation.
struct LeaderEpochTag {
  static constexpr bool kArithmetic = false;
};
using LeaderEpoch = Strong<LeaderEpochTag, std::uint64_t>;
struct TaskIndexTag {
  static constexpr bool kArithmetic = false;
};
using TaskIndex = Strong<TaskIndexTag, std::uint32_t>;  // position in WorkflowSpec::tasks
struct AttemptNumberTag {
  static constexpr bool kArithmetic = false;
};
using AttemptNumber = Strong<AttemptNumberTag, std::uint32_t>;  // 1 is a task's first attempt
// Names a caller that waits for a Reply; 0: nobody does.
struct RequestTag {
  static constexpr bool kArithmetic = false;
};
using RequestId = Strong<RequestTag, std::uint64_t>;

// SHA-256 of a body (canonical JSON); bodies are kept once, by this name.
using BodyHash = std::array<std::uint8_t, 32>;

struct Resources {
  MilliCpu cpu;
  Bytes memory;
  Bytes disk;

  bool fits_into(const Resources& room) const {
    return cpu <= room.cpu && memory <= room.memory && disk <= room.disk;
  }
  friend Resources operator+(const Resources& a, const Resources& b) {
    return {a.cpu + b.cpu, a.memory + b.memory, a.disk + b.disk};
  }
  friend Resources operator-(const Resources& a, const Resources& b) {
    return {a.cpu - b.cpu, a.memory - b.memory, a.disk - b.disk};
  }
  friend auto operator<=>(const Resources&, const Resources&) = default;
};

struct TaskRef {
  RunId run;
  TaskIndex task;
  friend auto operator<=>(const TaskRef&, const TaskRef&) = default;
};

struct AttemptRef {
  RunId run;
  TaskIndex task;
  AttemptNumber attempt;
  Epoch epoch;
  TaskRef task_ref() const { return {run, task}; }
  friend auto operator<=>(const AttemptRef&, const AttemptRef&) = default;
};

// A named thing of a namespace: {"default", "flights"}.
struct NamespacedName {
  std::string ns;
  std::string name;
  friend auto operator<=>(const NamespacedName&, const NamespacedName&) = default;
};

// What an attempt does: its work, or putting in place what a committed staging holds. A publication
// is past the point of no return: it is repeated until it is acknowledged and is not cancelled.
enum class Phase : std::uint8_t { kExecute, kPublish };
enum class RunOn : std::uint8_t { kSuccess, kFailure, kAlways };
enum class WriteMode : std::uint8_t { kOverwrite, kAppend };
enum class OnConflict : std::uint8_t { kRetry, kFail };
enum class DesiredState : std::uint8_t { kRunning, kPaused, kCancelled };
enum class TaskState : std::uint8_t {
  kPending,     // waits for what it needs
  kReady,       // waits for room
  kRunning,     // an attempt holds a lease
  kCancelling,  // an attempt was told to stop and has not said that it did
  kBackingOff,  // waits for its next attempt
  kSucceeded,
  kFailed,
  kSkipped,
  kCancelled,
};
// Why an attempt is to end before it is done. The greater one overrules the lesser.
enum class Stop : std::uint8_t {
  kNone,
  kAttemptTimeout,  // its attemptTimeout passed: what follows is a failure like others
  kTaskTimeout,     // the task's own time is over: it has failed
  kCancel,          // nobody wants it any more
};
enum class RunOutcome : std::uint8_t { kSucceeded, kFailed, kCancelled, kTimedOut };

constexpr bool is_terminal(TaskState state) { return state >= TaskState::kSucceeded; }
constexpr bool holds_lease(TaskState state) {
  return state == TaskState::kRunning || state == TaskState::kCancelling;
}

std::string_view to_string(Phase phase);
std::string_view to_string(RunOn run_on);
std::string_view to_string(WriteMode mode);
std::string_view to_string(OnConflict on_conflict);
std::string_view to_string(DesiredState desired);
std::string_view to_string(TaskState state);
std::string_view to_string(RunOutcome outcome);

// Why an attempt did not succeed. `code` is stable; exit_code is a command's, 0 where there is
// none.
struct Failure {
  ErrorClass error_class = ErrorClass::kInfrastructure;
  std::string code;
  std::string message;
  int exit_code = 0;
  friend bool operator==(const Failure&, const Failure&) = default;
};

// Wall time is for records; monotonic time, this process's own, for leases and timers.
struct Now {
  WallTime wall;
  Monotonic monotonic;
};

// What travels through the core unread and reaches the store with the event it belongs to: bodies
// of documents, file lists, outputs. Its content is the engine's affair (engine/attachment.h).
struct Attachment;
using AttachmentRef = std::shared_ptr<const Attachment>;

}  // namespace millrace::scheduler
