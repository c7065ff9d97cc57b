// Running a program to its end: fed, heard and waited for. Linux. Safe beside other threads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/units.h"
#include "lib/process/start.h"

namespace millrace::process {

struct Ran {
  int exit_code = 0;   // 128 + n for a signal
  std::string output;  // both streams, at most 64 KiB, the end of it
};
// Why there is no end of its own: it could not start, or was killed after its time.
struct TimedOut {};
using RunFault = std::variant<StartFault, TimedOut>;

// The first three of `options.descriptors` are set here; what follows them is kept.
std::variant<Ran, RunFault> run(StartOptions options, std::string_view input, Micros limit);

}  // namespace millrace::process
