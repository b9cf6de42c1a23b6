#!/usr/bin/env bash
# The version stands in CMakeLists.txt. The changelog begins with it, as unreleased or with its date, and who looks for
# the package asks for its minor version. usage: version.sh ROOT
set -euo pipefail

cd "$1"
failed=0
say() {
  echo "$*" >&2
  failed=1
}
version=$(sed -n 's/^project(cnf VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
date=$(sed -n 's/^set(CNF_VERSION_DATE \([0-9-]*\))/\1/p' CMakeLists.txt)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ && $date =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
  say "CMakeLists.txt: no version and date: '$version', '$date'"
heading=$(grep -m 1 '^## ' CHANGELOG.md)
[[ $heading == "## $version, unreleased" || $heading == "## $version, $date" ]] ||
  say "CHANGELOG.md: begins with '$heading', expected '## $version, unreleased' or '## $version, $date'"
while IFS= read -r asked; do
  [[ $asked == *"find_package(cnf ${version%.*} "* ]] || say "$asked: expected find_package(cnf ${version%.*} ...)"
done < <(grep -rEn 'find_package\(cnf [0-9]' --include='*.md' --include=CMakeLists.txt README.md docs examples)
exit "$failed"
