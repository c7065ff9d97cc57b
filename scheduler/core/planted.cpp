#include "scheduler/core/planted.h"

#ifdef MILLRACE_PLANTED_BUGS

#include <array>
#include <cstddef>
#include <utility>

namespace millrace::scheduler {
namespace {

constexpr std::array<std::pair<std::string_view, Bug>, 20> kNames{{
    {"NoFence", Bug::kNoFence},
    {"ConflictIgnored", Bug::kConflictIgnored},
    {"UnknownIsSuccess", Bug::kUnknownIsSuccess},
    {"ReplyBeforeCommit", Bug::kReplyBeforeCommit},
    {"LeaseNotRenewed", Bug::kLeaseNotRenewed},
    {"LeaderOutlivesItsLease", Bug::kLeaderOutlivesItsLease},
    {"RunnerIgnoresLease", Bug::kRunnerIgnoresLease},
    {"StartOutlivesLease", Bug::kStartOutlivesLease},
    {"RetryKeepsEpoch", Bug::kRetryKeepsEpoch},
    {"RetryRereadsInputs", Bug::kRetryRereadsInputs},
    {"NoCompareAndSet", Bug::kNoCompareAndSet},
    {"KeyForgotten", Bug::kKeyForgotten},
    {"CapacityLeaked", Bug::kCapacityLeaked},
    {"SkipDoesNotCascade", Bug::kSkipDoesNotCascade},
    {"QueueLimitIgnored", Bug::kQueueLimitIgnored},
    {"RerunRereadsInputs", Bug::kRerunRereadsInputs},
    {"RerunTakesStale", Bug::kRerunTakesStale},
    {"SweeperIgnoresPins", Bug::kSweeperIgnoresPins},
    {"SweeperTakesLive", Bug::kSweeperTakesLive},
    {"TimeoutEndsAtOnce", Bug::kTimeoutEndsAtOnce},
}};
// A bug without a name could not be planted.
static_assert(kNames.size() == static_cast<std::size_t>(Bug::kTimeoutEndsAtOnce));

}  // namespace

Bug planted_bug = Bug::kNone;

bool plant(std::string_view name) {
  for (const auto& [known, bug] : kNames) {
    if (known != name) continue;
    planted_bug = bug;
    return true;
  }
  return false;
}

std::vector<std::string_view> planted_names() {
  std::vector<std::string_view> names;
  names.reserve(kNames.size());
  for (const auto& [name, bug] : kNames) names.push_back(name);
  return names;
}

}  // namespace millrace::scheduler

#endif
