// A part of a graph on a GPU: two layers of a network there, and what has no kernel there on the CPU.
//
//     npm install webgpu
//     node examples/gpu.js
//
// Without a GPU, Chromium's driver in software does: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json.
import { GoMachine, Graph, matmul, relu, softmax, TapeMachine, Tensor } from "goml/machine";
import { openGpu } from "goml/webgpu";

const weights = (rows, columns, seed) =>
  new Tensor(
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(seed + i) / Math.sqrt(rows)),
    [rows, columns],
  );

const graph = new Graph();
const x = graph.input("x", [8, 64], "float32");
const hidden = relu(matmul(x, weights(64, 128, 1)));
const y = softmax(matmul(hidden, weights(128, 10, 2)));

const device = await openGpu(); // where there is none: an error that says what to do
console.log(device.name);

const onGpu = new GoMachine(graph, { device, placement: "gpu" });
const onCpu = new TapeMachine(graph);
for (const machine of [onGpu, onCpu]) machine.let(x, weights(8, 64, 3));
const [gpu, again, cpu] = [await onGpu.runAll(), await onGpu.runAll(), await onCpu.runAll()];

const { ops, others } = onGpu.placed;
console.log(`${ops} ops on the GPU, ${others.size} kinds of ops on the CPU`);
const [a, b, c] = [gpu, again, cpu].map((run) => run.value(y).data);
console.log(
  `from the CPU's by ${Math.max(...a.map((own, i) => Math.abs(own - c[i]))).toExponential(0)} at most`,
);
console.log(
  `a second run gives ${a.every((own, i) => Object.is(own, b[i])) ? "the same bits" : "other bits"}`,
);

await onGpu.close();
await onCpu.close();
await device.close();
