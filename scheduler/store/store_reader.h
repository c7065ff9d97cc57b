// StoreReader: the reads of the api and of attempts that start, on Postgres, over a few connections
// of their own: the writer's is never touched. A replica would do for them: nothing is decided by
// what they return.
//
// Errors besides those of the ports: store.unavailable (transient), postgres.refused, log.broken,
// log.unknown.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "lib/postgres/read_pool.h"
#include "scheduler/engine/reads.h"

namespace millrace::scheduler {

class StoreReader final : public Reads, public AttemptReads {
 public:
  // Connects later. migrate_store() comes before.
  explicit StoreReader(const std::string& connection_string, std::size_t connections = 4,
                       int shard = 0)
      : pool_(connection_string, connections), shard_(shard) {}

  Result<std::optional<RunRecord>> run(const NamespacedName& name) override;
  Result<std::optional<RunRecord>> run(RunId id) override;
  Result<bool> is_run_kept(const NamespacedName& name) override;
  Result<std::vector<RunRecord>> runs(const RunQuery& query) override;
  Result<std::vector<TaskRecord>> tasks(RunId run) override;
  Result<std::vector<TaskEnding>> endings(RunId run) override;
  Result<std::optional<Rerun>> origin(RunId run) override;
  // Those that ended; one that holds a lease is the engine's to tell of.
  Result<std::vector<AttemptRecord>> attempts(TaskRef task) override;
  Result<std::optional<std::string>> body(const BodyHash& hash) override;
  Result<std::vector<DatasetRecord>> datasets(const std::string& ns, const std::string& after,
                                              std::size_t limit) override;
  Result<std::optional<DatasetRecord>> dataset(const NamespacedName& name) override;
  Result<std::vector<SnapshotRecord>> snapshots(const NamespacedName& dataset, SnapshotId before,
                                                std::size_t limit) override;
  Result<LogPage> events(EventId after, RunId run, std::size_t limit) override;

  Result<std::map<std::uint32_t, std::string>> outputs(RunId run) override;
  Result<StagedPublication> publication(const TaskRef& task) override;
  Result<SnapshotContent> content(const NamespacedName& dataset, SnapshotId snapshot) override;

 private:
  Status read(const std::function<Status(postgres::Transaction&)>& look);

  postgres::ReadPool pool_;
  const int shard_;
};

}  // namespace millrace::scheduler
