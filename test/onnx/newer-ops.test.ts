import fc from "fast-check";
import { describe, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { StringTensor } from "../../src/onnx/index.js";
import { randomFrom } from "../machine/random.js";
import { agree } from "./peer.js";
import { TYPE, tensorProto } from "./protos.js";

const strings = (list: readonly string[], shape: readonly number[] = [list.length]) =>
  new StringTensor(list, shape);
/** Sessions of onnxruntime take longer than what they check. */
const RUNS = process.env.GOML_LONG === undefined ? 12 : 300;

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
      { numRuns: RUNS },
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
      { numRuns: RUNS },
    ));
});

type Random = () => number;
const between = (random: Random, low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const sizeOf = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
const floats = (random: Random, shape: readonly number[], scale = 1) =>
  new Tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => scale * (2 * random() - 1)),
    shape,
  );
/** One case in ten goes to machines with workers too. */
const each = (draw: (random: Random, workers: boolean) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(fc.integer(), (seed) => draw(randomFrom(seed), seed % 10 === 0)),
    { numRuns: RUNS },
  );

describe("ops on places between elements agree with onnxruntime", () => {
  test("DeformConv: groups of channels and of offsets, masks, strides and dilations", () =>
    each((random, workers) => {
      const [groups, offsetGroups] = [between(random, 1, 2), between(random, 1, 2)];
      const [batch, channels, outputs] = [between(random, 1, 2), 2 * between(random, 1, 2), 2 * groups];
      const pair = (low: number, high: number) => [between(random, low, high), between(random, low, high)];
      const [kernel, strides, dilations] = [pair(1, 3), pair(1, 2), pair(1, 2)];
      const pads = [...pair(0, 1), ...pair(0, 1)];
      const lengths = kernel.map((k, axis) => (k - 1) * dilations[axis]! + 1 + between(random, 0, 3));
      const counts = lengths.map((length, axis) => {
        const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
        return Math.floor((length + pads[axis]! + pads[axis + 2]! - reach) / strides[axis]!) + 1;
      });
      const size = offsetGroups * kernel[0]! * kernel[1]!;
      return agree({
        op: "DeformConv",
        opset: 22,
        workers,
        inputs: {
          x: floats(random, [batch, channels, ...lengths]),
          w: floats(random, [outputs, channels / groups, ...kernel]),
          offset: floats(random, [batch, 2 * size, ...counts], 2),
          bias: random() < 0.5 ? floats(random, [outputs]) : undefined,
          ...(random() < 0.5 && { mask: floats(random, [batch, size, ...counts]) }),
        },
        outputs: { y: { rank: 4, type: TYPE.float } },
        attributes: {
          kernel_shape: kernel,
          strides,
          dilations,
          pads,
          group: groups,
          offset_group: offsetGroups,
        },
      });
    }));

  test("GridSample of volumes", () =>
    each((random, workers) => {
      const [batch, channels] = [between(random, 1, 2), between(random, 1, 2)];
      const three = () => [between(random, 2, 4), between(random, 2, 4), between(random, 2, 4)];
      return agree({
        op: "GridSample",
        opset: 22,
        workers,
        inputs: {
          x: floats(random, [batch, channels, ...three()]),
          grid: floats(random, [batch, ...three(), 3], 1.4),
        },
        outputs: { y: { rank: 5, type: TYPE.float } },
        attributes: {
          mode: random() < 0.5 ? "linear" : "nearest",
          padding_mode: ["zeros", "border", "reflection"][between(random, 0, 2)]!,
          align_corners: between(random, 0, 1),
        },
      });
    }));

  test("MaxRoiPool", () =>
    each((random, workers) => {
      const [batch, channels] = [between(random, 1, 2), between(random, 1, 2)];
      const regions = between(random, 1, 3);
      const corners = Array.from({ length: regions }, () => {
        const [left, top] = [between(random, 0, 6), between(random, 0, 6)];
        return [
          between(random, 0, batch - 1),
          left,
          top,
          left + between(random, 0, 8),
          top + between(random, 0, 8),
        ];
      });
      return agree({
        op: "MaxRoiPool",
        workers,
        inputs: {
          x: floats(random, [batch, channels, 6, 7]),
          regions: new Tensor(Float32Array.from(corners.flat()), [regions, 5]),
        },
        outputs: { y: { rank: 4, type: TYPE.float } },
        attributes: {
          pooled_shape: [between(random, 1, 3), between(random, 1, 3)],
          spatial_scale: { float: [1, 0.5][between(random, 0, 1)]! },
        },
      });
    }));
});

