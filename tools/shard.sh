#!/usr/bin/env bash
# Runs the shard of tools/shards.txt that this commit's hash picks.
#
#   tools/shard.sh [--all|--list|NAME]
#
# A shard gets twice its five minutes, since machines differ, and fails after that: split it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly seconds=${MILLRACE_SHARD_SECONDS:-600} list=${MILLRACE_SHARDS:-tools/shards.txt}
names=()
declare -A commands=()
while IFS=: read -r name command; do
  name=$(xargs <<<"$name")
  [[ -n $name ]] || continue
  names+=("$name")
  commands[$name]=$command
done < <(grep -v '^#' "$list")

run() { # name
  local status=0
  echo "shard $1:${commands[$1]}"
  timeout --verbose "$seconds" bash -euc "${commands[$1]}" || status=$?
  if [[ $status -eq 124 ]]; then echo "shard $1: took more than $seconds s; split it in $list"; fi
  return "$status"
}

case ${1:-} in
  --list) printf '%s\n' "${names[@]}" ;;
  --all) for name in "${names[@]}"; do run "$name"; done ;;
  '')
    hash=$(git rev-parse HEAD)
    run "${names[$((16#${hash:0:8} % ${#names[@]}))]}"
    ;;
  *)
    [[ -n ${commands[$1]:-} ]] || { echo "shard: no shard \"$1\"; there are ${names[*]}" >&2 && exit 2; }
    run "$1"
    ;;
esac
