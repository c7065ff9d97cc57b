// Retention of the catalog: which snapshots were replaced long ago, what goes when they expire, and
// the marks of files that are to be deleted.
//
// expire() is called by the scheduler's store inside its own transaction, with the event that
// decides it; the rest over connections of whoever sweeps. Exceptions of libpqxx pass through to
// whoever began the transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include "lib/postgres/transaction.h"

namespace millrace::catalog {

struct Replaced {
  DatasetName dataset;
  RawId snapshot;
  WallTime at;             // when the next one took its place
  std::int64_t newer = 0;  // how many snapshots its dataset has had since
};
// Replaced before `before`, with `newer` newer ones or more; longest replaced first, after the one
// that `after` names (none: from the first), at most `limit`.
std::vector<Replaced> replaced(postgres::Transaction& transaction, WallTime before,
                               std::int64_t newer, const std::optional<Replaced>& after,
                               std::size_t limit);

// The snapshots are no more, but for the newest one; files that no other snapshot of the dataset
// has are marked. Those that are not there are passed over.
void expire(postgres::Transaction& transaction, const DatasetName& dataset,
            std::span<const RawId> snapshots);

struct Mark {
  std::int64_t number = 0;  // in the order in which they were made, from 1
  std::string path;
};
// 0: none.
std::int64_t newest_mark(postgres::Transaction& transaction);
// In order: after `after`, up to and with `last`.
std::vector<Mark> marks(postgres::Transaction& transaction, std::int64_t after, std::int64_t last,
                        std::size_t limit);
void remove_marks(postgres::Transaction& transaction, std::span<const std::int64_t> numbers);

// The places in `prefixes` (paths below the data root, without a slash at their ends) of those
// below which a file of a snapshot lies, or a marked one.
std::set<std::size_t> referenced(postgres::Transaction& transaction,
                                 std::span<const std::string> prefixes);

// When this catalog began.
WallTime installed_at(postgres::Transaction& transaction);

}  // namespace millrace::catalog
