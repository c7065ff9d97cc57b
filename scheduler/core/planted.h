// Planted bugs: guards that a variant build can take away, one at a time, to show that the
// simulation notices. In every other build MILLRACE_PLANTED is the constant false, and nothing of
// this is left.
#pragma once

#ifdef MILLRACE_PLANTED_BUGS

#include <string_view>
#include <vector>

namespace millrace::scheduler {

enum class Bug {
  kNone,
  kNoFence,                 // a result counts whatever its epoch
  kConflictIgnored,         // a conflict on the sequence is taken for a commit
  kUnknownIsSuccess,        // a commit without an answer is taken for one
  kReplyBeforeCommit,       // people are answered when it is planned, not when it is durable
  kLeaseNotRenewed,         // heartbeats are heard and renew nothing
  kLeaderOutlivesItsLease,  // a leader that was not renewed goes on renewing workers' leases
  kRunnerIgnoresLease,      // a runner is not told when its lease ends
  kStartOutlivesLease,      // a lease counts from the Start's arrival
  kRetryKeepsEpoch,         // a retry runs under the epoch of the attempt before
  kRetryRereadsInputs,      // a retry reads the newest snapshots, not those that were pinned
  kNoCompareAndSet,         // an overwrite does not look at the head it stands on
  kKeyForgotten,            // an idempotency key ends with its run
  kCapacityLeaked,          // an attempt that failed gives nothing back
  kSkipDoesNotCascade,      // what waits for a skipped task waits for ever
  kQueueLimitIgnored,       // a queue's limit is not looked at
  kRerunRereadsInputs,      // a rerun reads the newest snapshots, not those of its origin
  kRerunTakesStale,         // a rerun takes over what stands on a task that runs again
  kSweeperIgnoresPins,      // a snapshot expires although a run has pinned it
  kSweeperTakesLive,        // the files of an attempt are swept while it runs
  kTimeoutEndsAtOnce,       // an attempt whose time is over is given up while it runs
};
extern Bug planted_bug;
bool plant(std::string_view name);  // by its name without the k; false: there is none
std::vector<std::string_view> planted_names();

}  // namespace millrace::scheduler

#define MILLRACE_PLANTED(bug) \
  (::millrace::scheduler::planted_bug == ::millrace::scheduler::Bug::bug)

#else
#define MILLRACE_PLANTED(bug) false
#endif
