#!/usr/bin/env bash
# Runs one benchmark on what is built; `make bench-NAME` builds and calls this.
#
#   bench/run.sh dispatch|store|ingest|simulation|idle|core [--smoke]
#
# --smoke does a little of each, for the tests: then the figures mean nothing. PRESET (release) says
# which build is measured. Peers are fetched into a scratch folder; nothing is added to the tree.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly root
export MILLRACE_SOURCE_DIR=$root PRESET=${PRESET:-release}
MILLRACE_COMMIT=$(git -C "$root" describe --always --dirty=+ 2>/dev/null || echo unknown)
export MILLRACE_COMMIT
export MILLRACE_BIN_DIR=${MILLRACE_BIN_DIR:-$root/build/$PRESET/bin}

name=${1:-}
[[ $# -eq 0 ]] || shift
case $name in
  dispatch | ingest | idle | simulation) exec python3 -B "$root/bench/$name.py" "$@" ;;
  store | core) exec "$MILLRACE_BIN_DIR/${name}_bench" "$@" ;;
  *) sed -n '2,5p' -- "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
