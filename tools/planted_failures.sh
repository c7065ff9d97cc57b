#!/usr/bin/env bash
# Shows that CI's phases turn red: in a scratch clone of HEAD the phases are green, and with each of five
# planted faults one of them fails, for that fault and nothing else.
#
#   tools/planted_failures.sh [NAME…]     unit-test, skipped-test, lint, layer, demo-row; all unless named
#
# Only the phases concerned are run, and of the tests those of base/: a fault there is as good as any.
# Takes a build out of ccache and some minutes. MILLRACE_KEEP=1 leaves the clone where it is.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/millrace-planted.XXXXXX")
readonly root scratch tree="$scratch/a tree"
readonly all=(unit-test skipped-test lint layer demo-row)

finish() {
  if [[ -n ${MILLRACE_KEEP:-} ]]; then echo "planted: kept $tree"; else rm -rf -- "$scratch"; fi
}
trap finish EXIT
# Root's Postgres is another user's process and must get through to its folder.
chmod 711 "$scratch"

git clone --quiet "$root" "$tree"
cd -- "$tree"
# What is linted is what differs from the commit before: here the plant alone.
git remote remove origin
git -c user.name=planted -c user.email=planted@localhost commit --quiet --allow-empty --message 'nothing'
ln -s -- "$(realpath -- "$root/.deps")" .deps

# Each plants its fault and says which phase is to fail, and with what words.
plant() {
  case $1 in
    unit-test)
      phase=tests words='Planted\.fails'
      printf '\nTEST(Planted, fails) { EXPECT_EQ(1 + 1, 3); }\n' >>base/base_test.cpp
      ;;
    skipped-test)
      phase=tests words='skipped, which counts as failed: base_test: Planted\.is_skipped'
      printf '\nTEST(Planted, is_skipped) { GTEST_SKIP(); }\n' >>base/base_test.cpp
      ;;
    lint)
      phase=lint words='^lint: failed: format$'
      printf '\nnamespace millrace::cli {\nint   crooked( );\n}\n' >>cli/diff_text.cpp
      ;;
    layer)
      phase=lint words='^lint: failed: layers$'
      sed -i 's|#include <vector>|&\n\n#include "scheduler/core/state.h"|' cli/diff_text.cpp
      ;;
    demo-row)
      phase=demo words='^not expected: '
      sed -i 's|round(avg(f.dep_delay), 3)|round(avg(f.dep_delay), 2)|' examples/flights.yaml
      ;;
    *) echo "planted: no fault \"$1\"; there are ${all[*]}" >&2 && exit 2 ;;
  esac
  [[ -n $(git status --porcelain) ]] || { echo "planted: $1 changed nothing: its place has moved" >&2 && exit 1; }
}
# The phases and what comes before them, as CI runs them.
run_phases() { # phase…; to $scratch/log
  CI=true MILLRACE_TESTS='^base_test$' tools/test.sh bootstrap build "$@" >"$scratch/log" 2>&1
}
show() { sed 's/^/    /'; }

names=("$@")
if [[ ${#names[@]} -eq 0 ]]; then names=("${all[@]}"); fi
needed=()
for name in "${names[@]}"; do
  plant "$name"
  [[ " ${needed[*]:-} " == *" $phase "* ]] || needed+=("$phase")
  git checkout --quiet .
done

echo "planted: nothing: ${needed[*]} are to be green"
run_phases "${needed[@]}" || { tail -n 60 "$scratch/log" | show && echo 'planted: red without a fault' && exit 1; }
tail -n $((${#needed[@]} + 3)) "$scratch/log" | show

unnoticed=()
for name in "${names[@]}"; do
  plant "$name"
  echo "planted: $name: $phase is to be red"
  status=0
  run_phases "$phase" || status=$?
  grep -E -m 3 -- "$words" "$scratch/log" | show || true
  tail -n 2 "$scratch/log" | show
  if [[ $status -ne 1 ]] || ! grep -qE -- "$words" "$scratch/log" || ! grep -qx "failed: $phase" "$scratch/log"; then
    unnoticed+=("$name")
    tail -n 60 "$scratch/log" | show
  fi
  git checkout --quiet .
done
if [[ ${#unnoticed[@]} -gt 0 ]]; then
  echo "planted: not noticed, or red for another reason: ${unnoticed[*]}"
  exit 1
fi
echo "planted: ${#names[@]} of ${#names[@]} faults turned their phase red"
