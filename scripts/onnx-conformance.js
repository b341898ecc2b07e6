// Runs ONNX's conformance cases (Debian: libonnx-testdata) on goml's machines and prints what passes by op:
//   node scripts/onnx-conformance.js [--machine tape|go] [--workers n [--threshold ns]] [--device gpu] [--verbose]
//     [part of a name]
// With --device gpu every op runs there that has a kernel, and what ops are left to the CPU is printed, with why. Where
// there is no GPU, a driver in software does: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json.
// With --data folder those of a newer ONNX, which scripts/onnx-cases.py writes.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const DATA = "/usr/share/libonnx-testdata/data";
const FOLDERS = ["node", "simple", "pytorch-converted", "pytorch-operator"];
/** What the cases' authors allow (onnx/backend/test/runner), but where a case says otherwise. */
const TOLERANCE = { rtol: 1e-3, atol: 1e-7 };

/** Why a case cannot pass, whoever runs it: by the name of the case. */
const INFEASIBLE = [
  [/^test_bernoulli/, "draw random numbers"],
  // Its answer is worked out with ε = 10⁻², which its model does not say; by the model it is 10⁻⁶.
  [/^test_adam_multiple$/, "has an answer to another model"],
  [/^test_gradient_of/, "ask for a gradient by an op of preview.training"],
  [/^test_training_dropout(_default)?(_mask)?$/, "draw random numbers"],
  [/bfloat16|BFLOAT16/, "have elements of bfloat16"],
];

/** As well, of the cases of a newer ONNX than Debian's. */
const INFEASIBLE_NEWER = [
  [/^test_dft_inverse(_opset19)?$/, "have answers rounded more coarsely than their tolerance"],
  [
    /FLOAT8|FLOAT4|INT4|INT2|_e[45]m[23]|float4e2m1|u?int[24]$/,
    "have elements of fewer than 8 bits, or of float8",
  ],
  [/_(bf16|fp16)(_expanded)?$/, "round to half precision between ops; goml widens halves to float32"],
  [/^test_image_decoder/, "decode pictures within the graph"],
  [
    /^test_(linear_attention|causal_conv_with_state|bitcast|cumprod|swiglu|flexattention)/,
    "have ops of later operator sets",
  ],
  [
    /^test_(bitshift_.*(negative|_ge_)|spacetodepth_crd|mod_float_edge)/,
    "have definitions of later operator sets",
  ],
];

/** The cases that the package has: name and folder. */
export function cases(data = DATA) {
  return FOLDERS.flatMap((kind) => {
    const folder = join(data, kind);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .sort()
      .map((name) => ({ name, kind, folder: join(folder, name) }))
      .filter((own) => existsSync(join(own.folder, "model.onnx")));
  });
}

/** Reads a value that stands in a file, of the kind that the model declares. */
function readValue(onnx, path, kind) {
  const bytes = new Uint8Array(readFileSync(path));
  if (kind === "sequence") {
    return new onnx.Sequence(onnx.readSequenceProto(bytes).tensors.map((proto) => onnx.tensorOf(proto)));
  }
  if (kind === "optional") {
    const proto = onnx.readOptionalProto(bytes);
    if (proto.tensor) return onnx.tensorOf(proto.tensor);
    return proto.sequence && new onnx.Sequence(proto.sequence.tensors.map((own) => onnx.tensorOf(own)));
  }
  return onnx.tensorOf(onnx.readTensorProto(bytes));
}

/** The first difference, or undefined where `got` is `want`. */
export function difference(onnx, got, want, { rtol, atol } = TOLERANCE) {
  if (want === undefined || got === undefined) return got === want ? undefined : "one is missing";
  if (want instanceof onnx.Sequence) {
    if (got.items?.length !== want.items.length)
      return `${got.items?.length} items, not ${want.items.length}`;
    return want.items.map((item, i) => difference(onnx, got.items[i], item, { rtol, atol })).find(Boolean);
  }
  if (got.dtype !== want.dtype) return `${got.dtype}, not ${want.dtype}`;
  if (got.shape.join() !== want.shape.join()) return `shape [${got.shape}], not [${want.shape}]`;
  const [a, b] = want.dtype === "string" ? [got.strings, want.strings] : [got.data, want.data];
  for (let i = 0; i < b.length; i++) {
    if (a[i] === b[i] || (Number.isNaN(a[i]) && Number.isNaN(b[i]))) continue;
    const close = typeof b[i] === "number" && Math.abs(a[i] - b[i]) <= atol + rtol * Math.abs(b[i]);
    if (!close) return `element ${i} is ${a[i]}, not ${b[i]}`;
  }
  return undefined;
}

