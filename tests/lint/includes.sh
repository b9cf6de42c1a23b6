#!/usr/bin/env bash
# Includes are written from the root and point to the same layer or a lower one; a few laws a pattern can see are
# checked along the way. usage: includes.sh ROOT FILE...   (files relative to ROOT)
set -euo pipefail

cd "$1"
shift
(($#)) || exit 0
awk '
  function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; bad = 1 }
  function exists(path,   line, found) { found = (getline line < path) >= 0; close(path); return found }
  BEGIN {
    may["base"] = "base"
    may["solvers"] = "base solvers"
    may["flows"] = "base solvers flows"
    may["datasets"] = "base datasets"
    may["examples"] = "base solvers flows datasets"
    may["tools"] = may["python"] = "base solvers flows datasets tools"
    may["tests"] = may["bench"] = "base solvers flows datasets tools tests bench"
  }
  FNR == 1 {
    if (previous && !guarded) { printf "%s:1: a header begins with #pragma once\n", previous; bad = 1 }
    previous = FILENAME ~ /\.hpp$/ && FILENAME !~ /-inl\.hpp$/ ? FILENAME : ""
    guarded = 0
    split(FILENAME, part, "/"); layer = part[1]
  }
  /^#pragma once/ { guarded = 1 }
  /^[ \t]*#[ \t]*include[ \t]*["<]/ {
    path = $0; sub(/^[ \t]*#[ \t]*include[ \t]*/, "", path)
    quoted = substr(path, 1, 1) == "\""
    path = substr(path, 2); sub(/[">].*/, "", path)
    top = path ~ /\// ? path : ""; sub(/\/.*/, "", top)
    if (!quoted) {
      if (top in may && exists(path)) complain("<" path "> is ours: write \"" path "\"")
      next
    }
    if (top == "hwy") next  # Highway includes itself again and again, by this spelling
    if (!(top in may)) { complain("\"" path "\" is not written from the root (others'"'"' headers take <>)"); next }
    if (index(" " may[layer] " ", " " top " ") == 0)
      complain(layer "/ includes \"" path "\", but may only reach: " may[layer])
    else if (!exists(path) && FILENAME !~ /\.in$/)
      complain("\"" path "\" is absent")
  }
  # The tile loop is the only parallel code, and everything written goes through the checked writer.
  layer !~ /^(base|tests|bench)$/ && (/#[ \t]*pragma[ \t]+omp/ || /<omp\.h>/) {
    complain("OpenMP belongs to base/ alone")
  }
  layer !~ /^(tests|bench)$/ && /std::ofstream|stbi_write_png *\(/ && !/\/\/ a log$/ {
    complain("files are written through base/file_writer.hpp; a log grows line by line and says so: // a log")
  }
  END {
    if (previous && !guarded) { printf "%s:1: a header begins with #pragma once\n", previous; bad = 1 }
    exit bad
  }
' "$@" >&2
