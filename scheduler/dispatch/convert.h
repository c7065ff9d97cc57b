// Between the worker protocol's messages and the core's values. What comes from outside is checked
// here.
//
// Errors: protocol.invalid (Infrastructure): the message makes no sense, its stream is to be
// closed.
#pragma once

#include <vector>

#include "base/result.h"
#include "millrace/task/v1alpha1/task.pb.h"
#include "millrace/worker/v1alpha1/worker.pb.h"
#include "scheduler/core/commands.h"
#include "scheduler/core/inputs.h"
#include "scheduler/dispatch/result_pages.h"

namespace millrace::scheduler {

// Longest text of a worker that is kept: messages of failures and successes.
inline constexpr std::size_t kMaxMessageBytes = 4'096;

// What is the same in all that the scheduler says to workers.
struct WorkerTerms {
  std::string version;
  Micros lease;
  Micros heartbeat_interval;
  Micros cancel_grace;  // between TERM and KILL of a command
};

task::v1alpha1::AttemptRef to_proto(const AttemptRef& attempt);
Result<AttemptRef> from_proto(const task::v1alpha1::AttemptRef& attempt);
task::v1alpha1::Resources to_proto(const Resources& resources);
Result<Resources> from_proto(const task::v1alpha1::Resources& resources);
Usage from_proto(const task::v1alpha1::Usage& usage);
// Wire form of an incarnation: 16 bytes, big endian.
std::string to_wire(const RawId& id);
std::optional<RawId> id_from_wire(std::string_view bytes);

worker::v1alpha1::SchedulerMessage welcome(const WorkerTerms& terms);
worker::v1alpha1::SchedulerMessage to_proto(const Command& command, const WorkerTerms& terms);

Result<WorkerJoined> from_proto(const worker::v1alpha1::Hello& hello);
Result<WorkerHeartbeat> from_proto(const worker::v1alpha1::Heartbeat& heartbeat, WorkerId worker);
Result<std::vector<PagedRow>> from_proto(const task::v1alpha1::FilePage& page);
// The success with its gathered rows. Errors: result.incomplete, result.invalid; they become the
// attempt's failure.
Result<AttemptSucceeded> from_proto(const task::v1alpha1::Success& success,
                                    const task::v1alpha1::Usage& usage, WorkerId worker,
                                    const AttemptRef& attempt, std::vector<PagedRow> rows);
AttemptFailed from_proto(const task::v1alpha1::Failure& failure, const task::v1alpha1::Usage& usage,
                         WorkerId worker, const AttemptRef& attempt);
AttemptFailed failed(const Error& error, const task::v1alpha1::Usage& usage, WorkerId worker,
                     const AttemptRef& attempt);

// Whether a file's path is one that this attempt may have written:
// <namespace>/<run>/<task index>/<epoch>/…, without "..", empty or "." parts.
bool is_path_of(std::string_view path, const AttemptRef& attempt);

}  // namespace millrace::scheduler
