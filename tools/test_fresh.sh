#!/usr/bin/env bash
# Runs README's commands where nothing is installed: a bare Debian 12 with git, make and sudo, once as
# a person (uid 1000, in a path with a space), twice over, and once as root. Needs root, a network and
# 12 GiB; takes as long as a first build and three test runs. Prints the seconds of every command.
#
#   tools/test_fresh.sh [--commit REV] [--as person|root] [--keep] [COMMAND…]
#
#   --as      only as this one
#   --keep    leave the Debian where it is
#   COMMAND   instead of README's
#
# The Debian is made of this machine's own settings (apt's sources, resolver, certificates, proxies), so
# it can reach what this machine can.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

commit=HEAD
keep='' as=' person root '
while [[ ${1:-} == --* ]]; do
  case $1 in
    --commit) commit=$2 && shift 2 ;;
    --as) as=" $2 " && shift 2 ;;
    --keep) keep=yes && shift ;;
    *) echo "test-fresh: unknown option \"$1\"" >&2 && exit 2 ;;
  esac
done
commands=("$@")
if [[ ${#commands[@]} -eq 0 ]]; then
  # The lines of README's first console block that begin with "$ make ".
  mapfile -t commands < <(awk '/^```console/ { inside = 1; next } /^```/ { if (inside) exit } inside && sub(/^\$ /, "") && /^make /' README.md)
  [[ ${#commands[@]} -eq 2 ]] || { echo "test-fresh: README's first console block has ${#commands[@]} make commands, not 2" >&2 && exit 1; }
fi
[[ " person root " == *"$as"* || $as == ' person root ' ]] || { echo "test-fresh: --as takes person or root, not$as" >&2 && exit 2; }
[[ $EUID -eq 0 ]] || { echo "test-fresh: needs root, for debootstrap and chroot: sudo make test-fresh" >&2 && exit 1; }
tools/bootstrap.sh fresh

root=$(mktemp -d "${TMPDIR:-/var/tmp}/millrace-fresh.XXXXXX")
chmod 755 "$root"
log=$root.log
finish() {
  if [[ -n $keep ]]; then echo "test-fresh: kept $root and $log"; else rm -rf --one-file-system -- "$root" "$log"; fi
}
trap finish EXIT

# --- A bare Debian ---------------------------------------------------------------------------------

# shellcheck disable=SC2016  # apt-get fills these in, not the shell
archive=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian" && $2 == "bookworm" { print $3; exit }')
echo "test-fresh: a bare Debian 12 in $root"
debootstrap --variant=minbase --include=git,make,sudo bookworm "$root" "$archive" >"$log" 2>&1 ||
  { tail -n 20 "$log" && exit 1; }
# shellcheck disable=SC2016
apt-get indextargets --format '$(ORIGIN) $(CODENAME) deb $(REPO_URI) $(CODENAME) main' 'Created-By: Packages' |
  awk '$1 == "Debian" && $2 ~ /^bookworm/ { sub(/^[^ ]+ [^ ]+ /, ""); print }' | sort -u >"$root/etc/apt/sources.list"
cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
for settings in /etc/pip.conf /usr/local/share/ca-certificates /etc/apt/apt.conf.d/*proxy*; do
  [[ ! -e $settings ]] || { mkdir -p "$root$(dirname "$settings")" && cp -r "$settings" "$root$settings"; }
done
# The settings that reach programs by the environment.
mapfile -t settings < <(env | grep -v ^PIP_FIND_LINKS= | grep -E '^(PIP|NPM_CONFIG|npm_config)_|_proxy=|_PROXY=|^(SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)=')
settings+=("CI=true" "LANG=C.UTF-8" "TERM=dumb" "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")

chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash person
echo 'person ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/person"
# A bundle is cloned like a repository, whoever owns it.
git clone --quiet --bare . "$root/srv/all.git"
git -C "$root/srv/all.git" update-ref refs/heads/fresh "$(git rev-parse "$commit")"
git -C "$root/srv/all.git" bundle create --quiet "$root/srv/millrace.bundle" refs/heads/fresh
rm -rf "$root/srv/all.git"

# --- Commands in it --------------------------------------------------------------------------------

# In namespaces of its own: what a command leaves running or mounted ends with it.
inside() { # user, folder, command
  local user=$1 folder=$2 command=$3 home
  home=$(chroot "$root" getent passwd "$user" | cut -d : -f 6)
  # shellcheck disable=SC2016  # expanded by the inner shells
  unshare --mount --pid --ipc --fork --kill-child bash -euc '
    mount --bind "$1" "$1"  # as of a machine: its root is a mount
    mount -t proc proc "$1/proc"
    mount --rbind --make-rslave /dev "$1/dev"
    mount -t tmpfs tmpfs "$1/run"
    mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
    exec chroot "$1" setpriv --reuid "$2" --regid "$2" --init-groups \
      env --ignore-environment "${@:6}" HOME="$3" USER="$2" bash -euc "cd -- \"\$1\" && eval \"\$2\"" - "$4" "$5"
  ' - "$root" "$user" "$home" "$folder" "$command" "${settings[@]}" </dev/null
}
timed() { # label, user, folder, command
  local start=$SECONDS
  echo "test-fresh: $1: $4"
  inside "$2" "$3" "$4" 2>&1 | tee -a "$log" | sed -u 's/^/    /'
  times+=("$(printf '%6d s  %-14s %s' $((SECONDS - start)) "$1" "$4")")
}

times=()
clone="git clone --quiet --branch fresh /srv/millrace.bundle"
if [[ $as == *' person '* ]]; then
  person_tree="/home/person/a path/millrace"
  inside person /home/person "$clone '$person_tree'"
  for round in first second; do
    for command in "${commands[@]}"; do timed "person, $round" person "$person_tree" "$command"; done
  done
fi
if [[ $as == *' root '* ]]; then
  root_home=$(chroot "$root" getent passwd root | cut -d : -f 6)
  # What the compiler made for the person is there: that it works from nothing has been seen.
  if [[ -d $root/home/person/.cache/ccache ]]; then
    mkdir -p "$root$root_home/.cache"
    cp -r "$root/home/person/.cache/ccache" "$root$root_home/.cache/"
  fi
  inside root "$root_home" "$clone millrace"
  for command in "${commands[@]}"; do timed root root "$root_home/millrace" "$command"; done
fi

printf '%s\n' "test-fresh: passed" "${times[@]}"
