// State: all that the scheduler knows durably, rebuilt from checkpoint and log. Only apply()
// changes it. What is derived from the rest (indexes, counters) is kept by State itself whenever a
// task is put.
//
// Single-threaded: the engine's loop owns the one instance.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/events.h"
#include "scheduler/core/spec.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

struct Task {
  TaskState state = TaskState::kPending;
  Phase phase = Phase::kExecute;
  bool avoid_last_worker = false;  // the next attempt goes elsewhere, while there is another place
  Stop stop = Stop::kNone;         // with kCancelling
  std::uint16_t crashes = 0;       // attempts in a row that took their runner down
  std::uint32_t failures = 0;      // attempts of this phase that ended without success
  std::uint32_t needs_open = 0;    // needs that have not ended
  AttemptNumber attempt;           // the latest; 0 before the first
  Epoch epoch;                     // of the latest attempt
  WorkerId worker;                 // of the latest attempt
  WallTime since;                  // when it entered this state; with kCancelling: kRunning
  WallTime first_ready;            // task timeouts count from here; 0 before
  WallTime retry_at;               // with kBackingOff
  std::uint64_t publication_order = 0;
  friend bool operator==(const Task&, const Task&) = default;
};

// What retries of a task must find as its first attempt found it, and what its writes are compared
// with.
struct TaskPins {
  std::vector<events::Pin> inputs;
  std::vector<events::Pin> bases;
  friend bool operator==(const TaskPins&, const TaskPins&) = default;
};

struct RunCounts {
  std::uint32_t open = 0;     // tasks that have not ended
  std::uint32_t running = 0;  // attempts that hold a lease
  std::uint32_t succeeded = 0;
  std::uint32_t failed = 0;
  std::uint32_t skipped = 0;
  std::uint32_t cancelled = 0;
  friend bool operator==(const RunCounts&, const RunCounts&) = default;
};

// A run without its tasks and what they pinned: small, for a draft copies it of each run that it
// touches.
struct RunFacts {
  RunId id;
  std::uint64_t order = 0;  // runs are served in the order of their submission
  std::string ns;
  std::string name;
  std::string workflow;
  WorkflowSpecRef spec;
  BodyHash body_hash{};
  BodyHash parameters_hash{};
  std::string key;
  RunId rerun_of;             // nil: no rerun
  std::string rerun_of_name;  // as it was called
  DesiredState desired = DesiredState::kRunning;
  std::string desired_reason;  // set when the scheduler itself cancels
  WallTime created;
  // When its ready tasks last stood back for the run itself, which was paused or had as many
  // attempts as it may; 0: never, or they do so now for the first time. Their queueTimeout counts
  // from here.
  WallTime held_until;
  // External reads, and what tasks of this run wrote; sorted by dataset.
  std::vector<events::Pin> pins;
  // What stood there before the run itself wrote the dataset: a rerun reads it again. Not nil.
  std::vector<SnapshotId> outgrown;
  RunCounts counts;
  std::string last_error;  // of the latest failure, at most 512 bytes
  std::string notice;      // what its tasks recorded beside what they wrote, at most 512 bytes

  const TaskSpec& task_spec(TaskIndex task) const { return spec->tasks[task.value()]; }
  friend bool operator==(const RunFacts&, const RunFacts&) = default;
};

struct RunHeader : RunFacts {
  std::map<TaskIndex, TaskPins> task_pins;  // of tasks placed and not ended that pinned something
};

struct Run {
  RunHeader header;
  std::vector<Task> tasks;
};

struct Document {
  std::uint64_t generation = 0;
  BodyHash body_hash{};
  WorkflowSpecRef spec;
  // Of all that was ever put, so that one which was deleted and made anew is another: never used
  // again.
  std::uint64_t version = 0;
  friend bool operator==(const Document&, const Document&) = default;
};
using DocumentKey = std::pair<std::string, NamespacedName>;  // kind, name

struct Head {
  SnapshotId snapshot;
  BodyHash schema_hash{};
  friend bool operator==(const Head&, const Head&) = default;
};

struct KeyEntry {
  RunId run;
  std::string run_name;
  BodyHash request_hash{};
  WallTime ended;  // 0 while the run lives
  friend bool operator==(const KeyEntry&, const KeyEntry&) = default;
};

// The snapshots of a run that ended: held for whoever runs it again.
struct Hold {
  WallTime ended;
  std::vector<SnapshotId> snapshots;  // sorted, unique, not empty
  friend bool operator==(const Hold&, const Hold&) = default;
};

// Ready tasks, grouped by what decides whether they fit: a group whose first task finds no room is
// passed over whole. In a group, tasks stand in the order of their runs.
struct ReadyGroup {
  std::string queue;
  Resources request;
  friend auto operator<=>(const ReadyGroup&, const ReadyGroup&) = default;
};
struct ReadyKey {
  std::uint64_t run_order = 0;
  TaskRef task;
  friend auto operator<=>(const ReadyKey&, const ReadyKey&) = default;
};
struct RunPlace {
  std::uint64_t order = 0;
  RunId run;
  friend auto operator<=>(const RunPlace&, const RunPlace&) = default;
};
using ReadyRuns = std::map<RunPlace, std::set<TaskIndex>>;  // none of them empty
using ReadyIndex = std::map<ReadyGroup, ReadyRuns>;         // likewise

