#include <algorithm>
#include <limits>
#include <utility>

#include "scheduler/store/codec_values.h"

namespace millrace::scheduler {
namespace codec {
namespace {

constexpr std::size_t kTasksPerBlock = 1024;

void encode_task(const Task& from, pb::Task& to) {
  to.set_state(encode_enum<pb::TaskState>(from.state));
  to.set_phase(encode_enum<pb::Phase>(from.phase));
  to.set_avoid_last_worker(from.avoid_last_worker);
  to.set_crashes(from.crashes);
  to.set_failures(from.failures);
  to.set_needs_open(from.needs_open);
  to.set_attempt(from.attempt.value());
  to.set_epoch(from.epoch.value());
  to.set_worker(codec::encode(from.worker));
  to.set_since(from.since.value());
  to.set_first_ready(from.first_ready.value());
  to.set_retry_at(from.retry_at.value());
  to.set_publication_order(from.publication_order);
  to.set_stop(static_cast<pb::Stop>(from.stop));
}

Status decode_task(const pb::Task& from, Task& to) {
  to.avoid_last_worker = from.avoid_last_worker();
  if (from.crashes() > std::numeric_limits<std::uint16_t>::max())
    return broken("a count of crashes");
  if (from.stop() < 0 || from.stop() > static_cast<int>(Stop::kCancel))
    return broken("a reason to stop");
  to.stop = static_cast<Stop>(from.stop());
  to.crashes = static_cast<std::uint16_t>(from.crashes());
  to.failures = from.failures();
  to.needs_open = from.needs_open();
  to.attempt = AttemptNumber(from.attempt());
  to.epoch = Epoch(from.epoch());
  to.since = WallTime(from.since());
  to.first_ready = WallTime(from.first_ready());
  to.retry_at = WallTime(from.retry_at());
  to.publication_order = from.publication_order();
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.state(), to.state));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.phase(), to.phase));
  return codec::decode(from.worker(), to.worker);
}

void encode_run(const RunHeader& from, std::uint32_t spec, pb::Run& to) {
  to.set_id(codec::encode(from.id));
  to.set_order(from.order);
  to.set_ns(from.ns);
  to.set_name(from.name);
  to.set_workflow(from.workflow);
  to.set_spec(spec);
  to.set_body_hash(codec::encode(from.body_hash));
  to.set_parameters_hash(codec::encode(from.parameters_hash));
  to.set_key(from.key);
  to.set_desired(encode_enum<pb::DesiredState>(from.desired));
  to.set_desired_reason(from.desired_reason);
  to.set_created(from.created.value());
  to.set_held_until(from.held_until.value());
  encode_all(from.pins, *to.mutable_pins());
  for (const auto& [task, pins] : from.task_pins) {
    pb::TaskPins& encoded = *to.add_task_pins();
    encoded.set_task(task.value());
    encode_all(pins.inputs, *encoded.mutable_inputs());
    encode_all(pins.bases, *encoded.mutable_bases());
  }
  to.set_last_error(from.last_error);
  to.set_notice(from.notice);
  to.set_rerun_of(codec::encode(from.rerun_of));
  to.set_rerun_of_name(from.rerun_of_name);
  for (const SnapshotId& snapshot : from.outgrown) to.add_outgrown(codec::encode(snapshot));
}

Status decode_run(const pb::Run& from, const std::vector<WorkflowSpecRef>& specs, RunHeader& to) {
  to.order = from.order();
  to.ns = from.ns();
  to.name = from.name();
  to.workflow = from.workflow();
  to.key = from.key();
  to.desired_reason = from.desired_reason();
  to.created = WallTime(from.created());
  to.held_until = WallTime(from.held_until());
  to.last_error = from.last_error();
  to.notice = from.notice();
  to.rerun_of_name = from.rerun_of_name();
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.rerun_of(), to.rerun_of));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.id(), to.id));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.body_hash(), to.body_hash));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.parameters_hash(), to.parameters_hash));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.desired(), to.desired));
  MILLRACE_RETURN_IF_ERROR(decode_all(from.pins(), to.pins));
  MILLRACE_RETURN_IF_ERROR(spec_at(specs, from.spec(), to.spec));
  if (to.spec == nullptr) return broken("a run without a spec");
  for (const std::string& snapshot : from.outgrown())
    MILLRACE_RETURN_IF_ERROR(codec::decode(snapshot, to.outgrown.emplace_back()));
  for (const pb::TaskPins& encoded : from.task_pins()) {
    TaskPins& pins = to.task_pins[TaskIndex(encoded.task())];
    MILLRACE_RETURN_IF_ERROR(decode_all(encoded.inputs(), pins.inputs));
    MILLRACE_RETURN_IF_ERROR(decode_all(encoded.bases(), pins.bases));
  }
  return ok_status();
}

