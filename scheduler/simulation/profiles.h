// Profiles: named sets of load and faults, which tests, benchmarks and `millrace simulate` share.
//
//   calm    nothing goes wrong, and nothing may be lost
//   faults  a mixed load, now and then a fault of each kind (the default)
//   storm   few long tasks, everything goes wrong all the time
//   split   leaders lose the store, workers hear little: two leaders believe in themselves
//   day     24 hours, 2,000 runs of 30 tasks and more
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "scheduler/simulation/world.h"

namespace millrace::simulation {

// Nothing: there is no profile of that name.
std::optional<Options> profile(std::string_view name, std::uint64_t seed);

}  // namespace millrace::simulation
