#include "scheduler/simulation/fault_counts.h"

#include <array>

namespace millrace::simulation {
namespace {

constexpr double kUnheardAtLeast = 0.01;

constexpr std::array<FaultKind, 13> kKinds{{
    {"messages lost", &FaultCounts::messages_lost,
     [](const Faults& f) { return f.message_lost > 0; }},
    {"messages doubled", &FaultCounts::messages_doubled,
     [](const Faults& f) { return f.message_doubled > 0; }},
    {"messages late", &FaultCounts::messages_late,
     [](const Faults& f) { return f.message_late > 0; }},
    {"streams broken", &FaultCounts::stream_breaks,
     [](const Faults& f) { return f.stream_breaks_per_minute > 0; }},
    {"commits unanswered", &FaultCounts::commits_unanswered,
     [](const Faults& f) { return f.commit_unanswered > 0; }},
    {"commits failed", &FaultCounts::commits_never,
     [](const Faults& f) { return f.commit_never > 0; }},
    {"commits slow", &FaultCounts::commits_slow, [](const Faults& f) { return f.commit_slow > 0; }},
    {"schedulers crashed", &FaultCounts::scheduler_crashes,
     [](const Faults& f) { return f.scheduler_crash_every > Micros(0); }},
    {"workers crashed", &FaultCounts::worker_crashes,
     [](const Faults& f) { return f.worker_crash_every > Micros(0); }},
    {"workers stopped", &FaultCounts::worker_stops,
     [](const Faults& f) { return f.worker_stop_every > Micros(0); }},
    {"stores cut off", &FaultCounts::store_partitions,
     [](const Faults& f) { return f.store_partition_every > Micros(0); }},
    {"wall clocks moved", &FaultCounts::wall_jumps,
     [](const Faults& f) { return f.wall_jump_every > Micros(0); }},
    {"loops stalled", &FaultCounts::loop_stalls,
     [](const Faults& f) { return f.loop_stall_every > Micros(0); }},
}};

}  // namespace

std::span<const FaultKind> fault_kinds() { return kKinds; }

FaultCounts& FaultCounts::operator+=(const FaultCounts& other) {
  messages += other.messages;
  commits += other.commits;
  for (const FaultKind& kind : kKinds) this->*kind.count += other.*kind.count;
  return *this;
}

std::vector<std::string> FaultCounts::gaps(const Faults& rates) const {
  std::vector<std::string> gaps;
  for (const FaultKind& kind : kKinds) {
    const std::uint64_t count = this->*kind.count;
    if (kind.is_set(rates) && count == 0)
      gaps.push_back(std::string(kind.name) + ": never, though the rate is set");
    if (!kind.is_set(rates) && count != 0)
      gaps.push_back(std::string(kind.name) + ": " + std::to_string(count) +
                     " times, though the rate is not set");
  }
  if (rates.commit_unanswered + rates.commit_never >= kUnheardAtLeast &&
      unheard_commits(*this) < kUnheardAtLeast)
    gaps.push_back("commits unanswered or failed: less than 1 % of " + std::to_string(commits));
  return gaps;
}

double unheard_commits(const FaultCounts& counts) {
  return counts.commits == 0
             ? 0
             : static_cast<double>(counts.commits_unanswered + counts.commits_never) /
                   static_cast<double>(counts.commits);
}

}  // namespace millrace::simulation
