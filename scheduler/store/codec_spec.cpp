#include "scheduler/store/codec_values.h"

namespace millrace::scheduler {
namespace codec {
namespace {

void encode(const RetryRow& from, pb::RetryRow& to) {
  for (const ErrorClass item : from.classes) to.add_classes(encode_enum<pb::ErrorClass>(item));
  for (const std::string& code : from.codes) to.add_codes(code);
  for (const int exit_code : from.exit_codes) to.add_exit_codes(exit_code);
  to.set_action(encode_enum<pb::RetryRow::Action>(from.action));
  to.set_max_attempts(from.max_attempts);
  to.set_backoff_initial_us(from.backoff_initial.value());
  to.set_backoff_max_us(from.backoff_max.value());
  to.set_elsewhere(from.elsewhere);
}

Status decode(const pb::RetryRow& from, RetryRow& to) {
  to.classes.resize(static_cast<std::size_t>(from.classes_size()));
  for (int i = 0; i < from.classes_size(); ++i) {
    MILLRACE_RETURN_IF_ERROR(
        codec::decode(from.classes(i), to.classes[static_cast<std::size_t>(i)]));
  }
  to.codes.assign(from.codes().begin(), from.codes().end());
  to.exit_codes.assign(from.exit_codes().begin(), from.exit_codes().end());
  to.max_attempts = from.max_attempts();
  to.backoff_initial = Micros(from.backoff_initial_us());
  to.backoff_max = Micros(from.backoff_max_us());
  to.elsewhere = from.elsewhere();
  return codec::decode(from.action(), to.action);
}

void encode(const DatasetWrite& from, pb::DatasetWrite& to) {
  to.set_dataset(from.dataset);
  to.set_mode(encode_enum<pb::WriteMode>(from.mode));
  to.set_on_conflict(encode_enum<pb::OnConflict>(from.on_conflict));
}

Status decode(const pb::DatasetWrite& from, DatasetWrite& to) {
  to.dataset = from.dataset();
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.mode(), to.mode));
  return codec::decode(from.on_conflict(), to.on_conflict);
}

void encode(const TaskSpec& from, pb::TaskSpec& to) {
  to.set_name(from.name);
  to.set_kind(from.kind);
  to.set_publishes(from.publishes);
  for (const TaskIndex need : from.needs) to.add_needs(need.value());
  to.set_run_on(encode_enum<pb::RunOn>(from.run_on));
  codec::encode(from.request, *to.mutable_request());
  to.set_timeout_us(from.timeout.value());
  to.set_attempt_timeout_us(from.attempt_timeout.value());
  to.set_queue_timeout_us(from.queue_timeout.value());
  for (const RetryRow& row : from.on_error) encode(row, *to.add_on_error());
  for (const std::string& dataset : from.reads) to.add_reads(dataset);
  for (const DatasetWrite& write : from.writes) encode(write, *to.add_writes());
}

Status decode(const pb::TaskSpec& from, TaskSpec& to) {
  to.name = from.name();
  to.kind = from.kind();
  to.publishes = from.publishes();
  for (const std::uint32_t need : from.needs()) to.needs.emplace_back(need);
  MILLRACE_RETURN_IF_ERROR(codec::decode(from.run_on(), to.run_on));
  codec::decode(from.request(), to.request);
  to.timeout = Micros(from.timeout_us());
  to.attempt_timeout = Micros(from.attempt_timeout_us());
  to.queue_timeout = Micros(from.queue_timeout_us());
  to.reads.assign(from.reads().begin(), from.reads().end());
  for (const pb::RetryRow& row : from.on_error()) {
    MILLRACE_RETURN_IF_ERROR(decode(row, to.on_error.emplace_back()));
  }
  for (const pb::DatasetWrite& write : from.writes()) {
    MILLRACE_RETURN_IF_ERROR(decode(write, to.writes.emplace_back()));
  }
  return ok_status();
}

}  // namespace

void encode(const WorkflowSpec& from, pb::WorkflowSpec& to) {
  for (const TaskSpec& task : from.tasks) encode(task, *to.add_tasks());
  to.set_timeout_us(from.timeout.value());
  to.set_max_parallel(from.max_parallel);
  to.set_queue(from.queue);
  for (const RetryRow& row : from.on_error) encode(row, *to.add_on_error());
  to.set_hidden(from.hidden);
}

Status decode(const pb::WorkflowSpec& from, WorkflowSpec& to) {
  for (const pb::TaskSpec& task : from.tasks()) {
    MILLRACE_RETURN_IF_ERROR(decode(task, to.tasks.emplace_back()));
  }
  to.timeout = Micros(from.timeout_us());
  to.max_parallel = from.max_parallel();
  to.queue = from.queue();
  to.hidden = from.hidden();
  for (const pb::RetryRow& row : from.on_error()) {
    MILLRACE_RETURN_IF_ERROR(decode(row, to.on_error.emplace_back()));
  }
  return to.finish();
}

std::uint32_t SpecTable::place_of(const WorkflowSpecRef& spec) {
  if (spec == nullptr) return 0;
  const auto [it, added] =
      places_.emplace(spec.get(), static_cast<std::uint32_t>(places_.size() + 1));
  if (added) new_.push_back(spec);
  return it->second;
}

Status spec_at(const std::vector<WorkflowSpecRef>& specs, std::uint32_t place,
               WorkflowSpecRef& out) {
  out = nullptr;
  if (place == 0) return ok_status();
  if (place > specs.size()) return broken("spec " + std::to_string(place) + " is not there");
  out = specs[place - 1];
  return ok_status();
}

}  // namespace codec

std::string encode_spec(const WorkflowSpec& spec) {
  codec::pb::WorkflowSpec message;
  codec::encode(spec, message);
  return message.SerializeAsString();
}

Result<WorkflowSpecRef> SpecPool::get(const std::string& encoded) {
  const auto it = specs_.find(encoded);
  if (it != specs_.end()) return it->second;
  codec::pb::WorkflowSpec message;
  if (!codec::parse(encoded, message)) return codec::broken("a spec");
  auto spec = std::make_shared<WorkflowSpec>();
  MILLRACE_RETURN_IF_ERROR(codec::decode(message, *spec));
  return specs_.emplace(encoded, std::move(spec)).first->second;
}

}  // namespace millrace::scheduler
