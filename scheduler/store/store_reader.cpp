#include "scheduler/store/store_reader.h"

#include <pqxx/result>
#include <pqxx/transaction_base>
#include <utility>

#include "base/utf8.h"
#include "catalog/catalog.h"
#include "catalog/retention.h"
#include "lib/postgres/sql_text.h"
#include "scheduler/store/codec.h"
#include "scheduler/store/row_values.h"

namespace millrace::scheduler {
namespace {

using postgres::to_uuid;
using postgres::Transaction;

constexpr std::size_t kFilePage = 5'000;

// --- runs, tasks, attempts that ended
// ------------------------------------------------------------------

const std::string kRunColumns = R"(
  SELECT r.run_id, r.ns, r.name, r.workflow, r.queue, r.body_hash, r.parameters_hash, r.succeeded,
    r.failed, r.skipped, r.cancelled, r.message, r.last_error, millrace.to_us(r.created_at),
    millrace.to_us(r.ended_at), r.rerun_of, r.rerun_of_name, r.outcome)";

RunRecord to_run(Columns& columns) {
  RunRecord run;
  RunCounts& counts = run.counts;
  columns
      .into(run.id, run.ns, run.name, run.workflow, run.queue, run.body_hash, run.parameters_hash,
            counts.succeeded, counts.failed, counts.skipped, counts.cancelled, run.message,
            run.last_error, run.created, run.finished, run.rerun_of, run.rerun_of_name)
      .into_enum(RunOutcome::kTimedOut, run.outcome);
  return run;
}

const std::string kWholeRun =
    kRunColumns + ", s.content FROM millrace.runs r JOIN millrace.specs s ON s.hash = r.spec_hash ";

// With its spec, in the column after the run's.
Status to_whole_run(const pqxx::result& rows, std::optional<RunRecord>& found) {
  found.reset();
  if (rows.empty()) return ok_status();
  const pqxx::row row = rows[0];
  Columns columns(row);
  found = to_run(columns);
  SpecPool specs;
  MILLRACE_TRY(spec, specs.get(postgres::from_bytea(columns.field().c_str()).value_or("")));
  found->spec = std::move(spec);
  return ok_status();
}

// What ended a task without an attempt, or its last attempt. By tasks_pkey, task_ends_pkey,
// attempts_pkey, taken_tasks_pkey, snapshots_by_attempt.
constexpr const char* kTasks = R"(
  SELECT t.task_index, t.attempts, t.worker, millrace.to_us(t.first_ready_at),
    millrace.to_us(t.ended_at), coalesce(e.code, a.code), coalesce(e.message, a.message),
    (SELECT s.added_rows FROM catalog.snapshots s
     WHERE s.run_id = coalesce(k.source_run_id, t.run_id) AND s.task_index = t.task_index
       AND s.write_index = 0
     ORDER BY s.attempt DESC LIMIT 1),
    t.state, t.phase
  FROM millrace.tasks t
  LEFT JOIN millrace.task_ends e ON e.run_id = t.run_id AND e.task_index = t.task_index
  LEFT JOIN millrace.attempts a ON a.run_id = t.run_id AND a.task_index = t.task_index
                               AND a.attempt = t.attempts
  LEFT JOIN millrace.taken_tasks k ON k.run_id = t.run_id AND k.task_index = t.task_index
  WHERE t.run_id = $1::uuid ORDER BY t.task_index)";

TaskRecord to_task(const pqxx::row& row) {
  TaskRecord task;
  Columns(row)
      .into(task.index, task.attempt, task.worker, task.first_ready, task.since, task.code,
            task.message, task.rows)
      .into_enum(TaskState::kCancelled, task.state)
      .into_enum(Phase::kPublish, task.phase);
  return task;
}

