#!/usr/bin/env bash
# What makes an error in a C++ program hard to exploit is in the program, not only on the compiler's command line: it
# loads anywhere (PIE), its tables of addresses are read-only once loaded (full RELRO, BIND_NOW), no memory is both
# writable and executable, stacks and library calls are checked. And no path of the machine that built it is inside.
# usage: check.sh PROGRAM SOURCE_FOLDER
set -euo pipefail

program=$1
source=$2
failed=0
headers=$(readelf --wide --file-header --segments --dynamic "$program")
symbols=$(readelf --wide --dyn-syms "$program")

# holds TEXT PATTERN WHAT: refuses the program unless the pattern is in the text.
holds() {
  grep -qE "$2" <<<"$1" || {
    echo "hardening: $program: $3" >&2
    failed=1
  }
}
holds "$headers" 'FLAGS_1.*\bPIE\b' 'is no PIE (-fPIE -pie)'
holds "$headers" '^ *GNU_RELRO ' 'has no RELRO (-z relro)'
holds "$headers" 'FLAGS.*\b(BIND_)?NOW\b' 'binds lazily, so that RELRO is partial (-z now)'
holds "$headers" 'GNU_STACK .* RW +0x' 'has an executable stack (-z noexecstack)'
holds "$symbols" '__stack_chk_fail' 'has no stack protector (-fstack-protector-strong)'
holds "$symbols" '__(memcpy|memmove|snprintf|vsnprintf|read|memset|fprintf|printf)_chk' 'checks no library call (_FORTIFY_SOURCE)'
if grep -qE '^ *LOAD .* RWE ' <<<"$headers"; then
  echo "hardening: $program: has memory both writable and executable" >&2
  failed=1
fi
if grep -qF "$source" "$program"; then
  echo "hardening: $program: names the folder it was built in (-ffile-prefix-map)" >&2
  failed=1
fi
exit "$failed"
