#include "workers/runtime/wire.h"

#include "lib/ipc/wire_text.h"

namespace millrace::runtime {

std::string to_wire(const RawId& id) {
  std::string bytes;
  for (const std::uint64_t half : {id.high, id.low})
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<char>((half >> shift) & 0xFF));
  return bytes;
}

RawId id_from_wire(std::string_view bytes) {
  RawId id;
  if (bytes.size() != 16) return id;
  for (std::size_t i = 0; i < 16; ++i) {
    std::uint64_t& half = i < 8 ? id.high : id.low;
    half = (half << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return id;
}

task::v1alpha1::Failure to_wire(const Error& error) {
  task::v1alpha1::Failure failure;
  failure.set_error_class(std::string(to_string(error.error_class)));
  failure.set_code(ipc::wire_text(error.code));
  failure.set_message(ipc::wire_text(error.message));
  failure.set_hint(ipc::wire_text(error.hint));
  failure.set_path(ipc::wire_text(error.path));
  return failure;
}

std::string output_prefix(const std::string& ns, const task::v1alpha1::AttemptRef& attempt) {
  return ns + "/" + id_from_wire(attempt.run_id()).to_text() + "/" +
         std::to_string(attempt.task_index()) + "/" + std::to_string(attempt.epoch());
}

std::string log_path(const std::string& ns, const task::v1alpha1::AttemptRef& attempt) {
  return ns + "/" + id_from_wire(attempt.run_id()).to_text() + "/" +
         std::to_string(attempt.task_index()) + "-" + std::to_string(attempt.attempt()) + ".log";
}

Error cancelled(const std::string& reason) {
  return {ErrorClass::kUser, "attempt.cancelled",
          reason.empty() ? "the attempt was cancelled" : "the attempt was cancelled: " + reason, "",
          ""};
}

Error lease_expired() {
  return {ErrorClass::kInfrastructure, "lease.expired",
          "the attempt's lease passed: the worker did not hear from the scheduler in time", "", ""};
}

}  // namespace millrace::runtime