// By attempts_pkey, task_ends_pkey, snapshots_by_attempt.
constexpr const char* kEndings = R"(
  SELECT coalesce(e.task_index, a.task_index), coalesce(a.attempt, 0),
    millrace.to_us(a.placed_at), coalesce(e.code, a.code), coalesce(e.message, a.message),
    (SELECT s.added_rows FROM catalog.snapshots s
     WHERE s.run_id = $1::uuid AND s.task_index = a.task_index AND s.write_index = 0
     ORDER BY s.attempt DESC LIMIT 1)
  FROM (SELECT DISTINCT ON (task_index) task_index, attempt, placed_at, code, message
        FROM millrace.attempts WHERE run_id = $1::uuid ORDER BY task_index, attempt DESC) a
  FULL JOIN (SELECT task_index, code, message
             FROM millrace.task_ends WHERE run_id = $1::uuid) e USING (task_index))";

TaskEnding to_ending(const pqxx::row& row) {
  TaskEnding ending;
  Columns(row).into(ending.index, ending.attempt, ending.placed, ending.code, ending.message,
                    ending.rows);
  return ending;
}

// By attempts_pkey, outputs_pkey, workers_pkey.
constexpr const char* kAttempts = R"(
  SELECT a.attempt, a.lease_epoch, a.worker, a.outcome, a.error_class, a.code, a.message, a.exit_code,
    a.next, millrace.to_us(a.placed_at), millrace.to_us(a.ended_at), a.request_cpu_millis,
    a.request_memory_bytes, a.request_disk_bytes, a.cpu_us, a.memory_peak_bytes, a.disk_peak_bytes,
    a.rows_read, a.rows_written, a.bytes_read, a.bytes_written, a.wall_us, o.outputs_json,
    w.name, a.phase
  FROM millrace.attempts a
  LEFT JOIN millrace.outputs o ON o.run_id = a.run_id AND o.task_index = a.task_index
                              AND o.attempt = a.attempt
  LEFT JOIN millrace.workers w ON w.worker = a.worker
  WHERE a.run_id = $1::uuid AND a.task_index = $2
  ORDER BY a.attempt)";

AttemptRecord to_attempt(TaskRef task, const pqxx::row& row) {
  AttemptRecord attempt;
  attempt.ref.run = task.run;
  attempt.ref.task = task.task;
  Failure failure;
  std::string outcome, error_class;
  WallTime ended;
  Resources& request = attempt.request;
  Usage& usage = attempt.usage;
  Columns(row)
      .into(attempt.ref.attempt, attempt.ref.epoch, attempt.worker, outcome, error_class,
            failure.code, failure.message, failure.exit_code, attempt.next, attempt.placed, ended,
            request.cpu, request.memory, request.disk, usage.cpu, usage.memory_peak,
            usage.disk_peak, usage.rows_read, usage.rows_written, usage.bytes_read,
            usage.bytes_written, usage.wall, attempt.outputs_json, attempt.worker_name)
      .into_enum(Phase::kPublish, attempt.phase);
  attempt.ended = ended;
  if (outcome == "Failed" || outcome == "Cancelled") {
    parse_error_class(error_class, failure.error_class);
    attempt.failure = std::move(failure);
    attempt.cancelled = outcome == "Cancelled";
  } else {
    attempt.message = std::move(failure.message);
  }
  return attempt;
}

// --- the catalog's
// -------------------------------------------------------------------------------------

WriteMode to_mode(catalog::Operation operation) {
  return operation == catalog::Operation::kAppend ? WriteMode::kAppend : WriteMode::kOverwrite;
}

events::SnapshotCommitted to_committed(const catalog::Committed& committed) {
  const catalog::Snapshot& snapshot = committed.snapshot;
  return {committed.dataset,           SnapshotId(snapshot.id),     SnapshotId(snapshot.parent),
          to_mode(snapshot.operation), snapshot.origin.write_index, committed.schema_hash,
          snapshot.added.rows};
}

DatasetRecord to_dataset(const catalog::Dataset& dataset) {
  const catalog::Snapshot& newest = dataset.newest;
  return {dataset.name,       SnapshotId(newest.id), newest.schema_json, newest.total.rows,
          newest.total.files, newest.total.bytes,    newest.at};
}

