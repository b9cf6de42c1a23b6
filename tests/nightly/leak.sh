#!/usr/bin/env bash
# The memory of a training run and of an evaluation of endless rows, watched for SECONDS each: a straight line through
# its last three quarters may not rise by more than 1 MiB from end to end.   leak.sh CNF SECONDS
set -euo pipefail
cnf=$(realpath "$1") seconds=$2
folder=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null; rm -rf "$folder"' EXIT
pids=()
cd "$folder"
"$cnf" train --data moons --hidden 16,16 --steps 50 -q -o model
# A field that learned would be solved in more and more steps, which are all kept for the gradient.
"$cnf" train --data 8gaussians --hidden 32,32 --lr 1e-12 --steps 1000000000 --validate-every 100 --threads 1 -q \
  -o run 2>/dev/null &
pids+=($!)
mkfifo rows
"$cnf" data moons -N 1000000000000 -q >rows 2>/dev/null &
pids+=($!)
"$cnf" logprob model --data - --threads 1 -q <rows >/dev/null 2>&1 &
pids+=($!)
names=(train data logprob)
for ((second = 0; second < seconds; ++second)); do
  sleep 1
  for i in "${!pids[@]}"; do
    printf '%s %d %d\n' "${names[i]}" "$second" "$(awk '/^VmRSS/ {print $2}' "/proc/${pids[i]}/status")"
  done
done >memory
awk -v seconds="$seconds" '
  $2 >= seconds / 4 { n[$1]++; x[$1] += $2; y[$1] += $3; xx[$1] += $2 * $2; xy[$1] += $2 * $3 }
  END {
    for (name in n) {
      slope = (n[name] * xy[name] - x[name] * y[name]) / (n[name] * xx[name] - x[name] ^ 2)
      rise = slope * seconds * 3 / 4
      printf "%s: %.0f KiB on average, %+.1f KiB/min in %d s\n", name, y[name] / n[name], 60 * slope, seconds
      if (rise > 1024) bad = 1
    }
    exit bad
  }' memory
