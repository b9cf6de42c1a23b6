#!/bin/sh
# Trains small models with the program and compares its log-densities with those of rebuild.py, which knows
# docs/file-format.md alone.   check.sh CNF PYTHON
set -eu
cnf=$1 python=$2 here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# compare PRECISION STEPS TOLERANCE DATA POINTS [training options]
compare() {
  precision=$1 steps=$2 tolerance=$3 data=$4 points=$5
  shift 5
  if [ "$precision" = float ]; then solver="--rtol 1e-6 --atol 1e-6"; else solver="--rtol 1e-12 --atol 1e-12"; fi
  "$cnf" train --data "$data" --steps 60 --batch 128 --precision "$precision" -q --force -o "$folder/run" "$@"
  # shellcheck disable=SC2086  # two options and their values
  "$cnf" logprob "$folder/run" --data "$points" --precision "$precision" $solver -q --force -o "$folder/logp.npy"
  echo "$precision $*"
  "$python" "$here/rebuild.py" "$folder/run/model.safetensors" "$points" "$folder/logp.npy" "$steps" "$tolerance"
}

"$cnf" data 8gaussians -N 200 -q -o "$folder/8g.npy"
"$python" -c "import numpy, sys
random = numpy.random.default_rng(1)
numpy.save(sys.argv[1], random.normal(size=(200, 3)) @ random.normal(size=(3, 3)) * [1, 10, 0.1] + [5, -50, 0])
" "$folder/three.npy"

compare float 100 2e-5 8gaussians "$folder/8g.npy" --hidden 16,16
compare double 400 1e-10 8gaussians "$folder/8g.npy" --hidden 16,16
compare double 400 1e-10 8gaussians "$folder/8g.npy" --hidden 12 --activation tanh --output-gate --t-end 0.5
compare double 400 1e-10 8gaussians "$folder/8g.npy" --hidden 8,8,8 --activation silu --time concat
compare double 400 1e-10 "$folder/three.npy" "$folder/three.npy" --hidden 12,8 --activation softplus
