#!/usr/bin/env bash
# Takes away one guard after the other and wants the simulation to notice each within 1,000 seeds of one
# of its profiles; and to find nothing while every guard stands. Prints what it took.
set -euo pipefail
simulate=$1
bugs=(NoFence ConflictIgnored UnknownIsSuccess ReplyBeforeCommit LeaseNotRenewed LeaderOutlivesItsLease
      RunnerIgnoresLease StartOutlivesLease RetryKeepsEpoch RetryRereadsInputs NoCompareAndSet KeyForgotten
      CapacityLeaked SkipDoesNotCascade QueueLimitIgnored RerunRereadsInputs RerunTakesStale
      SweeperIgnoresPins SweeperTakesLive TimeoutEndsAtOnce)

for profile in calm faults storm split; do
  "$simulate" --seeds 1..50 --profile "$profile" >/dev/null || { echo "guarded, and $profile fails"; exit 1; }
done

missed=0
for bug in "${bugs[@]}"; do
  caught=
  for profile in calm storm split faults; do
    # A broken invariant ends the process by itself; a finding of the checker exits 1. Both are a catch.
    if ! report=$("$simulate" --seeds 1..1000 --profile "$profile" --plant "$bug" 2>&1); then
      caught="$profile: $(tail -n 1 <<<"$report")"
      break
    fi
  done
  if [ -n "$caught" ]; then
    echo "caught $bug in $caught"
  else
    echo "MISSED $bug"
    missed=$((missed + 1))
  fi
done
echo "${#bugs[@]} planted, $missed missed"
[ "$missed" -eq 0 ]