Status decode_document(const pb::Document& from, const std::vector<WorkflowSpecRef>& specs,
                       State& state) {
  DocumentKey key{from.kind(), {}};
  Document document;
  codec::decode(from.name(), key.second);
  document.generation = from.generation();
  document.version = from.version() != 0 ? from.version() : from.generation();
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.body_hash(), document.body_hash));
  MILLRACE_RETURN_IF_ERROR(spec_at(specs, from.spec(), document.spec));
  if (document.version >= state.next_document_version() && from.version() == 0)
    state.put_next_document_version(document.version + 1);
  state.put_document(std::move(key), std::move(document));
  return ok_status();
}

Status decode_head(const pb::Head& from, State& state) {
  NamespacedName dataset;
  Head head;
  codec::decode(from.dataset(), dataset);
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.snapshot(), head.snapshot));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.schema_hash(), head.schema_hash));
  state.put_head(std::move(dataset), head);
  return ok_status();
}

Status decode_key(const pb::Key& from, State& state) {
  NamespacedName key;
  KeyEntry entry;
  codec::decode(from.key(), key);
  entry.run_name = from.run_name();
  entry.ended = WallTime(from.ended());
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.run(), entry.run));
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.request_hash(), entry.request_hash));
  state.put_key(std::move(key), std::move(entry));
  return ok_status();
}

Status decode_hold(const pb::Hold& from, State& state) {
  RunId run;
  Hold hold{WallTime(from.ended()), {}};
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.run(), run));
  for (const std::string& snapshot : from.snapshots())
    MILLRACE_RETURN_IF_ERROR(codec::decode(snapshot, hold.snapshots.emplace_back()));
  state.put_hold(run, std::move(hold));
  return ok_status();
}

}  // namespace
}  // namespace codec

// Where the encoder stands: each iterator goes once through its map, in order.
struct CheckpointEncoder::Progress {
  const State& state;
  std::size_t chunk_bytes;
  codec::SpecTable specs = {};
  bool counters_written = false;
  std::map<DocumentKey, Document>::const_iterator document = state.documents().begin();
  std::map<NamespacedName, Head>::const_iterator head = state.heads().begin();
  std::map<NamespacedName, KeyEntry>::const_iterator key = state.keys().begin();
  std::map<RunId, Hold>::const_iterator hold = state.holds().begin();
  std::map<RunId, Run>::const_iterator run = state.runs().begin();
  std::size_t task = 0;  // of `run`, the next to write

  bool done() const {
    return counters_written && document == state.documents().end() && head == state.heads().end() &&
           key == state.keys().end() && hold == state.holds().end() && run == state.runs().end();
  }

  void write_counters(codec::pb::Chunk& chunk) {
    codec::pb::Counters& counters = *chunk.mutable_counters();
    counters.set_leader_epoch(state.leader_epoch().value());
    counters.set_next_epoch(state.next_epoch().value());
    counters.set_next_run_order(state.next_run_order());
    counters.set_next_publication_order(state.next_publication_order());
    counters.set_next_document_version(state.next_document_version());
    counters_written = true;
  }
  std::size_t write_document(codec::pb::Chunk& chunk) {
    codec::pb::Document& to = *chunk.add_documents();
    to.set_kind(document->first.first);
    codec::encode(document->first.second, *to.mutable_name());
    to.set_generation(document->second.generation);
    to.set_version(document->second.version);
    to.set_body_hash(codec::encode(document->second.body_hash));
    to.set_spec(specs.place_of(document->second.spec));
    ++document;
    return to.ByteSizeLong();
  }
  std::size_t write_head(codec::pb::Chunk& chunk) {
    codec::pb::Head& to = *chunk.add_heads();
    codec::encode(head->first, *to.mutable_dataset());
    to.set_snapshot(codec::encode(head->second.snapshot));
    to.set_schema_hash(codec::encode(head->second.schema_hash));
    ++head;
    return to.ByteSizeLong();
  }
  std::size_t write_key(codec::pb::Chunk& chunk) {
    codec::pb::Key& to = *chunk.add_keys();
    codec::encode(key->first, *to.mutable_key());
    to.set_run(codec::encode(key->second.run));
    to.set_run_name(key->second.run_name);
    to.set_request_hash(codec::encode(key->second.request_hash));
    to.set_ended(key->second.ended.value());
    ++key;
    return to.ByteSizeLong();
  }
  std::size_t write_hold(codec::pb::Chunk& chunk) {
    codec::pb::Hold& to = *chunk.add_holds();
    to.set_run(codec::encode(hold->first));
    to.set_ended(hold->second.ended.value());
    for (const SnapshotId& snapshot : hold->second.snapshots)
      to.add_snapshots(codec::encode(snapshot));
    ++hold;
    return to.ByteSizeLong();
  }
  // The run itself before its first task, then a block of tasks a call.
  std::size_t write_run(codec::pb::Chunk& chunk) {
    const std::vector<Task>& tasks = run->second.tasks;
    std::size_t bytes = 0;
    if (task == 0) {
      codec::pb::Run& to = *chunk.add_runs();
      codec::encode_run(run->second.header, specs.place_of(run->second.header.spec), to);
      bytes += to.ByteSizeLong();
    }
    codec::pb::TaskBlock& block = *chunk.add_tasks();
    block.set_first(task == 0);
    const std::size_t end = std::min(tasks.size(), task + codec::kTasksPerBlock);
    for (; task < end; ++task) codec::encode_task(tasks[task], *block.add_tasks());
    bytes += block.ByteSizeLong();
    if (task == tasks.size()) {
      ++run;
      task = 0;
    }
    return bytes;
  }
  std::size_t write_one(codec::pb::Chunk& chunk) {
    if (document != state.documents().end()) return write_document(chunk);
    if (head != state.heads().end()) return write_head(chunk);
    if (key != state.keys().end()) return write_key(chunk);
    if (hold != state.holds().end()) return write_hold(chunk);
    return write_run(chunk);
  }
};

