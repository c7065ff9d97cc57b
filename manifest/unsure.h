// Unsure: what nobody knows of a workflow that has faults, so that rules and graph say only what
// would still be wrong when these are mended. Pure.
#pragma once

#include <cstddef>
#include <set>
#include <span>

#include "manifest/problem.h"

namespace millrace::manifest {

struct Unsure {
  std::set<std::size_t> tasks;  // which may wait for anything
  // Whether a name may be missing because the field that gives it is broken.
  bool task_names = false;
  bool output_names = false;
  bool parameter_names = false;
};

// The tasks in which these lie.
std::set<std::size_t> tasks_of(std::span<const Problem> problems);
std::set<std::size_t> tasks_of(std::span<const Finding> findings);

// Without those that only miss a name which a broken field may give.
Findings sure_findings(Findings findings, const Unsure& unsure);

}  // namespace millrace::manifest
