#!/usr/bin/env bash
# Plain text: no CR, tab, trailing blank or unfinished-work mark, no over-long C++ line or product file, a newline at the
# end; and a README.md in every top folder and in every folder of the layers. usage: text.sh ROOT FILE...   (relative
# to ROOT)
set -euo pipefail

cd "$1"
shift
failed=0

# refuse PATTERN TEXT FILE...: says TEXT at each line that matches.
refuse() {
  local pattern=$1 text=$2 hits
  shift 2
  (($#)) || return 0
  if hits=$(grep -nHP -- "$pattern" "$@"); then
    sed -E "s/^([^:]*:[0-9]+):.*/\1: $text/" <<<"$hits" >&2
    failed=1
  fi
}

# A file of the layers has one noun and fits 400 lines.
cxx=()
for file in "$@"; do
  if [[ $file =~ ^(base|solvers|flows|datasets|tools)/.*\.[ch]pp$ ]] &&
    (($(wc -l <"$file") > 400)); then
    echo "$file: more than 400 lines: split it by noun" >&2
    failed=1
  fi
  [[ $file != *.[ch]pp ]] || cxx+=("$file")
  [[ ! -s $file || -z $(tail -c 1 "$file") ]] || { echo "$file: no newline at the end" >&2; failed=1; }
done
refuse '\r' 'a carriage return' "$@"
refuse '\t' 'a tab' "$@"
refuse '[ \t]+$' 'blanks at the end of the line' "$@"
refuse '\b(TO[D]O|FIX[M]E|XX[X])\b' 'unfinished work: do it or open an issue' "$@"
refuse '^.{121,}$' 'over 120 columns' "${cxx[@]}"

for folder in */ {base,solvers,flows,datasets,tools}/*/; do
  [[ -d $folder ]] || continue
  # Build trees, run folders and other ignored or empty folders are not ours to explain.
  [[ -n $(git ls-files --cached --others --exclude-standard -- "$folder" 2>/dev/null | head -n 1) ]] || continue
  [[ -f ${folder}README.md ]] || {
    echo "${folder}README.md is absent: ten lines on what the folder is for" >&2
    failed=1
  }
done
exit "$failed"
