#!/usr/bin/env bash
# All that stands between a change and its landing, in phases; `make test` and CI run this.
#
#   tools/test.sh [--full] [PHASE…]     --full: every shard, every sanitizer, 10,000 seeds, fuzzers, benchmarks,
#                                       what takes long
#
# A whole --full run appends what it found to docs/test-runs.md.
# MILLRACE_TESTS=REGEX narrows the phase "tests" to the programs whose names match, for a look by hand.
#
# Each phase is timed; a failing one is named and the others still run, unless they need what it makes.
# The last line is "N passed, N failed": cases of the test programs, and each other phase as one.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

full=''
if [[ ${1:-} == --full ]]; then full=yes && shift; fi
readonly full only=" $* "
if [[ -n $full ]]; then export MILLRACE_SEEDS=${MILLRACE_SEEDS:-10000}; fi
readonly preset=${PRESET:-release}
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
counts=$scratch/counts
: >"$counts"
: >"$scratch/bench"
table=()
failed=()

phase() { # name, command…
  local name=$1 start=$SECONDS before status=0 result=ok
  shift
  if [[ $only != "  " && $only != *" $name "* ]]; then return; fi
  printf '\n=== %s\n' "$name"
  before=$(wc -l <"$counts")
  # A subshell with -e of its own: in `if` or `||`, bash would switch it off for all that is called.
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  set -e
  if [[ $status -ne 0 ]]; then
    result=FAILED
    failed+=("$name")
    printf '=== %s failed (exit code %d)\n' "$name" "$status"
  fi
  # A phase that counts cases has written them; any other is one.
  if [[ $(wc -l <"$counts") -eq $before ]]; then
    if [[ $status -eq 0 ]]; then echo '1 0' >>"$counts"; else echo '0 1' >>"$counts"; fi
  fi
  table+=("$(printf '%-14s %3d:%02d min  %s' "$name" $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) "$result")")
}
total() { awk '{ passed += $1; failed += $2 } END { printf "%d passed, %d failed\n", passed, failed }' "$counts"; }
# The figures that have an aim: "chain of 40 x fibo(10), a task 1.04 ms; …".
figures() { awk -F '  +' '/  aim / { printf "%s%s %s", separator, $1, $2; separator = "; " }' "$scratch/bench"; }
# A row for docs/test-runs.md: commit, day, machine, seeds, the time of each phase, figures, result.
record() {
  local commit phases
  commit=$(git rev-parse --short=12 HEAD)
  [[ -z $(git status --porcelain) ]] || commit+=' and changes'
  phases=$(printf '%s\n' "${table[@]}" | awk '{ printf "%s%s %s%s", (NR > 1 ? ", " : ""), $1, $2, ($4 == "ok" ? "" : " " $4) }')
  printf '| %s | %s | %d cores, %d GiB | %s | %s | %s | %s |\n' "$commit" "$(date -u +%F)" "$(nproc)" \
    "$(awk '/^MemTotal/ { print int($2 / 1048576 + 0.5) }' /proc/meminfo)" "$MILLRACE_SEEDS" "$phases" "$(figures)" "$(total)" \
    >>docs/test-runs.md
}
finish() {
  printf '\n'
  printf '%s\n' "${table[@]}"
  if [[ ${#failed[@]} -gt 0 ]]; then printf 'failed: %s\n' "${failed[*]}"; fi
  if [[ -n $full && $only == "  " ]]; then record; fi
  total
  [[ ${#failed[@]} -eq 0 ]] || exit 1
  exit 0
}
# What comes after can't do without it.
required_phase() {
  phase "$@"
  [[ " ${failed[*]:-} " != *" $1 "* ]] || finish
}

# shellcheck disable=SC2317  # called through phase
run_tests() { tools/run_tests.py --counts "$counts" "$@"; }

# shellcheck disable=SC2317  # called through phase
run_bench() { tools/bench.sh | tee "$scratch/bench"; }

required_phase bootstrap tools/bootstrap.sh test
required_phase build tools/build.sh
phase tests run_tests "build/$preset" -LE '^(simulation|long)$' ${MILLRACE_TESTS:+-R "$MILLRACE_TESTS"}
phase lint tools/lint.sh
phase asan tools/sanitize.sh asan --counts "$counts"
phase simulation run_tests "build/$preset" -L '^simulation$'
phase demo tools/demo.sh
phase schemathesis tools/schemathesis.sh
if [[ -z $full ]]; then
  phase shard tools/shard.sh
else
  phase shards tools/shard.sh --all
  phase long run_tests "build/$preset" -L '^long$'
  phase fuzz tools/fuzz.sh 120
  phase bench run_bench
  phase planted tools/planted_failures.sh
  phase fresh tools/test_fresh.sh
fi
finish
