// The catalog: which datasets there are, their snapshots, and the immutable files of each snapshot.
//
// append() is called by the scheduler's store inside its own transaction, so that a snapshot, a
// task's success and the fence are one commit; reads go through a postgres::ReadPool. In both,
// exceptions of libpqxx pass through to whoever began the transaction. No state here; thread-safe
// as the transaction is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/units.h"
#include "lib/postgres/migrations.h"
#include "lib/postgres/transaction.h"

namespace millrace::catalog {

// Tables of the schema `catalog`.
inline constexpr const char* kSchema = "catalog";
const std::vector<postgres::Migration>& migrations();

using Hash = std::array<std::uint8_t, 32>;

struct DatasetName {
  std::string ns;
  std::string name;
  friend auto operator<=>(const DatasetName&, const DatasetName&) = default;
};

struct File {
  std::string path;  // relative to the data root
  std::int64_t rows = 0;
  Bytes bytes;
  std::string checksum;         // "xxh64:…"
  std::string statistics_json;  // per column: {"name": {"min": …, "max": …, "nulls": n}}
  friend bool operator==(const File&, const File&) = default;
};

enum class Operation : std::uint8_t { kOverwrite, kAppend };
std::string_view to_string(Operation operation);

// Which attempt made a snapshot.
struct Origin {
  RawId run;
  std::string run_name;
  std::uint32_t task = 0;
  std::string task_name;
  std::uint32_t attempt = 0;
  std::uint32_t write_index = 0;  // among those of its result
};

struct NewSnapshot {
  DatasetName dataset;
  RawId id;
  RawId parent;  // nil: the first
  Operation operation = Operation::kOverwrite;
  Hash schema_hash{};
  std::string schema_json;
  std::span<const File> files;  // those it adds
  WallTime at;
  Origin origin;
};

// Makes it the dataset's newest: compare-and-set on the parent. Error catalog.head_differs when the
// newest is another than `parent`; the transaction is then not to be committed.
Status append(postgres::Transaction& transaction, const NewSnapshot& snapshot);

struct Head {
  DatasetName dataset;
  RawId snapshot;
  Hash schema_hash{};
  friend bool operator==(const Head&, const Head&) = default;
};

struct Totals {
  std::int64_t rows = 0;
  std::int64_t files = 0;
  Bytes bytes;
  friend bool operator==(const Totals&, const Totals&) = default;
};

struct Snapshot {
  RawId id;
  RawId parent;  // nil: the first
  std::int64_t sequence_number = 0;
  Operation operation = Operation::kOverwrite;
  std::string schema_json;
  Totals added;
  Totals total;
  WallTime at;
  Origin origin;
};

// A dataset with its newest snapshot.
struct Dataset {
  std::string name;
  WallTime created;
  Snapshot newest;
};

// Every head of every namespace, by dataset.
std::vector<Head> heads(postgres::Transaction& transaction);
// By name, ascending, after `after`.
std::vector<Dataset> datasets(postgres::Transaction& transaction, const std::string& ns,
                              const std::string& after, std::size_t limit);
std::optional<Dataset> dataset(postgres::Transaction& transaction, const DatasetName& name);
// Newest first, before the snapshot `before` (nil: from the newest).
std::vector<Snapshot> snapshots(postgres::Transaction& transaction, const DatasetName& dataset,
                                const RawId& before, std::size_t limit);
std::optional<Snapshot> snapshot(postgres::Transaction& transaction, const DatasetName& dataset,
                                 const RawId& id);

// Where a page of files ends, to go on from.
struct FileCursor {
  std::int64_t sequence_number = 0;
  std::int32_t file_index = -1;
};
struct FilePage {
  std::vector<File> files;
  std::optional<FileCursor> next;  // nothing: that was the last page
};
// The files that a snapshot is made of, those it added and those it kept, oldest first: one range
// of the primary key, however many snapshots have appended.
FilePage files(postgres::Transaction& transaction, const DatasetName& dataset,
               const RawId& snapshot, FileCursor after, std::size_t limit);

// What one attempt committed, in its order.
struct Committed {
  std::string dataset;
  Snapshot snapshot;
  Hash schema_hash{};
};
std::vector<Committed> committed_by(postgres::Transaction& transaction, const RawId& run,
                                    std::uint32_t task);

}  // namespace millrace::catalog
