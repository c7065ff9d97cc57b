// Digest of a state: equal states, equal numbers. For "recovery gives what the leader had".
#pragma once

#include <cstdint>
#include <string_view>

#include "scheduler/core/state.h"

namespace millrace::simulation {
std::uint64_t digest(const scheduler::State& state);
// FNV-1a, for traces: http://www.isthe.com/chongo/tech/comp/fnv/
std::uint64_t fold(std::uint64_t hash, std::uint64_t value);
std::uint64_t fold(std::uint64_t hash, std::string_view text);
inline constexpr std::uint64_t kFoldStart = 0xCBF29CE484222325ULL;
}  // namespace millrace::simulation
