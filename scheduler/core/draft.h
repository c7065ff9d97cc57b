// Draft: the state as it will be once the events planned so far are applied. It copies only what
// they touch; everything else is read through to the state, which stays as it is.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scheduler/core/state.h"

namespace millrace::scheduler {

class Draft {
 public:
  explicit Draft(const State& base)
      : base_(base),
        next_epoch_(base.next_epoch()),
        next_run_order_(base.next_run_order()),
        next_publication_order_(base.next_publication_order()),
        next_document_version_(base.next_document_version()) {}

  Epoch next_epoch() const { return next_epoch_; }
  std::uint64_t next_run_order() const { return next_run_order_; }
  std::uint64_t next_publication_order() const { return next_publication_order_; }
  std::uint64_t next_document_version() const { return next_document_version_; }
  const RunFacts* run(RunId id) const;
  const Task* task(TaskRef ref) const;
  const TaskPins* pins(TaskRef ref) const;
  const Document* document(const DocumentKey& key) const;
  const Head* head(const NamespacedName& dataset) const;
  const KeyEntry* key(const NamespacedName& key) const;
  bool run_name_taken(const NamespacedName& name) const;
  std::uint32_t queue_running(const std::string& queue) const;
  Resources used(WorkerId worker) const;
  std::size_t live_tasks() const;
  std::size_t document_count() const;
  // Takes out of `snapshots` what a live run has pinned; also where that was so when the plan
  // began.
  void remove_pinned(std::set<SnapshotId>& snapshots) const;
  // When the last run ended that each of `snapshots` is held for; those that are held for none are
  // not there.
  std::map<SnapshotId, WallTime> held_since(const std::set<SnapshotId>& snapshots) const;
  // Every task of a run, as it stands.
  std::vector<Task> all_tasks(RunId id) const;

  // Groups that have ready tasks, and, in a group, the first at or after `from` whose run is not
  // full.
  std::vector<const ReadyGroup*> ready_groups() const;
  std::optional<ReadyKey> first_ready(const ReadyGroup& group, const ReadyKey& from) const;

  void put_leader_epoch(LeaderEpoch) {}
  void put_next_epoch(Epoch epoch) { next_epoch_ = epoch; }
  void put_next_run_order(std::uint64_t order) { next_run_order_ = order; }
  void put_next_publication_order(std::uint64_t order) { next_publication_order_ = order; }
  void put_next_document_version(std::uint64_t version) { next_document_version_ = version; }
  void put_run(RunFacts facts, std::vector<Task> tasks);
  RunFacts& edit_run(RunId id);
  void put_pins(TaskRef ref, TaskPins pins) { touch(ref.run).pins[ref.task] = std::move(pins); }
  void erase_pins(TaskRef ref);
  void put_desired(RunId id, DesiredState desired, std::string reason);
  void put_task(TaskRef ref, Task task);
  void erase_run(RunId id);
  void put_document(DocumentKey key, Document document);
  void erase_document(const DocumentKey& key);
  void put_head(NamespacedName dataset, Head head) { heads_[std::move(dataset)] = head; }
  void put_key(NamespacedName key, KeyEntry entry) { keys_[std::move(key)] = std::move(entry); }
  void forget_keys(WallTime ended_before);
  void put_hold(RunId run, Hold hold) { holds_[run] = std::move(hold); }
  void release_holds(WallTime ended_before);

 private:
  struct RunDraft {
    RunFacts facts;
    bool erased = false;
    std::optional<std::vector<Task>> own;               // of a run that this draft creates
    std::map<TaskIndex, Task> touched;                  // over the base's
    std::map<TaskIndex, std::optional<TaskPins>> pins;  // likewise
  };
  RunDraft& touch(RunId id);
  void index_task(const RunFacts& run, TaskIndex index, const Task& task, bool add);
  bool is_full_here(RunId run) const;
  std::optional<ReadyKey> first_of_base(const ReadyGroup& group, const ReadyKey& from) const;
  std::optional<ReadyKey> first_opened(const ReadyGroup& group, const ReadyKey& from) const;
  std::optional<ReadyKey> first_added(const ReadyGroup& group, const ReadyKey& from) const;

  const State& base_;
  Epoch next_epoch_;
  std::uint64_t next_run_order_;
  std::uint64_t next_publication_order_;
  std::uint64_t next_document_version_;
  std::map<RunId, RunDraft> runs_;
  std::map<NamespacedName, bool> names_;  // taken, or given back by a run that ended
  std::map<DocumentKey, std::optional<Document>> documents_;
  std::map<NamespacedName, Head> heads_;
  std::map<NamespacedName, std::optional<KeyEntry>> keys_;
  WallTime keys_forgotten_before_;  // of the base's
  std::map<RunId, Hold> holds_;     // beside the base's
  WallTime holds_released_before_;  // of the base's
  // Ready tasks that the base does not know of, or that are ready no more; both of all runs, full
  // or not.
  std::map<ReadyGroup, std::set<ReadyKey>> added_;
  std::map<ReadyGroup, std::set<ReadyKey>> removed_;
  std::set<RunPlace> opened_;           // full in the base, and here no more
  std::map<WorkerId, Resources> used_;  // more (or less) than the base's
  std::map<std::string, std::int64_t> queue_running_;
  std::int64_t live_tasks_ = 0;  // more (or less) than the base's, as the next
  std::int64_t document_count_ = 0;
};

}  // namespace millrace::scheduler
