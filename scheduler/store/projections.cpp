#include "scheduler/store/projections.h"

#include <pqxx/transaction_base>
#include <utility>
#include <variant>

#include "base/overloaded.h"
#include "catalog/catalog.h"
#include "catalog/retention.h"
#include "lib/postgres/sql_text.h"
#include "scheduler/store/finished_runs.h"
#include "scheduler/store/retention.h"

namespace millrace::scheduler {
namespace {

using postgres::SqlArray;
using postgres::to_bytea;
using postgres::to_uuid;

const Attachment kNoAttachment;

// Gathers rows of a whole batch, a list a column, then writes each table in one statement.
class Projector {
 public:
  Projector(postgres::Transaction& transaction, const LiveRuns& runs, Sequence sequence)
      : transaction_(transaction), runs_(runs), sequence_(sequence) {}

  Status add(const Event& event, const Attachment& attachment) {
    return std::visit(
        Overloaded{
            [&](const events::DocumentPut& e) { return add_bodies(e.name.ns, attachment); },
            [&](const events::RunCreated& e) {
              add_start(e);
              return add_bodies(e.ns, attachment);
            },
            [&](const events::TaskEnded& e) { return add_task_end(e); },
            [&](const events::AttemptSucceeded& e) { return add_success(e, attachment); },
            [&](const events::AttemptFailed& e) { return add_failure(e, attachment); },
            [](const events::LeaderStarted&) { return ok_status(); },
            [](const events::DocumentDeleted&) { return ok_status(); },
            [](const events::RunDesired&) { return ok_status(); },
            [](const events::RunFinished&) { return ok_status(); },
            [](const events::TaskReady&) { return ok_status(); },
            [&](const events::AttemptPlaced& e) {
              if (!runs_.is_named(e.worker)) workers_[e.worker] = e.worker_name;
              return ok_status();
            },
            [](const events::CancelRequested&) { return ok_status(); },
            [](const events::KeysForgotten&) { return ok_status(); },
            [&](const events::SnapshotsExpired& e) { return expire_snapshots(e); },
            [](const events::HoldsReleased&) { return ok_status(); },
        },
        event);
  }

  void write() {
    write_bodies();
    write_pins();
    write_taken();
    write_workers();
    write_task_ends();
    write_attempts();
    write_outputs();
    write_publications();
  }

 private:
  Result<const LiveRun*> live(RunId run, TaskIndex task) const {
    const LiveRun* found = runs_.find(run);
    if (found != nullptr && task.value() < found->spec->tasks.size()) return found;
    return Error{ErrorClass::kInfrastructure, "store.inconsistent",
                 "a batch speaks of task " + std::to_string(task.value()) + " of run " +
                     run.to_text() + ", which is not there",
                 ""};
  }

  Status add_bodies(const std::string& ns, const Attachment& attachment) {
    for (const Body& body : attachment.bodies) {
      bodies_.hash.add(to_bytea(body.hash));
      bodies_.ns.add(ns);
      bodies_.content.add(to_bytea(body.content));
    }
    return ok_status();
  }

  // What the run can be done again by.
  void add_start(const events::RunCreated& event) {
    for (const events::Pin& pin : event.pins) {
      pins_.run.add(to_uuid(event.run.raw()));
      pins_.dataset.add(pin.dataset);
      pins_.ns.add(event.ns);
      if (pin.snapshot.is_nil()) {
        pins_.snapshot.add_null();
      } else {
        pins_.snapshot.add(to_uuid(pin.snapshot.raw()));
      }
    }
    for (const events::TakenTask& taken : event.taken) {
      taken_.run.add(to_uuid(event.run.raw()));
      taken_.task.add(taken.task.value());
      taken_.ns.add(event.ns);
      taken_.origin.add(to_uuid(event.rerun_of.raw()));
      taken_.source.add(to_uuid(taken.source.raw()));
    }
  }

  Status add_task_end(const events::TaskEnded& event) {
    MILLRACE_TRY(run, live(event.task.run, event.task.task));
    if (run->spec->hidden) return ok_status();
    task_ends_.run.add(to_uuid(event.task.run.raw()));
    task_ends_.task.add(event.task.task.value());
    task_ends_.ns.add(run->ns);
    task_ends_.code.add(event.code);
    task_ends_.message.add(event.message);
    return ok_status();
  }

