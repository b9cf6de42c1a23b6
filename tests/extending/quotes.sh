#!/usr/bin/env bash
# docs/extending.md and docs/your-own-equation.md quote the examples of this folder and list lines of the product: both
# must be what stands there.
# usage: quotes.sh ROOT [--write]   (--write puts the examples' text into the pages)
#
# A line "<!-- tests/extending/NAME.cpp -->", or of examples/, is followed by a ```cpp fence with that file, whole. A
# ```diff fence begins with "--- PATH"; what it keeps and takes away (lines with ' ' and '-') stands in that file, line
# below line; "..." skips.
set -euo pipefail

cd "$1"
pages=(docs/extending.md docs/your-own-equation.md)
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT

for page in "${pages[@]}"; do
  awk '
    /^<!-- (tests\/extending|examples)\/.*\.cpp -->$/ {
      print
      print "```cpp"
      while ((read = (getline line < $2)) > 0) print line
      if (read < 0) { print FILENAME ": " $2 " is absent" > "/dev/stderr"; exit 1 }
      print "```"
      quoted = 1
      next
    }
    quoted == 1 && /^```cpp$/ { quoted = 2; next }  # the old text
    quoted == 2 { if (/^```$/) quoted = 0; next }
    { quoted = 0; print }
  ' "$page" >"$rendered"
  if [[ ${2-} == --write ]]; then
    cat "$rendered" >"$page"
  elif ! diff -u "$page" "$rendered" >&2; then
    echo "$page: quotes another text than what is compiled; tests/extending/quotes.sh . --write mends it" >&2
    exit 1
  fi
done
for example in tests/extending/*.cpp; do
  grep -qxF -- "<!-- $example -->" "${pages[@]}" || { echo "${pages[*]}: $example is not quoted" >&2; exit 1; }
done

awk '
  function refuse(text) { printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"; bad = 1 }
  function load(path,   line) {
    for (lines = 0; (read = (getline line < path)) > 0;) file[++lines] = line
    close(path)
    if (read < 0) refuse(path " is absent")
  }
  function check(   i, k) {  # the wanted lines stand in the file, one below the other
    if (wanted == 0) return
    for (i = 0; i + wanted <= lines; ++i) {
      for (k = 1; k <= wanted && file[i + k] == want[k]; ++k) {}
      if (k > wanted) { wanted = 0; return }
    }
    refuse("no such lines in " path ": " want[1])
    wanted = 0
  }
  /^```diff$/ { inside = 1; next }
  inside && /^```$/ { check(); inside = 0; next }
  inside && /^--- / { check(); path = $2; load(path); next }
  inside && /^\.\.\.$/ { check(); next }
  inside && /^[ -]/ { want[++wanted] = substr($0, 2) }
  END { exit bad }
' "${pages[@]}"
