// A GPU beside the CPU: `node bench/gpu.js [--batch 1,32] [--side 224] [--thinner 1] [--sizes 1024,4096] [--rounds 7]`.
//
// ResNet-50 with seeded weights (src/cli/bench/networks.ts) by goml's machine on the GPU, by goml on all threads of the CPU, and by
// onnxruntime-node on all threads of the CPU, one after another in each round: medians, ratios round by round. Outputs are compared
// first, and two runs on the GPU must give the same bits. Then products of square float32 matrices: times with copies, and of the shaders
// alone, as traces have them. Thinner networks of small images are for drivers in software.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { resnet } from "../dist/cli/bench/networks.js";
import { fuse, GoMachine, Graph, matmul, Tensor } from "../dist/machine/index.js";
import { DEVICE_LANES } from "../dist/machine/trace.js";
import { toOnnx } from "../dist/onnx/index.js";
import { median } from "../dist/stats/quantile.js";
import { findGpus, openGpu } from "../dist/webgpu/index.js";

const { values: flags } = parseArgs({
  options: {
    batch: { type: "string", default: "1,32" },
    side: { type: "string", default: "224" },
    thinner: { type: "string", default: "1" },
    sizes: { type: "string", default: "1024,4096" },
    rounds: { type: "string", default: "7" },
  },
});
const numbers = (text) => text.split(",").filter(Boolean).map(Number);
const [side, thinner, rounds] = [flags.side, flags.thinner, flags.rounds].map(Number);
const threads = availableParallelism();
/** Of the largest output. Sums of some 100,000 products in another order, layer after layer, are off by 1e-6 or so. */
const TOLERANCE = 1e-4;

const noise = (size, seed) => Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * 0.7));

/** The medians of what is done in turn, in milliseconds, and of the ratios to the first. */
async function inTurn(cases) {
  const times = cases.map(() => []);
  for (let round = -1; round < rounds; round++)
    for (const [i, [, run]] of cases.entries()) {
      const began = performance.now();
      await run();
      if (round >= 0) times[i].push(performance.now() - began);
    }
  for (const [i, [name]] of cases.entries()) {
    const ratio = median(times[i].map((time, round) => time / times[0][round]));
    console.log(
      `${name.padEnd(44)}${median(times[i]).toFixed(2).padStart(10)} ms${ratio.toFixed(2).padStart(8)} ×`,
    );
  }
}

async function network(device, batch) {
  const { graph: whole, input, output } = resnet(50, { batch, side, thinner });
  const fused = fuse(whole, [output]);
  const [x, y] = [fused.nodeOf(input), fused.nodeOf(output)];
  const value = new Tensor(noise(batch * 3 * side * side, 1), x.shape);
  const on = (options) => {
    const machine = new GoMachine(fused.graph, { outputs: [y], ...options });
    machine.let(x, value);
    return machine;
  };
  const gpu = on({ device, placement: "gpu" });
  const cpu = on({ workers: threads - 1 });
  const session = await InferenceSession.create(toOnnx(whole, { outputs: [output] }), {
    intraOpNumThreads: threads,
  });
  const [feed] = session.inputNames;
  const ort = () => session.run({ [feed]: new OrtTensor("float32", value.data, [...x.shape]) });

  const first = (await gpu.runAll()).value(y).data.slice();
  const again = (await gpu.runAll()).value(y).data;
  const expected = (await cpu.runAll()).value(y).data;
  const largest = expected.reduce((most, own) => Math.max(most, Math.abs(own)), 0);
  const off = expected.reduce((most, own, i) => Math.max(most, Math.abs(own - first[i])), 0) / largest;
  const { ops, others } = gpu.placed;
  console.log(
    `\nResNet-50, batch ${batch}, ${side} × ${side}: ${ops} ops on the GPU, left to the CPU: ${[...others.keys()].join(", ") || "none"}`,
  );
  console.log(`off by ${off.toExponential(1)} of the largest output`);
  if (!(off <= TOLERANCE)) throw new Error("the GPU and the CPU do not agree");
  if (first.some((own, i) => !Object.is(own, again[i]))) throw new Error("a second run gave other bits");
  await inTurn([
    [`onnxruntime-node, ${threads} threads`, ort],
    ["goml on the GPU", () => gpu.runAll()],
    [`goml, ${threads} threads`, () => cpu.runAll()],
  ]);
  await gpu.close();
  await cpu.close();
  await session.release();
}

async function product(device, size) {
  const graph = new Graph();
  const a = graph.input("a", [size, size], "float32");
  const b = graph.input("b", [size, size], "float32");
  const y = matmul(a, b);
  const made = { outputs: [y], device, placement: "gpu" };
  const machine = new GoMachine(graph, made);
  const traced = new GoMachine(graph, { ...made, trace: true });
  const times = { whole: [], shaders: [] };
  for (const own of [machine, traced])
    for (const [node, seed] of [
      [a, 1],
      [b, 2],
    ])
      own.let(node, new Tensor(noise(size * size, seed), node.shape));
  for (let round = -1; round < rounds; round++) {
    const began = performance.now();
    await machine.runAll();
    const took = performance.now() - began;
    const { trace } = await traced.runAll();
    const own = trace.spans
      .filter(({ lane }) => lane === DEVICE_LANES.run)
      .map(({ started, ended }) => ended - started);
    if (round < 0) continue;
    times.whole.push(took);
    times.shaders.push(own.reduce((sum, span) => sum + span, 0));
  }
  const rate = (list) =>
    `${(median(list)).toFixed(2)} ms, ${((2 * size ** 3) / median(list) / 1e9).toFixed(2)} TFLOP/s`;
  console.log(`${size}³ float32: with copies ${rate(times.whole)}; shaders ${rate(times.shaders)}`);
  await machine.close();
  await traced.close();
}

const { gpus, missing } = await findGpus();
if (missing !== undefined) throw new Error(`${missing.why}; ${missing.hint}`);
console.log(
  `${gpus.map(({ name }) => name).join(", ")}; Node ${process.versions.node}; medians of ${rounds} rounds`,
);
const device = await openGpu();
for (const batch of numbers(flags.batch)) await network(device, batch);
console.log();
for (const size of numbers(flags.sizes)) await product(device, size);
await device.close();
