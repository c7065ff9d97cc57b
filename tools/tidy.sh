#!/usr/bin/env bash
# clang-tidy with the lint preset's compile commands, configured and supplied with generated headers.
#
#   tools/tidy.sh changed|N/M [TIDY.PY-OPTION…]     the files of this change, or the Nth of M parts of all
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly what=$1
shift
cmake --preset lint >/dev/null
ninja -C build/lint -t targets all | sed -n 's/^\(generated.*\.pb\.h\): .*/\1/p' | tr '\n' '\0' |
  xargs -0 -r ninja -C build/lint >/dev/null
if [[ $what == changed ]]; then
  tools/tidy.py --changed "$@"
else
  tools/tidy.py --all --shard "$what" "$@"
fi