/** Runs one case; gives undefined where it passes, else why not. */
export async function runCase(onnx, { folder }, options = {}) {
  let machine;
  try {
    const model = onnx.loadOnnx(new Uint8Array(readFileSync(join(folder, "model.onnx"))));
    machine = new onnx.OnnxMachine(model, options);
    const own = join(folder, "tolerance.json");
    const tolerance = existsSync(own) ? JSON.parse(readFileSync(own, "utf8")) : TOLERANCE;
    for (const set of readdirSync(folder).filter((name) => name.startsWith("test_data_set"))) {
      const own = join(folder, set);
      const inputs = new Map();
      // A file's tensor has a name as a rule; else files come in the order of the inputs.
      for (const [i, input] of model.inputs.entries()) {
        const path = join(own, `input_${i}.pb`);
        if (existsSync(path)) inputs.set(input.name, readValue(onnx, path, input.kind));
      }
      const { outputs } = await machine.run(inputs);
      for (const [i, output] of model.outputs.entries()) {
        const path = join(own, `output_${i}.pb`);
        if (!existsSync(path)) continue;
        const why = difference(onnx, outputs.get(output.name), readValue(onnx, path, output.kind), tolerance);
        if (why !== undefined) return `${output.name}: ${why}`;
      }
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await machine?.close();
  }
}

/** Why a GPU has no kernel of an op, whatever its elements are. */
const LEFT_TO_CPU = [
  [/^(rnn|gru|lstm)$/, "step after step on one core's work: launching each would take longer"],
  [/^(quantize)$/, "a quotient that is off by a rounding would become another integer"],
  [/^(lookup|treeEnsemble|pairwiseCoupling)$/, "branches of tables, on few numbers"],
  [/^(deformedWindows|regionAlign|regionMaximum)$/, "no kernel yet"],
  [
    /^(unpooling|poolingGradient|gridSampleGradient|gridPlaceGradient)$/,
    "sums that meet in an order of their own",
  ],
  [/^gridSample$/, "of the nearest element: another rounding of a place would choose another one"],
  [/^resizeAxis$/, "widened kernels, or a scale that is no fraction of small numbers"],
  [/^topK$/, "of more than 64 elements"],
];

/** Why an op of these types is left to the CPU. */
function reasonOf(name, types) {
  if (types.includes("float64")) return "elements of float64, which WGSL has not";
  const named = LEFT_TO_CPU.find(([pattern]) => pattern.test(name))?.[1];
  if (named !== undefined) return named;
  if (types.some((type) => type === "int64" || type === "uint64")) return "computes with integers of 64 bits";
  if (types.some((type) => type !== "float32"))
    return "integers whose digits the CPU works out in double, or narrow ones";
  return "results of nothing, or more operands than a pass has buffers";
}

/** A device that notes which ops it has kernels for, and which it has none for. */
export function watched(device) {
  const had = new Map();
  const left = new Map();
  const kernels = (op, inputs, results) => {
    const own = device.kernels(op, inputs, results);
    if (own !== undefined) had.set(op.name, (had.get(op.name) ?? 0) + 1);
    else {
      const what = `${op.name}: ${reasonOf(
        op.name,
        [...inputs, ...results].map(({ dtype }) => dtype),
      )}`;
      left.set(what, (left.get(what) ?? 0) + 1);
    }
    return own;
  };
  return { device: Object.create(device, { kernels: { value: kernels } }), had, left };
}

/** Why a case is not counted, or undefined where it is. */
export function infeasible({ name, folder }) {
  const list = folder.startsWith(DATA) ? INFEASIBLE : [...INFEASIBLE, ...INFEASIBLE_NEWER];
  return list.find(([pattern]) => pattern.test(name))?.[1];
}

async function main(args) {
  const option = (name) => (args.includes(name) ? args.splice(args.indexOf(name), 2)[1] : undefined);
  const flag = (name) => args.includes(name) && args.splice(args.indexOf(name), 1).length > 0;
  const options = { machine: option("--machine") ?? "go", workers: Number(option("--workers") ?? 0) };
  const threshold = option("--threshold");
  if (threshold !== undefined) options.threshold = Number(threshold);
  const verbose = flag("--verbose");
  const on = option("--device");
  const gpu = on === "gpu" ? await (await import("../dist/webgpu/index.js")).openGpu() : undefined;
  const watch = gpu && watched(gpu);
  if (watch !== undefined) Object.assign(options, { device: watch.device, placement: "gpu" });
  const data = option("--data") ?? DATA;
  const [part] = args;
  const onnx = await import("../dist/onnx/index.js");
  const byOp = new Map();
  const failures = [];
  let passed = 0;
  const all = cases(data).filter(({ name }) => part === undefined || name.includes(part));
  if (all.length === 0) throw new Error(`no cases in ${data}; apt-get install libonnx-testdata`);
  const left = new Map();
  for (const own of all) {
    const reason = infeasible(own);
    if (reason !== undefined) {
      left.set(reason, (left.get(reason) ?? 0) + 1);
      continue;
    }
    const why = await runCase(onnx, own, options);
    const op = own.name.replace(/^test_/, "").replace(/_.*/, "");
    const count = byOp.get(op) ?? { passed: 0, all: 0 };
    count.all++;
    if (why === undefined) {
      count.passed++;
      passed++;
    } else failures.push(`${own.name}: ${why}`);
    byOp.set(op, count);
  }
  for (const [op, { passed: good, all: count }] of [...byOp].sort()) {
    if (verbose || good < count) console.log(`${op.padEnd(28)} ${good} of ${count}`);
  }
  for (const failure of failures) console.log(failure.slice(0, 300));
  for (const [reason, count] of left) console.log(`left out: ${count} that ${reason}`);
  if (watch !== undefined) {
    const sum = (counts) => [...counts.values()].reduce((a, b) => a + b, 0);
    for (const [what, count] of [...watch.left].sort()) console.log(`on the CPU: ${count} × ${what}`);
    console.log(`${sum(watch.had)} ops on ${gpu.name}, ${sum(watch.left)} on the CPU`);
    await gpu.close();
  }
  console.log(
    `${passed} of ${all.length - [...left.values()].reduce((a, b) => a + b, 0)} cases pass (${all.length} in all)`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(process.argv.slice(2));
