#!/usr/bin/env bash
# Runs every ```sh block of README.md, in order and in one shell, in a temporary copy of the sources: what a newcomer
# would type on a fresh clone. Other fences (```text, ```cpp) are shown, not run.
# usage: run_readme.sh [SOURCE_FOLDER]
set -euo pipefail

source=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
[[ -f $source/README.md ]] || { echo "run_readme: $source/README.md is absent" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$source/tests/copy.sh" "$work/copy"
cd "$source"

awk '
  /^ *```/ && !inside { inside = 1; run = $0 ~ /^ *```sh *$/; if (run) { ++blocks; at = NR + 1 } next }
  /^ *```/ && inside  { inside = run = 0; next }
  run { if (NR == at) printf "readme_line=%d; echo \"== README.md:%d\" >&2\n", NR, NR; print }
  END { if (inside) { print "run_readme: a fence is not closed" > "/dev/stderr"; exit 1 }
        if (!blocks) { print "run_readme: no ```sh block to run" > "/dev/stderr"; exit 1 } }
' README.md >"$work/blocks.sh"

cd "$work/copy"
{
  echo 'set -euo pipefail'
  # shellcheck disable=SC2016  # expanded by the shell that runs the blocks
  echo 'trap '\''[[ $? == 0 ]] || echo "run_readme: the block at README.md:$readme_line failed" >&2'\'' EXIT'
  cat "$work/blocks.sh"
} >"$work/script.sh"
bash "$work/script.sh" </dev/null
echo "run_readme: $(grep -c '^readme_line=' "$work/script.sh") blocks of README.md ran without an error"
