#!/usr/bin/env bash
# What planted_bugs.sh makes of each way a program can end, with a stand-in for the simulator: a catch is a
# finding or an abort, and nothing else; and its list is the program's.
set -euo pipefail
script=$(dirname -- "${BASH_SOURCE[0]}")/planted_bugs.sh
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
sed -n '/^bugs=(/,/)$/p' "$script" | tr -d '()' | sed 's/^bugs=//' | tr -s ' ' '\n' | sed '/^$/d' >"$scratch/bugs"
failed=0

# How the stand-in ends when a bug is planted, whether the script is to fail, and a line it is to say.
expect() { # what, command, pass|fail, line
  cat >"$scratch/simulate" <<STANDIN
#!/usr/bin/env bash
case " \$* " in
  *" --bugs "*) cat "$scratch/bugs" ;;
  *" --plant "*) $2 ;;
esac
STANDIN
  chmod +x "$scratch/simulate"
  local said status=pass
  said=$("$script" "$scratch/simulate" 2>&1) || status=fail
  if [[ $status != "$3" ]] || ! grep -qF -- "$4" <<<"$said"; then
    printf 'with %s: expected to %s and say "%s", got:\n%s\n' "$1" "$3" "$4" "$said"
    failed=1
  fi
}

expect 'a finding' 'echo found; exit 1' pass 'caught NoFence in calm: found'
expect 'a broken invariant' 'kill -ABRT $$' pass 'caught NoFence in calm'
expect 'nothing found' 'exit 0' fail 'MISSED NoFence'
expect 'an unknown flag' 'echo "no bug named" >&2; exit 2' fail 'MISSED NoFence'
expect 'a program that is not there' 'exit 127' fail 'MISSED NoFence'
echo OneMore >>"$scratch/bugs"
expect 'a bug that the script does not know' 'exit 1' fail 'OneMore'
exit "$failed"
