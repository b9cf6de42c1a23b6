#!/usr/bin/env bash
# The README's first commands, exactly as printed, in a clone of HEAD on a Debian in which nothing is installed: by an
# ordinary user up to the one line that is to cure what is missing, which is then held to its word, and by root to the
# end. Prints what each took and downloaded. Needs root (chroot, mounts), debootstrap and git; mirror and proxies are
# those of this machine's apt.
# usage: run.sh RELEASE   (bookworm, trixie)
set -euo pipefail

release=$1
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
die() {
  echo "bare: $*" >&2
  exit 1
}
((EUID == 0)) || die "needs root: a root file system is made and entered"
if [[ ${CNF_BARE_RUN-} != yes ]]; then
  # Mounts end with this process, whatever ends it.
  exec env CNF_BARE_RUN=yes unshare --mount -- "${BASH_SOURCE[0]}" "$@"
fi
unset CNF_BARE_RUN  # a command that is such a script itself makes its own

work=$(mktemp -d)
# The mounts first, or /proc would be emptied.
trap 'umount "$work"/*/proc 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT

# shellcheck disable=SC2016  # apt-get's own variables
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Component: main' |
  awk '$2 !~ /-/ { print $1; exit }')
[[ -n $mirror ]] || die "apt has no Debian mirror in its sources"
apt-config dump | grep -E '^Acquire::(Check-[^ ]*|https?::[^ ]*|Retries) ' >"$work/apt.conf" || true
http_proxy=${http_proxy-$(apt-config shell p Acquire::http::Proxy | sed "s/^p='\(.*\)'$/\1/")}
export http_proxy
[[ -n $http_proxy ]] || unset http_proxy

# new_root NAME: a copy of the bare system with a clone of HEAD for root and for an ordinary user.
new_root() {
  local root=$work/$1 home
  cp -a "$work/base" "$root"
  mount -t proc proc "$root/proc"
  for home in root home/user; do
    git clone -q --no-hardlinks "file://$source" "$root/$home/cnf"
  done
  chroot "$root" chown -R user: /home/user
}

# in_root NAME USER COMMAND: as a login of the user would run it in the clone.
in_root() {
  local home=/root
  [[ $2 == root ]] || home=/home/user
  chroot "$work/$1" setpriv --reuid "$2" --regid "$2" --init-groups env -i HOME="$home" TERM=dumb LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy+http_proxy="$http_proxy"} ${https_proxy+https_proxy="$https_proxy"} bash -c "cd ~/cnf && $3"
}

echo "== bare: a minimal $release from $mirror"
begin=$SECONDS
include=()
[[ $mirror != https* ]] || include=(--include=ca-certificates)
debootstrap --variant=minbase "${include[@]}" "$release" "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 || {
  tail -n 20 "$work/debootstrap.log" >&2
  die "debootstrap could not make a $release"
}
cp "$work/apt.conf" "$work/base/etc/apt/apt.conf.d/50-of-the-host"
cp -L /etc/resolv.conf /etc/hosts "$work/base/etc/"
chroot "$work/base" useradd --create-home --shell /bin/bash user
rm -rf "$work"/base/var/lib/apt/lists/* "$work"/base/var/cache/apt/archives/*.deb
echo "== bare: made in $((SECONDS - begin)) s"

mapfile -t commands < <(awk '/^```/ { if (inside) exit; inside = 1; next } inside { sub(/  .*/, ""); print }' \
  "$source/README.md")
[[ ${#commands[@]} == 2 && ${commands[0]} == './dev demo' ]] || die "README.md's first block is not its two commands"

new_root user
for command in "${commands[@]}"; do
  ! in_root user user "$command" >"$work/said" 2>&1 || die "an ordinary user's '$command' succeeded on a bare machine"
  mapfile -t cures < <(grep -E '^ +(sudo )?apt-get ' "$work/said")
  ((${#cures[@]} == 1 && $(wc -l <"$work/said") == 2)) || die "an ordinary user's '$command' said: $(cat "$work/said")"
  [[ ${cures[0]} == "${cure-${cures[0]}}" ]] || die "the second command asks for more: ${cures[0]}"
  cure=${cures[0]}
done
echo "== bare: an ordinary user is told:$cure"
in_root user root "DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; $cure" >"$work/said" 2>&1 ||
  die "the line fails: $(tail -n 20 "$work/said")"
# Everything that the two commands need is there: nothing more is asked for, and the program and tests configure.
in_root user user 'cmake --preset release' >"$work/said" 2>&1 ||
  die "after the line the tests do not configure: $(tail -n 20 "$work/said")"
umount "$work/user/proc"
rm -rf --one-file-system "$work/user"

new_root root
downloaded() { du -cm "$work"/root/var/cache/apt/archives | awk 'END { print $1 }'; }
before=0
for command in "${commands[@]}"; do
  begin=$SECONDS
  echo "== bare: $command"
  in_root root root "$command" </dev/null || die "$command failed on a bare $release"
  after=$(downloaded)
  echo "== bare: $release: $command passed in $((SECONDS - begin)) s, $((after - before)) MB of packages downloaded"
  before=$after
done
