#include <pqxx/result>
#include <pqxx/transaction_base>

#include "base/utf8.h"
#include "catalog/catalog.h"
#include "lib/postgres/sql_text.h"

namespace millrace::catalog {
namespace {

using postgres::SqlArray;
using postgres::to_bytea;
using postgres::to_uuid;

// The newest snapshot, as the next one needs it.
struct Newest {
  RawId id;
  std::int64_t sequence_number = 0;
  std::int64_t base_sequence_number = 0;
  Totals total;
};

// Locks the head (dataset_heads_pkey): appends to one dataset stand in line.
constexpr const char* kNewest = R"(
  SELECT h.snapshot_id, h.sequence_number, s.base_sequence_number,
         s.total_rows, s.total_files, s.total_bytes
  FROM catalog.dataset_heads h
  JOIN catalog.snapshots s USING (ns, dataset, sequence_number)
  WHERE h.ns = $1 AND h.dataset = $2
  FOR UPDATE OF h)";

constexpr const char* kAppend = R"(
  WITH dataset AS (
    INSERT INTO catalog.datasets (ns, name, created_at)
    VALUES ($1, $2, timestamptz 'epoch' + $17::bigint * interval '1 microsecond')
    ON CONFLICT DO NOTHING
  ), schema AS (
    INSERT INTO catalog.schemas (ns, hash, schema_json) VALUES ($1, $7::bytea, $8)
    ON CONFLICT DO NOTHING
  ), snapshot AS (
    INSERT INTO catalog.snapshots (
      ns, dataset, sequence_number, snapshot_id, parent_id, base_sequence_number, operation,
      schema_hash, added_rows, added_files, added_bytes, total_rows, total_files, total_bytes,
      committed_at, run_id, run_name, task_index, task_name, attempt,
      write_index)
    VALUES (
      $1, $2, $3::bigint, $4::uuid, nullif($5, '')::uuid, $6::bigint, $9, $7::bytea,
      $10::bigint, $11::bigint, $12::bigint, $13::bigint, $14::bigint, $15::bigint,
      timestamptz 'epoch' + $17::bigint * interval '1 microsecond',
      $16::uuid, $18, $19::integer, $20, $21::integer, $27::integer)
  ), replaced AS (
    UPDATE catalog.snapshots
    SET replaced_at = timestamptz 'epoch' + $17::bigint * interval '1 microsecond'
    WHERE ns = $1 AND dataset = $2 AND sequence_number = $3::bigint - 1
  ), files AS (
    INSERT INTO catalog.snapshot_files (
      ns, dataset, added_sequence_number, file_index, path, row_count, byte_count, checksum,
      statistics_json)
    SELECT $1, $2, $3::bigint, n - 1, path, row_count, byte_count, checksum, statistics_json
    FROM unnest($22::text[], $23::bigint[], $24::bigint[], $25::text[], $26::text[])
      WITH ORDINALITY AS f (path, row_count, byte_count, checksum, statistics_json, n)
  )
  INSERT INTO catalog.dataset_heads AS h (ns, dataset, snapshot_id, sequence_number, schema_hash)
  VALUES ($1, $2, $4::uuid, $3::bigint, $7::bytea)
  ON CONFLICT (ns, dataset) DO UPDATE
  SET snapshot_id = excluded.snapshot_id, sequence_number = excluded.sequence_number,
      schema_hash = excluded.schema_hash)";

std::optional<Newest> newest_of(pqxx::transaction_base& work, const DatasetName& dataset) {
  const pqxx::result rows = work.exec_params(kNewest, dataset.ns, dataset.name);
  if (rows.empty()) return std::nullopt;
  const pqxx::row row = rows[0];
  return Newest{
      postgres::from_uuid(row[0].c_str()).value_or(RawId()),
      row[1].as<std::int64_t>(),
      row[2].as<std::int64_t>(),
      {row[3].as<std::int64_t>(), row[4].as<std::int64_t>(), Bytes(row[5].as<std::int64_t>())}};
}

std::string named(const RawId& id) { return id.is_nil() ? "none" : "\"" + id.to_text() + "\""; }

}  // namespace

Status append(postgres::Transaction& transaction, const NewSnapshot& snapshot) {
  pqxx::transaction_base& work = transaction.work;
  const std::optional<Newest> parent = newest_of(work, snapshot.dataset);
  const RawId parent_id = parent ? parent->id : RawId();
  if (parent_id != snapshot.parent) {
    return Error{ErrorClass::kInfrastructure, "catalog.head_differs",
                 "the newest snapshot of dataset \"" + snapshot.dataset.ns + "/" +
                     snapshot.dataset.name + "\" is " + named(parent_id) + " in the catalog, not " +
                     named(snapshot.parent),
                 ""};
  }
  Totals added;
  SqlArray paths, rows, bytes, checksums, statistics;
  for (const File& file : snapshot.files) {
    added.rows += file.rows;
    added.bytes += file.bytes;
    ++added.files;
    paths.add(file.path);
    rows.add(file.rows);
    bytes.add(file.bytes.value());
    checksums.add(file.checksum);
    statistics.add(file.statistics_json);
  }
  const std::int64_t sequence_number = parent ? parent->sequence_number + 1 : 1;
  const bool keeps = snapshot.operation == Operation::kAppend && parent;
  const std::int64_t base = keeps ? parent->base_sequence_number : sequence_number;
  Totals total = added;
  if (keeps) {
    total.rows += parent->total.rows;
    total.files += parent->total.files;
    total.bytes += parent->total.bytes;
  }
  const Origin& origin = snapshot.origin;
  work.exec_params(
      kAppend, snapshot.dataset.ns, snapshot.dataset.name, sequence_number, to_uuid(snapshot.id),
      parent ? to_uuid(parent_id) : std::string(), base, to_bytea(snapshot.schema_hash),
      clean_text(snapshot.schema_json), std::string(to_string(snapshot.operation)), added.rows,
      added.files, added.bytes.value(), total.rows, total.files, total.bytes.value(),
      to_uuid(origin.run), snapshot.at.value(), clean_text(origin.run_name), origin.task,
      clean_text(origin.task_name), origin.attempt, paths.text(), rows.text(), bytes.text(),
      checksums.text(), statistics.text(), origin.write_index);
  return ok_status();
}

}  // namespace millrace::catalog
