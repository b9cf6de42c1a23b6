#!/usr/bin/env bash
# The program without memory: the k-th allocation of a command fails, alone or with all that follow, for PLACES values
# of k a command, all of them if there are no more. It ends with exit code 5, or 0 where it could do without.
# starve.sh CNF LIBRARY PLACES
set -euo pipefail
cnf=$(realpath "$1") library=$(realpath "$2") places=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$cnf" data moons -N 20 -q -o rows.csv
short=(--steps 2 --validate-every 2 '--hidden=4,4' --batch 8 -q)
"$cnf" train --data rows.csv "${short[@]}" -o model
tried=0
for arguments in "train --data rows.csv ${short[*]} --threads 2 --force -o run" 'train --resume model -q' \
  'sample model -N 100 --threads 2 --force -o s.npy' 'density model --size 120,100 --threads 1 -q --force -o d.png' \
  'logprob model --data rows.csv --threads 1' 'evaluate model --threads 1' 'info model'; do
  read -ra words <<<"$arguments"
  LD_PRELOAD=$library CNF_COUNT=count "$cnf" "${words[@]}" >/dev/null 2>&1
  count=$(<count)
  stride=$((count / places > 0 ? count / places : 1))
  for mode in '' -; do
    for ((k = 1; k <= count; k += stride)); do
      status=0
      LD_PRELOAD=$library CNF_STARVE=$k$mode "$cnf" "${words[@]}" >/dev/null 2>err || status=$?
      tried=$((tried + 1))
      if ((status != 0)) && { ((status != 5)) || ! grep -q emory err; }; then
        echo "cnf $arguments: allocation $k$mode of $count: exit code $status: $(<err)" >&2
        exit 1
      fi
    done
  done
done
echo "$tried failing allocations, each exit code 5 or done without"
