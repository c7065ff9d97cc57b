// MemoryCatalog: what the sweeper needs of a catalog, over the log of an installation in memory:
// the reference that the one on Postgres is held against.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scheduler/engine/ports.h"
#include "scheduler/engine/sweeper.h"

namespace millrace::simulation {

// The files of a snapshot that an attempt committed: those of its result, or, where it came without
// (as a simulated worker's does), one by the dataset's name below the attempt's prefix.
std::vector<std::string> committed_files(const scheduler::AttemptPrefix& attempt,
                                         const scheduler::events::SnapshotCommitted& snapshot,
                                         const scheduler::Attachment* attachment);

class MemoryCatalog final : public scheduler::SweepCatalog {
 public:
  // Batches in the order of the log.
  void appended(const scheduler::Batch& batch);

  Result<scheduler::ReplacedPage> replaced(WallTime before, std::uint32_t newer,
                                           const std::optional<scheduler::ReplacedCursor>& after,
                                           std::size_t limit) override;
  Result<std::int64_t> newest_mark() override;
  Result<std::vector<scheduler::MarkedFile>> marked(std::int64_t after, std::int64_t last,
                                                    std::size_t limit) override;
  Status forget(const std::vector<std::int64_t>& marks) override;
  Result<std::set<scheduler::AttemptPrefix>> referenced(
      const std::vector<scheduler::AttemptPrefix>& prefixes) override;
  Result<WallTime> installed() override { return WallTime(0); }

  bool all_swept() const { return marked_.empty(); }
  // Every file that is to be there: of snapshots, and marked ones.
  std::set<std::string> files() const;

 private:
  struct Snapshot {
    scheduler::SnapshotId id;
    std::uint64_t base = 0;  // its files are those added from there on
    WallTime replaced;       // 0: it is the newest
  };
  struct Dataset {
    std::uint64_t newest = 0;
    std::map<std::uint64_t, Snapshot> snapshots;      // by sequence number
    std::multimap<std::uint64_t, std::string> files;  // by that of the snapshot that added them
  };
  void add(const scheduler::NamespacedName& name,
           const scheduler::events::SnapshotCommitted& committed, WallTime at,
           std::vector<std::string> files);
  void expire(const scheduler::events::SnapshotsExpired& expired);

  std::map<scheduler::RunId, std::string> namespaces_;  // of live runs
  std::map<scheduler::NamespacedName, Dataset> datasets_;
  std::map<std::int64_t, std::string> marked_;
  std::int64_t last_mark_ = 0;
};

}  // namespace millrace::simulation
