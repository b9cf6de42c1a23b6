#!/usr/bin/env bash
# Packs a built tree as Debian packages. usage: pack.sh BUILD FOLDER
set -euo pipefail

mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$1"
log=$(mktemp)
trap 'rm -rf "$log" "$folder/_CPack_Packages"' EXIT
cpack -G DEB -B "$folder" >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
ls "$folder"/*.deb
