// Events of the log as server-sent events. Pure, and a function of the event alone (and of names
// that never change), so that what is replayed from the log is what was seen live.
//
//   run     a run began, or is wanted otherwise
//   task    a task entered a state
//   object  a document was put or deleted
//   end     a run ended; nothing follows
#pragma once

#include <optional>
#include <string>

#include "scheduler/core/events.h"
#include "scheduler/core/types.h"

namespace millrace::api {

// What never changes about a run.
struct RunContext {
  scheduler::RunId id;
  std::string ns;
  std::string name;
  std::string workflow;
  scheduler::WorkflowSpecRef spec;  // may be null, then tasks go by their index
};

struct StreamEvent {
  const char* type = "";
  std::string data;  // a JSON object
};

// The run that an event is about; nil when it is about none.
scheduler::RunId run_of(const scheduler::Event& event);
// Whether it is told as "run" or "end": what it says is of the run, and of none of its tasks.
bool is_of_run_itself(const scheduler::Event& event);

// Nothing for events that are nobody's affair. `run` must be set for events about a run.
std::optional<StreamEvent> stream_event(const scheduler::Event& event, const RunContext* run);

}  // namespace millrace::api
