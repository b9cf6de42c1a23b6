#!/usr/bin/env bash
# Runs the fuzz targets, as many at a time as there are processors. What libFuzzer finds worth keeping goes to
# BUILD/corpus, an input that a target fails on to BUILD/found.   fuzz.sh BUILD EXECUTIONS TARGET...
set -euo pipefail
build=$1 each=$(($2 / ($# - 2))) corpus=$(realpath "$(dirname "$0")/../fuzz/corpus")
shift 2

run() {
  local target=$1 status=0
  mkdir -p "$build/corpus/$target" "$build/found" "$build/logs"
  # An allocation of more than half a GB, or a minute of elapsed time for one input, is a fault as well.
  "$build/tests/fuzz/fuzz_$target" "-runs=$each" -max_len=16384 -timeout=60 -rss_limit_mb=1024 -malloc_limit_mb=512 \
    "-artifact_prefix=$build/found/$target-" "-dict=$corpus/../dictionary" -print_final_stats=1 \
    "$build/corpus/$target" "$corpus/$target" >"$build/logs/$target" 2>&1 || status=$?
  if ((status)); then
    tail -40 "$build/logs/$target" >&2
    echo "$target: failed after $each executions or fewer" >&2
    return 1
  fi
  awk -v target="$target" '
    /^stat::number_of_executed_units/ { runs = $2 }
    /^stat::average_exec_per_sec/ { speed = $2 }
    / cov: / { for (i = 1; i < NF; ++i) if ($i == "cov:") edges = $(i + 1) }
    END { printf "%s: %d executions, %d a second, %d edges reached\n", target, runs, speed, edges }
  ' "$build/logs/$target"
}
export -f run
export build each corpus
printf '%s\n' "$@" | xargs -P "$(nproc)" -I @ bash -c 'set -euo pipefail; run @'
