#include "scheduler/core/apply.h"

#include <variant>

#include "scheduler/core/apply_event.h"

namespace millrace::scheduler {

void apply(State& state, const Event& event) { std::visit(EventApplier<State>(state), event); }

}  // namespace millrace::scheduler
