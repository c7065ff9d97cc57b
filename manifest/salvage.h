// salvage(): what can be used of a workflow whose fields have faults, so that what else is wrong
// with it is found in the same go. Each broken field goes, a task of no sound kind becomes a
// stand-in that reads and writes nothing; indices stay. Pure; inside manifest/ only.
#pragma once

#include <optional>
#include <span>

#include "manifest/generated/types.h"
#include "manifest/json.h"
#include "manifest/problem.h"
#include "manifest/unsure.h"

namespace millrace::manifest {

struct Salvaged {
  Workflow workflow;
  Unsure unsure;
};

// `metadata` and `spec` as validate() left them, `problems` those that it found. Nothing when there
// are no tasks to speak of.
std::optional<Salvaged> salvage(const Json& metadata, const Json& spec,
                                std::span<const Problem> problems);

}  // namespace millrace::manifest
