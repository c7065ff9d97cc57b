// MemoryReads: what the store would know, gathered from applied batches. For tests of the api.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/api/ports.h"
#include "scheduler/core/origin_book.h"
#include "scheduler/engine/ports.h"

namespace millrace::api {

// Thread-safe.
class MemoryReads final : public Reads {
 public:
  // A batch is durable. Before it is applied, as the store has it.
  void committed(const scheduler::Batch& batch);
  // Events up to there are not kept any more.
  void forget_events(EventId up_to);
  // Everything fails with store.unavailable, until it is taken back.
  void break_down(bool broken);
  // How often a body was asked for.
  int body_reads() const;

  Result<std::optional<RunRecord>> run(const scheduler::NamespacedName& name) override;
  Result<std::optional<RunRecord>> run(scheduler::RunId id) override;
  Result<bool> is_run_kept(const scheduler::NamespacedName& name) override;
  Result<std::vector<RunRecord>> runs(const RunQuery& query) override;
  Result<std::vector<TaskRecord>> tasks(scheduler::RunId run) override;
  Result<std::vector<TaskEnding>> endings(scheduler::RunId run) override;
  Result<std::optional<scheduler::Rerun>> origin(scheduler::RunId run) override;
  Result<std::vector<AttemptRecord>> attempts(scheduler::TaskRef task) override;
  Result<std::optional<std::string>> body(const scheduler::BodyHash& hash) override;
  Result<std::vector<DatasetRecord>> datasets(const std::string& ns, const std::string& after,
                                              std::size_t limit) override;
  Result<std::optional<DatasetRecord>> dataset(const scheduler::NamespacedName& name) override;
  Result<std::vector<SnapshotRecord>> snapshots(const scheduler::NamespacedName& dataset,
                                                scheduler::SnapshotId before,
                                                std::size_t limit) override;
  Result<LogPage> events(EventId after, scheduler::RunId run, std::size_t limit) override;

 private:
  struct RunNames {
    std::string ns;
    std::string name;
    scheduler::WorkflowSpecRef spec;
  };
  Status check() const;
  void take(const scheduler::Event& event, const scheduler::Attachment* attachment);
  void take_success(const scheduler::events::AttemptSucceeded& event,
                    const scheduler::Attachment* attachment);

  mutable std::mutex mutex_;
  bool broken_ = false;
  int body_reads_ = 0;
  std::map<scheduler::RunId, RunNames> names_;
  std::map<scheduler::RunId, RunRecord> ended_;
  std::map<scheduler::RunId, std::vector<TaskRecord>> tasks_;
  std::map<scheduler::TaskRef, std::vector<AttemptRecord>> attempts_;
  std::map<scheduler::BodyHash, std::string> bodies_;
  std::map<scheduler::NamespacedName, std::vector<SnapshotRecord>> snapshots_;  // oldest first
  std::vector<LoggedEvent> log_;
  scheduler::OriginBook origins_;
  EventId forgotten_;
};

}  // namespace millrace::api
