#!/bin/sh
# Trains small models with the program and compares its log-densities with those of rebuild.py, which knows
# docs/file-format.md alone.   check.sh CNF TWO_BLOCKS PYTHON [METHOD]   (METHOD of SciPy in the place of its own steps)
set -eu
cnf=$1 two_blocks=$2 python=$3 method=${4-} here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# compare_model MODEL PRECISION STEPS TOLERANCE POINTS
compare_model() {
  if [ "$2" = float ]; then solver="--rtol 1e-6 --atol 1e-6"; else solver="--rtol 1e-12 --atol 1e-12"; fi
  # shellcheck disable=SC2086  # two options and their values
  "$cnf" logprob "$1" --data "$5" --precision "$2" $solver -q --force -o "$folder/logp.npy"
  "$python" "$here/rebuild.py" "$1" "$5" "$folder/logp.npy" "${method:-$3}" "$4"
}

# compare PRECISION STEPS TOLERANCE DATA POINTS [training options]
compare() {
  precision=$1 steps=$2 tolerance=$3 data=$4 points=$5
  shift 5
  "$cnf" train --data "$data" --steps 60 --batch 128 --precision "$precision" -q --force -o "$folder/run" "$@"
  echo "$precision $*"
  compare_model "$folder/run/model.safetensors" "$precision" "$steps" "$tolerance" "$points"
}

"$cnf" data 8gaussians -N 200 -q -o "$folder/8g.npy"
"$python" -c "import numpy, sys
random = numpy.random.default_rng(1)
numpy.save(sys.argv[1], random.normal(size=(200, 3)) @ random.normal(size=(3, 3)) * [1, 10, 0.1] + [5, -50, 0])
" "$folder/three.npy"

compare float 100 2e-5 8gaussians "$folder/8g.npy" --hidden 16,16
compare double 400 1e-10 8gaussians "$folder/8g.npy" --hidden 16,16
compare double 400 1e-10 8gaussians "$folder/8g.npy" --hidden 12 --activation tanh --output-gate --t-end 0.5
mv "$folder/run/model.safetensors" "$folder/base.safetensors"
compare double 400 1e-10 "$folder/three.npy" "$folder/three.npy" --hidden 12,8 --activation softplus
compare double 400 1e-10 8gaussians "$folder/8g.npy" --hidden 8,8,8 --activation silu --time concat
cp "$folder/run/model.safetensors" "$folder/data.safetensors"
compare double 800 1e-10 8gaussians "$folder/8g.npy" --field planar --units 12
compare double 800 1e-10 "$folder/three.npy" "$folder/three.npy" --field planar --units 8 --activation sin
compare double 800 1e-10 8gaussians "$folder/8g.npy" --field potential --width 12 --rank 2
compare double 800 1e-10 "$folder/three.npy" "$folder/three.npy" --field potential --width 8

# Two blocks, over different times: an MLP at the base below another, and below planar units.
"$two_blocks" "$folder/base.safetensors" "$folder/data.safetensors" "$folder/two.safetensors"
echo "two blocks"
compare_model "$folder/two.safetensors" double 400 1e-10 "$folder/8g.npy"
compare double 800 1e-10 8gaussians "$folder/8g.npy" --field planar --units 12 --t-end 2
"$two_blocks" "$folder/base.safetensors" "$folder/run/model.safetensors" "$folder/two.safetensors"
echo "two blocks, planar units at the data"
compare_model "$folder/two.safetensors" double 800 1e-10 "$folder/8g.npy"
