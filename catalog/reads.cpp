#include <cstring>
#include <pqxx/result>
#include <pqxx/transaction_base>
#include <string_view>

#include "base/utf8.h"
#include "catalog/catalog.h"
#include "lib/postgres/sql_text.h"

namespace millrace::catalog {
namespace {

using postgres::to_uuid;

constexpr std::string_view kOverwrite = "overwrite";
constexpr std::string_view kAppend = "append";

RawId to_id(const pqxx::field& field) {
  return field.is_null() ? RawId() : postgres::from_uuid(field.c_str()).value_or(RawId());
}

Hash to_hash(const pqxx::field& field) {
  Hash hash{};
  const std::string bytes = postgres::from_bytea(field.c_str()).value_or("");
  if (bytes.size() == hash.size()) std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

// What to_snapshot reads, in its order. Joined by catalog.schemas' primary key.
const std::string kColumns = R"(
  s.snapshot_id, s.parent_id, s.sequence_number, s.operation, c.schema_json,
  s.added_rows, s.added_files, s.added_bytes, s.total_rows, s.total_files, s.total_bytes,
  (extract(epoch FROM s.committed_at) * 1000000)::bigint,
  s.run_id, s.run_name, s.task_index, s.task_name, s.attempt, s.write_index)";
constexpr int kColumnCount = 18;

Snapshot to_snapshot(const pqxx::row& row) {
  Snapshot snapshot;
  snapshot.id = to_id(row[0]);
  snapshot.parent = to_id(row[1]);
  snapshot.sequence_number = row[2].as<std::int64_t>();
  snapshot.operation = row[3].c_str() == kAppend ? Operation::kAppend : Operation::kOverwrite;
  snapshot.schema_json = row[4].as<std::string>();
  snapshot.added = {row[5].as<std::int64_t>(), row[6].as<std::int64_t>(),
                    Bytes(row[7].as<std::int64_t>())};
  snapshot.total = {row[8].as<std::int64_t>(), row[9].as<std::int64_t>(),
                    Bytes(row[10].as<std::int64_t>())};
  snapshot.at = WallTime(row[11].as<std::int64_t>());
  snapshot.origin = {to_id(row[12]),
                     row[13].as<std::string>(),
                     row[14].as<std::uint32_t>(),
                     row[15].as<std::string>(),
                     row[16].as<std::uint32_t>(),
                     row[17].as<std::uint32_t>()};
  return snapshot;
}

std::vector<Snapshot> to_snapshots(const pqxx::result& rows) {
  std::vector<Snapshot> snapshots;
  for (const pqxx::row& row : rows) snapshots.push_back(to_snapshot(row));
  return snapshots;
}

// By dataset_heads_pkey.
const std::string kDatasets = "SELECT " + kColumns + R"(, d.name,
  (extract(epoch FROM d.created_at) * 1000000)::bigint
  FROM catalog.dataset_heads h
  JOIN catalog.datasets d ON d.ns = h.ns AND d.name = h.dataset
  JOIN catalog.snapshots s ON s.ns = h.ns AND s.dataset = h.dataset
                          AND s.sequence_number = h.sequence_number
  JOIN catalog.schemas c ON c.ns = s.ns AND c.hash = s.schema_hash
  WHERE h.ns = $1 AND )";

std::vector<Dataset> to_datasets(const pqxx::result& rows) {
  std::vector<Dataset> datasets;
  for (const pqxx::row& row : rows) {
    datasets.push_back({row[kColumnCount].as<std::string>(),
                        WallTime(row[kColumnCount + 1].as<std::int64_t>()), to_snapshot(row)});
  }
  return datasets;
}

}  // namespace

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::kOverwrite:
      return kOverwrite;
    case Operation::kAppend:
      return kAppend;
  }
  return "?";
}

std::vector<Head> heads(postgres::Transaction& transaction) {
  std::vector<Head> heads;
  for (const pqxx::row& row : transaction.work.exec(
           "SELECT ns, dataset, snapshot_id, schema_hash FROM catalog.dataset_heads "
           "ORDER BY ns COLLATE \"C\", dataset COLLATE \"C\"")) {
    heads.push_back(
        {{row[0].as<std::string>(), row[1].as<std::string>()}, to_id(row[2]), to_hash(row[3])});
  }
  return heads;
}

