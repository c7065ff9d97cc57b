// What follows from a failed attempt: the document's own rows first, then the rules of the house.
// First match wins, and every decision names its rule.
#pragma once

#include <span>
#include <string_view>

#include "scheduler/core/events.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/spec.h"
#include "scheduler/core/state.h"

namespace millrace::scheduler {

struct FailedAttempt {
  const Failure& failure;
  const Task& task;  // as it stood while the attempt ran: `failures` counts those before
  TaskRef ref;
  const TaskSpec& task_spec;
  const WorkflowSpec& spec;
};

struct RetryDecision {
  events::Decision next;
  bool fail_run = false;  // the document wants the whole run to end
};

RetryDecision retry_decision(const FailedAttempt& failed, WallTime now, const Settings& settings);

// Exponential backoff, doubled with each failure before, at most `max`; then jittered to between
// half and whole, evenly over tasks, so that what failed together does not come back together. The
// jitter is a hash of who and which, for a plan is a function of its inputs.
Micros backoff(Micros initial, Micros max, std::uint32_t failures_before, TaskRef ref);

// A row of the house's own rules, for tests and `explain`.
struct HouseRule {
  std::string_view code;
  bool (*matches)(const FailedAttempt& failed, const Settings& settings);
  events::Decision (*decide)(const FailedAttempt& failed, WallTime now);
};
std::span<const HouseRule> house_rules();

}  // namespace millrace::scheduler
