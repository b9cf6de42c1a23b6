#!/usr/bin/env bash
# Packs a built tree, installs the packages into an empty system, runs the program from there, finds the library by
# pkg-config, and removes both again: every file must go. Dependencies are declared, not installed.
# usage: check.sh BUILD
set -euo pipefail

if ((EUID != 0)) && [[ ${CNF_PACKAGE_NAMESPACE-} != yes ]]; then
  exec env CNF_PACKAGE_NAMESPACE=yes unshare --map-root-user -- "${BASH_SOURCE[0]}" "$@"  # dpkg gives files to root
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() {
  echo "package: $*" >&2
  exit 1
}

mkdir "$work/packages"
touch "$work/packages/another.deb"  # which pack.sh does not take for its own
mapfile -t packages < <("$(dirname "${BASH_SOURCE[0]}")/pack.sh" "$1" "$work/packages")
((${#packages[@]} == 2)) || die "expected two packages, found ${packages[*]}"
for package in "${packages[@]}"; do
  [[ $(dpkg-deb --field "$package" Depends) == *lib*,* ]] || die "$package declares no dependencies"
done
[[ $(dpkg-deb --field "$work"/packages/cnf_*.deb Depends) == *libhwy* ]] || die "cnf does not depend on Highway"

root=$work/root
mkdir -p "$root"/var/lib/dpkg/{info,updates}
touch "$root"/var/lib/dpkg/{status,available}
as_dpkg() { dpkg --root="$root" --log=/dev/null --force-depends "$@" >"$work/log" 2>&1 || die "$(cat "$work/log")"; }
files() { find "$root" -path "$root/var" -prune -o -print; }

as_dpkg --install "${packages[@]}"
"$root/usr/bin/cnf" --version >/dev/null || die "the installed program does not run"
share=$root/usr/share
for file in man/man1/cnf.1 bash-completion/completions/cnf zsh/vendor-completions/_cnf fish/vendor_completions.d/cnf.fish \
  doc/libcnf-dev/examples/fit_and_sample.cpp; do
  [[ -s $share/$file ]] || die "/usr/share/$file is absent or empty"
done
[[ $("$root/usr/bin/cnf" --generate man) == "$(cat "$share/man/man1/cnf.1")" ]] || die "the manual page is of another program"
[[ $("$root/usr/bin/cnf" --version) == "cnf $(dpkg-deb --field "${packages[0]}" Version)" ]] ||
  die "the program and its package are of two versions"
version=$(PKG_CONFIG_PATH=$root/usr/lib/pkgconfig pkg-config --modversion cnf) || die "pkg-config does not find cnf"
[[ $(dpkg-deb --field "${packages[0]}" Version) == "$version" ]] || die "the library says it is version $version"
as_dpkg --purge cnf libcnf-dev
[[ $(files) == "$root" ]] || die "left behind: $(files)"