std::vector<Dataset> datasets(postgres::Transaction& transaction, const std::string& ns,
                              const std::string& after, std::size_t limit) {
  return to_datasets(transaction.work.exec_params(
      kDatasets + "h.dataset > $2 ORDER BY h.dataset LIMIT $3", ns, clean_text(after), limit));
}

std::optional<Dataset> dataset(postgres::Transaction& transaction, const DatasetName& name) {
  std::vector<Dataset> found =
      to_datasets(transaction.work.exec_params(kDatasets + "h.dataset = $2", name.ns, name.name));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<Snapshot> snapshots(postgres::Transaction& transaction, const DatasetName& dataset,
                                const RawId& before, std::size_t limit) {
  // snapshots_pkey, backwards; the place of `before` by snapshots_by_id.
  const std::string query = "SELECT " + kColumns + R"(
    FROM catalog.snapshots s
    JOIN catalog.schemas c ON c.ns = s.ns AND c.hash = s.schema_hash
    WHERE s.ns = $1 AND s.dataset = $2
      AND s.sequence_number < CASE WHEN $3 = '' THEN 9223372036854775807 ELSE coalesce(
        (SELECT b.sequence_number FROM catalog.snapshots b
         WHERE b.ns = $1 AND b.dataset = $2 AND b.snapshot_id = nullif($3, '')::uuid), 0) END
    ORDER BY s.sequence_number DESC LIMIT $4)";
  return to_snapshots(transaction.work.exec_params(
      query, dataset.ns, dataset.name, before.is_nil() ? std::string() : to_uuid(before), limit));
}

std::optional<Snapshot> snapshot(postgres::Transaction& transaction, const DatasetName& dataset,
                                 const RawId& id) {
  const std::string query = "SELECT " + kColumns + R"(
    FROM catalog.snapshots s
    JOIN catalog.schemas c ON c.ns = s.ns AND c.hash = s.schema_hash
    WHERE s.ns = $1 AND s.dataset = $2 AND s.snapshot_id = $3::uuid)";
  std::vector<Snapshot> found =
      to_snapshots(transaction.work.exec_params(query, dataset.ns, dataset.name, to_uuid(id)));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

FilePage files(postgres::Transaction& transaction, const DatasetName& dataset,
               const RawId& snapshot, FileCursor after, std::size_t limit) {
  const pqxx::result rows = transaction.work.exec_params(
      R"(SELECT f.path, f.row_count, f.byte_count, f.checksum, f.statistics_json,
                f.added_sequence_number, f.file_index
         FROM catalog.snapshots s
         JOIN catalog.snapshot_files f ON f.ns = s.ns AND f.dataset = s.dataset
          AND f.added_sequence_number BETWEEN s.base_sequence_number AND s.sequence_number
         WHERE s.ns = $1 AND s.dataset = $2 AND s.snapshot_id = $3::uuid
           AND (f.added_sequence_number, f.file_index) > ($4::bigint, $5::integer)
         ORDER BY f.added_sequence_number, f.file_index LIMIT $6)",
      dataset.ns, dataset.name, to_uuid(snapshot), after.sequence_number, after.file_index, limit);
  FilePage page;
  for (const pqxx::row& row : rows) {
    page.files.push_back({row[0].as<std::string>(), row[1].as<std::int64_t>(),
                          Bytes(row[2].as<std::int64_t>()), row[3].as<std::string>(),
                          row[4].as<std::string>()});
    page.next = FileCursor{row[5].as<std::int64_t>(), row[6].as<std::int32_t>()};
  }
  if (page.files.size() < limit) page.next.reset();
  return page;
}

std::vector<Committed> committed_by(postgres::Transaction& transaction, const RawId& run,
                                    std::uint32_t task) {
  // snapshots_by_attempt.
  const std::string query = "SELECT " + kColumns + R"(, s.dataset, s.schema_hash
    FROM catalog.snapshots s
    JOIN catalog.schemas c ON c.ns = s.ns AND c.hash = s.schema_hash
    WHERE s.run_id = $1::uuid AND s.task_index = $2
    ORDER BY s.attempt, s.write_index)";
  std::vector<Committed> committed;
  for (const pqxx::row& row : transaction.work.exec_params(query, to_uuid(run), task)) {
    committed.push_back(
        {row[kColumnCount].as<std::string>(), to_snapshot(row), to_hash(row[kColumnCount + 1])});
  }
  return committed;
}

}  // namespace millrace::catalog
