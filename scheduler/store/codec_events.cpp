#include <utility>
#include <variant>

#include "base/overloaded.h"
#include "scheduler/store/codec_values.h"

namespace millrace::scheduler {
namespace codec {
namespace {

void encode(const TaskRef& from, pb::TaskRef& to) {
  to.set_run(codec::encode(from.run));
  to.set_task(from.task.value());
}
Status decode(const pb::TaskRef& from, TaskRef& to) {
  to.task = TaskIndex(from.task());
  return codec::decode(from.run(), to.run);
}

void encode(const AttemptRef& from, pb::AttemptRef& to) {
  to.set_run(codec::encode(from.run));
  to.set_task(from.task.value());
  to.set_attempt(from.attempt.value());
  to.set_epoch(from.epoch.value());
}
Status decode(const pb::AttemptRef& from, AttemptRef& to) {
  to.task = TaskIndex(from.task());
  to.attempt = AttemptNumber(from.attempt());
  to.epoch = Epoch(from.epoch());
  return codec::decode(from.run(), to.run);
}

void encode(const events::SnapshotCommitted& from, pb::SnapshotCommitted& to) {
  to.set_dataset(from.dataset);
  to.set_snapshot(codec::encode(from.snapshot));
  to.set_parent(codec::encode(from.parent));
  to.set_mode(encode_enum<pb::WriteMode>(from.mode));
  to.set_write_index(from.write_index);
  to.set_schema_hash(codec::encode(from.schema_hash));
  to.set_rows(from.rows);
}
Status decode(const pb::SnapshotCommitted& from, events::SnapshotCommitted& to) {
  to.dataset = from.dataset();
  to.write_index = from.write_index();
  to.rows = from.rows();
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.snapshot(), to.snapshot));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.parent(), to.parent));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.schema_hash(), to.schema_hash));
  return codec::decode(from.mode(), to.mode);
}

void encode(const events::TakenTask& from, pb::TakenTask& to) {
  to.set_task(from.task.value());
  to.set_source(codec::encode(from.source));
  encode_all(from.snapshots, *to.mutable_snapshots());
}
Status decode(const pb::TakenTask& from, events::TakenTask& to) {
  to.task = TaskIndex(from.task());
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.source(), to.source));
  return decode_all(from.snapshots(), to.snapshots);
}

void encode_next(const events::Decision& from, pb::AttemptFailed& to) {
  std::visit(Overloaded{[&](const events::Retry& retry) {
                          to.mutable_retry()->set_at(retry.at.value());
                          to.mutable_retry()->set_elsewhere(retry.elsewhere);
                          to.mutable_retry()->set_reason(retry.reason);
                        },
                        [&](const events::GiveUp& give_up) {
                          to.mutable_give_up()->set_reason(give_up.reason);
                        },
                        [&](const events::Cancelled&) { to.mutable_cancelled(); }},
             from);
}
Status decode_next(const pb::AttemptFailed& from, events::Decision& to) {
  switch (from.next_case()) {
    case pb::AttemptFailed::kRetry:
      to = events::Retry{WallTime(from.retry().at()), from.retry().elsewhere(),
                         from.retry().reason()};
      return ok_status();
    case pb::AttemptFailed::kGiveUp:
      to = events::GiveUp{from.give_up().reason()};
      return ok_status();
    case pb::AttemptFailed::kCancelled:
      to = events::Cancelled{};
      return ok_status();
    case pb::AttemptFailed::NEXT_NOT_SET:
      break;
  }
  return unknown("a decision after a failure");
}

// One overload a kind of event. `specs` numbers the specs that the batch carries.
class EventEncoder {
 public:
  EventEncoder(SpecTable& specs, pb::Event& out) : specs_(specs), out_(out) {}

