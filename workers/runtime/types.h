// The worker's vocabulary. Single-threaded throughout: one io_context owns all of it.
#pragma once

#include <cstdint>

#include "base/strong.h"
#include "base/units.h"

namespace millrace::runtime {

// Fencing token of an attempt, unique in the installation: what the worker knows an attempt by.
struct EpochTag {
  static constexpr bool kArithmetic = false;
};
using Epoch = Strong<EpochTag, std::uint64_t>;

// One runner process of this worker; never reused, unlike a pid.
struct RunnerIdTag {
  static constexpr bool kArithmetic = false;
};
using RunnerId = Strong<RunnerIdTag, std::uint64_t>;

// CLOCK_MONOTONIC, which the runners of this machine share.
Monotonic monotonic_now();

}  // namespace millrace::runtime
