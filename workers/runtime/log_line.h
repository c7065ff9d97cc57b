// One line for the operator on standard error: "2026-11-25T01:02:03.456Z worker: text".
// Thread-safe.
#pragma once

#include <string_view>

namespace millrace::runtime {
void log_line(std::string_view text);
}  // namespace millrace::runtime
