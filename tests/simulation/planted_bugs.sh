#!/usr/bin/env bash
# Takes away one guard after the other and wants the simulation to notice each within 1,000 seeds of one
# of its profiles; and to find nothing while every guard stands. Prints what it took. The bugs are those
# that the program knows: one more here or there is an error.
set -euo pipefail
simulate=$1
bugs=(NoFence ConflictIgnored UnknownIsSuccess ReplyBeforeCommit LeaseNotRenewed LeaderOutlivesItsLease
      RunnerIgnoresLease StartOutlivesLease RetryKeepsEpoch RetryRereadsInputs NoCompareAndSet KeyForgotten
      CapacityLeaked SkipDoesNotCascade QueueLimitIgnored RerunRereadsInputs RerunTakesStale
      SweeperIgnoresPins SweeperTakesLive TimeoutEndsAtOnce)

if ! difference=$(diff <("$simulate" --bugs | sort) <(printf '%s\n' "${bugs[@]}" | sort)); then
  printf 'the bugs of the program (<) and of this script (>) differ:\n%s\n' "$difference"
  exit 1
fi

for profile in calm faults storm split; do
  "$simulate" --seeds 1..50 --profile "$profile" >/dev/null || { echo "guarded, and $profile fails"; exit 1; }
done

missed=0
for bug in "${bugs[@]}"; do
  caught=
  for profile in calm storm split faults; do
    # A finding of the checker exits 1, a broken invariant ends the process by a signal. Both are a catch;
    # a program that was called wrongly, or is not there, finds nothing.
    status=0
    report=$("$simulate" --seeds 1..1000 --profile "$profile" --plant "$bug" 2>&1) || status=$?
    if [ "$status" -eq 1 ] || [ "$status" -gt 128 ]; then
      caught="$profile: $(tail -n 1 <<<"$report")"
      break
    fi
  done
  if [ -n "$caught" ]; then
    echo "caught $bug in $caught"
  else
    echo "MISSED $bug (exit $status): $(tail -n 1 <<<"$report")"
    missed=$((missed + 1))
  fi
done
echo "${#bugs[@]} planted, $missed missed"
[ "$missed" -eq 0 ]