  void operator()(const events::LeaderStarted& event) const {
    auto& to = *out_.mutable_leader_started();
    to.set_leader(codec::encode(event.leader));
    to.set_epoch(event.epoch.value());
    to.set_at(event.at.value());
  }
  void operator()(const events::DocumentPut& event) const {
    auto& to = *out_.mutable_document_put();
    to.set_kind(event.kind);
    codec::encode(event.name, *to.mutable_name());
    to.set_generation(event.generation);
    to.set_body_hash(codec::encode(event.body_hash));
    to.set_spec(specs_.place_of(event.spec));
    to.set_at(event.at.value());
  }
  void operator()(const events::DocumentDeleted& event) const {
    auto& to = *out_.mutable_document_deleted();
    to.set_kind(event.kind);
    codec::encode(event.name, *to.mutable_name());
    to.set_at(event.at.value());
  }
  void operator()(const events::RunCreated& event) const {
    auto& to = *out_.mutable_run_created();
    to.set_run(codec::encode(event.run));
    to.set_ns(event.ns);
    to.set_name(event.name);
    to.set_workflow(event.workflow);
    to.set_spec(specs_.place_of(event.spec));
    to.set_body_hash(codec::encode(event.body_hash));
    to.set_parameters_hash(codec::encode(event.parameters_hash));
    to.set_key(event.key);
    to.set_request_hash(codec::encode(event.request_hash));
    encode_all(event.pins, *to.mutable_pins());
    to.set_at(event.at.value());
    to.set_rerun_of(codec::encode(event.rerun_of));
    to.set_rerun_of_name(event.rerun_of_name);
    for (const auto& taken : event.taken) encode(taken, *to.add_taken());
  }
  void operator()(const events::RunDesired& event) const {
    auto& to = *out_.mutable_run_desired();
    to.set_run(codec::encode(event.run));
    to.set_desired(encode_enum<pb::DesiredState>(event.desired));
    to.set_reason(event.reason);
    to.set_at(event.at.value());
  }
  void operator()(const events::RunFinished& event) const {
    auto& to = *out_.mutable_run_finished();
    to.set_run(codec::encode(event.run));
    to.set_outcome(encode_enum<pb::RunOutcome>(event.outcome));
    to.set_message(event.message);
    to.set_at(event.at.value());
  }
  void operator()(const events::TaskReady& event) const {
    auto& to = *out_.mutable_task_ready();
    encode(event.task, *to.mutable_task());
    to.set_at(event.at.value());
  }
  void operator()(const events::TaskEnded& event) const {
    auto& to = *out_.mutable_task_ended();
    encode(event.task, *to.mutable_task());
    to.set_state(encode_enum<pb::TaskState>(event.state));
    to.set_code(event.code);
    to.set_message(event.message);
    to.set_at(event.at.value());
  }
  void operator()(const events::AttemptPlaced& event) const {
    auto& to = *out_.mutable_attempt_placed();
    encode(event.attempt, *to.mutable_attempt());
    to.set_worker(codec::encode(event.worker));
    to.set_phase(encode_enum<pb::Phase>(event.phase));
    codec::encode(event.request, *to.mutable_request());
    encode_all(event.inputs, *to.mutable_inputs());
    encode_all(event.bases, *to.mutable_bases());
    to.set_at(event.at.value());
    to.set_worker_name(event.worker_name);
  }
  void operator()(const events::AttemptSucceeded& event) const {
    auto& to = *out_.mutable_attempt_succeeded();
    encode(event.attempt, *to.mutable_attempt());
    to.set_worker(codec::encode(event.worker));
    to.set_phase(encode_enum<pb::Phase>(event.phase));
    for (const auto& snapshot : event.snapshots) encode(snapshot, *to.add_snapshots());
    to.set_publication_order(event.publication_order);
    to.set_placed_at(event.placed_at.value());
    to.set_at(event.at.value());
  }
  void operator()(const events::AttemptFailed& event) const {
    auto& to = *out_.mutable_attempt_failed();
    encode(event.attempt, *to.mutable_attempt());
    to.set_worker(codec::encode(event.worker));
    to.set_phase(encode_enum<pb::Phase>(event.phase));
    auto& failure = *to.mutable_failure();
    failure.set_error_class(encode_enum<pb::ErrorClass>(event.failure.error_class));
    failure.set_code(event.failure.code);
    failure.set_message(event.failure.message);
    failure.set_exit_code(event.failure.exit_code);
    encode_next(event.next, to);
    to.set_placed_at(event.placed_at.value());
    to.set_at(event.at.value());
  }
  void operator()(const events::CancelRequested& event) const {
    auto& to = *out_.mutable_cancel_requested();
    encode(event.task, *to.mutable_task());
    to.set_reason(event.reason);
    to.set_at(event.at.value());
  }
  void operator()(const events::KeysForgotten& event) const {
    out_.mutable_keys_forgotten()->set_ended_before(event.ended_before.value());
  }
  void operator()(const events::SnapshotsExpired& event) const {
    auto& to = *out_.mutable_snapshots_expired();
    codec::encode(event.dataset, *to.mutable_dataset());
    for (const SnapshotId& snapshot : event.snapshots) to.add_snapshots(codec::encode(snapshot));
    to.set_at(event.at.value());
  }
  void operator()(const events::HoldsReleased& event) const {
    out_.mutable_holds_released()->set_ended_before(event.ended_before.value());
  }

