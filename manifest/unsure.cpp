#include "manifest/unsure.h"

#include <vector>

#include "manifest/list_place.h"

namespace millrace::manifest {
namespace {

template <typename Found>
std::set<std::size_t> tasks_in(std::span<const Found> found) {
  std::set<std::size_t> tasks;
  for (const Found& one : found)
    if (const auto place = place_below(kTasksPointer, one.pointer)) tasks.insert(place->index);
  return tasks;
}

}  // namespace

std::set<std::size_t> tasks_of(std::span<const Problem> problems) { return tasks_in(problems); }
std::set<std::size_t> tasks_of(std::span<const Finding> findings) { return tasks_in(findings); }

Findings sure_findings(Findings findings, const Unsure& unsure) {
  std::erase_if(findings, [&](const Finding& finding) {
    return (unsure.task_names && finding.error.code == "task.unknown") ||
           (unsure.output_names && finding.error.code == "output.unknown") ||
           (unsure.parameter_names && finding.error.code == "parameter.unknown");
  });
  return findings;
}

}  // namespace millrace::manifest