  Status add_success(const events::AttemptSucceeded& event, const Attachment& attachment) {
    MILLRACE_TRY(run, live(event.attempt.run, event.attempt.task));
    if (run->spec->hidden) return ok_status();
    const std::string& task_name = run->spec->tasks[event.attempt.task.value()].name;
    for (const events::SnapshotCommitted& snapshot : event.snapshots) {
      MILLRACE_RETURN_IF_ERROR(append_snapshot(*run, task_name, event, snapshot, attachment));
    }
    if (!attachment.outputs_json.empty()) {
      outputs_.run.add(to_uuid(event.attempt.run.raw()));
      outputs_.task.add(event.attempt.task.value());
      outputs_.ns.add(run->ns);
      outputs_.task_name.add(task_name);
      outputs_.attempt.add(event.attempt.attempt.value());
      outputs_.json.add(attachment.outputs_json);
    }
    if (event.publication_order != 0) {
      publications_.run.add(to_uuid(event.attempt.run.raw()));
      publications_.task.add(event.attempt.task.value());
      publications_.ns.add(run->ns);
      publications_.order.add(event.publication_order);
      publications_.json.add(attachment.publication_json);
      publications_.at.add(event.at.value());
    }
    add_attempt(*run, event, attachment);
    attempts_.outcome.add(event.publication_order != 0 ? "Staged" : "Succeeded");
    attempts_.error_class.add("");
    attempts_.code.add("");
    attempts_.message.add(attachment.message);
    attempts_.exit_code.add(0);
    attempts_.next.add("");
    return ok_status();
  }

  Status add_failure(const events::AttemptFailed& event, const Attachment& attachment) {
    MILLRACE_TRY(run, live(event.attempt.run, event.attempt.task));
    if (run->spec->hidden) return ok_status();
    add_attempt(*run, event, attachment);
    attempts_.outcome.add(std::holds_alternative<events::Cancelled>(event.next) ? "Cancelled"
                                                                                : "Failed");
    attempts_.error_class.add(to_string(event.failure.error_class));
    attempts_.code.add(event.failure.code);
    attempts_.message.add(event.failure.message);
    attempts_.exit_code.add(event.failure.exit_code);
    attempts_.next.add(
        std::visit(Overloaded{[](const events::Retry& retry) { return retry.reason; },
                              [](const events::GiveUp& give_up) { return give_up.reason; },
                              [](const events::Cancelled&) { return std::string(); }},
                   event.next));
    return ok_status();
  }

  template <typename Ended>
  void add_attempt(const LiveRun& run, const Ended& event, const Attachment& attachment) {
    const Resources& request = run.spec->tasks[event.attempt.task.value()].request;
    const Usage& usage = attachment.usage;
    attempts_.run.add(to_uuid(event.attempt.run.raw()));
    attempts_.task.add(event.attempt.task.value());
    attempts_.attempt.add(event.attempt.attempt.value());
    attempts_.ns.add(run.ns);
    attempts_.epoch.add(event.attempt.epoch.value());
    attempts_.worker.add(to_uuid(event.worker.raw()));
    attempts_.phase.add(to_string(event.phase));
    attempts_.placed_at.add(event.placed_at.value());
    attempts_.at.add(event.at.value());
    // {cpu, memory, disk, used cpu, peak memory, peak disk, …}: as one list a row, spread in SQL.
    for (const std::int64_t figure :
         {request.cpu.value(), request.memory.value(), request.disk.value(), usage.cpu.value(),
          usage.memory_peak.value(), usage.disk_peak.value(), usage.rows_read, usage.rows_written,
          usage.bytes_read.value(), usage.bytes_written.value(), usage.wall.value()}) {
      attempts_.figures.add(figure);
    }
  }

  Status append_snapshot(const LiveRun& run, const std::string& task_name,
                         const events::AttemptSucceeded& event,
                         const events::SnapshotCommitted& snapshot, const Attachment& attachment) {
    if (snapshot.write_index >= attachment.writes.size()) {
      return Error{ErrorClass::kInfrastructure, "store.inconsistent",
                   "a snapshot of dataset \"" + snapshot.dataset + "\" came without its files", "",
                   ""};
    }
    const ResultWrite& write = attachment.writes[snapshot.write_index];
    std::vector<catalog::File> files;
    files.reserve(write.files.size());
    for (const FileRow& file : write.files) {
      files.push_back({file.path, file.rows, file.bytes, file.checksum, file.statistics_json});
    }
    return catalog::append(
        transaction_,
        {.dataset = {run.ns, snapshot.dataset},
         .id = snapshot.snapshot.raw(),
         .parent = snapshot.parent.raw(),
         .operation = snapshot.mode == WriteMode::kAppend ? catalog::Operation::kAppend
                                                          : catalog::Operation::kOverwrite,
         .schema_hash = snapshot.schema_hash,
         .schema_json = write.schema_json,
         .files = files,
         .at = event.at,
         .origin = {event.attempt.run.raw(), run.name, event.attempt.task.value(), task_name,
                    event.attempt.attempt.value()}});
  }