 private:
  SpecTable& specs_;
  pb::Event& out_;
};

using Specs = std::vector<WorkflowSpecRef>;

Result<Event> decode(const pb::LeaderStarted& from) {
  events::LeaderStarted to{{}, LeaderEpoch(from.epoch()), WallTime(from.at())};
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.leader(), to.leader));
  return Event(to);
}

Result<Event> decode(const pb::DocumentPut& from, const Specs& specs) {
  events::DocumentPut to;
  to.kind = from.kind();
  codec::decode(from.name(), to.name);
  to.generation = from.generation();
  to.at = WallTime(from.at());
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.body_hash(), to.body_hash));
  MILLRACE_RETURN_IF_ERROR(spec_at(specs, from.spec(), to.spec));
  return Event(std::move(to));
}

Result<Event> decode(const pb::DocumentDeleted& from) {
  events::DocumentDeleted to{from.kind(), {}, WallTime(from.at())};
  codec::decode(from.name(), to.name);
  return Event(std::move(to));
}

Result<Event> decode(const pb::RunCreated& from, const Specs& specs) {
  events::RunCreated to;
  to.ns = from.ns();
  to.name = from.name();
  to.workflow = from.workflow();
  to.key = from.key();
  to.at = WallTime(from.at());
  to.rerun_of_name = from.rerun_of_name();
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.rerun_of(), to.rerun_of));
  for (const pb::TakenTask& taken : from.taken()) {
    MILLRACE_RETURN_IF_ERROR(decode(taken, to.taken.emplace_back()));
  }
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.run(), to.run));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.body_hash(), to.body_hash));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.parameters_hash(), to.parameters_hash));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.request_hash(), to.request_hash));
  MILLRACE_RETURN_IF_ERROR(decode_all(from.pins(), to.pins));
  MILLRACE_RETURN_IF_ERROR(spec_at(specs, from.spec(), to.spec));
  if (to.spec == nullptr) return broken("a run without a spec");
  for (const events::TakenTask& taken : to.taken)
    if (taken.task.value() >= to.spec->tasks.size())
      return broken("a run takes over a task that it has not");
  return Event(std::move(to));
}

Result<Event> decode(const pb::RunDesired& from) {
  events::RunDesired to{{}, {}, from.reason(), WallTime(from.at())};
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.run(), to.run));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.desired(), to.desired));
  return Event(std::move(to));
}

Result<Event> decode(const pb::RunFinished& from) {
  events::RunFinished to{{}, {}, from.message(), WallTime(from.at())};
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.run(), to.run));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.outcome(), to.outcome));
  return Event(std::move(to));
}

Result<Event> decode(const pb::TaskReady& from) {
  events::TaskReady to{{}, WallTime(from.at())};
  MILLRACE_RETURN_IF_ERROR(decode(from.task(), to.task));
  return Event(to);
}

Result<Event> decode(const pb::TaskEnded& from) {
  events::TaskEnded to{{}, {}, from.code(), from.message(), WallTime(from.at())};
  MILLRACE_RETURN_IF_ERROR(decode(from.task(), to.task));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.state(), to.state));
  return Event(std::move(to));
}

Result<Event> decode(const pb::AttemptPlaced& from) {
  events::AttemptPlaced to;
  codec::decode(from.request(), to.request);
  to.at = WallTime(from.at());
  to.worker_name = from.worker_name();
  MILLRACE_RETURN_IF_ERROR(decode(from.attempt(), to.attempt));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.worker(), to.worker));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.phase(), to.phase));
  MILLRACE_RETURN_IF_ERROR(decode_all(from.inputs(), to.inputs));
  MILLRACE_RETURN_IF_ERROR(decode_all(from.bases(), to.bases));
  return Event(std::move(to));
}

