#include "scheduler/dispatch/convert.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "base/overloaded.h"
#include "base/utf8.h"

namespace millrace::scheduler {
namespace {

constexpr std::size_t kMaxAttempts = 100'000;
constexpr std::size_t kMaxOutputsBytes = 16 << 10;
constexpr std::size_t kMaxPublicationBytes = 64 << 10;
constexpr std::size_t kMaxWrites = 1'024;

Error invalid(std::string what) {
  return {ErrorClass::kInfrastructure, "protocol.invalid", std::move(what), "", ""};
}
Error invalid_result(std::string what) {
  return {ErrorClass::kInfrastructure, "result.invalid", std::move(what), "", ""};
}

std::string clipped(const std::string& text) {
  return text.substr(0, whole_characters(text, kMaxMessageBytes));
}

BodyHash sha256(std::string_view content) {
  BodyHash hash{};
  unsigned int size = 0;
  const int done =
      EVP_Digest(content.data(), content.size(), hash.data(), &size, EVP_sha256(), nullptr);
  MILLRACE_CHECK(done == 1 && size == hash.size(), "SHA-256 is not to be had");
  return hash;
}

Result<std::vector<AttemptRef>> attempts_from(const auto& repeated, auto&& ref_of) {
  if (static_cast<std::size_t>(repeated.size()) > kMaxAttempts)
    return invalid("names " + std::to_string(repeated.size()) + " attempts");
  std::vector<AttemptRef> attempts;
  attempts.reserve(static_cast<std::size_t>(repeated.size()));
  for (const auto& element : repeated) {
    MILLRACE_TRY(attempt, from_proto(ref_of(element)));
    attempts.push_back(attempt);
  }
  return attempts;
}

}  // namespace

std::string to_wire(const RawId& id) {
  std::string bytes;
  for (const std::uint64_t half : {id.high, id.low})
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<char>((half >> shift) & 0xFF));
  return bytes;
}

