import fc from "fast-check";
import { describe, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { randomFrom } from "../machine/random.js";
import { agree } from "./peer.js";
import { TYPE } from "./protos.js";

// The ops that language models are made of (operator sets 23 and 24), with random attributes, beside onnxruntime.
// All cases of ONNX's own: `node scripts/onnx-conformance.js --data folder`, which scripts/onnx-cases.py fills.

type Random = () => number;
const integer = (random: Random, low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const sizeOf = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
const floats = (random: Random, ...shape: number[]) =>
  new Tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1),
    shape,
  );
const int64 = (values: readonly number[], shape = [values.length]) =>
  new Tensor(BigInt64Array.from(values, BigInt), shape);
const RUNS = process.env.GOML_LONG === undefined ? 20 : 1000;
const each = (draw: (random: Random, workers: boolean) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(fc.integer(), (seed) => draw(randomFrom(seed), seed % 10 === 0)),
    { numRuns: RUNS },
  );

describe("ops of transformers agree with onnxruntime", () => {
  test("Attention: heads that share keys, masks, causality, pasts, caps, stages", () =>
    each(async (random, workers) => {
      const [batch, shared, times] = [integer(random, 1, 2), integer(random, 1, 3), integer(random, 1, 3)];
      const [queries, fresh, past] = [integer(random, 1, 4), integer(random, 1, 5), integer(random, 0, 3)];
      const [width, valueWidth] = [2 * integer(random, 1, 4), integer(random, 1, 5)];
      const heads = shared * times;
      const keys = past + fresh;
      const flat = past === 0 && random() < 0.5;
      const part = (count: number, steps: number, size: number) =>
        flat ? floats(random, batch, steps, count * size) : floats(random, batch, count, steps, size);
      const masked = integer(random, 0, 2);
      const maskShape = [queries, keys];
      if (random() < 0.5) maskShape.unshift(random() < 0.5 ? 1 : batch, random() < 0.5 ? 1 : heads);
      const mask =
        masked === 0
          ? undefined
          : masked === 1
            ? floats(random, ...maskShape)
            : new Tensor(
                Uint8Array.from({ length: sizeOf(maskShape) }, () => Number(random() < 0.7)),
                maskShape,
                "bool",
              );
      await agree({
        op: "Attention",
        opset: 23,
        workers,
        inputs: {
          q: part(heads, queries, width),
          k: part(shared, fresh, width),
          v: part(shared, fresh, valueWidth),
          mask,
          ...(past > 0 && {
            pastKey: floats(random, batch, shared, past, width),
            pastValue: floats(random, batch, shared, past, valueWidth),
          }),
        },
        outputs: {
          y: { rank: flat ? 3 : 4, type: TYPE.float },
          ...(past > 0 && {
            presentKey: { rank: 4, type: TYPE.float },
            presentValue: { rank: 4, type: TYPE.float },
          }),
        },
        attributes: {
          ...(flat && { q_num_heads: heads, kv_num_heads: shared }),
          is_causal: Number(random() < 0.5),
          ...(random() < 0.5 && { softcap: { float: 0.5 + random() } }),
          ...(random() < 0.5 && { scale: { float: 0.1 + random() } }),
        },
      });
    }));

  test("RotaryEmbedding: whole and in part, halves and pairs, by places and as they come", () =>
    each(async (random, workers) => {
      const [batch, heads, steps] = [integer(random, 1, 2), integer(random, 1, 3), integer(random, 1, 4)];
      const width = 2 * integer(random, 2, 5);
      const flat = random() < 0.5;
      const turned = random() < 0.5 ? 0 : 2 * integer(random, 1, width / 2 - 1);
      const half = (turned || width) / 2;
      const byPlace = random() < 0.5;
      const cache = () => floats(random, ...(byPlace ? [7, half] : [batch, steps, half]));
      await agree({
        op: "RotaryEmbedding",
        opset: 23,
        workers,
        inputs: {
          x: flat ? floats(random, batch, steps, heads * width) : floats(random, batch, heads, steps, width),
          cos: cache(),
          sin: cache(),
          ...(byPlace && {
            places: int64(
              Array.from({ length: batch * steps }, () => integer(random, 0, 6)),
              [batch, steps],
            ),
          }),
        },
        outputs: { y: { rank: flat ? 3 : 4, type: TYPE.float } },
        attributes: {
          interleaved: Number(random() < 0.5),
          ...(turned > 0 && { rotary_embedding_dim: turned }),
          ...((flat || turned > 0) && { num_heads: heads }),
        },
      });
    }));

  test("RMSNormalization over the axes from one on", () =>
    each(async (random, workers) => {
      const shape = Array.from({ length: integer(random, 1, 4) }, () => integer(random, 1, 5));
      const axis = integer(random, 0, shape.length - 1);
      await agree({
        op: "RMSNormalization",
        opset: 23,
        workers,
        inputs: { x: floats(random, ...shape), scale: floats(random, ...shape.slice(axis)) },
        outputs: { y: { rank: shape.length, type: TYPE.float } },
        attributes: { axis: axis - shape.length, epsilon: { float: 0.01 } },
      });
    }));

  test("TensorScatter: caches that are written on, or around", () =>
    each(async (random, workers) => {
      const [batch, heads, room, width] = [
        integer(random, 1, 3),
        integer(random, 1, 2),
        6,
        integer(random, 1, 3),
      ];
      const steps = integer(random, 1, 3);
      const circular = random() < 0.5;
      await agree({
        op: "TensorScatter",
        opset: 24,
        workers,
        inputs: {
          cache: floats(random, batch, heads, room, width),
          update: floats(random, batch, heads, steps, width),
          starts: int64(
            Array.from({ length: batch }, () => integer(random, 0, circular ? room - 1 : room - steps)),
          ),
        },
        outputs: { y: { rank: 4, type: TYPE.float } },
        attributes: { mode: circular ? "circular" : "linear" },
      });
    }));
});
