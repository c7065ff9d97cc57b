#!/usr/bin/env bash
# Everything that is checked without running the program. Prints each check's name and says all that is
# wrong, not the first thing alone.
#
#   tools/lint.sh [quick]     quick: what takes seconds (format, layers, bans, scripts, YAML)
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

preset=${PRESET:-release}
faulty=()
check() { # name, command…
  local name=$1 output start=$SECONDS
  shift
  if output=$("$@" 2>&1); then
    printf 'lint: %-14s ok, %d s\n' "$name" $((SECONDS - start))
  else
    printf 'lint: %-14s FAILED\n%s\n' "$name" "$output"
    faulty+=("$name")
  fi
}
# Tracked files and new ones, but not what was deleted; NUL-separated.
files() { git ls-files -z --cached --others --exclude-standard -- "$@" | while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done; }

format() { # names each file once
  files '*.h' '*.cpp' ':!manifest/generated' | xargs -0 -r -n 20 clang-format-19 --dry-run -Werror 2>&1 |
    sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error.*/\1: "make fmt" mends it/p' | sort -u
}
scripts() { files '*.sh' .ci/run | xargs -0 -r shellcheck; }
yaml() { files '*.yaml' '*.yml' | xargs -0 -r yamllint --strict; }
generated() { tools/generate.py --check && tools/deps_docs.py --check; }
headers_alone() { ninja -C "build/$preset" all_verify_interface_header_sets; }
links_alone() { ninja -C "build/$preset" links_alone; }

check format format
check layers tools/check_layers.py
check bans tools/check_bans.py
check generated generated
check shellcheck scripts
check yamllint yaml
if [[ ${1:-} != quick ]]; then
  [[ -f build/$preset/build.ninja ]] || cmake --preset "$preset" >/dev/null
  check links-alone links_alone
  check headers-alone headers_alone
  check clang-tidy tools/tidy.sh changed --seconds "${MILLRACE_TIDY_SECONDS:-600}"
fi
if [[ ${#faulty[@]} -gt 0 ]]; then
  printf 'lint: failed: %s\n' "${faulty[*]}"
  exit 1
fi
