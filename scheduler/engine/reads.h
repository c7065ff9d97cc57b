// Reads: what the store knows of things that ended, of bodies and of data: the port that the api
// and the describer of attempts read through, implemented on Postgres by scheduler/store.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "scheduler/core/events.h"
#include "scheduler/core/rerun.h"
#include "scheduler/core/spec.h"
#include "scheduler/core/state.h"
#include "scheduler/core/types.h"
#include "scheduler/engine/attachment.h"

namespace millrace::scheduler {

// Names one event of the log; also "everything up to here". Text form "sequence.index".
struct EventId {
  Sequence sequence;
  std::uint32_t index = 0;

  // The position after the last event of a batch, however many it has.
  static EventId end_of(Sequence sequence) { return {sequence, UINT32_MAX}; }
  std::string to_text() const;  // "17.3"; the end of a batch is "17"
  static std::optional<EventId> parse(const std::string& text);
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

struct RunRecord {
  RunId id;
  std::string ns;
  std::string name;
  std::string workflow;
  std::string queue;
  WorkflowSpecRef spec;  // of run(); may be null in lists
  BodyHash body_hash{};
  BodyHash parameters_hash{};
  RunOutcome outcome = RunOutcome::kSucceeded;
  RunCounts counts;
  std::string message;
  std::string last_error;
  WallTime created;
  WallTime finished;
  RunId rerun_of;             // nil: no rerun
  std::string rerun_of_name;  // as it was called
};

struct TaskRecord {
  TaskIndex index;
  TaskState state = TaskState::kPending;
  Phase phase = Phase::kExecute;
  AttemptNumber attempt;
  WorkerId worker;
  WallTime since;  // when it ended
  WallTime first_ready;
  std::string code;  // why it did not succeed, "task.skipped.need_failed"
  std::string message;
  std::int64_t rows = 0;  // of its first write
};

// What the latest attempt that ended has said, or what ended the task without one.
struct TaskEnding {
  TaskIndex index;
  AttemptNumber attempt;  // 0: none
  WallTime placed;        // of that attempt
  std::string code;       // why it did not succeed
  std::string message;
  std::int64_t rows = 0;  // of its first write
};

struct AttemptRecord {
  AttemptRef ref;
  Phase phase = Phase::kExecute;
  WorkerId worker;
  std::string worker_name;  // empty when it is not known any more
  Resources request;
  WallTime placed;
  std::optional<WallTime> ended;   // nothing: it holds a lease
  std::optional<Failure> failure;  // nothing: it runs, or succeeded
  bool cancelled = false;          // ended because it was told to: what `failure` says of it
  std::string next;                // what followed a failure: "retry.transient", "retry.exhausted"
  std::string message;             // "336,776 rows, 3 quarantined"
  std::string outputs_json;        // "" or an object
  Usage usage;
  std::vector<events::SnapshotCommitted> snapshots;
};

struct DatasetRecord {
  std::string name;
  SnapshotId snapshot;
  std::string schema_json;  // {"columns": [{"name", "type", "nullable"}]}
  std::int64_t rows = 0;
  std::int64_t files = 0;
  Bytes bytes;
  WallTime updated;
};

struct SnapshotRecord {
  SnapshotId id;
  SnapshotId parent;  // nil: the first
  WriteMode mode = WriteMode::kOverwrite;
  std::string schema_json;
  std::int64_t rows = 0;
  std::int64_t files = 0;
  Bytes bytes;
  WallTime committed;
  RunId run;
  std::string run_name;
  std::string task;
};

// Runs are listed newest first: by descending id.
struct RunQuery {
  std::string ns;
  std::optional<RunId> before;  // exclusive
  std::optional<std::string> workflow;
  std::optional<std::string> queue;
  std::optional<RunOutcome> outcome;
  std::optional<WallTime> since;  // created at or after
  std::size_t limit = 100;
};

struct LoggedEvent {
  EventId id;
  Event event;
};
struct LogPage {
  std::vector<LoggedEvent> events;
  EventId next;           // ask on from here; at least as great as the last event's id
  bool complete = false;  // nothing newer was in the log
};

// Reads of the store and the catalog, over connections of their own. Blocking, thread-safe; called
// on the api's small pool. Errors: store.unavailable (transient), log.expired.
class Reads {
 public:
  virtual ~Reads() = default;
  // Runs that ended. Nothing: there is none, or its retention is over.
  virtual Result<std::optional<RunRecord>> run(const NamespacedName& name) = 0;
  virtual Result<std::optional<RunRecord>> run(RunId id) = 0;
  // Whether there is one of that name: asked for each run that is started, so no more is read.
  virtual Result<bool> is_run_kept(const NamespacedName& name) = 0;
  virtual Result<std::vector<RunRecord>> runs(const RunQuery& query) = 0;
  virtual Result<std::vector<TaskRecord>> tasks(RunId run) = 0;
  // Of live and of ended runs: the tasks of which there is one, in no order.
  virtual Result<std::vector<TaskEnding>> endings(RunId run) = 0;
  // What a rerun needs of a run that ended, as far as it is kept; nothing asked, nothing changed.
  // Nothing: there is no such run, or its retention is over.
  virtual Result<std::optional<Rerun>> origin(RunId run) = 0;
  // Of live and of ended runs: the attempts that have ended, in order.
  virtual Result<std::vector<AttemptRecord>> attempts(TaskRef task) = 0;
  virtual Result<std::optional<std::string>> body(const BodyHash& hash) = 0;
  // By name, ascending, after `after`.
  virtual Result<std::vector<DatasetRecord>> datasets(const std::string& ns,
                                                      const std::string& after,
                                                      std::size_t limit) = 0;
  virtual Result<std::optional<DatasetRecord>> dataset(const NamespacedName& name) = 0;
  // Newest first, before `before` (nil: from the newest).
  virtual Result<std::vector<SnapshotRecord>> snapshots(const NamespacedName& dataset,
                                                        SnapshotId before, std::size_t limit) = 0;
  // Events after `after` that concern `run` (nil: all), at most `limit` of them. log.expired when
  // events after it may be gone.
  virtual Result<LogPage> events(EventId after, RunId run, std::size_t limit) = 0;
};

struct StagedPublication {
  std::string json;          // how what was staged is to be published
  std::string installation;  // whose publications its order counts, by a name that no other has
};

struct SnapshotContent {
  std::string schema_json;
  std::vector<FileRow> files;
};

// What an attempt that is about to start needs of the store. As Reads: blocking, thread-safe.
class AttemptReads {
 public:
  virtual ~AttemptReads() = default;
  // Outputs of the run's tasks that succeeded, by task index: JSON objects.
  virtual Result<std::map<std::uint32_t, std::string>> outputs(RunId run) = 0;
  virtual Result<StagedPublication> publication(const TaskRef& task) = 0;
  // Schema and files of a snapshot, as a task reads it.
  virtual Result<SnapshotContent> content(const NamespacedName& dataset, SnapshotId snapshot) = 0;
};

}  // namespace millrace::scheduler
