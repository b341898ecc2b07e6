#!/bin/sh
# One model per group in one pass, and whether they differ.
set -eu
goml=${GOML:-goml}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

$goml train data/cps-wages.csv -t wage -f education,experience --group-by gender -q -m "$work/groups.json"
$goml train data/cps-wages.csv -t wage -f education,experience -q -m "$work/all.json"
$goml inspect "$work/groups.json"
# Chow's test: the model of all rows against one for each group.
$goml anova "$work/all.json" "$work/groups.json"
# One row: the group's model is chosen by its column.
$goml predict -m "$work/groups.json" --set education=12 --set experience=10 --set gender=female -q
