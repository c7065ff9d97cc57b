#!/usr/bin/env bash
# Builds the fuzzers (millrace_fuzz in CMakeLists.txt: what reads bytes from outside) and runs each for a while, two at
# a time.
#
#   tools/fuzz.sh [SECONDS]     of each; 60
#
# A failing input is shown in base64: `base64 -d >input && build/fuzz/bin/NAME input` repeats it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly seconds=${1:-60}
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
PRESET=fuzz tools/build.sh fuzzers

# What a fuzzer begins with, where the tree has something.
seeds_of() {
  case $1 in
    manifest_fuzz) echo manifest/testdata/errors ;;
  esac
}

one() { # program
  local name seeds
  name=$(basename -- "$1")
  seeds=$(seeds_of "$name")
  mkdir -p "$scratch/$name"
  if "$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=4096 \
    -artifact_prefix="$scratch/" "$scratch/$name" ${seeds:+"$seeds"} >"$scratch/$name.log" 2>&1; then
    printf 'fuzz: %-14s %s\n' "$name" "$(sed -n 's/^Done \([0-9]*\) runs.*/\1 inputs/p' "$scratch/$name.log")"
  else
    printf 'fuzz: %s failed\n' "$name"
    grep -E 'invariant broken|ERROR|SUMMARY|runtime error|^Base64' "$scratch/$name.log" || tail -n 40 "$scratch/$name.log"
    return 1
  fi
}

shopt -s nullglob
programs=(build/fuzz/bin/*_fuzz)
[[ ${#programs[@]} -gt 0 ]] || { echo "fuzz: there are no fuzzers" >&2 && exit 1; }
failed=0
for ((i = 0; i < ${#programs[@]}; i += 2)); do
  pids=()
  for program in "${programs[@]:i:2}"; do
    one "$program" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
done
exit "$failed"
