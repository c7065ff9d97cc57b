#!/usr/bin/env bash
# Configures and builds a preset (PRESET, default release). Quick when nothing changed.
#
#   tools/build.sh [TARGET…]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly preset=${PRESET:-release}
# The build description reconfigures itself; a changed preset does not reach it otherwise.
if [[ ! -f build/$preset/build.ninja || CMakePresets.json -nt build/$preset/CMakeCache.txt ]]; then
  cmake --preset "$preset"
fi
ninja -C "build/$preset" "$@"