  // In the order of the events: a snapshot that this very batch replaces may expire in it.
  Status expire_snapshots(const events::SnapshotsExpired& event) {
    std::vector<RawId> ids;
    ids.reserve(event.snapshots.size());
    for (const SnapshotId& snapshot : event.snapshots) ids.push_back(snapshot.raw());
    catalog::expire(transaction_, {event.dataset.ns, event.dataset.name}, ids);
    return ok_status();
  }

  void write_bodies() {
    if (bodies_.hash.empty()) return;
    transaction_.work.exec_params(
        R"(INSERT INTO millrace.bodies AS b (hash, ns, content, touched_sequence)
           SELECT DISTINCT ON (hash, ns) hash, ns, content, $4::bigint
           FROM unnest($1::bytea[], $2::text[], $3::bytea[]) AS n (hash, ns, content)
           ORDER BY hash, ns
           ON CONFLICT (hash, ns) DO UPDATE SET touched_sequence = excluded.touched_sequence
           WHERE b.touched_sequence < excluded.touched_sequence - $5::bigint)",
        bodies_.hash.text(), bodies_.ns.text(), bodies_.content.text(), sequence_.value(),
        kTouchSlack);
  }
  void write_pins() {
    if (pins_.run.empty()) return;
    transaction_.work.exec_params(
        "INSERT INTO millrace.run_pins (run_id, dataset, ns, snapshot_id) "
        "SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) "
        "ON CONFLICT DO NOTHING",
        pins_.run.text(), pins_.dataset.text(), pins_.ns.text(), pins_.snapshot.text());
  }
  // Outputs are copied, so that the rerun has them as long as it is kept itself.
  void write_taken() {
    if (taken_.run.empty()) return;
    transaction_.work.exec_params(
        R"(WITH taken AS (
             SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::uuid[], $5::uuid[])
               AS t (run_id, task_index, ns, origin_run_id, source_run_id)
           ), outputs AS (
             INSERT INTO millrace.outputs (run_id, task_index, ns, task_name, attempt, outputs_json)
             SELECT t.run_id, t.task_index, t.ns, o.task_name, o.attempt, o.outputs_json
             FROM taken t JOIN millrace.outputs o ON o.run_id = t.origin_run_id
                                                 AND o.task_index = t.task_index
             ON CONFLICT DO NOTHING
           )
           INSERT INTO millrace.taken_tasks (run_id, task_index, ns, source_run_id)
           SELECT run_id, task_index, ns, source_run_id FROM taken ON CONFLICT DO NOTHING)",
        taken_.run.text(), taken_.task.text(), taken_.ns.text(), taken_.origin.text(),
        taken_.source.text());
  }
  void write_workers() {
    if (workers_.empty()) return;
    SqlArray ids, names;
    for (const auto& [worker, name] : workers_) {
      ids.add(to_uuid(worker.raw()));
      names.add(name);
    }
    transaction_.work.exec_params(
        "INSERT INTO millrace.workers (worker, name) "
        "SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING",
        ids.text(), names.text());
  }
  void write_task_ends() {
    if (task_ends_.run.empty()) return;
    transaction_.work.exec_params(
        "INSERT INTO millrace.task_ends (run_id, task_index, ns, code, message) "
        "SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[]) "
        "ON CONFLICT DO NOTHING",
        task_ends_.run.text(), task_ends_.task.text(), task_ends_.ns.text(), task_ends_.code.text(),
        task_ends_.message.text());
  }
  void write_outputs() {
    if (outputs_.run.empty()) return;
    transaction_.work.exec_params(
        "INSERT INTO millrace.outputs (run_id, task_index, ns, task_name, attempt, outputs_json) "
        "SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::integer[], "
        "$6::text[]) ON CONFLICT DO NOTHING",
        outputs_.run.text(), outputs_.task.text(), outputs_.ns.text(), outputs_.task_name.text(),
        outputs_.attempt.text(), outputs_.json.text());
  }
  void write_publications() {
    if (publications_.run.empty()) return;
    transaction_.work.exec_params(
        "INSERT INTO millrace.publications "
        "(run_id, task_index, ns, publication_order, publication_json, staged_at) "
        "SELECT run_id, task_index, ns, publication_order, json, millrace.from_us(at) "
        "FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::bigint[], $5::text[], "
        "$6::bigint[]) "
        "AS p (run_id, task_index, ns, publication_order, json, at) ON CONFLICT DO NOTHING",
        publications_.run.text(), publications_.task.text(), publications_.ns.text(),
        publications_.order.text(), publications_.json.text(), publications_.at.text());
  }
  void write_attempts() {
    if (attempts_.run.empty()) return;
    transaction_.work.exec_params(
        R"(INSERT INTO millrace.attempts (
             run_id, task_index, attempt, ns, lease_epoch, worker, phase, outcome, error_class, code,
             message, exit_code, next, placed_at, ended_at, request_cpu_millis,
             request_memory_bytes, request_disk_bytes, cpu_us, memory_peak_bytes, disk_peak_bytes,
             rows_read, rows_written, bytes_read, bytes_written, wall_us)
           SELECT run_id, task_index, attempt, ns, lease_epoch, worker, phase, outcome, error_class,
             code, message, exit_code, next, millrace.from_us(placed_at), millrace.from_us(at),
             f[11*n-10], f[11*n-9], f[11*n-8], f[11*n-7], f[11*n-6], f[11*n-5], f[11*n-4], f[11*n-3],
             f[11*n-2], f[11*n-1], f[11*n]
           FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::text[], $5::bigint[],
                       $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                       $12::integer[], $13::text[], $14::bigint[], $15::bigint[]) WITH ORDINALITY
             AS a (run_id, task_index, attempt, ns, lease_epoch, worker, phase, outcome,
                   error_class, code, message, exit_code, next, placed_at, at, n),
             (SELECT $16::bigint[]) AS figures (f)
           ON CONFLICT DO NOTHING)",
        attempts_.run.text(), attempts_.task.text(), attempts_.attempt.text(), attempts_.ns.text(),
        attempts_.epoch.text(), attempts_.worker.text(), attempts_.phase.text(),
        attempts_.outcome.text(), attempts_.error_class.text(), attempts_.code.text(),
        attempts_.message.text(), attempts_.exit_code.text(), attempts_.next.text(),
        attempts_.placed_at.text(), attempts_.at.text(), attempts_.figures.text());
  }

  postgres::Transaction& transaction_;
  const LiveRuns& runs_;
  const Sequence sequence_;
  struct {
    SqlArray hash, ns, content;
  } bodies_;
  struct {
    SqlArray run, dataset, ns, snapshot;
  } pins_;
  struct {
    SqlArray run, task, ns, origin, source;
  } taken_;
  std::map<WorkerId, std::string> workers_;
  struct {
    SqlArray run, task, ns, code, message;
  } task_ends_;
  struct {
    SqlArray run, task, ns, task_name, attempt, json;
  } outputs_;
  struct {
    SqlArray run, task, ns, order, json, at;
  } publications_;
  struct {
    SqlArray run, task, attempt, ns, epoch, worker, phase, outcome, error_class, code, message,
        exit_code, next, placed_at, at, figures;
  } attempts_;
};

}  // namespace

