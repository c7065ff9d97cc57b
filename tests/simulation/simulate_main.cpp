// Runs seeds of the simulator and prints what happened. Exits 1 at the first violation, with the
// seed, the course of things as a scenario to paste, and the events before it.
//
//   simulate [--seeds 1..300] [--profile faults|calm|day|split|storm]
//
// Without --seeds: from 1 to MILLRACE_SEEDS of the environment, or to 300.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "scheduler/core/planted.h"
#include "scheduler/simulation/profiles.h"
#include "scheduler/simulation/world.h"

namespace {

using namespace millrace;              // NOLINT: a program of one page
using namespace millrace::simulation;  // NOLINT

std::uint64_t default_last_seed() {
  const char* text = std::getenv("MILLRACE_SEEDS");
  const std::uint64_t seeds = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return seeds == 0 ? 300 : seeds;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t first = 1;
  std::uint64_t last = default_last_seed();
  std::string name = "faults";
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    const std::string value = argv[i + 1];
    if (flag == "--seeds") {
      const auto dots = value.find("..");
      first = std::strtoull(value.c_str(), nullptr, 10);
      last =
          dots == std::string::npos ? first : std::strtoull(value.c_str() + dots + 2, nullptr, 10);
    } else if (flag == "--profile") {
      name = value;
#ifdef MILLRACE_PLANTED_BUGS
    } else if (flag == "--plant") {
      if (!scheduler::plant(value)) {
        std::fprintf(stderr, "no bug named \"%s\"\n", value.c_str());
        return 2;
      }
#endif
    } else {
      std::fprintf(stderr,
                   "unknown flag \"%s\": --seeds A..B, --profile faults|calm|day|split|storm\n",
                   flag.c_str());
      return 2;
    }
  }
  std::optional<Options> options = profile(name, first);
  if (!options) {
    std::fprintf(stderr, "no profile \"%s\": faults, calm, day, storm\n", name.c_str());
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  std::map<std::string, std::uint64_t> happened;
  std::uint64_t events = 0;
  std::uint64_t runs = 0;
  std::uint64_t hash = 0;
  double hours = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    options->seed = seed;
    const Outcome outcome = simulate(*options);
    if (outcome.violation) {
      std::printf("%s\n", outcome.scenario.c_str());
      for (const std::string& line : outcome.tail) std::printf("  %s\n", line.c_str());
      std::printf("seed %llu, profile %s: %s\n", static_cast<unsigned long long>(seed),
                  name.c_str(), outcome.violation->c_str());
      return 1;
    }
    for (const auto& [what, count] : outcome.happened) happened[what] += count;
    events += outcome.events;
    runs += outcome.runs;
    hours += static_cast<double>(outcome.virtual_time.value()) / 3600e6;
    hash ^= outcome.trace_hash * (seed * 2 + 1);
  }
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const auto& [what, count] : happened)
    std::printf("%12llu  %s\n", static_cast<unsigned long long>(count), what.c_str());
  std::printf(
      "seeds %llu..%llu, profile %s: %llu runs, %llu events, %.1f virtual hours in %.1f s, trace "
      "%016llx\n",
      static_cast<unsigned long long>(first), static_cast<unsigned long long>(last), name.c_str(),
      static_cast<unsigned long long>(runs), static_cast<unsigned long long>(events), hours, took,
      static_cast<unsigned long long>(hash));
  return 0;
}
