#include "scheduler/store/sweep_catalog.h"

#include <algorithm>
#include <exception>
#include <pqxx/connection_base>
#include <pqxx/transaction>

#include "catalog/retention.h"
#include "lib/postgres/sql_failure.h"

namespace millrace::scheduler {

Status PostgresSweepCatalog::transact(const std::function<void(postgres::Transaction&)>& what) {
  try {
    pqxx::work work(connection_.get());
    // Nobody waits for the sweeper, and it waits for nobody long.
    work.exec("SET LOCAL statement_timeout = '30s'");
    postgres::Transaction transaction{work};
    what(transaction);
    work.commit();
    return ok_status();
  } catch (const std::exception& exception) {
    connection_.close();
    return postgres::sql_failure(exception).to_error();
  }
}

Result<ReplacedPage> PostgresSweepCatalog::replaced(WallTime before, std::uint32_t newer,
                                                    const std::optional<ReplacedCursor>& after,
                                                    std::size_t limit) {
  std::vector<catalog::Replaced> rows;
  MILLRACE_RETURN_IF_ERROR(transact([&](postgres::Transaction& transaction) {
    std::optional<catalog::Replaced> last;
    if (after) last = catalog::Replaced{{}, after->snapshot.raw(), after->replaced, 0};
    rows = catalog::replaced(transaction, before, newer, last, limit);
  }));
  ReplacedPage page;
  if (rows.size() == limit && !rows.empty())
    page.next = ReplacedCursor{rows.back().at, SnapshotId(rows.back().snapshot)};
  for (const catalog::Replaced& row : rows) {
    const NamespacedName dataset{row.dataset.ns, row.dataset.name};
    auto of = std::find_if(page.datasets.begin(), page.datasets.end(),
                           [&](const auto& each) { return each.dataset == dataset; });
    if (of == page.datasets.end()) of = page.datasets.insert(of, {dataset, {}});
    of->snapshots.push_back(
        {SnapshotId(row.snapshot), row.at, static_cast<std::uint32_t>(row.newer)});
  }
  return page;
}

Result<std::int64_t> PostgresSweepCatalog::newest_mark() {
  std::int64_t newest = 0;
  MILLRACE_RETURN_IF_ERROR(transact(
      [&](postgres::Transaction& transaction) { newest = catalog::newest_mark(transaction); }));
  return newest;
}

Result<std::vector<MarkedFile>> PostgresSweepCatalog::marked(std::int64_t after, std::int64_t last,
                                                             std::size_t limit) {
  std::vector<MarkedFile> files;
  MILLRACE_RETURN_IF_ERROR(transact([&](postgres::Transaction& transaction) {
    for (catalog::Mark& mark : catalog::marks(transaction, after, last, limit))
      files.push_back({mark.number, std::move(mark.path)});
  }));
  return files;
}

Status PostgresSweepCatalog::forget(const std::vector<std::int64_t>& marks) {
  if (marks.empty()) return ok_status();
  return transact(
      [&](postgres::Transaction& transaction) { catalog::remove_marks(transaction, marks); });
}

Result<std::set<AttemptPrefix>> PostgresSweepCatalog::referenced(
    const std::vector<AttemptPrefix>& prefixes) {
  std::vector<std::string> paths;
  paths.reserve(prefixes.size());
  for (const AttemptPrefix& prefix : prefixes) paths.push_back(prefix.path());
  std::set<AttemptPrefix> found;
  MILLRACE_RETURN_IF_ERROR(transact([&](postgres::Transaction& transaction) {
    for (const std::size_t place : catalog::referenced(transaction, paths))
      found.insert(prefixes[place]);
  }));
  return found;
}

Result<WallTime> PostgresSweepCatalog::installed() {
  WallTime at;
  MILLRACE_RETURN_IF_ERROR(transact(
      [&](postgres::Transaction& transaction) { at = catalog::installed_at(transaction); }));
  return at;
}

}  // namespace millrace::scheduler
