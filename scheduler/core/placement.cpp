#include "scheduler/core/placement.h"

#include <algorithm>
#include <cstdio>

namespace millrace::scheduler {
namespace {

std::string gibibytes(Bytes bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes.value()) / (1 << 30));
  return text;
}

void add(std::string& list, const std::string& item) {
  list += list.empty() ? "short " : ", ";
  list += item;
}

}  // namespace

std::optional<WorkerId> first_fit(const std::vector<Candidate>& candidates,
                                  const Resources& request, WorkerId avoid) {
  const bool other_place =
      std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
        return candidate.id != avoid && request.fits_into(candidate.capacity);
      });
  for (const Candidate& candidate : candidates) {
    if (other_place && candidate.id == avoid) continue;
    if (request.fits_into(candidate.free)) return candidate.id;
  }
  return std::nullopt;
}

std::string no_fit_code(const std::vector<Candidate>& candidates, const Resources& request) {
  if (candidates.empty()) return "NoWorkers";
  for (const Candidate& candidate : candidates)
    if (request.fits_into(candidate.capacity)) return "NoRoom";
  return "NeverFits";
}

std::string shortage(const Resources& request, const Resources& room) {
  std::string list;
  if (request.cpu > room.cpu) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f CPU",
                  static_cast<double>((request.cpu - room.cpu).value()) / 1000);
    add(list, text);
  }
  if (request.memory > room.memory) add(list, gibibytes(request.memory - room.memory) + " memory");
  if (request.disk > room.disk) add(list, gibibytes(request.disk - room.disk) + " disk");
  return list;
}

}  // namespace millrace::scheduler