// What an incarnation of a worker holds.
struct WorkerLoad {
  Resources used;
  std::vector<TaskRef> tasks;  // sorted
  friend bool operator==(const WorkerLoad&, const WorkerLoad&) = default;
};

class State {
 public:
  // For so many runs that ended something is held; beyond, for the latest.
  static constexpr std::size_t kMostHolds = 100'000;

  // --- read -------------------------------------------------------------------------------------
  LeaderEpoch leader_epoch() const { return leader_epoch_; }
  Epoch next_epoch() const { return next_epoch_; }
  std::uint64_t next_run_order() const { return next_run_order_; }
  std::uint64_t next_publication_order() const { return next_publication_order_; }
  std::uint64_t next_document_version() const { return next_document_version_; }
  const RunHeader* run(RunId id) const;
  const std::vector<Task>* tasks(RunId id) const;
  const Task* task(TaskRef ref) const;
  const Document* document(const DocumentKey& key) const;
  const TaskPins* pins(TaskRef ref) const;
  const Head* head(const NamespacedName& dataset) const;
  const KeyEntry* key(const NamespacedName& key) const;
  const std::map<RunId, Hold>& holds() const { return holds_; }
  // When the first run that something is held for ended; nothing: nothing is held.
  std::optional<WallTime> oldest_hold() const;
  // When the first run whose key is still kept ended; nothing: no key is of an ended run.
  std::optional<WallTime> oldest_ended_key() const;
  std::optional<RunId> run_named(const NamespacedName& name) const;
  std::uint32_t queue_running(const std::string& queue) const;
  const WorkerLoad* load(WorkerId worker) const;
  const std::map<RunId, Run>& runs() const { return runs_; }
  const std::map<DocumentKey, Document>& documents() const { return documents_; }
  const std::map<NamespacedName, Head>& heads() const { return heads_; }
  const std::map<NamespacedName, KeyEntry>& keys() const { return keys_; }
  const std::map<WorkerId, WorkerLoad>& loads() const { return loads_; }
  // What may be placed as far as its run is concerned, and what waits because its run has as many
  // attempts as it may.
  const ReadyIndex& ready() const { return ready_; }
  const ReadyIndex& held_back() const { return held_back_; }
  std::size_t live_tasks() const { return live_tasks_; }

  // --- written by apply() and by the decoder of checkpoints only --------------------------------
  void put_leader_epoch(LeaderEpoch epoch) { leader_epoch_ = epoch; }
  void put_next_epoch(Epoch epoch) { next_epoch_ = epoch; }
  void put_next_run_order(std::uint64_t order) { next_run_order_ = order; }
  void put_next_publication_order(std::uint64_t order) { next_publication_order_ = order; }
  void put_next_document_version(std::uint64_t version) { next_document_version_ = version; }
  void put_run(RunHeader header, std::vector<Task> tasks);
  void put_run(RunFacts facts, std::vector<Task> tasks) {
    put_run(RunHeader{std::move(facts), {}}, std::move(tasks));
  }
  RunFacts& edit_run(RunId id);  // pins, last_error, notice: what no index depends on
  void put_pins(TaskRef ref, TaskPins pins);
  void erase_pins(TaskRef ref);
  void put_desired(RunId id, DesiredState desired, std::string reason);
  void put_task(TaskRef ref, Task task);
  void erase_run(RunId id);
  void put_document(DocumentKey key, Document document);
  void erase_document(const DocumentKey& key);
  void put_head(NamespacedName dataset, Head head);
  void put_key(NamespacedName key, KeyEntry entry);
  void forget_keys(WallTime ended_before);
  void put_hold(RunId run, Hold hold);
  void release_holds(WallTime ended_before);

 private:
  void index_task(const RunFacts& run, TaskIndex index, const Task& task, bool add);
  void index_load(const RunFacts& run, TaskIndex index, WorkerId worker, bool add);
  // What the run has in one of the two indexes goes to the other.
  void move_ready(const RunFacts& run, ReadyIndex& from, ReadyIndex& to);

  LeaderEpoch leader_epoch_;
  Epoch next_epoch_{1};
  std::uint64_t next_run_order_ = 1;
  std::uint64_t next_publication_order_ = 1;
  std::uint64_t next_document_version_ = 1;
  std::map<RunId, Run> runs_;
  std::map<DocumentKey, Document> documents_;
  std::map<NamespacedName, Head> heads_;
  std::map<NamespacedName, KeyEntry> keys_;  // (namespace, idempotency key)
  std::map<RunId, Hold> holds_;
  // Derived.
  std::set<std::pair<WallTime, RunId>> holds_by_end_;
  std::map<NamespacedName, RunId> run_names_;
  std::set<std::pair<WallTime, NamespacedName>> ended_keys_;
  ReadyIndex ready_;
  ReadyIndex held_back_;
  std::map<WorkerId, WorkerLoad> loads_;
  std::map<std::string, std::uint32_t> queue_running_;
  std::size_t live_tasks_ = 0;
};

// The one place that says how a task's change moves its run's counters.
void account(RunCounts& counts, const Task* before, const Task& after);

}  // namespace millrace::scheduler
