// Events: what was decided. They are the log, in order; applying them all again gives the same
// state. They hold wall time only, never a monotonic one, and everything that apply() needs, so
// that it decides nothing. Their encoding is proto/millrace/log; field meanings never change, new
// fields get defaults.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "scheduler/core/spec.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler::events {

// First event of every leader: what follows is its own.
struct LeaderStarted {
  LeaderId leader;
  LeaderEpoch epoch;
  WallTime at;
  friend bool operator==(const LeaderStarted&, const LeaderStarted&) = default;
};

struct DocumentPut {
  std::string kind;
  NamespacedName name;
  std::uint64_t generation = 1;
  BodyHash body_hash{};
  WorkflowSpecRef spec;  // null for kinds the scheduler does not interpret
  WallTime at;
};

struct DocumentDeleted {
  std::string kind;
  NamespacedName name;
  WallTime at;
  friend bool operator==(const DocumentDeleted&, const DocumentDeleted&) = default;
};

// A dataset as a run reads it: the newest snapshot at its start, or what a task of it wrote since.
struct Pin {
  std::string dataset;
  SnapshotId snapshot;  // nil: the dataset had none
  friend bool operator==(const Pin&, const Pin&) = default;
};
// The pin of the dataset, or null.
const Pin* find_pin(const std::vector<Pin>& pins, const std::string& dataset);

// A task that a rerun takes over: it succeeded in another run, and does not run again.
struct TakenTask {
  TaskIndex task;
  RunId source;                // whose attempt succeeded
  std::vector<Pin> snapshots;  // what that attempt wrote: from now on, as this run's
  friend bool operator==(const TakenTask&, const TakenTask&) = default;
};

struct RunCreated {
  RunId run;
  std::string ns;
  std::string name;
  std::string workflow;
  WorkflowSpecRef spec;
  BodyHash body_hash{};
  BodyHash parameters_hash{};
  std::string key;
  BodyHash request_hash{};
  // Of WorkflowSpec::external_reads: the heads of now, or, of a rerun, what its origin began with.
  std::vector<Pin> pins;
  WallTime at;
  // Of a rerun: the run that is done again, and what is taken over from it, each task after those
  // that it needs.
  RunId rerun_of;  // nil: it is none
  std::string rerun_of_name;
  std::vector<TakenTask> taken;
};

struct RunDesired {
  RunId run;
  DesiredState desired = DesiredState::kRunning;
  // Why the scheduler itself cancels: "run.timed_out", "run.failed_fast"; empty when a person does.
  std::string reason;
  WallTime at;
  friend bool operator==(const RunDesired&, const RunDesired&) = default;
};

struct RunFinished {
  RunId run;
  RunOutcome outcome = RunOutcome::kSucceeded;
  std::string message;
  WallTime at;
  friend bool operator==(const RunFinished&, const RunFinished&) = default;
};

// kPending or kBackingOff → kReady.
struct TaskReady {
  TaskRef task;
  WallTime at;
  friend bool operator==(const TaskReady&, const TaskReady&) = default;
};

// A task that will never run (again), decided without an attempt: skipped, cancelled, or failed by
// a timeout of its own.
struct TaskEnded {
  TaskRef task;
  TaskState state = TaskState::kSkipped;  // kSkipped, kCancelled or kFailed
  std::string code;                       // "task.skipped.need_failed"
  std::string message;
  WallTime at;
  friend bool operator==(const TaskEnded&, const TaskEnded&) = default;
};

// kReady → kRunning. The lease begins when the leader that commits this applies it.
struct AttemptPlaced {
  AttemptRef attempt;
  WorkerId worker;
  Phase phase = Phase::kExecute;
  Resources request;
  std::vector<Pin> inputs;  // of TaskSpec::reads, resolved
  std::vector<Pin> bases;   // head of each dataset that it will overwrite, for compare-and-set
  WallTime at;
  std::string worker_name;  // for people; a worker's id says nothing to them
  friend bool operator==(const AttemptPlaced&, const AttemptPlaced&) = default;
};

