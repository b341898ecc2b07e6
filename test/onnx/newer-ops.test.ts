import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, StringTensor } from "../../src/onnx/index.js";
import { randomFrom } from "../machine/random.js";
import { type AttributeValue, modelProto, nodeProto, TYPE, valueProto } from "./protos.js";

interface Given {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Tensor | StringTensor>>;
  readonly outputs: Readonly<Record<string, { rank: number; type: number }>>;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

const typeOf = ({ dtype }: Tensor | StringTensor) =>
  dtype === "string" ? TYPE.string : dtype === "int64" ? TYPE.int64 : TYPE.float;

/** What a model of one node gives here, and what it should: that which onnxruntime gives. */
async function agree({ op, inputs, outputs, attributes }: Given): Promise<void> {
  const bytes = modelProto(
    {
      inputs: Object.entries(inputs).map(([name, value]) => valueProto(name, value.shape, typeOf(value))),
      outputs: Object.entries(outputs).map(([name, { rank, type }]) =>
        valueProto(
          name,
          Array.from({ length: rank }, (_, axis) => `${name}${axis}`),
          type,
        ),
      ),
      nodes: [nodeProto(op, Object.keys(inputs), Object.keys(outputs), attributes)],
    },
    { opset: 20, irVersion: 9 },
  );
  const machine = new OnnxMachine(loadOnnx(bytes));
  const run = await machine.run(new Map(Object.entries(inputs)));
  await machine.close();
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const feeds = Object.entries(inputs).map(([name, value]) => [
    name,
    value instanceof StringTensor
      ? new ort.Tensor("string", [...value.strings], value.shape)
      : new ort.Tensor(value.dtype as "float32", value.data as Float32Array, value.shape),
  ]);
  const theirs = await session.run(Object.fromEntries(feeds));
  for (const name of Object.keys(outputs)) {
    const [got, want] = [run.outputs.get(name)!, theirs[name]!];
    if (!(got instanceof Tensor)) {
      expect((got as StringTensor).strings).toEqual([...(want.data as unknown as string[])]);
      expect((got as StringTensor).shape).toEqual(want.dims);
      continue;
    }
    expect(got.shape).toEqual(want.dims);
    const values = Array.from(want.data as Float32Array, Number);
    // Sums of a few products in another order.
    for (const [i, v] of values.entries())
      expect(Math.abs(v - Number(got.data[i]))).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(v)));
  }
}

const strings = (list: readonly string[], shape: readonly number[] = [list.length]) =>
  new StringTensor(list, shape);
const int64 = (...values: number[]) => new Tensor(BigInt64Array.from(values, BigInt), [values.length]);
const text = fc.stringMatching(/^[ab ,]{0,8}$/);

describe("ops of newer operator sets agree with onnxruntime", () => {
  test("texts put together, broadcast", () =>
    agree({
      op: "StringConcat",
      inputs: { x: strings(["a", "ä", ""], [3, 1]), y: strings(["1", "2"]) },
      outputs: { z: { rank: 2, type: TYPE.string } },
    }));

  test("texts cut at delimiters, or at white space, at most so often", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 4 }),
        fc.constantFrom("", ",", "ab"),
        fc.option(fc.integer({ min: 0, max: 3 })),
        (list, delimiter, maxsplit) =>
          agree({
            op: "StringSplit",
            inputs: { x: strings(list) },
            outputs: { parts: { rank: 2, type: TYPE.string }, counts: { rank: 1, type: TYPE.int64 } },
            attributes: { delimiter, ...(maxsplit !== null && { maxsplit }) },
          }),
      ),
      { numRuns: 40 },
    ));

  test("texts matched as a whole", async () => {
    for (const pattern of ["[a-z]+@[a-z]+\\.com", "a|ab", ".*", "\\d{2,}"])
      await agree({
        op: "RegexFullMatch",
        inputs: { x: strings(["me@goml.com", "ab", "a", "12", "x12", ""]) },
        outputs: { y: { rank: 1, type: TYPE.bool } },
        attributes: { pattern },
      });
  });

  test("grids of affine maps, in two and three dimensions", async () => {
    const random = randomFrom(1);
    for (const align_corners of [0, 1]) {
      for (const lengths of [
        [3, 4],
        [2, 3, 4],
      ]) {
        const axes = lengths.length;
        const theta = new Tensor(
          Float32Array.from({ length: 2 * axes * (axes + 1) }, () => 2 * random() - 1),
          [2, axes, axes + 1],
        );
        await agree({
          op: "AffineGrid",
          inputs: { theta, size: int64(2, 3, ...lengths) },
          outputs: { grid: { rank: axes + 2, type: TYPE.float } },
          attributes: { align_corners },
        });
      }
    }
  });

  test("blocks put back into an image", () =>
    fc.assert(
      fc.asyncProperty(fc.integer(), (seed) => {
        const random = randomFrom(seed);
        const integer = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
        const each = (low: number, high: number) => [integer(low, high), integer(low, high)];
        const [block, strides, dilations] = [each(1, 3), each(1, 2), each(1, 2)];
        const pads = [integer(0, 1), integer(0, 1), integer(0, 1), integer(0, 1)];
        const image = block.map((length, axis) => (length - 1) * dilations[axis]! + 1 + integer(0, 3));
        const counts = image.map((length, axis) => {
          const reach = (block[axis]! - 1) * dilations[axis]! + 1;
          return Math.floor((length + pads[axis]! + pads[axis + 2]! - reach) / strides[axis]!) + 1;
        });
        const shape = [2, 2 * block[0]! * block[1]!, counts[0]! * counts[1]!];
        const x = new Tensor(
          Float32Array.from({ length: shape[0]! * shape[1]! * shape[2]! }, () => integer(-4, 4)),
          shape,
        );
        return agree({
          op: "Col2Im",
          inputs: { x, image: int64(...image), block: int64(...block) },
          outputs: { y: { rank: 4, type: TYPE.float } },
          attributes: { strides, dilations, pads },
        });
      }),
      { numRuns: 30 },
    ));
});