Result<Event> decode(const pb::AttemptSucceeded& from) {
  events::AttemptSucceeded to;
  to.publication_order = from.publication_order();
  to.placed_at = WallTime(from.placed_at());
  to.at = WallTime(from.at());
  MILLRACE_RETURN_IF_ERROR(decode(from.attempt(), to.attempt));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.worker(), to.worker));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.phase(), to.phase));
  for (const pb::SnapshotCommitted& snapshot : from.snapshots()) {
    MILLRACE_RETURN_IF_ERROR(decode(snapshot, to.snapshots.emplace_back()));
  }
  return Event(std::move(to));
}

Result<Event> decode(const pb::AttemptFailed& from) {
  events::AttemptFailed to;
  to.failure.code = from.failure().code();
  to.failure.message = from.failure().message();
  to.failure.exit_code = from.failure().exit_code();
  to.placed_at = WallTime(from.placed_at());
  to.at = WallTime(from.at());
  MILLRACE_RETURN_IF_ERROR(decode(from.attempt(), to.attempt));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.worker(), to.worker));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.phase(), to.phase));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.failure().error_class(), to.failure.error_class));
  MILLRACE_RETURN_IF_ERROR(decode_next(from, to.next));
  return Event(std::move(to));
}

Result<Event> decode(const pb::CancelRequested& from) {
  events::CancelRequested to{{}, from.reason(), WallTime(from.at())};
  MILLRACE_RETURN_IF_ERROR(decode(from.task(), to.task));
  return Event(std::move(to));
}

Result<Event> decode(const pb::SnapshotsExpired& from) {
  events::SnapshotsExpired to{{}, {}, WallTime(from.at())};
  codec::decode(from.dataset(), to.dataset);
  for (const std::string& snapshot : from.snapshots())
    MILLRACE_RETURN_IF_ERROR(codec::decode(snapshot, to.snapshots.emplace_back()));
  return Event(std::move(to));
}

Result<Event> decode_event(const pb::Event& from, const Specs& specs) {
  switch (from.event_case()) {
    case pb::Event::kLeaderStarted:
      return decode(from.leader_started());
    case pb::Event::kDocumentPut:
      return decode(from.document_put(), specs);
    case pb::Event::kDocumentDeleted:
      return decode(from.document_deleted());
    case pb::Event::kRunCreated:
      return decode(from.run_created(), specs);
    case pb::Event::kRunDesired:
      return decode(from.run_desired());
    case pb::Event::kRunFinished:
      return decode(from.run_finished());
    case pb::Event::kTaskReady:
      return decode(from.task_ready());
    case pb::Event::kTaskEnded:
      return decode(from.task_ended());
    case pb::Event::kAttemptPlaced:
      return decode(from.attempt_placed());
    case pb::Event::kAttemptSucceeded:
      return decode(from.attempt_succeeded());
    case pb::Event::kAttemptFailed:
      return decode(from.attempt_failed());
    case pb::Event::kCancelRequested:
      return decode(from.cancel_requested());
    case pb::Event::kKeysForgotten:
      return Event(events::KeysForgotten{WallTime(from.keys_forgotten().ended_before())});
    case pb::Event::kSnapshotsExpired:
      return decode(from.snapshots_expired());
    case pb::Event::kHoldsReleased:
      return Event(events::HoldsReleased{WallTime(from.holds_released().ended_before())});
    case pb::Event::EVENT_NOT_SET:
      break;
  }
  return unknown("a kind of event");
}

}  // namespace
}  // namespace codec

std::string encode_events(std::span<const Event> events) {
  codec::pb::Batch batch;
  codec::SpecTable specs;
  for (const Event& event : events) {
    std::visit(codec::EventEncoder(specs, *batch.add_events()), event);
  }
  for (const WorkflowSpecRef& spec : specs.take_new()) codec::encode(*spec, *batch.add_specs());
  return batch.SerializeAsString();
}

Result<std::vector<Event>> decode_events(std::string_view bytes, SpecPool& pool) {
  codec::pb::Batch batch;
  if (!codec::parse(bytes, batch))
    return codec::broken("a batch of " + std::to_string(bytes.size()) + " bytes");
  std::vector<WorkflowSpecRef> specs;
  MILLRACE_RETURN_IF_ERROR(codec::decode_specs(batch.specs(), pool, specs));
  std::vector<Event> events;
  events.reserve(static_cast<std::size_t>(batch.events_size()));
  for (const codec::pb::Event& encoded : batch.events()) {
    auto event = codec::decode_event(encoded, specs);
    if (!event.ok()) return std::move(event).error();
    events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace millrace::scheduler
