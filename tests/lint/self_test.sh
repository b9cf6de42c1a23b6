#!/usr/bin/env bash
# A check that never fires checks nothing: each fault below, planted alone in a clean tree, must be refused.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
git init -q
mkdir base solvers flows datasets tools bench
for layer in base solvers flows datasets tools; do
  printf '#pragma once\n' >"$layer/a.hpp"
  printf '# %s\n' "$layer" >"$layer/README.md"
done
printf '# bench\n' >bench/README.md

check() { "$here/includes.sh" . "$1" 2>/dev/null && "$here/text.sh" . "$1" 2>/dev/null; }

# sound|faulty FILE LINE: a file with this line is accepted|refused.
sound() {
  printf '%b\n' "$2" >"$1"
  check "$1" || { echo "lint self-test: $1 with '$2' is refused" >&2; exit 1; }
  rm "$1"
}
faulty() {
  printf '%b\n' "$2" >"$1"
  ! check "$1" || { echo "lint self-test: $1 with '$2' is accepted" >&2; exit 1; }
  rm "$1"
}

sound flows/b.cpp '#include "solvers/a.hpp"'
sound datasets/b.cpp '#include "base/a.hpp"'
sound tools/b.cpp '#include "datasets/a.hpp"\n#include <vector>'
sound base/b.cpp '#pragma omp parallel'
sound base/b-inl.hpp '#include "hwy/highway.h"'
faulty base/b.cpp '#include "solvers/a.hpp"'
faulty solvers/b.cpp '#include "flows/a.hpp"'
faulty solvers/b.cpp '#include "datasets/a.hpp"'
faulty flows/b.cpp '#include "datasets/a.hpp"'
faulty flows/b.cpp '  #  include "tools/a.hpp"'
faulty datasets/b.cpp '#include "solvers/a.hpp"'
faulty base/b.cpp '#include "a.hpp"'
faulty base/b.cpp '#include "../base/a.hpp"'
faulty base/b.cpp '#include <base/a.hpp>'
faulty base/b.cpp '#include "base/absent.hpp"'
faulty base/b.hpp 'int x;'
faulty flows/b.cpp '#pragma omp parallel'
sound tools/b.cpp 'std::ofstream file;  // a log'
faulty tools/b.cpp 'std::ofstream file;'
faulty base/b.cpp 'int x;\r'
faulty base/b.cpp '\tint x;'
faulty base/b.cpp 'int x; '
faulty base/b.cpp '// TO''DO: later'
faulty base/b.cpp "// $(printf '%0118d' 0)"
sound base/b.cpp "$(printf 'int x;\\n%.0s' {1..399})int x;"
faulty base/b.cpp "$(printf 'int x;\\n%.0s' {1..400})int x;"
sound bench/b.cpp "$(printf 'int x;\\n%.0s' {1..400})int x;"
# version CHANGELOG_HEADING ASKED: the check's answer to a tree of version 1.2.3.
version() {
  printf 'project(cnf VERSION 1.2.3 LANGUAGES CXX)\nset(CNF_VERSION_DATE 2026-01-02)\n' >CMakeLists.txt
  printf '# Changelog\n\n## %s\n' "$1" >CHANGELOG.md
  printf '%s\n' "$2" >README.md
  mkdir -p docs examples
  "$here/version.sh" . 2>/dev/null
}
fault() { echo "lint self-test: the check of the version is wrong about $*" >&2; exit 1; }
version '1.2.3, unreleased' 'find_package(cnf 1.2 REQUIRED)' || fault 'an unreleased version'
version '1.2.3, 2026-01-02' 'nothing' || fault 'a released version'
! version '1.2.3, 2026-01-03' 'nothing' || fault 'another date'
! version '1.2.2, unreleased' 'nothing' || fault 'another version'
! version '1.2.3, unreleased' 'find_package(cnf 1.1 REQUIRED)' || fault 'a package of another version'

mkdir base/kernels
printf '#pragma once\n' >base/kernels/a.hpp
faulty base/b.cpp 'int folder_without_readme;'

mkdir -p docs tests
printf 'TEST_CASE("a law holds", "[base]") {\n' >tests/a_test.cpp
printf 'nightly_kills() {\n' >dev
for page in '"base:a law holds", nightly kills' '"base:a law" "base:a law holds"' 'nightly killing'; do
  printf '%s\n' "$page" >docs/promises.md
  "$here/promises.sh" . 2>/dev/null && accepted=1 || accepted=0
  [[ $accepted == "$([[ $page == *kills ]] && echo 1 || echo 0)" ]] || { echo "lint self-test: promises '$page'" >&2; exit 1; }
done