SnapshotRecord to_snapshot(const catalog::Snapshot& snapshot) {
  return {SnapshotId(snapshot.id),     SnapshotId(snapshot.parent),
          to_mode(snapshot.operation), snapshot.schema_json,
          snapshot.total.rows,         snapshot.total.files,
          snapshot.total.bytes,        snapshot.at,
          RunId(snapshot.origin.run),  snapshot.origin.run_name,
          snapshot.origin.task_name};
}

catalog::DatasetName to_name(const NamespacedName& name) {
  return {clean_text(name.ns), clean_text(name.name)};
}

}  // namespace

Status StoreReader::read(const std::function<Status(Transaction&)>& look) {
  Status status = pool_.read(look);
  if (status.ok() || status.error().error_class != ErrorClass::kTransient) return status;
  Error error = std::move(status).error();
  error.code = "store.unavailable";
  error.message = "the database is not available: " + error.message;
  if (error.hint.empty())
    error.hint = "look at Postgres; of a local stack, `millrace up` starts it again";
  return error;
}

Result<std::optional<RunRecord>> StoreReader::run(const NamespacedName& name) {
  std::optional<RunRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    // runs_by_name. Names are used again: the newest run is meant.
    return to_whole_run(
        transaction.work.exec_params(
            kWholeRun + "WHERE r.ns = $1 AND r.name = $2 ORDER BY r.run_id DESC LIMIT 1",
            clean_text(name.ns), clean_text(name.name)),
        found);
  }));
  return found;
}

Result<std::optional<RunRecord>> StoreReader::run(RunId id) {
  std::optional<RunRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    return to_whole_run(
        transaction.work.exec_params(kWholeRun + "WHERE r.run_id = $1::uuid", to_uuid(id.raw())),
        found);
  }));
  return found;
}

Result<bool> StoreReader::is_run_kept(const NamespacedName& name) {
  bool kept = false;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    // runs_by_name.
    kept = !transaction.work
                .exec_params("SELECT 1 FROM millrace.runs WHERE ns = $1 AND name = $2 LIMIT 1",
                             clean_text(name.ns), clean_text(name.name))
                .empty();
    return ok_status();
  }));
  return kept;
}

Result<std::vector<RunRecord>> StoreReader::runs(const RunQuery& query) {
  // Every filter is a list of none or one.
  postgres::SqlArray before, workflow, queue, outcome, since;
  if (query.before) before.add(to_uuid(query.before->raw()));
  if (query.workflow) workflow.add(*query.workflow);
  if (query.queue) queue.add(*query.queue);
  if (query.outcome) outcome.add(to_string(*query.outcome));
  if (query.since) since.add(query.since->value());
  std::vector<RunRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    // runs_by_namespace, backwards; the other filters are applied on the way.
    const pqxx::result rows =
        transaction.work.exec_params(kRunColumns + R"( FROM millrace.runs r
          WHERE r.ns = $1 AND r.run_id < ALL ($2::uuid[])
            AND r.workflow = ALL ($3::text[]) AND r.queue = ALL ($4::text[])
            AND r.outcome = ALL ($5::text[])
            AND r.created_at >= coalesce(millrace.from_us(($6::bigint[])[1]), '-infinity')
          ORDER BY r.run_id DESC LIMIT $7)",
                                     clean_text(query.ns), before.text(), workflow.text(),
                                     queue.text(), outcome.text(), since.text(), query.limit);
    found.clear();
    for (const pqxx::row& row : rows) {
      Columns columns(row);
      found.push_back(to_run(columns));
    }
    return ok_status();
  }));
  return found;
}

Result<std::vector<TaskRecord>> StoreReader::tasks(RunId run) {
  std::vector<TaskRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    const pqxx::result rows = transaction.work.exec_params(kTasks, to_uuid(run.raw()));
    found.clear();
    for (const pqxx::row& row : rows) found.push_back(to_task(row));
    return ok_status();
  }));
  return found;
}