// One dataset's new head, in the very transaction that records the success.
struct SnapshotCommitted {
  std::string dataset;
  SnapshotId snapshot;
  SnapshotId parent;  // nil: the first
  WriteMode mode = WriteMode::kOverwrite;
  std::uint32_t write_index = 0;  // into the result's writes, where the files are
  BodyHash schema_hash{};
  std::int64_t rows = 0;
  friend bool operator==(const SnapshotCommitted&, const SnapshotCommitted&) = default;
};

// kRunning or kCancelling → kSucceeded, or → kReady with Phase::kPublish when it staged something.
struct AttemptSucceeded {
  AttemptRef attempt;
  WorkerId worker;
  Phase phase = Phase::kExecute;
  std::vector<SnapshotCommitted> snapshots;
  // Not 0: a staging was committed, and this is its place in the order of all stagings. A
  // publication gives way to one with a greater order that is in place already.
  std::uint64_t publication_order = 0;
  WallTime placed_at;
  WallTime at;
  friend bool operator==(const AttemptSucceeded&, const AttemptSucceeded&) = default;
};

// Reasons to stop an attempt that say what becomes of its task; any other one cancels it.
inline constexpr std::string_view kAttemptTimedOut = "attempt.timed_out";
inline constexpr std::string_view kTaskTimedOut = "task.timed_out";
Stop stop_for(std::string_view reason);
std::string_view reason_of(Stop stop);  // of a cancel: "task.cancelled"

// What follows from a failed attempt.
struct Retry {
  WallTime at;
  bool elsewhere = false;
  std::string reason;  // the rule's code, "retry.transient"
  friend bool operator==(const Retry&, const Retry&) = default;
};
struct GiveUp {
  std::string reason;  // "retry.exhausted"
  friend bool operator==(const GiveUp&, const GiveUp&) = default;
};
struct Cancelled {
  friend bool operator==(const Cancelled&, const Cancelled&) = default;
};
using Decision = std::variant<Retry, GiveUp, Cancelled>;

// kRunning or kCancelling → kBackingOff | kFailed | kCancelled. Also of attempts that were lost
// (lease.expired) or ran too long (attempt.timed_out).
struct AttemptFailed {
  AttemptRef attempt;
  WorkerId worker;
  Phase phase = Phase::kExecute;
  Failure failure;
  Decision next;
  WallTime placed_at;
  WallTime at;
  friend bool operator==(const AttemptFailed&, const AttemptFailed&) = default;
};

// kRunning → kCancelling, or kCancelling for a reason that overrules the one before. What becomes
// of the task is decided when the attempt has ended, or its lease has: never beside it.
struct CancelRequested {
  TaskRef task;
  std::string reason;  // kAttemptTimedOut, kTaskTimedOut, or why it is cancelled
  WallTime at;
  friend bool operator==(const CancelRequested&, const CancelRequested&) = default;
};

// Idempotency keys of runs that ended before `ended_before` are forgotten.
struct KeysForgotten {
  WallTime ended_before;
  friend bool operator==(const KeysForgotten&, const KeysForgotten&) = default;
};

// Snapshots that nobody reads any more, and never will: from here on nothing pins them. Their
// files, as far as no other snapshot of the dataset has them too, are marked for deletion in the
// very transaction.
struct SnapshotsExpired {
  NamespacedName dataset;
  std::vector<SnapshotId> snapshots;  // not empty
  WallTime at;
  friend bool operator==(const SnapshotsExpired&, const SnapshotsExpired&) = default;
};

// What runs that ended before `ended_before` had pinned is held for their reruns no more.
struct HoldsReleased {
  WallTime ended_before;
  friend bool operator==(const HoldsReleased&, const HoldsReleased&) = default;
};

}  // namespace millrace::scheduler::events

namespace millrace::scheduler {

using Event = std::variant<events::LeaderStarted, events::DocumentPut, events::DocumentDeleted,
                           events::RunCreated, events::RunDesired, events::RunFinished,
                           events::TaskReady, events::TaskEnded, events::AttemptPlaced,
                           events::AttemptSucceeded, events::AttemptFailed, events::CancelRequested,
                           events::KeysForgotten, events::SnapshotsExpired, events::HoldsReleased>;

// One line for logs, traces and failing tests: "placed 01…#2 task 3 on 01… epoch 7".
std::string to_text(const Event& event);

}  // namespace millrace::scheduler
