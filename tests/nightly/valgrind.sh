#!/usr/bin/env bash
# What the sanitizers do not see, values that nobody wrote: the fuzz corpus, tests of files, and the program itself.
# valgrind.sh BUILD CORPUS
set -euo pipefail
build=$(realpath "$1") corpus=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
commands=0
check() {
  commands=$((commands + 1))
  # The tests of flows bring an operator new of their own, whose half is inlined; ASan sees a true mismatch.
  valgrind -q --error-exitcode=9 --show-mismatched-frees=no "$@" >/dev/null || { echo "under valgrind: $*" >&2; exit 1; }
}
for target in "$corpus"/*; do check "$build/tests/fuzz/fuzz_${target##*/}" "$target"; done
check "$build/tests/base/cnf_base_tests" '[npy],[utf8],[numbers],[digest],[safetensors]~*at once*'  # by the clock
check "$build/tests/datasets/cnf_datasets_tests" '[csv],[picture]'
check "$build/tests/flows/cnf_flows_tests" '[file]'
cnf=$build/tools/cnf
check "$cnf" train --data moons --hidden 8 --steps 4 --batch 64 --validate-every 2 --threads 2 -q -o run
check "$cnf" train --resume run -q
check "$cnf" sample run -N 100 -q -o x.csv
check "$cnf" logprob run --data x.csv -q -o p.npy
check "$cnf" info run
echo "$commands commands, nothing unwritten read"