describe("numbers in blocks, spectra, texts and trees agree with onnxruntime", () => {
  test("Quantize- and DequantizeLinear by blocks", () =>
    each(async (random) => {
      const shape = [between(random, 1, 2), between(random, 2, 6), between(random, 1, 3)];
      const axis = between(random, 0, 2);
      const block = between(random, 1, 3);
      const blocks = shape.with(axis, Math.ceil(shape[axis]! / block));
      const scale = new Tensor(
        Float32Array.from({ length: sizeOf(blocks) }, () => 0.01 + random()),
        blocks,
      );
      const bytes = (of: readonly number[]) =>
        new Tensor(
          Int8Array.from({ length: sizeOf(of) }, () => between(random, -128, 127)),
          of,
        );
      const attributes = { axis, block_size: block };
      const zero = bytes(blocks);
      await agree({
        op: "QuantizeLinear",
        opset: 21,
        inputs: { x: floats(random, shape, 50), scale, zero },
        outputs: { y: { rank: 3, type: TYPE.int8 } },
        attributes,
      });
      await agree({
        op: "DequantizeLinear",
        opset: 21,
        inputs: { x: bytes(shape), scale, zero },
        outputs: { y: { rank: 3, type: TYPE.float } },
        attributes,
      });
    }));

  test("texts that are equal, broadcast", () =>
    agree({
      op: "Equal",
      inputs: { x: strings(["a", "b", "a"], [3, 1]), y: strings(["a", "b"]) },
      outputs: { z: { rank: 2, type: TYPE.bool } },
      opset: 19,
    }));

  test("TreeEnsemble: comparisons, sets, missing values, combinations, in both precisions", () =>
    each((random, workers) => {
      const double = random() < 0.5;
      const raw = (values: readonly number[]) =>
        double ? Float64Array.from(values) : Float32Array.from(values);
      const type = double ? TYPE.double : TYPE.float;
      const attribute = (name: string, values: readonly number[]) => ({
        tensor: tensorProto(name, [values.length], type, raw(values) as Float32Array),
      });
      // Two trees of three inner nodes each, and four leaves.
      const inner = Array.from({ length: 6 }, (_, i) => i);
      const modes = inner.map(() => between(random, 0, 6));
      const sets = modes
        .filter((mode) => mode === 6)
        .map(() => [between(random, 0, 2), between(random, 0, 2)]);
      const leaf = (i: number) => Number(i % 3 !== 0);
      const child = (right: number) =>
        inner.map((i) => (i % 3 === 0 ? i + 1 + right : 4 * Math.floor(i / 3) + 2 * ((i % 3) - 1) + right));
      // onnxruntime takes a missing value for unequal to any, whichever way it is said to go; and numbers the transforms of
      // scores in another order than ONNX.
      const gaps = modes.includes(5) ? 0 : 0.2;
      const x = Array.from({ length: 15 }, () => (random() < gaps ? Number.NaN : between(random, 0, 2)));
      return agree({
        op: "TreeEnsemble",
        domain: "ai.onnx.ml",
        workers,
        inputs: { x: new Tensor(raw(x), [5, 3]) },
        outputs: { y: { rank: 2, type } },
        attributes: {
          n_targets: 2,
          aggregate_function: between(random, 0, 3),
          tree_roots: [0, 3],
          nodes_featureids: inner.map(() => between(random, 0, 2)),
          nodes_modes: { tensor: tensorProto("nodes_modes", [6], TYPE.uint8, Uint8Array.from(modes)) },
          nodes_splits: attribute(
            "nodes_splits",
            modes.map(() => between(random, 0, 2)),
          ),
          nodes_truenodeids: child(0),
          nodes_falsenodeids: child(1),
          nodes_trueleafs: inner.map((i) => leaf(i)),
          nodes_falseleafs: inner.map((i) => leaf(i)),
          nodes_missing_value_tracks_true: inner.map(() => between(random, 0, 1)),
          leaf_weights: attribute("leaf_weights", [...floats(random, [8]).data] as number[]),
          leaf_targetids: Array.from({ length: 8 }, () => between(random, 0, 1)),
          ...(sets.length > 0 && {
            membership_values: attribute(
              "membership_values",
              sets.flatMap((own) => [...own, Number.NaN]),
            ),
          }),
        },
      });
    }));
});
