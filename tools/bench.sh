#!/usr/bin/env bash
# Runs every benchmark on what is built and prints its figures. None of them decides anything: a machine may be busy.
#
#   tools/bench.sh
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

for name in core store simulation dispatch ingest idle; do bench/run.sh "$name"; done
