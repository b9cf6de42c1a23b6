#!/usr/bin/env bash
# Trains 20 steps in every mode and prints a digest of the weights and of metrics.csv for each, the same on 1, 2 and 3
# threads or it fails: what must not change when code is only moved. usage: bit_gate.sh PROGRAM [EARLIER]
# With EARLIER, the output of an earlier call, it fails on any difference.
set -euo pipefail

cnf=$1
earlier=${2-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# The tensors of a safetensors file, without the header: its recipe may be spelled otherwise, the weights may not move.
tensors() {
  local header
  header=$(od -An -N8 -tu8 "$1" | tr -d ' ')
  tail -c "+$((header + 9))" "$1"
}

digests() {
  local name=$1 threads digest before=''
  shift
  for threads in 1 2 3; do
    "$cnf" train --data 8gaussians --steps 20 --validate-every 10 --quiet --threads "$threads" --force -o "$folder/run" "$@"
    digest=$({ tensors "$folder/run/model.safetensors"; cat "$folder/run/metrics.csv"; } | sha256sum | cut -c1-32)
    [[ -z $before || $before == "$digest" ]] || {
      echo "bit_gate: $name: other bits on $threads threads" >&2
      exit 1
    }
    before=$digest
  done
  printf '%s  %s\n' "$digest" "$name"
}

all() {
  local precision
  for precision in float double; do
    digests "$precision, default" --precision "$precision"
    digests "$precision, continuous, hutchinson" --precision "$precision" --gradient continuous --divergence hutchinson:1
    digests "$precision, flow matching" --precision "$precision" --objective flow-matching
    digests "$precision, warm start" --precision "$precision" --warm-start 10
    digests "$precision, three layers, rk4, per-sample norm" --precision "$precision" --hidden 24,24,24 \
      --activation tanh --time concat --solver rk4:6
    digests "$precision, gated output, odd batch" --precision "$precision" --hidden 32 --output-gate --batch 333 \
      --norm sample --clip 1 --weight-decay 1e-3
  done
}

if [[ -n $earlier ]]; then
  diff "$earlier" <(all)
else
  all
fi
