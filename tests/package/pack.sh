#!/usr/bin/env bash
# Packs a built tree as Debian packages and prints their names, those alone. usage: pack.sh BUILD FOLDER
set -euo pipefail

mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$1"
log=$(mktemp)
fresh=$(mktemp -d "$folder/.packXXXXXX")
trap 'rm -rf "$log" "$fresh"' EXIT
cpack -G DEB -B "$fresh" >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
for package in "$fresh"/*.deb; do
  mv "$package" "$folder"
  echo "$folder/${package##*/}"
done
