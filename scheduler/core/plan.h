// plan(): every decision of the scheduler. Pure: the same state, liveness, inputs, time and
// settings give the same plan, and nothing is changed. What it returns takes effect by apply(),
// once it is durable.
//
//   Planned planned = plan(state, liveness, inputs, now, settings);
//   // commit planned.events with planned.attachments, then:
//   for (const Event& event : planned.events) apply(state, event);
//   // then send planned.replies and planned.commands, and what commands_after(state, event) gives
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scheduler/core/commands.h"
#include "scheduler/core/events.h"
#include "scheduler/core/inputs.h"
#include "scheduler/core/liveness.h"
#include "scheduler/core/settings.h"
#include "scheduler/core/state.h"

namespace millrace::scheduler {

// What the store writes beside the log row, for the event at `event` in the batch.
struct PlannedAttachment {
  std::size_t event = 0;
  AttachmentRef attachment;
};

struct Planned {
  std::vector<Event> events;
  std::vector<PlannedAttachment> attachments;
  // Runs that end in this batch, as they end: for the projections that people read.
  std::vector<std::shared_ptr<const Run>> finished;
  std::vector<Reply> replies;                    // after the commit, never before
  std::vector<AddressedCommand> commands;        // likewise
  std::map<std::string, std::uint64_t> counted;  // reasons for metrics: "lease.fenced" → 1
};

Planned plan(const State& state, const Liveness& liveness, std::span<const Input> inputs, Now now,
             const Settings& settings);

// Commands that follow from an event that was applied: Start of a placed attempt, Cancel of one to
// stop.
std::vector<AddressedCommand> commands_after(const State& state, const Event& event);
// The Start of an attempt that is placed, for a worker that does not have it; nothing otherwise.
std::optional<commands::Start> start_command(const State& state, TaskRef task);

// Why a ready task waits, and where it could run: for `explain`, by the same functions that place.
struct WaitReason {
  std::string code;  // "NoRoom", "NeverFits", "QuotaExhausted", "RunLimit", "Paused", "NoWorkers"
  std::string message;               // one line
  std::vector<std::string> workers;  // "laptop short 2 CPU, 14Gi", one each
};
WaitReason explain_wait(const State& state, const Liveness& liveness, TaskRef task,
                        const Settings& settings);

}  // namespace millrace::scheduler
