#!/bin/sh
# A server, asked by curl: MLflow's records, and a tensor of the Open Inference Protocol with an interval.
set -eu
goml=${GOML:-goml}
work=$(mktemp -d)
$goml train data/boston.csv -f rm,lstat -q -m "$work/price.json"
$goml serve "$work/price.json" --port 0 > "$work/log" 2>&1 &
server=$!
trap 'kill "$server" 2> /dev/null; wait "$server" 2> /dev/null; rm -rf "$work"' EXIT
# Port 0 is any that is free; the log says which.
until url=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/log" | head -n 1) && [ -n "$url" ]; do sleep 0.1; done

curl -sS --fail-with-body "$url/v2/health/ready" > /dev/null
curl -sS --fail-with-body -d '{"dataframe_records": [{"rm": 6, "lstat": 5}, {"rm": 7, "lstat": 3}]}' "$url/invocations"
echo
curl -sS --fail-with-body -H 'content-type: application/json' -d '{
  "inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 2], "data": [6, 5]}],
  "parameters": {"interval": "prediction"}
}' "$url/v2/models/price/infer"
echo
if command -v python3 > /dev/null; then python3 examples/client.py "$url/v2/models/price" rm=6 lstat=5; fi
