// apply(): one event into the state. Decides nothing: an event that does not fit the state means
// that log or code is broken, and ends the process (a MILLRACE_CHECK), for a wrong guess would be
// made durable.
#pragma once

#include "scheduler/core/events.h"
#include "scheduler/core/state.h"

namespace millrace::scheduler {

void apply(State& state, const Event& event);

}  // namespace millrace::scheduler
