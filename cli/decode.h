// From what REST answers to views. Lenient about what is missing, as a newer or older scheduler may
// leave things out or add them; never throws. Pure.
#pragma once

#include <optional>
#include <string>

#include "cli/run_view.h"
#include "lib/client/event_stream.h"

namespace millrace::cli {

// A WorkflowRun without its tasks. Nothing when the text is none.
std::optional<RunView> decode_run(const std::string& json);
// Puts the tasks of a task list into `run`.
void decode_tasks(const std::string& json, RunView& run);

// Brings the view up to date with an event of the run's stream, which begins with the state of
// things: the tasks, then the run. True when the run ended with it.
bool apply_event(const client::ServerEvent& event, RunView& run);

}  // namespace millrace::cli
