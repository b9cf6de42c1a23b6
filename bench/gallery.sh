#!/usr/bin/env bash
# The default pictures of many kinds of data, trained for a few seconds each, and a contact sheet of them.
# usage: bench/gallery.sh CNF CONTACT_SHEET FOLDER OUT.png [DATA]
# DATA: a folder with maps (NAME/data.npy: latitude, longitude; datasaurus.csv) and pictures (img_*/*.pgm), drawn too.
set -euo pipefail
cnf=$1 sheet=$2 folder=$3 out=$4 data=${5-}
seconds=${SECONDS_EACH-15}
mkdir -p "$folder"
pictures=()

# shot NAME TRAINING...: a run of its own, and its picture by default.
shot() {
  local name=$1
  shift
  "$cnf" train "$@" --seconds "$seconds" -o "$folder/$name" --force --quiet
  "$cnf" density "$folder/$name" --title "$name" -o "$folder/$name.png" --force --quiet
  pictures+=("$folder/$name.png")
}

for set in 8gaussians circles moons pinwheel swissroll checkerboard 2spirals rings; do shot "$set" --data "$set"; done

# A moon with one row of a hundred flung out to +-500; a column of two bells and a tail; six columns in five clusters.
"$cnf" data moons -N 10000 -o "$folder/moons.csv" --force --quiet
awk -F, 'NR == 1 { print; next } NR % 100 { print; next } { print (NR % 200 ? 500 : -500) + $1 "," $2 * 300 }' \
  "$folder/moons.csv" >"$folder/flung.csv"
shot flung --data "$folder/flung.csv"
awk 'BEGIN { srand(4); print "seconds"
  for (i = 0; i < 20000; ++i) {
    z = sqrt(-2 * log(1 - rand())) * cos(6.2831853 * rand())
    u = rand(); print u < 0.4 ? 2 + 0.2 * z : u < 0.7 ? 4 + 0.5 * z : exp(1 + 0.5 * z)
  } }' >"$folder/column.csv"
shot column --data "$folder/column.csv"
"$cnf" data mixture:6 -N 20000 -o "$folder/six.csv" --force --quiet
shot six --data "$folder/six.csv"

for map in earth_quakes earth_fire earth_flood earth_volcano us_airports; do
  [[ -f $data/$map/data.npy ]] || continue
  shot "$map" --data "$data/$map/data.npy" --names lat,lon --columns lon,lat
done
[[ ! -f $data/datasaurus/datasaurus.csv ]] ||
  shot dino --data "$data/datasaurus/datasaurus.csv" --where dataset=dino --columns x,y
for picture in img_camera img_horse; do
  for file in "$data/$picture"/*.pgm; do
    [[ ! -f $file ]] || shot "$picture" --data "$file"
  done
done
"$sheet" "$out" 5 256 "${pictures[@]}"