CheckpointEncoder::CheckpointEncoder(const State& state, std::size_t chunk_bytes)
    : progress_(new Progress{state, chunk_bytes}) {}
CheckpointEncoder::~CheckpointEncoder() = default;

std::optional<std::string> CheckpointEncoder::next() {
  Progress& progress = *progress_;
  if (progress.done()) return std::nullopt;
  codec::pb::Chunk chunk;
  if (!progress.counters_written) progress.write_counters(chunk);
  std::size_t bytes = 0;
  while (!progress.done() && bytes < progress.chunk_bytes) {
    bytes += progress.write_one(chunk);
    for (const WorkflowSpecRef& spec : progress.specs.take_new()) {
      codec::pb::WorkflowSpec& to = *chunk.add_specs();
      codec::encode(*spec, to);
      bytes += to.ByteSizeLong();
    }
  }
  return chunk.SerializeAsString();
}

Status CheckpointDecoder::add(std::string_view bytes) {
  codec::pb::Chunk chunk;
  if (!codec::parse(bytes, chunk)) return codec::broken("a chunk of a checkpoint");
  if (chunk.has_counters() == started_)
    return codec::broken("a checkpoint's chunks are out of order");
  if (!started_) {
    state_.put_leader_epoch(LeaderEpoch(chunk.counters().leader_epoch()));
    state_.put_next_epoch(Epoch(chunk.counters().next_epoch()));
    state_.put_next_run_order(chunk.counters().next_run_order());
    state_.put_next_publication_order(chunk.counters().next_publication_order());
    if (chunk.counters().next_document_version() != 0)
      state_.put_next_document_version(chunk.counters().next_document_version());
    started_ = true;
  }
  MILLRACE_RETURN_IF_ERROR(codec::decode_specs(chunk.specs(), pool_, specs_));
  for (const auto& document : chunk.documents()) {
    MILLRACE_RETURN_IF_ERROR(codec::decode_document(document, specs_, state_));
  }
  for (const auto& head : chunk.heads()) {
    MILLRACE_RETURN_IF_ERROR(codec::decode_head(head, state_));
  }
  for (const auto& key : chunk.keys()) {
    MILLRACE_RETURN_IF_ERROR(codec::decode_key(key, state_));
  }
  for (const auto& hold : chunk.holds()) {
    MILLRACE_RETURN_IF_ERROR(codec::decode_hold(hold, state_));
  }
  int next_run = 0;
  for (const codec::pb::TaskBlock& block : chunk.tasks()) {
    if (block.first()) {
      if (next_run == chunk.runs_size()) return codec::broken("tasks without their run");
      RunHeader header;
      MILLRACE_RETURN_IF_ERROR(codec::decode_run(chunk.runs(next_run++), specs_, header));
      MILLRACE_RETURN_IF_ERROR(close_run());
      run_ = std::move(header);
    }
    if (!run_) return codec::broken("tasks without their run");
    for (const codec::pb::Task& task : block.tasks()) {
      MILLRACE_RETURN_IF_ERROR(codec::decode_task(task, tasks_.emplace_back()));
    }
  }
  if (next_run != chunk.runs_size()) return codec::broken("a run without its tasks");
  return ok_status();
}

Status CheckpointDecoder::close_run() {
  if (!run_) return ok_status();
  const std::size_t count = run_->spec->tasks.size();
  if (tasks_.size() != count) return codec::broken("a run's tasks are not those of its spec");
  if (!run_->task_pins.empty() && run_->task_pins.rbegin()->first.value() >= count) {
    return codec::broken("pins of a task that the run has not");
  }
  if (state_.run(run_->id) != nullptr) return codec::broken("a run stands there twice");
  state_.put_run(std::move(*run_), std::exchange(tasks_, {}));
  run_.reset();
  return ok_status();
}

Result<State> CheckpointDecoder::finish() {
  if (!started_) return codec::broken("a checkpoint without chunks");
  MILLRACE_RETURN_IF_ERROR(close_run());
  return std::move(state_);
}

}  // namespace millrace::scheduler
