// Digest of a state: equal states, equal numbers. For "recovery gives what the leader had".
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fnv1a.h"
#include "scheduler/core/state.h"

namespace millrace::simulation {
std::uint64_t digest(const scheduler::State& state);
// For traces: FNV-1a of the value's bytes, of the text and its length.
std::uint64_t fold(std::uint64_t hash, std::uint64_t value);
std::uint64_t fold(std::uint64_t hash, std::string_view text);
inline constexpr std::uint64_t kFoldStart = kFnv1aStart;
}  // namespace millrace::simulation
