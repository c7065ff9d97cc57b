// Commands and replies: what leaves the scheduler, always after the commit of what they follow
// from.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "scheduler/core/types.h"

namespace millrace::scheduler {

namespace commands {

struct Start {
  AttemptRef attempt;
  Resources grant;
  std::string kind;
  std::string ns;
  Phase phase = Phase::kExecute;
  Micros attempt_timeout;  // 0: none
  // The lease runs from when the worker sent the latest word that was heard as this was sent, on
  // the worker's own clock: a Start that was long under way must not outlive the lease counted
  // here. The engine fills it in.
  std::int64_t lease_from_us = 0;
};
struct HeartbeatAck {
  std::int64_t sent_monotonic_us = 0;
  std::vector<AttemptRef> renewed;
  std::vector<AttemptRef> fenced;
};
struct Cancel {
  AttemptRef attempt;
  std::string reason;
};
struct ResultAck {
  AttemptRef attempt;
  bool accepted = false;
  std::string code;  // why not
};

}  // namespace commands

using Command =
    std::variant<commands::Start, commands::HeartbeatAck, commands::Cancel, commands::ResultAck>;

struct AddressedCommand {
  WorkerId worker;
  Command command;
};

namespace replies {

struct DocumentAccepted {
  std::uint64_t generation = 0;
  std::uint64_t version = 0;  // Document::version
  bool created = false;
  bool changed = false;  // false: the same body was there already
};
struct RunAccepted {
  RunId run;
  std::string name;
  bool existed = false;  // an idempotent replay
};
struct Done {};  // of DeleteDocument and SetDesiredState

}  // namespace replies

using ReplyBody = std::variant<replies::DocumentAccepted, replies::RunAccepted, replies::Done>;

struct Reply {
  RequestId request;
  Result<ReplyBody> body;
};

}  // namespace millrace::scheduler
