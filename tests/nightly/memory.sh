#!/usr/bin/env bash
# The most memory that rows through a model take: of a tenth of ROWS and of ROWS within 5 %, and at most 300 MB.
# memory.sh CNF ROWS
set -euo pipefail
cnf=$(realpath "$1") rows=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$cnf" train --data moons --hidden 8 --steps 50 -q -o model

# peak ROWS: in KiB, of log-densities of so many rows
peak() {
  local pid kib most=0
  mkfifo "pipe$1"
  "$cnf" data moons -N "$1" -q >"pipe$1" &
  "$cnf" logprob model --data - --rtol 1e-2 -q <"pipe$1" >/dev/null &
  pid=$!
  while kib=$(awk '/^VmHWM/ {print $2}' "/proc/$pid/status" 2>/dev/null) && [[ -n $kib ]]; do
    most=$kib
    sleep 0.05
  done
  wait "$pid"
  echo "$most"
}
few=$(peak $((rows / 10))) many=$(peak "$rows")
echo "$((rows / 10)) rows: $few KiB, $rows rows: $many KiB"
((many * 100 <= few * 105 && many * 1024 <= 300000000))
