#!/bin/sh
# What to run where there is a GPU, in one go and some minutes: what was found, every kernel against the CPU, ONNX's conformance cases,
# and times beside the CPU's. A checkout is needed in which `npm ci` has run. Where there is no driver but SwiftShader's, say so by
# VK_ICD_FILENAMES, and `scripts/gpu-check.sh --small`: then figures say nothing, but that all of it runs.
set -eu
cd "$(dirname "$0")/.."
[ -d dist ] || npm run --silent build
node bin/goml.js graph --devices
npx vitest run --reporter=dot test/webgpu
node scripts/onnx-conformance.js --device gpu
if [ "${1:-}" = --small ]; then
  node bench/gpu.js --batch 1 --side 32 --thinner 16 --sizes 64 --rounds 1
else
  node bench/gpu.js
fi