void LiveRuns::reset(const State& state) {
  runs_.clear();
  for (const auto& [id, run] : state.runs()) {
    runs_[id] = {run.header.ns, run.header.name, run.header.spec};
  }
}

void LiveRuns::before(const Batch& batch) {
  for (const Event& event : batch.events) {
    if (const auto* created = std::get_if<events::RunCreated>(&event)) {
      runs_[created->run] = {created->ns, created->name, created->spec};
    }
  }
}

void LiveRuns::after(const Batch& batch) {
  for (const Event& event : batch.events) {
    if (const auto* finished = std::get_if<events::RunFinished>(&event)) runs_.erase(finished->run);
    if (const auto* placed = std::get_if<events::AttemptPlaced>(&event))
      named_.insert(placed->worker);
  }
}

const LiveRun* LiveRuns::find(RunId run) const {
  const auto it = runs_.find(run);
  return it == runs_.end() ? nullptr : &it->second;
}

Status write_projections(postgres::Transaction& transaction, const Batch& batch,
                         const LiveRuns& runs) {
  std::map<std::size_t, const Attachment*> attachments;
  for (const PlannedAttachment& planned : batch.attachments) {
    if (planned.attachment != nullptr) attachments[planned.event] = planned.attachment.get();
  }
  Projector projector(transaction, runs, batch.sequence);
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const auto attached = attachments.find(i);
    MILLRACE_RETURN_IF_ERROR(projector.add(
        batch.events[i], attached == attachments.end() ? kNoAttachment : *attached->second));
  }
  projector.write();
  return write_finished_runs(transaction, batch);
}

}  // namespace millrace::scheduler
