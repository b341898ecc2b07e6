#!/bin/sh
# Four parts of a file, each trained apart as on four machines, merged into the model of the whole.
set -eu
goml=${GOML:-goml}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for i in 1 2 3 4; do
  $goml train data/boston.csv --shard "$i/4" -q -m "$work/part$i.json" &
  parts="${parts:-} $!"
done
for part in $parts; do wait "$part"; done

# A part that is missing is named, and nothing is merged.
if $goml merge "$work/part1.json" "$work/part2.json" "$work/part4.json" -m "$work/three.json"; then exit 1; fi
$goml merge "$work"/part*.json -q -m "$work/merged.json"
$goml train data/boston.csv -q -m "$work/whole.json"
$goml inspect "$work/merged.json" "$work/whole.json"