std::optional<RawId> id_from_wire(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  RawId id;
  for (std::size_t i = 0; i < 16; ++i) {
    std::uint64_t& half = i < 8 ? id.high : id.low;
    half = (half << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return id;
}

task::v1alpha1::AttemptRef to_proto(const AttemptRef& attempt) {
  task::v1alpha1::AttemptRef out;
  out.set_run_id(to_wire(attempt.run.raw()));
  out.set_task_index(attempt.task.value());
  out.set_attempt(attempt.attempt.value());
  out.set_epoch(attempt.epoch.value());
  return out;
}

Result<AttemptRef> from_proto(const task::v1alpha1::AttemptRef& attempt) {
  const auto run = id_from_wire(attempt.run_id());
  if (!run || run->is_nil() || attempt.epoch() == 0 || attempt.attempt() == 0)
    return invalid("names an attempt without run, number or epoch");
  return AttemptRef{RunId(*run), TaskIndex(attempt.task_index()), AttemptNumber(attempt.attempt()),
                    Epoch(attempt.epoch())};
}

task::v1alpha1::Resources to_proto(const Resources& resources) {
  task::v1alpha1::Resources out;
  out.set_cpu_millis(resources.cpu.value());
  out.set_memory_bytes(resources.memory.value());
  out.set_disk_bytes(resources.disk.value());
  return out;
}

Result<Resources> from_proto(const task::v1alpha1::Resources& resources) {
  // Beyond any machine, and far from where sums over workers overflow.
  constexpr std::int64_t kMost = std::int64_t{1} << 56;
  for (const std::int64_t value :
       {resources.cpu_millis(), resources.memory_bytes(), resources.disk_bytes()})
    if (value < 0 || value > kMost) return invalid("names a capacity of " + std::to_string(value));
  return Resources{MilliCpu(resources.cpu_millis()), Bytes(resources.memory_bytes()),
                   Bytes(resources.disk_bytes())};
}

Usage from_proto(const task::v1alpha1::Usage& usage) {
  const auto positive = [](std::int64_t value) { return std::max<std::int64_t>(value, 0); };
  return {Micros(positive(usage.cpu_us())),         Bytes(positive(usage.memory_peak_bytes())),
          Bytes(positive(usage.disk_peak_bytes())), positive(usage.rows_read()),
          positive(usage.rows_written()),           Bytes(positive(usage.bytes_read())),
          Bytes(positive(usage.bytes_written())),   Micros(positive(usage.wall_us()))};
}

worker::v1alpha1::SchedulerMessage welcome(const WorkerTerms& terms) {
  worker::v1alpha1::SchedulerMessage message;
  auto& out = *message.mutable_welcome();
  out.set_version(terms.version);
  out.set_protocol(1);
  out.set_lease_us(terms.lease.value());
  out.set_heartbeat_interval_us(terms.heartbeat_interval.value());
  return message;
}

worker::v1alpha1::SchedulerMessage to_proto(const Command& command, const WorkerTerms& terms) {
  worker::v1alpha1::SchedulerMessage message;
  std::visit(Overloaded{
                 [&](const commands::Start& start) {
                   auto& out = *message.mutable_start();
                   *out.mutable_attempt() = to_proto(start.attempt);
                   *out.mutable_grant() = to_proto(start.grant);
                   out.set_lease_us(terms.lease.value());
                   out.set_kind(start.kind);
                   out.set_attempt_timeout_us(start.attempt_timeout.value());
                   out.set_namespace_(start.ns);
                   out.set_lease_from_monotonic_us(start.lease_from_us);
                 },
                 [&](const commands::HeartbeatAck& ack) {
                   auto& out = *message.mutable_heartbeat_ack();
                   out.set_sent_monotonic_us(ack.sent_monotonic_us);
                   out.set_lease_us(terms.lease.value());
                   for (const AttemptRef& attempt : ack.renewed)
                     *out.add_renewed() = to_proto(attempt);
                   for (const AttemptRef& attempt : ack.fenced)
                     *out.add_fenced() = to_proto(attempt);
                 },
                 [&](const commands::Cancel& cancel) {
                   auto& out = *message.mutable_cancel();
                   *out.mutable_attempt() = to_proto(cancel.attempt);
                   out.set_reason(cancel.reason);
                   out.set_grace_us(terms.cancel_grace.value());
                 },
                 [&](const commands::ResultAck& ack) {
                   auto& out = *message.mutable_result_ack();
                   *out.mutable_attempt() = to_proto(ack.attempt);
                   out.set_accepted(ack.accepted);
                   out.set_code(ack.code);
                 },
             },
             command);
  return message;
}

Result<WorkerJoined> from_proto(const worker::v1alpha1::Hello& hello) {
  const auto incarnation = id_from_wire(hello.incarnation());
  if (!incarnation || incarnation->is_nil()) return invalid("a hello without an incarnation");
  if (hello.worker_name().empty() || hello.worker_name().size() > 253)
    return invalid("a worker's name of " + std::to_string(hello.worker_name().size()) + " bytes");
  WorkerJoined joined;
  joined.worker = WorkerId(*incarnation);
  joined.name = hello.worker_name();
  joined.sent_monotonic_us = hello.sent_monotonic_us();
  MILLRACE_TRY(capacity, from_proto(hello.capacity()));
  joined.capacity = capacity;
  MILLRACE_TRY(attempts,
               attempts_from(hello.attempts(), [](const auto& ref) -> const auto& { return ref; }));
  joined.attempts = std::move(attempts);
  if (!hello.ended_incarnation().empty()) {
    const auto ended = id_from_wire(hello.ended_incarnation());
    if (!ended || *ended == *incarnation) return invalid("an incarnation that cannot have ended");
    joined.ended_incarnation = WorkerId(*ended);
  }
  return joined;
}

Result<WorkerHeartbeat> from_proto(const worker::v1alpha1::Heartbeat& heartbeat, WorkerId worker) {
  MILLRACE_TRY(attempts, attempts_from(heartbeat.attempts(), [](const auto& status) -> const auto& {
                 return status.attempt();
               }));
  return WorkerHeartbeat{worker, heartbeat.sent_monotonic_us(), std::move(attempts),
                         heartbeat.draining()};
}

bool is_path_of(std::string_view path, const AttemptRef& attempt) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.find('\0') != std::string_view::npos)
      return false;
    parts.push_back(part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return parts.size() >= 5 && parts[1] == attempt.run.to_text() &&
         parts[2] == std::to_string(attempt.task.value()) &&
         parts[3] == std::to_string(attempt.epoch.value());
}

Result<std::vector<PagedRow>> from_proto(const task::v1alpha1::FilePage& page) {
  std::vector<PagedRow> rows;
  rows.reserve(static_cast<std::size_t>(page.files_size()));
  for (const auto& file : page.files()) {
    if (file.rows() < 0 || file.bytes() < 0) return invalid("a file with a negative count");
    rows.push_back(
        {page.write_index(),
         {file.path(), file.rows(), Bytes(file.bytes()), file.checksum(), file.statistics_json()}});
  }
  return rows;
}

Result<AttemptSucceeded> from_proto(const task::v1alpha1::Success& success,
                                    const task::v1alpha1::Usage& usage, WorkerId worker,
                                    const AttemptRef& attempt, std::vector<PagedRow> rows) {
  if (static_cast<std::size_t>(success.writes_size()) > kMaxWrites)
    return invalid_result("writes " + std::to_string(success.writes_size()) + " datasets");
  if (success.outputs_json().size() > kMaxOutputsBytes)
    return Error{ErrorClass::kUser, "result.outputs_too_large",
                 "the outputs have " + std::to_string(success.outputs_json().size()) +
                     " bytes, they may have " + std::to_string(kMaxOutputsBytes),
                 "write large results to a dataset"};
  if (success.publication_json().size() > kMaxPublicationBytes)
    return invalid_result("a publication of " + std::to_string(success.publication_json().size()) +
                          " bytes");
  auto attachment = std::make_shared<Attachment>();
  AttemptSucceeded input{worker, attempt, {}, nullptr};
  std::set<std::string_view> datasets;
  for (const auto& write : success.writes()) {
    if (write.dataset().empty() || !datasets.insert(write.dataset()).second)
      return invalid_result("writes dataset \"" + write.dataset() + "\" without a name or twice");
    if (write.rows() < 0 || write.bytes() < 0)
      return invalid_result("a negative count of rows or bytes");
    ResultWrite out{
        write.dataset(), write.schema_json(), sha256(write.schema_json()), write.rows(), {}};
    input.writes.push_back({out.dataset, out.schema_hash, out.rows});
    attachment->writes.push_back(std::move(out));
  }
  for (PagedRow& paged : rows) {
    if (paged.write_index >= attachment->writes.size())
      return invalid_result("a file of write " + std::to_string(paged.write_index) +
                            ", which there is not");
    if (!is_path_of(paged.row.path, attempt))
      return invalid_result("a file at \"" + clipped(paged.row.path) +
                            "\", which is no place of this attempt");
    attachment->writes[paged.write_index].files.push_back(std::move(paged.row));
  }
  for (int i = 0; i < success.writes_size(); ++i) {
    const ResultWrite& write = attachment->writes[static_cast<std::size_t>(i)];
    std::int64_t row_sum = 0;
    for (const FileRow& file : write.files)
      if (__builtin_add_overflow(row_sum, file.rows, &row_sum))
        return invalid_result("more rows than can be counted");
    if (write.files.size() != success.writes(i).file_count() || row_sum != write.rows)
      return Error{ErrorClass::kInfrastructure, "result.incomplete",
                   "dataset \"" + write.dataset + "\" was to have " + std::to_string(write.rows) +
                       " rows in " + std::to_string(success.writes(i).file_count()) +
                       " files, it has " + std::to_string(row_sum) + " in " +
                       std::to_string(write.files.size()),
                   ""};
  }
  attachment->outputs_json = success.outputs_json();
  attachment->publication_json = success.publication_json();
  attachment->message = clipped(success.message());
  attachment->usage = from_proto(usage);
  input.attachment = std::move(attachment);
  return input;
}

AttemptFailed from_proto(const task::v1alpha1::Failure& failure, const task::v1alpha1::Usage& usage,
                         WorkerId worker, const AttemptRef& attempt) {
  Error error{ErrorClass::kInfrastructure, failure.code(), failure.message(), failure.hint(),
              failure.path()};
  // A class of a newer worker counts as a machine's fault: it is tried again elsewhere.
  parse_error_class(failure.error_class(), error.error_class);
  if (error.code.empty() || error.code.size() > 128) error.code = "worker.unnamed_failure";
  AttemptFailed input = failed(error, usage, worker, attempt);
  input.failure.exit_code = failure.exit_code();
  return input;
}

AttemptFailed failed(const Error& error, const task::v1alpha1::Usage& usage, WorkerId worker,
                     const AttemptRef& attempt) {
  // The core's failure has one text: place and hint are part of it.
  std::string text = error.message;
  if (!error.path.empty()) text = "at " + error.path + ": " + text;
  if (!error.hint.empty()) text += " (" + error.hint + ")";
  auto attachment = std::make_shared<Attachment>();
  attachment->usage = from_proto(usage);
  attachment->message = clipped(text);
  return {
      worker, attempt, {error.error_class, error.code, clipped(text), 0}, std::move(attachment)};
}

}  // namespace millrace::scheduler