Result<std::vector<TaskEnding>> StoreReader::endings(RunId run) {
  std::vector<TaskEnding> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    const pqxx::result rows = transaction.work.exec_params(kEndings, to_uuid(run.raw()));
    found.clear();
    for (const pqxx::row& row : rows) found.push_back(to_ending(row));
    return ok_status();
  }));
  return found;
}

Result<std::optional<Rerun>> StoreReader::origin(RunId run) {
  std::optional<Rerun> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    found.reset();
    const std::string id = to_uuid(run.raw());
    // runs_pkey, tasks_pkey, taken_tasks_pkey.
    const pqxx::result rows = transaction.work.exec_params(R"(
      SELECT r.name,
        CASE WHEN t.state = 'Succeeded' THEN coalesce(k.source_run_id, t.run_id) END, t.state
      FROM millrace.runs r
      JOIN millrace.tasks t ON t.run_id = r.run_id
      LEFT JOIN millrace.taken_tasks k ON k.run_id = t.run_id AND k.task_index = t.task_index
      WHERE r.run_id = $1::uuid ORDER BY t.task_index)",
                                                           id);
    if (rows.empty()) return ok_status();
    Rerun& origin = found.emplace();
    origin.origin = run;
    for (const pqxx::row& row : rows) {
      OriginTask& task = origin.tasks.emplace_back();
      Columns(row)
          .into(origin.origin_name, task.source)
          .into_enum(TaskState::kCancelled, task.state);
    }
    // tasks_pkey, taken_tasks_pkey, snapshots_by_attempt.
    for (const pqxx::row& row : transaction.work.exec_params(R"(
           SELECT t.task_index, s.dataset, s.snapshot_id
           FROM millrace.tasks t
           LEFT JOIN millrace.taken_tasks k ON k.run_id = t.run_id AND k.task_index = t.task_index
           JOIN catalog.snapshots s ON s.run_id = coalesce(k.source_run_id, t.run_id)
                                   AND s.task_index = t.task_index
           WHERE t.run_id = $1::uuid ORDER BY t.task_index, s.write_index)",
                                                             id)) {
      TaskIndex task;
      events::Pin pin;
      Columns(row).into(task, pin.dataset, pin.snapshot);
      if (task.value() < origin.tasks.size()) origin.tasks[task.value()].snapshots.push_back(pin);
    }
    // run_pins_pkey, snapshots_by_id. One that is not kept any more is not among them.
    for (const pqxx::row& row : transaction.work.exec_params(R"(
           SELECT p.dataset, p.snapshot_id FROM millrace.run_pins p
           LEFT JOIN catalog.snapshots s ON s.ns = p.ns AND s.dataset = p.dataset
                                        AND s.snapshot_id = p.snapshot_id
           WHERE p.run_id = $1::uuid AND (p.snapshot_id IS NULL OR s.snapshot_id IS NOT NULL)
           ORDER BY p.dataset COLLATE "C")",
                                                             id)) {
      events::Pin& pin = origin.pins.emplace_back();
      Columns(row).into(pin.dataset, pin.snapshot);
    }
    return ok_status();
  }));
  return found;
}

Result<std::vector<AttemptRecord>> StoreReader::attempts(TaskRef task) {
  std::vector<AttemptRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    const pqxx::result rows =
        transaction.work.exec_params(kAttempts, to_uuid(task.run.raw()), task.task.value());
    found.clear();
    for (const pqxx::row& row : rows) found.push_back(to_attempt(task, row));
    if (found.empty()) return ok_status();
    for (const catalog::Committed& committed :
         catalog::committed_by(transaction, task.run.raw(), task.task.value())) {
      for (AttemptRecord& attempt : found) {
        if (attempt.ref.attempt.value() != committed.snapshot.origin.attempt) continue;
        attempt.snapshots.push_back(to_committed(committed));
      }
    }
    return ok_status();
  }));
  return found;
}

