#!/usr/bin/env bash
# Copies the sources, committed or not, into an empty folder: what a fresh clone would hold. usage: copy.sh FOLDER
set -euo pipefail

mkdir -p "$1"
target=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# A file deleted but not yet committed is still listed: leave it out.
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
  tar -c --null --files-from=- | tar -x -C "$target"
