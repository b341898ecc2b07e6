import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GomlError } from "../../src/errors.js";
import { type DType, OpError, type Tensor, tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, type OnnxTensor, StringTensor } from "../../src/onnx/index.js";
import { randomFrom } from "../machine/random.js";

const { cases }: { cases(): { name: string; folder: string }[] } = await import(
  String(new URL("../../scripts/onnx-conformance.js", import.meta.url))
);

const RUNS = process.env.GOML_LONG === undefined ? 300 : 8000;
/** Inputs of more elements than this say nothing more. */
const MOST = 1e5;

/** Whole numbers from −4 to 4, or 0 to 8, which are indices and lengths as well. */
function drawn(random: () => number, dtype: DType | "string", shape: readonly number[]): OnnxTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  if (dtype === "string") return new StringTensor(new Array<string>(size).fill("a"), shape);
  const signed = dtype !== "bool" && !dtype.startsWith("u");
  const values = Float64Array.from({ length: size }, () =>
    dtype === "bool" ? Number(random() < 0.5) : Math.floor(9 * random()) - (signed ? 4 : 0),
  );
  return tensor(values, shape, dtype) as Tensor;
}

test("models of any op with up to three bytes changed run, or are refused in one line", async (context) => {
  const all = cases();
  if (all.length === 0) context.skip("there are no ONNX conformance cases here");
  const random = randomFrom(3);
  const odd: string[] = [];
  for (let i = 0; i < RUNS; i++) {
    const { name, folder } = all[Math.floor(random() * all.length)]!;
    const bytes = new Uint8Array(readFileSync(join(folder, "model.onnx")));
    for (let edits = Math.floor(4 * random()); edits > 0; edits--)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(256 * random());
    let machine: OnnxMachine | undefined;
    try {
      const model = loadOnnx(bytes);
      machine = new OnnxMachine(model);
      const inputs = new Map<string, OnnxTensor>();
      for (const { name: input, kind, dtype = "float32", shape = [] } of model.inputs) {
        const lengths = shape.map((length) =>
          typeof length === "number" ? length : Math.floor(4 * random()),
        );
        const fits = kind === "tensor" && lengths.reduce((product, length) => product * length, 1) < MOST;
        inputs.set(input, fits ? drawn(random, dtype, lengths) : undefined);
      }
      await machine.run(inputs);
    } catch (error) {
      const refused = error instanceof GomlError || error instanceof OpError;
      const { message } = error as Error;
      if (!refused || message === "" || /\n\s*at /.test(message))
        odd.push(`${name}: ${(error as Error).stack}`);
    } finally {
      await machine?.close();
    }
  }
  expect(odd).toEqual([]);
});
