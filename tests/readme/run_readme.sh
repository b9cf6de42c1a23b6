#!/usr/bin/env bash
# Runs every ```sh block of the pages, README.md and then docs/your-own-table.md and docs/solving.md, in order and in one
# shell, in a temporary copy of the sources: what a newcomer would type on a fresh clone. Other fences (```text, ```cpp) are shown,
# not run. Of other pages alone, the program is the `cnf` that is found.
# usage: run_readme.sh [--keep FOLDER] [SOURCE_FOLDER [PAGE...]]
# --keep makes the copy in FOLDER, which is emptied first and stays.
set -euo pipefail

keep=
if [[ ${1-} == --keep ]]; then
  keep=$2
  shift 2
fi
source=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
pages=("${@:2}")
((${#pages[@]})) || pages=(README.md docs/your-own-table.md docs/solving.md)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$work/copy
if [[ $keep ]]; then
  rm -rf "$keep"
  mkdir -p "$keep"
  copy=$(cd "$keep" && pwd)
fi
"$source/tests/copy.sh" "$copy"
cd "$source"

for page in "${pages[@]}"; do
  [[ -f $page ]] || { echo "run_readme: $source/$page is absent" >&2; exit 1; }
  awk -v page="$page" '
    /^ *```/ && !inside { inside = 1; run = $0 ~ /^ *```sh *$/; if (run) { ++blocks; at = NR + 1 } next }
    /^ *```/ && inside  { inside = run = 0; next }
    run { if (NR == at) printf "block=%s:%d; echo \"== $block\" >&2\n", page, NR; print }
    END { if (inside) { print "run_readme: a fence of " page " is not closed" > "/dev/stderr"; exit 1 }
          if (!blocks) { print "run_readme: " page " has no ```sh block to run" > "/dev/stderr"; exit 1 } }
  ' "$page" >>"$work/blocks.sh"
done

cd "$copy"
{
  echo 'set -euo pipefail'
  # shellcheck disable=SC2016  # expanded by the shell that runs the blocks
  echo 'trap '\''[[ $? == 0 ]] || echo "run_readme: the block at $block failed" >&2'\'' EXIT'
  cat "$work/blocks.sh"
} >"$work/script.sh"
bash "$work/script.sh" </dev/null
echo "run_readme: $(grep -c '^block=' "$work/script.sh") blocks of ${pages[*]} ran without an error"
