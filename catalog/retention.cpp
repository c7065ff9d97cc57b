#include "catalog/retention.h"

#include <pqxx/result>
#include <pqxx/transaction_base>

#include "lib/postgres/sql_text.h"

namespace millrace::catalog {
namespace {

using postgres::SqlArray;
using postgres::to_uuid;

// snapshots_by_replacement, in its order.
constexpr const char* kReplaced = R"(
  SELECT s.ns, s.dataset, s.snapshot_id,
         (extract(epoch FROM s.replaced_at) * 1000000)::bigint,
         h.sequence_number - s.sequence_number
  FROM catalog.snapshots s
  JOIN catalog.dataset_heads h USING (ns, dataset)
  WHERE s.replaced_at < timestamptz 'epoch' + $1::bigint * interval '1 microsecond'
    AND h.sequence_number - s.sequence_number >= $2::bigint
    AND ($3 = '' OR (s.replaced_at, s.snapshot_id) >
         (timestamptz 'epoch' + $4::bigint * interval '1 microsecond', nullif($3, '')::uuid))
  ORDER BY s.replaced_at, s.snapshot_id LIMIT $5)";

// The head's own row is out of reach, whatever is asked.
constexpr const char* kExpire = R"(
  WITH gone AS (
    DELETE FROM catalog.snapshots s
    WHERE s.ns = $1 AND s.dataset = $2 AND s.snapshot_id = ANY ($3::uuid[])
      AND s.sequence_number < (SELECT h.sequence_number FROM catalog.dataset_heads h
                               WHERE h.ns = $1 AND h.dataset = $2)
    RETURNING s.base_sequence_number, s.sequence_number)
  SELECT count(*), min(base_sequence_number), max(sequence_number) FROM gone)";

// Bases never fall along a dataset's line: if the next snapshot that is left does not reach back to
// a file, none does. snapshots_pkey, one look a file.
constexpr const char* kMark = R"(
  WITH free AS (
    DELETE FROM catalog.snapshot_files f
    WHERE f.ns = $1 AND f.dataset = $2
      AND f.added_sequence_number BETWEEN $3::bigint AND $4::bigint
      AND f.added_sequence_number < (
        SELECT k.base_sequence_number FROM catalog.snapshots k
        WHERE k.ns = $1 AND k.dataset = $2 AND k.sequence_number >= f.added_sequence_number
        ORDER BY k.sequence_number LIMIT 1)
    RETURNING f.added_sequence_number, f.file_index, f.path, f.byte_count)
  INSERT INTO catalog.marked_files (path, byte_count)
  SELECT path, byte_count FROM free ORDER BY added_sequence_number, file_index)";

// What lies below a prefix is one range of paths: '0' is the character after '/'.
constexpr const char* kReferenced = R"(
  SELECT p.n - 1 FROM unnest($1::text[]) WITH ORDINALITY AS p (prefix, n)
  WHERE EXISTS (SELECT FROM catalog.snapshot_files f
                WHERE f.path COLLATE "C" >= p.prefix || '/'
                  AND f.path COLLATE "C" < p.prefix || '0')
     OR EXISTS (SELECT FROM catalog.marked_files f
                WHERE f.path COLLATE "C" >= p.prefix || '/'
                  AND f.path COLLATE "C" < p.prefix || '0'))";

}  // namespace

std::vector<Replaced> replaced(postgres::Transaction& transaction, WallTime before,
                               std::int64_t newer, const std::optional<Replaced>& after,
                               std::size_t limit) {
  std::vector<Replaced> found;
  for (const pqxx::row& row : transaction.work.exec_params(
           kReplaced, before.value(), newer, after ? to_uuid(after->snapshot) : std::string(),
           after ? after->at.value() : 0, limit)) {
    found.push_back({{row[0].as<std::string>(), row[1].as<std::string>()},
                     postgres::from_uuid(row[2].c_str()).value_or(RawId()),
                     WallTime(row[3].as<std::int64_t>()),
                     row[4].as<std::int64_t>()});
  }
  return found;
}

void expire(postgres::Transaction& transaction, const DatasetName& dataset,
            std::span<const RawId> snapshots) {
  SqlArray ids;
  for (const RawId& id : snapshots) ids.add(to_uuid(id));
  const pqxx::row gone =
      transaction.work.exec_params1(kExpire, dataset.ns, dataset.name, ids.text());
  if (gone[0].as<std::int64_t>() == 0) return;
  transaction.work.exec_params(kMark, dataset.ns, dataset.name, gone[1].as<std::int64_t>(),
                               gone[2].as<std::int64_t>());
}

std::int64_t newest_mark(postgres::Transaction& transaction) {
  return transaction.work.exec1("SELECT coalesce(max(mark), 0) FROM catalog.marked_files")[0]
      .as<std::int64_t>();
}

std::vector<Mark> marks(postgres::Transaction& transaction, std::int64_t after, std::int64_t last,
                        std::size_t limit) {
  std::vector<Mark> found;
  for (const pqxx::row& row : transaction.work.exec_params(
           "SELECT mark, path FROM catalog.marked_files "
           "WHERE mark > $1::bigint AND mark <= $2::bigint ORDER BY mark LIMIT $3",
           after, last, limit)) {
    found.push_back({row[0].as<std::int64_t>(), row[1].as<std::string>()});
  }
  return found;
}

void remove_marks(postgres::Transaction& transaction, std::span<const std::int64_t> numbers) {
  SqlArray list;
  for (const std::int64_t number : numbers) list.add(number);
  transaction.work.exec_params("DELETE FROM catalog.marked_files WHERE mark = ANY ($1::bigint[])",
                               list.text());
}

std::set<std::size_t> referenced(postgres::Transaction& transaction,
                                 std::span<const std::string> prefixes) {
  SqlArray list;
  for (const std::string& prefix : prefixes) list.add(prefix);
  std::set<std::size_t> found;
  for (const pqxx::row& row : transaction.work.exec_params(kReferenced, list.text()))
    found.insert(row[0].as<std::size_t>());
  return found;
}

WallTime installed_at(postgres::Transaction& transaction) {
  return WallTime(transaction.work
                      .exec1("SELECT (extract(epoch FROM made_at) * 1000000)::bigint "
                             "FROM catalog.installation")[0]
                      .as<std::int64_t>());
}

}  // namespace millrace::catalog
