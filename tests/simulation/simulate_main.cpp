// Runs seeds of the simulator and prints what happened, faults and all. Exits 1 at the first
// violation, with the seed, the course of things as a scenario to paste, and the events before it.
//
//   simulate [--seeds 1..300] [--profile faults|calm|day|split|storm] [--twice] [--expect-faults]
//
// Without --seeds: from 1 to MILLRACE_SEEDS of the environment, or to 500. With --twice, each seed
// is run twice and must give the same trace. With --expect-faults, each fault that the profile has
// a rate for must have happened, and no other.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "scheduler/core/planted.h"
#include "scheduler/simulation/profiles.h"
#include "scheduler/simulation/world.h"

namespace {

using namespace millrace;              // NOLINT: a program of one page
using namespace millrace::simulation;  // NOLINT

constexpr int kViolation = 1;
constexpr int kUsage = 2;  // planted_bugs.sh does not take it for a catch

struct Wishes {
  std::uint64_t first = 1;
  std::uint64_t last = 300;
  std::string profile = "faults";
  bool twice = false;
  bool expect_faults = false;
};

struct Totals {
  std::map<std::string, std::uint64_t> happened;
  FaultCounts faults;
  std::uint64_t events = 0;
  std::uint64_t runs = 0;
  std::uint64_t hash = 0;
  double hours = 0;
};

std::uint64_t default_last_seed() {
  const char* text = std::getenv("MILLRACE_SEEDS");
  const std::uint64_t seeds = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
  return seeds == 0 ? 500 : seeds;
}

unsigned long long printable(std::uint64_t number) { return number; }

// What the words wish for, or the exit code of a program that does nothing else.
std::variant<Wishes, int> parse(int argc, char** argv) {
  Wishes wishes;
  wishes.last = default_last_seed();
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    const auto value = [&]() -> std::string { return i + 1 < argc ? argv[++i] : ""; };
    if (flag == "--seeds") {
      const std::string seeds = value();
      const auto dots = seeds.find("..");
      wishes.first = std::strtoull(seeds.c_str(), nullptr, 10);
      wishes.last = dots == std::string::npos
                        ? wishes.first
                        : std::strtoull(seeds.c_str() + dots + 2, nullptr, 10);
    } else if (flag == "--profile") {
      wishes.profile = value();
    } else if (flag == "--twice") {
      wishes.twice = true;
    } else if (flag == "--expect-faults") {
      wishes.expect_faults = true;
#ifdef MILLRACE_PLANTED_BUGS
    } else if (flag == "--plant") {
      const std::string bug = value();
      if (!scheduler::plant(bug)) {
        std::fprintf(stderr, "no bug named \"%s\"\n", bug.c_str());
        return kUsage;
      }
    } else if (flag == "--bugs") {
      for (const std::string_view bug : scheduler::planted_names())
        std::printf("%.*s\n", static_cast<int>(bug.size()), bug.data());
      return 0;
#endif
    } else {
      std::fprintf(stderr,
                   "unknown flag \"%s\": --seeds A..B, --profile faults|calm|day|split|storm, "
                   "--twice, --expect-faults\n",
                   argv[i]);
      return kUsage;
    }
  }
  return wishes;
}

void print_violation(const Outcome& outcome, const std::string& what,
                     const std::string& violation) {
  std::printf("%s\n", outcome.scenario.c_str());
  for (const std::string& line : outcome.tail) std::printf("  %s\n", line.c_str());
  std::printf("%s: %s\n", what.c_str(), violation.c_str());
}

// False when something was wrong with the seed; it has been told.
bool run_seed(const Options& options, const Wishes& wishes, Totals& totals) {
  const std::string what = "seed " + std::to_string(options.seed) + ", profile " + wishes.profile;
  const Outcome outcome = simulate(options);
  if (outcome.violation) {
    print_violation(outcome, what, *outcome.violation);
    return false;
  }
  if (wishes.twice) {
    const Outcome again = simulate(options);
    if (again.trace_hash != outcome.trace_hash || again.events != outcome.events) {
      std::printf("%s: the same seed gave two traces: %016llx of %llu events, %016llx of %llu\n",
                  what.c_str(), printable(outcome.trace_hash), printable(outcome.events),
                  printable(again.trace_hash), printable(again.events));
      return false;
    }
  }
  for (const auto& [event, count] : outcome.happened) totals.happened[event] += count;
  totals.faults += outcome.faults;
  totals.events += outcome.events;
  totals.runs += outcome.runs;
  totals.hours += static_cast<double>(outcome.virtual_time.value()) / 3600e6;
  totals.hash ^= outcome.trace_hash * (options.seed * 2 + 1);
  return true;
}

void print_faults(const FaultCounts& faults) {
  for (const FaultKind& kind : fault_kinds())
    std::printf("%12llu  fault: %s\n", printable(faults.*kind.count), kind.name);
  std::printf(
      "faults could hit %llu messages and %llu commits; of these %.2f %% were never answered\n",
      printable(faults.messages), printable(faults.commits), 100 * unheard_commits(faults));
}

}  // namespace

int main(int argc, char** argv) {
  const std::variant<Wishes, int> parsed = parse(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const Wishes& wishes = std::get<Wishes>(parsed);
  std::optional<Options> options = profile(wishes.profile, wishes.first);
  if (!options) {
    std::fprintf(stderr, "no profile \"%s\": faults, calm, day, split, storm\n",
                 wishes.profile.c_str());
    return kUsage;
  }
  const auto start = std::chrono::steady_clock::now();
  Totals totals;
  for (std::uint64_t seed = wishes.first; seed <= wishes.last; ++seed) {
    options->seed = seed;
    if (!run_seed(*options, wishes, totals)) return kViolation;
  }
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const auto& [what, count] : totals.happened)
    std::printf("%12llu  %s\n", printable(count), what.c_str());
  print_faults(totals.faults);
  std::printf(
      "seeds %llu..%llu, profile %s: %llu runs, %llu events, %.1f virtual hours in %.1f s%s, trace "
      "%016llx\n",
      printable(wishes.first), printable(wishes.last), wishes.profile.c_str(),
      printable(totals.runs), printable(totals.events), totals.hours, took,
      wishes.twice ? " (twice)" : "", printable(totals.hash));
  if (!wishes.expect_faults) return 0;
  const std::vector<std::string> gaps = totals.faults.gaps(options->faults);
  for (const std::string& gap : gaps)
    std::printf("profile %s: %s\n", wishes.profile.c_str(), gap.c_str());
  return gaps.empty() ? 0 : kViolation;
}
