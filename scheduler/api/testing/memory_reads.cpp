#include "scheduler/api/testing/memory_reads.h"

#include <algorithm>

#include "scheduler/api/stream_event.h"

namespace millrace::api {
namespace {
namespace events = scheduler::events;
}

Status MemoryReads::check() const {
  if (!broken_) return ok_status();
  return Error{ErrorClass::kTransient, "store.unavailable", "the database does not answer",
               "try again"};
}

void MemoryReads::committed(const scheduler::Batch& batch) {
  const std::lock_guard lock(mutex_);
  std::map<std::size_t, const scheduler::Attachment*> attachments;
  for (const scheduler::PlannedAttachment& planned : batch.attachments) {
    attachments[planned.event] = planned.attachment.get();
    for (const scheduler::Body& body : planned.attachment->bodies)
      bodies_[body.hash] = body.content;
  }
  for (const auto& run : batch.finished) {
    const scheduler::RunHeader& header = run->header;
    if (header.spec->hidden) continue;
    RunRecord& record = ended_[header.id];
    record.id = header.id;
    record.ns = header.ns;
    record.name = header.name;
    record.workflow = header.workflow;
    record.queue = header.spec->queue;
    record.spec = header.spec;
    record.body_hash = header.body_hash;
    record.parameters_hash = header.parameters_hash;
    record.counts = header.counts;
    record.last_error = header.last_error;
    record.created = header.created;
    record.rerun_of = header.rerun_of;
    record.rerun_of_name = header.rerun_of_name;
    std::vector<TaskRecord>& tasks = tasks_[header.id];
    for (std::uint32_t i = 0; i < run->tasks.size(); ++i) {
      const scheduler::Task& task = run->tasks[i];
      TaskRecord of_task;
      of_task.index = scheduler::TaskIndex(i);
      of_task.state = task.state;
      of_task.phase = task.phase;
      of_task.attempt = task.attempt;
      of_task.worker = task.worker;
      of_task.since = task.since;
      tasks.push_back(std::move(of_task));
    }
  }
  for (std::uint32_t i = 0; i < batch.events.size(); ++i) {
    log_.push_back({{batch.sequence, i}, batch.events[i]});
    origins_.note(batch.events[i]);
    take(batch.events[i], attachments.contains(i) ? attachments[i] : nullptr);
  }
}

void MemoryReads::take(const scheduler::Event& event, const scheduler::Attachment* attachment) {
  if (const auto* created = std::get_if<events::RunCreated>(&event)) {
    names_[created->run] = {created->ns, created->name, created->spec};
  } else if (const auto* finished = std::get_if<events::RunFinished>(&event)) {
    if (names_[finished->run].spec->hidden) return;
    RunRecord& record = ended_[finished->run];
    record.outcome = finished->outcome;
    record.message = finished->message;
    record.finished = finished->at;
  } else if (const auto* placed = std::get_if<events::AttemptPlaced>(&event)) {
    AttemptRecord record;
    record.ref = placed->attempt;
    record.phase = placed->phase;
    record.worker = placed->worker;
    record.worker_name = placed->worker_name;
    record.request = placed->request;
    record.placed = placed->at;
    attempts_[placed->attempt.task_ref()].push_back(std::move(record));
  } else if (const auto* failed = std::get_if<events::AttemptFailed>(&event)) {
    AttemptRecord& record = attempts_[failed->attempt.task_ref()].back();
    record.ended = failed->at;
    record.failure = failed->failure;
    record.cancelled = std::holds_alternative<events::Cancelled>(failed->next);
    if (const auto* retry = std::get_if<events::Retry>(&failed->next)) record.next = retry->reason;
    if (const auto* give_up = std::get_if<events::GiveUp>(&failed->next))
      record.next = give_up->reason;
  } else if (const auto* succeeded = std::get_if<events::AttemptSucceeded>(&event)) {
    take_success(*succeeded, attachment);
  }
}

void MemoryReads::take_success(const events::AttemptSucceeded& event,
                               const scheduler::Attachment* attachment) {
  AttemptRecord& record = attempts_[event.attempt.task_ref()].back();
  record.ended = event.at;
  record.snapshots = event.snapshots;
  if (attachment != nullptr) {
    record.message = attachment->message;
    record.usage = attachment->usage;
    record.outputs_json = attachment->outputs_json;
  }
  const RunNames& run = names_[event.attempt.run];
  for (const events::SnapshotCommitted& committed : event.snapshots) {
    SnapshotRecord snapshot;
    snapshot.id = committed.snapshot;
    snapshot.parent = committed.parent;
    snapshot.mode = committed.mode;
    snapshot.rows = committed.rows;
    snapshot.committed = event.at;
    snapshot.run = event.attempt.run;
    snapshot.run_name = run.name;
    snapshot.task = run.spec->tasks[event.attempt.task.value()].name;
    if (attachment != nullptr && committed.write_index < attachment->writes.size())
      snapshot.schema_json = attachment->writes[committed.write_index].schema_json;
    snapshots_[{run.ns, committed.dataset}].push_back(std::move(snapshot));
  }
}

void MemoryReads::forget_events(EventId up_to) {
  const std::lock_guard lock(mutex_);
  forgotten_ = up_to;
  std::erase_if(log_, [up_to](const LoggedEvent& event) { return event.id <= up_to; });
}

void MemoryReads::break_down(bool broken) {
  const std::lock_guard lock(mutex_);
  broken_ = broken;
}

int MemoryReads::body_reads() const {
  const std::lock_guard lock(mutex_);
  return body_reads_;
}

Result<std::optional<RunRecord>> MemoryReads::run(const scheduler::NamespacedName& name) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  for (auto run = ended_.rbegin(); run != ended_.rend(); ++run)
    if (run->second.ns == name.ns && run->second.name == name.name)
      return std::optional(run->second);
  return std::optional<RunRecord>();
}

