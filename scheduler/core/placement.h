// Placement: which worker a ready task goes to. A function of vectors (CPU, memory, disk): first
// fit in the order of worker ids, for now; what places better later stands behind the same
// function. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scheduler/core/types.h"

namespace millrace::scheduler {

// A worker that takes new attempts.
struct Candidate {
  WorkerId id;
  std::string name;
  Resources capacity;
  Resources free;
};

// First fit. `avoid` (nil: none) is passed over as long as any other candidate is large enough for
// the task at all, busy or not.
std::optional<WorkerId> first_fit(const std::vector<Candidate>& candidates,
                                  const Resources& request, WorkerId avoid);

// Why no candidate was chosen: "NoWorkers", "NeverFits" (larger than every worker), "NoRoom".
std::string no_fit_code(const std::vector<Candidate>& candidates, const Resources& request);
// "short 1.5 CPU, 2.0 GiB memory"; "" when it fits.
std::string shortage(const Resources& request, const Resources& room);

}  // namespace millrace::scheduler
