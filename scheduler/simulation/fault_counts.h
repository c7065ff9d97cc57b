// FaultCounts: how often each fault of a simulation really happened. A rate that is set says
// little: a fault that never came, or never hit anybody, proves nothing.
//
//   FaultCounts all;
//   all += outcome.faults;
//   for (const std::string& gap : all.gaps(options.faults)) …  // "messages lost: never"
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "scheduler/simulation/faults.h"

namespace millrace::simulation {

struct FaultCounts {
  std::uint64_t messages = 0;  // all, to have something to count the others against
  std::uint64_t messages_lost = 0;
  std::uint64_t messages_doubled = 0;
  std::uint64_t messages_late = 0;
  std::uint64_t stream_breaks = 0;  // of streams that were up
  std::uint64_t commits = 0;        // all, while faults last, but for those of a partition
  std::uint64_t commits_unanswered = 0;
  std::uint64_t commits_never = 0;
  std::uint64_t commits_slow = 0;
  std::uint64_t scheduler_crashes = 0;  // of schedulers that were alive
  std::uint64_t worker_crashes = 0;
  std::uint64_t worker_stops = 0;
  std::uint64_t store_partitions = 0;
  std::uint64_t wall_jumps = 0;
  std::uint64_t loop_stalls = 0;

  FaultCounts& operator+=(const FaultCounts& other);
  // What contradicts the rates, a line each: a fault that never happened although its rate is set,
  // or that happened although it is not; commits without an answer below 1 % of all, where their
  // rates promise that.
  std::vector<std::string> gaps(const Faults& rates) const;
};

// One kind of fault: what people call it, its counter, and whether such rates bring it about.
struct FaultKind {
  const char* name;
  std::uint64_t FaultCounts::* count;
  bool (*is_set)(const Faults& rates);
};
std::span<const FaultKind> fault_kinds();

// The part of the commits that nobody heard an answer to, whether they took effect or not.
double unheard_commits(const FaultCounts& counts);

}  // namespace millrace::simulation
