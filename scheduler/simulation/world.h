// World: a whole installation in one thread under one seed: two schedulers (the very Engine) on one
// log, workers, a network, people; virtual time. First with faults, then without, until everything
// has ended.
//
//   const Outcome outcome = simulate({.seed = 8812});
//   if (outcome.violation) std::cerr << *outcome.violation;
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/core/settings.h"
#include "scheduler/simulation/fault_counts.h"
#include "scheduler/simulation/faults.h"
#include "scheduler/simulation/workload.h"

namespace millrace::simulation {

struct Options {
  std::uint64_t seed = 1;
  Load load;
  Faults faults;
  bool calm = false;  // with Faults::none(): holds it to what is true then
  std::uint32_t workers = 4;
  scheduler::Settings settings;
  // How long after the last fault everything must have ended.
  Micros patience = seconds(4 * 3600);
  bool transcript = false;
};

struct Outcome {
  std::optional<std::string> violation;
  std::vector<std::string> tail;  // the last events before the end, or before the violation
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;
  std::size_t runs = 0;  // that ended
  Micros virtual_time;
  std::map<std::string, std::uint64_t> happened;
  FaultCounts faults;
  // What happened, as far as a scenario can tell it (scheduler/core/scenario.h), to paste as the
  // bug's test; only with a violation, or when Options::transcript asks for it.
  std::string scenario;
};

Outcome simulate(const Options& options);

// Settings with limits that a small simulated load reaches.
scheduler::Settings simulated_settings();

}  // namespace millrace::simulation
