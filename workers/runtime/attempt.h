// Attempt: what the worker knows of one attempt that it holds, from Start to the acknowledgement.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "millrace/task/v1alpha1/task.pb.h"
#include "millrace/worker/v1alpha1/worker.pb.h"
#include "workers/runtime/journal.h"
#include "workers/runtime/meter.h"
#include "workers/runtime/task_log.h"
#include "workers/runtime/types.h"

namespace millrace::runtime {

enum class AttemptPhase : std::uint8_t {
  kDescribing,  // its description is asked for
  kWaiting,     // for a runner
  kRunning,     // a runner has it
  kEnding,      // its runner was killed; what is to be said of it follows the exit
  kFinished,    // the result is said again and again, until it is acknowledged
};

// Why a runner was killed.
struct Ending {
  std::optional<Error> failure;  // nothing: fenced, nobody wants to hear of it
};

struct Attempt {
  task::v1alpha1::AttemptRef ref;
  std::string ns;
  std::string kind;
  task::v1alpha1::Resources grant;
  AttemptPhase phase = AttemptPhase::kDescribing;

  std::vector<task::v1alpha1::Description> description;  // until a runner has it
  std::optional<Monotonic> describe_again;

  // While a runner has it.
  bool started = false;  // the runner said so
  Monotonic assigned_at;
  Micros timeout;  // 0: none
  std::filesystem::path scratch;
  std::optional<TaskLog> log;
  Meter meter;
  task::v1alpha1::Usage reported;  // rows and bytes
  task::v1alpha1::Progress progress;
  std::map<pid_t, ProcessGroup> groups;  // of its command, alive
  bool had_children = false;
  std::optional<Monotonic> kill_at;  // cancelled: until then it may end by itself
  std::string cancel_reason;
  std::optional<Ending> ending;

  // The result. Pages first.
  std::vector<worker::v1alpha1::WorkerMessage> pages;
  std::size_t page_bytes = 0;
  std::optional<worker::v1alpha1::WorkerMessage> result;
  Monotonic said_at;
};

}  // namespace millrace::runtime
