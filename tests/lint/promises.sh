#!/usr/bin/env bash
# The tests that docs/promises.md names are among the sources, and so are the parts of nightly.   promises.sh ROOT
set -euo pipefail
cd "$1"
page=docs/promises.md failed=0
complain() {
  echo "$page: $1" >&2
  failed=1
}
while IFS= read -r test; do
  case $test in
    "fuzz: inputs "*) name=$(sed -E "s/by [a-z]+,/by \${target},/" <<<"$test") ;;  # of the list of targets
    fuzz:* | numpy:* | hardening:*) name=$test ;;  # no Catch test: CMake has the whole name
    *) name=${test#*:} ;;
  esac
  grep -rqF --include='*_test.cpp' --include=CMakeLists.txt -- "\"$name\"" tests || complain "no test is called \"$test\""
done < <(grep -oE '"[a-z_]+: ?[^"]+"' "$page" | tr -d '"')
while read -r part; do
  grep -q "^nightly_${part//-/_}()" dev || complain "nightly has no part $part"
done < <(grep -oE '\bnightly [a-z][a-z-]+' "$page" | cut -d' ' -f2 | sort -u)
exit "$failed"