Result<bool> MemoryReads::is_run_kept(const scheduler::NamespacedName& name) {
  MILLRACE_TRY(found, run(name));
  return found.has_value();
}

Result<std::optional<RunRecord>> MemoryReads::run(scheduler::RunId id) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  const auto run = ended_.find(id);
  return run == ended_.end() ? std::optional<RunRecord>() : std::optional(run->second);
}

Result<std::vector<RunRecord>> MemoryReads::runs(const RunQuery& query) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  std::vector<RunRecord> found;
  for (auto run = ended_.rbegin(); run != ended_.rend() && found.size() < query.limit; ++run) {
    const RunRecord& record = run->second;
    if (record.ns != query.ns || (query.before && !(record.id < *query.before)) ||
        (query.workflow && record.workflow != *query.workflow) ||
        (query.queue && record.queue != *query.queue) ||
        (query.outcome && record.outcome != *query.outcome) ||
        (query.since && record.created < *query.since))
      continue;
    found.push_back(record);
  }
  return found;
}

Result<std::vector<TaskRecord>> MemoryReads::tasks(scheduler::RunId run) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  return tasks_[run];
}

Result<std::vector<TaskEnding>> MemoryReads::endings(scheduler::RunId run) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  std::vector<TaskEnding> found;
  for (const auto& [task, attempts] : attempts_) {
    if (task.run != run) continue;
    for (const AttemptRecord& attempt : attempts) {
      if (!attempt.ended) continue;
      if (found.empty() || found.back().index != task.task) found.emplace_back();
      TaskEnding& ending = found.back();
      ending = {task.task, attempt.ref.attempt, attempt.placed, "", attempt.message, 0};
      if (!attempt.failure) continue;
      ending.code = attempt.failure->code;
      ending.message = attempt.failure->message;
    }
  }
  return found;
}

Result<std::optional<scheduler::Rerun>> MemoryReads::origin(scheduler::RunId run) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  const scheduler::OriginBook::Entry* entry = origins_.ended(run);
  return entry == nullptr ? std::optional<scheduler::Rerun>() : std::optional(entry->origin);
}

Result<std::vector<AttemptRecord>> MemoryReads::attempts(scheduler::TaskRef task) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  std::vector<AttemptRecord> ended = attempts_[task];
  std::erase_if(ended, [](const AttemptRecord& attempt) { return !attempt.ended; });
  return ended;
}

Result<std::optional<std::string>> MemoryReads::body(const scheduler::BodyHash& hash) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  ++body_reads_;
  const auto body = bodies_.find(hash);
  return body == bodies_.end() ? std::optional<std::string>() : std::optional(body->second);
}

namespace {

DatasetRecord dataset_of(const std::string& name, const SnapshotRecord& snapshot) {
  DatasetRecord record;
  record.name = name;
  record.snapshot = snapshot.id;
  record.schema_json = snapshot.schema_json;
  record.rows = snapshot.rows;
  record.updated = snapshot.committed;
  return record;
}

}  // namespace

Result<std::vector<DatasetRecord>> MemoryReads::datasets(const std::string& ns,
                                                         const std::string& after,
                                                         std::size_t limit) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  std::vector<DatasetRecord> found;
  for (auto it = snapshots_.upper_bound({ns, after});
       it != snapshots_.end() && it->first.ns == ns && found.size() < limit; ++it)
    found.push_back(dataset_of(it->first.name, it->second.back()));
  return found;
}

Result<std::optional<DatasetRecord>> MemoryReads::dataset(const scheduler::NamespacedName& name) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  const auto of_name = snapshots_.find(name);
  if (of_name == snapshots_.end()) return std::optional<DatasetRecord>();
  return std::optional(dataset_of(name.name, of_name->second.back()));
}

Result<std::vector<SnapshotRecord>> MemoryReads::snapshots(const scheduler::NamespacedName& dataset,
                                                           scheduler::SnapshotId before,
                                                           std::size_t limit) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  std::vector<SnapshotRecord> found;
  const std::vector<SnapshotRecord>& all = snapshots_[dataset];
  bool past = before.is_nil();
  for (auto snapshot = all.rbegin(); snapshot != all.rend() && found.size() < limit; ++snapshot) {
    if (past) found.push_back(*snapshot);
    if (snapshot->id == before) past = true;
  }
  return found;
}

Result<LogPage> MemoryReads::events(EventId after, scheduler::RunId run, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  MILLRACE_RETURN_IF_ERROR(check());
  if (after < forgotten_)
    return Error{ErrorClass::kUser, "log.expired",
                 "events after " + after.to_text() + " are not kept any more"};
  LogPage page{.events = {}, .next = after, .complete = true};
  for (const LoggedEvent& logged : log_) {
    if (logged.id <= after) continue;
    if (page.events.size() == limit) {
      page.complete = false;
      break;
    }
    page.next = logged.id;
    if (run.is_nil() || run_of(logged.event) == run) page.events.push_back(logged);
  }
  return page;
}

}  // namespace millrace::api
