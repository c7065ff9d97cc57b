// Sweeper: takes away what nobody needs any more: snapshots past their retention, with the files
// that only they had, and what attempts left behind that came to nothing.
//
//   expired snapshots   asks plan() about those that were replaced (SweepSnapshots); the batch that
//   decides
//                       also marks their files in the catalog; then deletes marked files; then
//                       their marks
//   orphans             walks the data folder a piece a round; what lies under the prefix of an
//   attempt that
//                       is over, and nothing refers to, goes
//
// Files go only two leases after they were first found free, by this process's clock: by then a
// runner that was given up, and may still read or write, has ended itself. May be stopped between
// any two steps and done again by anyone: marks outlive deletions, deleting what is gone is fine,
// and names are never used twice. So it needs no fence, and a leader that is none any more does no
// harm.
//
// Blocks on its ports; one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "scheduler/core/inputs.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/sweep.h"

namespace millrace::scheduler {

// The engine that decides, of a scheduler that leads. Errors: engine.*, when it can't be asked now.
class SweepEngine {
 public:
  virtual ~SweepEngine() = default;
  // Returns when what follows from it is durable; or, where waiting can't be, at once.
  virtual Status ask(SweepSnapshots question) = 0;
  // By fate_of() its state.
  virtual Result<std::vector<AttemptFate>> fates(const std::vector<AttemptPrefix>& prefixes) = 0;
};

// Where a page of replaced snapshots ends, to go on from.
struct ReplacedCursor {
  WallTime replaced;
  SnapshotId snapshot;
};
struct ReplacedPage {
  std::vector<SweepSnapshots::OfDataset> datasets;
  std::optional<ReplacedCursor> next;  // nothing: that was the last page
};
// A file that no snapshot has any more. Marks are numbered in the order in which they were made,
// from 1.
struct MarkedFile {
  std::int64_t mark = 0;
  std::string path;  // below the data root
};

class SweepCatalog {
 public:
  virtual ~SweepCatalog() = default;
  // Snapshots that were replaced before `before` and have `newer` newer ones or more, longest
  // replaced first.
  virtual Result<ReplacedPage> replaced(WallTime before, std::uint32_t newer,
                                        const std::optional<ReplacedCursor>& after,
                                        std::size_t limit) = 0;
  // 0: none.
  virtual Result<std::int64_t> newest_mark() = 0;
  // In order: after the mark `after`, up to and with `last`.
  virtual Result<std::vector<MarkedFile>> marked(std::int64_t after, std::int64_t last,
                                                 std::size_t limit) = 0;
  // Their files are gone. Marks that are not there are passed over.
  virtual Status forget(const std::vector<std::int64_t>& marks) = 0;
  // Those of `prefixes` below which a snapshot has a file, or a marked one lies.
  virtual Result<std::set<AttemptPrefix>> referenced(
      const std::vector<AttemptPrefix>& prefixes) = 0;
  // What was written by runs that were made before is not this installation's: another database
  // knows it.
  virtual Result<WallTime> installed() = 0;
};

// The folder of data files. Paths are relative to it, and nothing is ever done outside of it.
class DataFolder {
 public:
  virtual ~DataFolder() = default;
  // Of attempts that have a folder there, in order, after `after`; what is named otherwise is none
  // of ours.
  virtual Result<std::vector<AttemptPrefix>> attempts(const std::optional<AttemptPrefix>& after,
                                                      std::size_t limit) = 0;
  // A file that is gone is fine.
  virtual Status remove(const std::string& file) = 0;
  // All that is below the prefix, and the prefix; with `run_over` also the folders of its task and
  // run, when they are empty.
  virtual Status remove(const AttemptPrefix& prefix, bool run_over) = 0;
};

struct SweepLimits {  // of one round
  std::size_t snapshots = 500;
  std::size_t files = 5'000;
  std::size_t prefixes = 500;
  std::size_t orphans_known = 20'000;  // prefixes whose time is running
};

struct SweepReport {
  std::size_t files = 0;         // deleted
  std::size_t prefixes = 0;      // likewise
  std::size_t waiting = 0;       // prefixes that were found and whose time is not over
  std::optional<Error> trouble;  // the first; the rest of the round was done all the same
};

class Sweeper {
 public:
  struct Ports {
    SweepEngine& engine;
    SweepCatalog& catalog;
    DataFolder& folder;
  };
  Sweeper(Settings settings, Ports ports, SweepLimits limits = {})
      : settings_(std::move(settings)),
        ports_(ports),
        limits_(limits),
        periods_(limits.orphans_known) {}

  // A bounded piece of work; call again and again.
  SweepReport round(Now now);

 private:
  Status expire(Now now);
  Status delete_marked(Now now, SweepReport& report);
  Status delete_up_to(std::int64_t last, SweepReport& report);
  Status delete_orphans(Now now, SweepReport& report);
  Status look_for_orphans(Now now);

  const Settings settings_;
  const Ports ports_;
  const SweepLimits limits_;
  std::optional<ReplacedCursor> asked_up_to_;
  struct Seen {
    Monotonic at;
    std::int64_t newest_mark;
  };
  std::deque<Seen> seen_marks_;
  std::int64_t ripe_mark_ = 0;  // up to here their time is over
  std::optional<AttemptPrefix> walked_up_to_;
  std::optional<WallTime> installed_;
  GracePeriods<AttemptPrefix> periods_;
};

}  // namespace millrace::scheduler
