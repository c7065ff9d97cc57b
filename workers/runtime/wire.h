// Small conversions between the wire's values and ours.
#pragma once

#include <string>

#include "base/error.h"
#include "base/id.h"
#include "millrace/task/v1alpha1/task.pb.h"

namespace millrace::runtime {

// 16 bytes, big endian.
std::string to_wire(const RawId& id);
// Of 16 bytes; nil for any other number.
RawId id_from_wire(std::string_view bytes);
// Its texts made fit for a message, whatever a process said in them.
task::v1alpha1::Failure to_wire(const Error& error);

// Where an attempt's files go, below the data root, and its scratch below the worker's: unique to
// it.
std::string output_prefix(const std::string& ns, const task::v1alpha1::AttemptRef& attempt);
// The file of its log, below the log folder.
std::string log_path(const std::string& ns, const task::v1alpha1::AttemptRef& attempt);

// User attempt.cancelled.
Error cancelled(const std::string& reason);
// Infrastructure lease.expired.
Error lease_expired();

}  // namespace millrace::runtime
