#include "scheduler/store/finished_runs.h"

#include <map>
#include <pqxx/transaction_base>

#include "lib/postgres/sql_text.h"
#include "scheduler/store/codec.h"
#include "scheduler/store/retention.h"

namespace millrace::scheduler {
namespace {

using postgres::SqlArray;
using postgres::to_bytea;
using postgres::to_uuid;

struct RunRows {
  SqlArray run, ns, name, workflow, queue, outcome, message, last_error, created_at, ended_at, body,
      parameters, spec, key, succeeded, failed, skipped, cancelled, rerun_of, rerun_of_name;

  // `spec` is the place of the run's encoded spec in the list of them, from 1.
  void add(const RunHeader& header, const events::RunFinished& end, std::size_t spec_place) {
    run.add(to_uuid(header.id.raw()));
    ns.add(header.ns);
    name.add(header.name);
    workflow.add(header.workflow);
    queue.add(header.spec->queue);
    outcome.add(to_string(end.outcome));
    message.add(end.message);
    last_error.add(header.last_error);
    created_at.add(header.created.value());
    ended_at.add(end.at.value());
    body.add(to_bytea(header.body_hash));
    parameters.add(to_bytea(header.parameters_hash));
    spec.add(spec_place);
    key.add(header.key);
    succeeded.add(header.counts.succeeded);
    failed.add(header.counts.failed);
    skipped.add(header.counts.skipped);
    cancelled.add(header.counts.cancelled);
    if (header.rerun_of.is_nil()) {
      rerun_of.add_null();
    } else {
      rerun_of.add(to_uuid(header.rerun_of.raw()));
    }
    rerun_of_name.add(header.rerun_of_name);
  }

  void write(pqxx::transaction_base& work, Sequence sequence, const SqlArray& specs) const {
    work.exec_params(
        R"(WITH specs AS (
             SELECT sha256(content) AS hash, content, n
             FROM unnest($1::bytea[]) WITH ORDINALITY AS s (content, n)
           ), kept AS (
             INSERT INTO millrace.specs AS s (hash, content, touched_sequence)
             SELECT DISTINCT ON (hash) hash, content, $2::bigint FROM specs ORDER BY hash
             ON CONFLICT (hash) DO UPDATE SET touched_sequence = excluded.touched_sequence
             WHERE s.touched_sequence < excluded.touched_sequence - $23::bigint
           )
           INSERT INTO millrace.runs (
             run_id, ns, name, workflow, queue, outcome, message, last_error, created_at, ended_at,
             body_hash, parameters_hash, spec_hash, idempotency_key, succeeded, failed, skipped,
             cancelled, rerun_of, rerun_of_name, ended_sequence)
           SELECT run_id, ns, name, workflow, queue, outcome, message, last_error,
             millrace.from_us(created_at), millrace.from_us(ended_at), body_hash, parameters_hash,
             specs.hash, idempotency_key, succeeded, failed, skipped, cancelled,
             rerun_of, rerun_of_name, $2::bigint
           FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                       $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bytea[],
                       $14::bytea[], $15::bigint[], $16::text[], $17::integer[], $18::integer[],
                       $19::integer[], $20::integer[], $21::uuid[], $22::text[])
             AS r (run_id, ns, name, workflow, queue, outcome, message, last_error, created_at,
                   ended_at, body_hash, parameters_hash, spec, idempotency_key, succeeded, failed,
                   skipped, cancelled, rerun_of, rerun_of_name)
           JOIN specs ON specs.n = r.spec
           ON CONFLICT DO NOTHING)",
        specs.text(), sequence.value(), run.text(), ns.text(), name.text(), workflow.text(),
        queue.text(), outcome.text(), message.text(), last_error.text(), created_at.text(),
        ended_at.text(), body.text(), parameters.text(), spec.text(), key.text(), succeeded.text(),
        failed.text(), skipped.text(), cancelled.text(), rerun_of.text(), rerun_of_name.text(),
        kTouchSlack);
  }
};

struct TaskRows {
  SqlArray run, index, ns, name, kind, state, phase, attempts, worker, first_ready, ended;

  void add(const RunHeader& header, const std::vector<Task>& tasks) {
    for (std::uint32_t i = 0; i < tasks.size(); ++i) {
      const Task& task = tasks[i];
      const TaskSpec& spec = header.task_spec(TaskIndex(i));
      run.add(to_uuid(header.id.raw()));
      index.add(i);
      ns.add(header.ns);
      name.add(spec.name);
      kind.add(spec.kind);
      state.add(to_string(task.state));
      phase.add(to_string(task.phase));
      attempts.add(task.attempt.value());
      worker.add(to_uuid(task.worker.raw()));
      if (task.first_ready == WallTime()) {
        first_ready.add_null();
      } else {
        first_ready.add(task.first_ready.value());
      }
      ended.add(task.since.value());
    }
  }

  void write(pqxx::transaction_base& work) const {
    work.exec_params(
        R"(INSERT INTO millrace.tasks (run_id, task_index, ns, name, kind, state, phase, attempts,
                                       worker, first_ready_at, ended_at)
           SELECT run_id, task_index, ns, name, kind, state, phase, attempts, worker,
             millrace.from_us(first_ready), millrace.from_us(ended)
           FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[],
                       $7::text[], $8::integer[], $9::uuid[], $10::bigint[], $11::bigint[])
             AS t (run_id, task_index, ns, name, kind, state, phase, attempts, worker, first_ready,
                   ended)
           ON CONFLICT DO NOTHING)",
        run.text(), index.text(), ns.text(), name.text(), kind.text(), state.text(), phase.text(),
        attempts.text(), worker.text(), first_ready.text(), ended.text());
  }
};

}  // namespace

Status write_finished_runs(postgres::Transaction& transaction, const Batch& batch) {
  std::map<RunId, const Run*> carried;
  for (const auto& run : batch.finished) carried[run->header.id] = run.get();
  RunRows runs;
  TaskRows tasks;
  SqlArray specs;
  SqlArray forgotten;  // bodies of hidden runs, which name their run and so are nobody else's
  std::map<const WorkflowSpec*, std::size_t> places;
  for (const Event& event : batch.events) {
    const auto* finished = std::get_if<events::RunFinished>(&event);
    if (finished == nullptr) continue;
    const auto found = carried.find(finished->run);
    if (found == carried.end()) {
      return Error{ErrorClass::kInfrastructure, "store.inconsistent",
                   "run " + finished->run.to_text() + " ends, and its batch does not carry it", "",
                   ""};
    }
    const Run& run = *found->second;
    if (run.header.spec->hidden) {
      forgotten.add(to_bytea(run.header.body_hash));
      continue;
    }
    const auto [place, added] = places.emplace(run.header.spec.get(), places.size() + 1);
    if (added) specs.add(to_bytea(encode_spec(*run.header.spec)));
    runs.add(run.header, *finished, place->second);
    tasks.add(run.header, run.tasks);
  }
  if (!forgotten.empty())
    transaction.work.exec_params(  // bodies_pkey begins with the hash
        "DELETE FROM millrace.bodies WHERE hash = ANY ($1::bytea[])", forgotten.text());
  if (runs.run.empty()) return ok_status();
  runs.write(transaction.work, batch.sequence, specs);
  if (!tasks.run.empty()) tasks.write(transaction.work);
  return ok_status();
}

}  // namespace millrace::scheduler
