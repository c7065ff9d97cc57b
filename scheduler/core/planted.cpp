#include "scheduler/core/planted.h"

#ifdef MILLRACE_PLANTED_BUGS

#include <array>
#include <utility>

namespace millrace::scheduler {

Bug planted_bug = Bug::kNone;

bool plant(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Bug>, 20> kNames{{
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
  for (const auto& [known, bug] : kNames) {
    if (known != name) continue;
    planted_bug = bug;
    return true;
  }
  return false;
}

}  // namespace millrace::scheduler

#endif