Result<std::optional<std::string>> StoreReader::body(const BodyHash& hash) {
  std::optional<std::string> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    // bodies_pkey begins with the hash.
    const pqxx::result rows = transaction.work.exec_params(
        "SELECT content FROM millrace.bodies WHERE hash = $1::bytea LIMIT 1",
        postgres::to_bytea(hash));
    found = rows.empty() ? std::nullopt : postgres::from_bytea(rows[0][0].c_str());
    return ok_status();
  }));
  return found;
}

Result<std::vector<DatasetRecord>> StoreReader::datasets(const std::string& ns,
                                                         const std::string& after,
                                                         std::size_t limit) {
  std::vector<DatasetRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    found.clear();
    for (const catalog::Dataset& dataset :
         catalog::datasets(transaction, clean_text(ns), after, limit)) {
      found.push_back(to_dataset(dataset));
    }
    return ok_status();
  }));
  return found;
}

Result<std::optional<DatasetRecord>> StoreReader::dataset(const NamespacedName& name) {
  std::optional<DatasetRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    const auto dataset = catalog::dataset(transaction, to_name(name));
    found = dataset ? std::optional(to_dataset(*dataset)) : std::nullopt;
    return ok_status();
  }));
  return found;
}

Result<std::vector<SnapshotRecord>> StoreReader::snapshots(const NamespacedName& dataset,
                                                           SnapshotId before, std::size_t limit) {
  std::vector<SnapshotRecord> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    found.clear();
    for (const catalog::Snapshot& snapshot :
         catalog::snapshots(transaction, to_name(dataset), before.raw(), limit)) {
      found.push_back(to_snapshot(snapshot));
    }
    return ok_status();
  }));
  return found;
}

Result<std::map<std::uint32_t, std::string>> StoreReader::outputs(RunId run) {
  std::map<std::uint32_t, std::string> found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) {
    const pqxx::result rows = transaction.work.exec_params(
        "SELECT task_index, outputs_json FROM millrace.outputs WHERE run_id = $1::uuid",
        to_uuid(run.raw()));
    found.clear();
    for (const pqxx::row& row : rows) found[row[0].as<std::uint32_t>()] = row[1].as<std::string>();
    return ok_status();
  }));
  return found;
}

Result<StagedPublication> StoreReader::publication(const TaskRef& task) {
  StagedPublication found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) -> Status {
    const pqxx::result rows = transaction.work.exec_params(
        "SELECT publication_json FROM millrace.publications "
        "WHERE run_id = $1::uuid AND task_index = $2",
        to_uuid(task.run.raw()), task.task.value());
    if (rows.empty()) {
      return Error{ErrorClass::kInfrastructure, "publication.unknown",
                   "the task has staged nothing that is to be published"};
    }
    found.json = rows[0][0].as<std::string>();
    // No two databases began in one microsecond.
    const WallTime began = catalog::installed_at(transaction);
    found.installation =
        RawId::make(began, static_cast<std::uint64_t>(began.value()) % 1000, 0).to_text();
    return ok_status();
  }));
  return found;
}

Result<SnapshotContent> StoreReader::content(const NamespacedName& name, SnapshotId id) {
  SnapshotContent found;
  MILLRACE_RETURN_IF_ERROR(read([&](Transaction& transaction) -> Status {
    found = {};
    const catalog::DatasetName dataset = to_name(name);
    const auto snapshot = catalog::snapshot(transaction, dataset, id.raw());
    if (!snapshot) {
      return Error{ErrorClass::kInfrastructure, "snapshot.unknown",
                   "dataset \"" + name.name + "\" has no snapshot " + id.to_text()};
    }
    found.schema_json = snapshot->schema_json;
    for (std::optional<catalog::FileCursor> after = catalog::FileCursor(); after;) {
      catalog::FilePage page = catalog::files(transaction, dataset, id.raw(), *after, kFilePage);
      for (catalog::File& file : page.files) {
        found.files.push_back({std::move(file.path), file.rows, file.bytes,
                               std::move(file.checksum), std::move(file.statistics_json)});
      }
      after = page.next;
    }
    return ok_status();
  }));
  return found;
}

}  // namespace millrace::scheduler
