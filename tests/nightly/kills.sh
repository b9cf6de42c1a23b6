#!/usr/bin/env bash
# Trains runs that are killed by SIGKILL again and again until they are through, and compares their files with those of
# a run left alone. Killed on four threads, resumed on one to four.   kills.sh CNF RUNS [SEED]
set -euo pipefail
cnf=$(realpath "$1") runs=$2 seed=${3:-1}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$cnf" data moons -N 3000 -q -o points.csv

recipes=(
  '--data moons --hidden 16,16 --batch 256 --steps 300 --validate-every 20'
  '--data points.csv --hidden 12 --batch 128 --steps 300 --validate-every 15 --precision double'
  '--data 8gaussians --hidden 16,16 --batch 256 --objective flow-matching --steps 2000 --validate-every 100'
  '--data moons --hidden 12,12 --batch 128 --warm-start 500 --steps 100 --validate-every 10'
)
files=(model.safetensors training.safetensors metrics.csv)

sums() { (cd "$1" && sha256sum "${files[@]}"); }
milliseconds() { local now=${EPOCHREALTIME/[.,]/}; echo $((now / 1000)); }

for i in "${!recipes[@]}"; do
  begin=$(milliseconds)
  # shellcheck disable=SC2086  # options and their values
  "$cnf" train ${recipes[i]} -q --threads 1 -o "whole$i"
  took[i]=$(($(milliseconds) - begin))
  sums "whole$i" >"whole$i.sums"
done

RANDOM=$seed kills=0 starts=0
for ((r = 0; r < runs; ++r)); do
  i=$((r % ${#recipes[@]}))
  rm -rf run
  for ((k = 0; ; ++k)); do
    if [[ -e run/training.safetensors ]]; then
      words=(--resume run --threads $((1 + k % 4)))
    else  # killed before there was anything to resume
      read -ra words <<<"${recipes[i]} --threads 4 --force -o run"
    fi
    "$cnf" train "${words[@]}" -q &
    pid=$!
    starts=$((starts + 1))
    # Anywhere in the run; after many kills later and later, so that it ends.
    within=$((took[i] * (10 + k) / 10))
    after=$(((RANDOM * 32768 + RANDOM) % within))
    sleep "$((after / 1000)).$(printf %03d $((after % 1000)))"
    kill -KILL "$pid" 2>/dev/null || true
    status=0
    wait "$pid" 2>/dev/null || status=$?
    ((status != 0)) || break
    if ((status != 137)); then
      echo "run $r (${recipes[i]}): exit code $status after $k kills: cnf train ${words[*]}" >&2
      exit 1
    fi
    kills=$((kills + 1))
  done
  if ! sums run | cmp -s - "whole$i.sums"; then
    echo "run $r (${recipes[i]}): $k kills, and its files are not those of a run left alone" >&2
    exit 1
  fi
done
echo "$runs runs, $kills kills, all files as if left alone"
