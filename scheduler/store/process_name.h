// ProcessName: this process, so that a neighbour on the same machine can tell that it is gone. A
// leader that was killed is then replaced at once, not after its lease: a matter of speed alone,
// for what keeps two leaders apart is the log's key.
#pragma once

#include <string>
#include <string_view>

namespace millrace::scheduler {

// Of the running process: boot, process namespace, number and start. "" where /proc does not say.
std::string process_name();
// True only when the name is of this machine and namespace, and no such process lives (any more).
bool is_gone(std::string_view process_name);

}  // namespace millrace::scheduler
