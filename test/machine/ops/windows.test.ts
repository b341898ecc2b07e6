import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Kernel, type Shape, Tensor, type TypedOp } from "../../../src/machine/index.js";
import { Convolution, TransposedConvolution } from "../../../src/machine/ops/convolution.js";
import { Pooling } from "../../../src/machine/ops/pooling.js";
import { ResizeAxis } from "../../../src/machine/ops/resize.js";
import { sizeOf } from "../../../src/machine/shape.js";
import { allocate } from "../../../src/machine/tensor.js";
import { indicesOf, randomFrom, sameBits } from "../random.js";

/** Small whole numbers, so that sums are exact whatever their order, in either float. */
function wholeTensor(random: () => number, shape: Shape, dtype: "float32" | "float64"): Tensor {
  const data = allocate(dtype, sizeOf(shape)).map(() => Math.floor(random() * 9) - 4);
  return new Tensor(data as Float64Array, shape, dtype);
}

/** Computes an op in pieces of random lengths, in random order. */
function inPieces(op: TypedOp, inputs: readonly Tensor[], random: () => number): Tensor {
  const types = op.infer(inputs);
  const kernel: Kernel = op.make(inputs, types);
  const outputs = types.map(({ dtype, shape }) => allocate(dtype, sizeOf(shape)));
  const pieces: [number, number][] = [];
  for (let at = 0; at < kernel.units; ) {
    const end = Math.min(kernel.units, at + 1 + Math.floor(random() * 4));
    pieces.push([at, end]);
    at = end;
  }
  pieces.sort(() => random() - 0.5);
  for (const [from, to] of pieces)
    kernel.run(
      inputs.map(({ data }) => data),
      outputs[0]!,
      from,
      to,
      outputs,
    );
  return new Tensor(outputs[0]!, types[0]!.shape, types[0]!.dtype);
}

const windows = fc
  .record({
    seed: fc.integer(),
    spatial: fc.integer({ min: 1, max: 3 }),
    dtype: fc.constantFrom("float32" as const, "float64" as const),
  })
  .map(({ seed, spatial, dtype }) => {
    const random = randomFrom(seed);
    const draw = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
    const each = (low: number, high: number) => Array.from({ length: spatial }, () => draw(low, high));
    const window = { strides: each(1, 3), dilations: each(1, 2), before: each(0, 2), after: each(0, 2) };
    const kernel = each(1, 3);
    // Long enough for one window at least.
    const lengths = kernel.map((k, axis) => (k - 1) * window.dilations[axis]! + 1 + draw(0, 4));
    return { random, draw, spatial, dtype, window, kernel, lengths };
  });

describe("convolutions with any strides, dilations, padding, groups and axes", () => {
  test("are sums of products over windows, whatever pieces they are computed in", () =>
    fc.assert(
      fc.property(windows, ({ random, draw, dtype, window, kernel, lengths }) => {
        const groups = draw(1, 3);
        const [perGroup, filtersPerGroup, images] = [draw(1, 2), draw(1, 2), draw(1, 2)];
        const x = wholeTensor(random, [images, groups * perGroup, ...lengths], dtype);
        const w = wholeTensor(random, [groups * filtersPerGroup, perGroup, ...kernel], dtype);
        const bias = wholeTensor(random, [groups * filtersPerGroup], dtype);
        const op = new Convolution({ ...window, groups });
        const got = op.do([x, w, bias]) as Tensor;
        const want = [...indicesOf(got.shape)].map(([n, m, ...place]) => {
          const group = Math.floor(m! / filtersPerGroup);
          let sum = bias.data[m!]!;
          for (let c = 0; c < perGroup; c++) {
            for (const tap of indicesOf(kernel)) {
              const at = tap.map(
                (k, axis) =>
                  place[axis]! * window.strides[axis]! + k * window.dilations[axis]! - window.before[axis]!,
              );
              if (at.some((i, axis) => i < 0 || i >= lengths[axis]!)) continue;
              sum += x.at(n!, group * perGroup + c, ...at) * w.at(m!, c, ...tap);
            }
          }
          return sum;
        });
        expect([...got.data]).toEqual(want);
        expect(sameBits(inPieces(op, [x, w, bias], random).data, got.data)).toBe(true);
      }),
    ));

  test("of one plane that their one window misses are 0", () => {
    const x = new Tensor(Float32Array.of(1, 2, 3, 4), [1, 1, 1, 2, 2]);
    const w = new Tensor(Float32Array.of(1), [1, 1, 1, 1, 1]);
    const window = { strides: [3, 1, 1], dilations: [1, 1, 1], before: [1, 0, 0], after: [1, 0, 0] };
    const y = new Convolution({ ...window, groups: 1 }).do([x, w]) as Tensor;
    expect([...y.data]).toEqual([0, 0, 0, 0]);
  });

  test("are turned around by transposed ones: ⟨conv(x), y⟩ = ⟨x, transposed(y)⟩", () =>
    fc.assert(
      fc.property(windows, ({ random, draw, dtype, window, kernel, lengths }) => {
        const groups = draw(1, 2);
        const [perGroup, filtersPerGroup] = [draw(1, 2), draw(1, 2)];
        const x = wholeTensor(random, [1, groups * perGroup, ...lengths], dtype);
        const w = wholeTensor(random, [groups * filtersPerGroup, perGroup, ...kernel], dtype);
        const forward = new Convolution({ ...window, groups }).do([x, w]) as Tensor;
        const y = wholeTensor(random, forward.shape, dtype);
        // What the windows do not reach at the end of an axis.
        const outputPadding = lengths.map((length, axis) => {
          const reach = (kernel[axis]! - 1) * window.dilations[axis]! + 1;
          const room = length + window.before[axis]! + window.after[axis]! - reach;
          return room % window.strides[axis]!;
        });
        const op = new TransposedConvolution({ ...window, groups, outputPadding });
        const back = op.do([y, w]) as Tensor;
        expect(back.shape).toEqual(x.shape);
        const dot = (a: Tensor, b: Tensor) =>
          Array.from(a.data, (value, i) => value * b.data[i]!).reduce((sum, value) => sum + value, 0);
        expect(dot(forward, y)).toBe(dot(x, back));
        expect(sameBits(inPieces(op, [y, w], random).data, back.data)).toBe(true);
      }),
    ));
});

test("pooling takes the greatest, the mean or the norm of each window", () =>
  fc.assert(
    fc.property(
      windows,
      fc.boolean(),
      fc.boolean(),
      ({ random, dtype, window, kernel, lengths }, ceil, countPadding) => {
        // Padding as large as a window would leave some without an element.
        const inside = (list: readonly number[]) => list.map((pad, axis) => Math.min(pad, kernel[axis]! - 1));
        const own = {
          ...window,
          dilations: lengths.map(() => 1),
          before: inside(window.before),
          after: inside(window.after),
        };
        const x = wholeTensor(random, [2, 2, ...lengths], dtype);
        const elements = (place: readonly number[]) => {
          const found: number[] = [];
          let padding = 0;
          for (const tap of indicesOf(kernel)) {
            const at = tap.map((k, axis) => place[axis]! * own.strides[axis]! + k - own.before[axis]!);
            if (at.every((i, axis) => i >= 0 && i < lengths[axis]!))
              found.push(at.reduce((flat, i, axis) => flat * lengths[axis]! + i, 0));
            else if (at.every((i, axis) => i < lengths[axis]! + own.after[axis]!)) padding++;
          }
          return { found, padding };
        };
        for (const name of ["maxPooling", "averagePooling", "normPooling"] as const) {
          const op = new Pooling(name, { ...own, kernel, ceil, countPadding, p: 1 });
          const got = op.do([x]) as Tensor;
          const plane = sizeOf(lengths);
          let i = 0;
          for (const [n, c, ...place] of indicesOf(got.shape)) {
            const { found, padding } = elements(place);
            const values = found.map((at) => x.data[(n! * 2 + c!) * plane + at]!);
            const sum = values.reduce((total, value) => total + value, 0);
            const round = (value: number) => (dtype === "float32" ? Math.fround(value) : value);
            const want = {
              maxPooling: Math.max(...values),
              averagePooling: round(sum / (values.length + (countPadding ? padding : 0))),
              normPooling: values.reduce((total, value) => total + Math.abs(value), 0),
            }[name];
            // The sign of a 0 is of no consequence.
            expect(got.data[i++]! + 0).toBe(want + 0);
          }
          expect(sameBits(inPieces(op, [x], random).data, got.data)).toBe(true);
        }
      },
    ),
  ));

describe("resizing an axis", () => {
  const plain = {
    nearest: "round_prefer_floor",
    cubic: -0.75,
    excludeOutside: false,
    start: 0,
    end: 1,
    outside: 0,
    antialias: false,
  } as const;
  const resized = (values: readonly number[], length: number, options: Partial<ResizeAxis["attributes"]>) => {
    const op = new ResizeAxis({
      ...plain,
      axis: 0,
      length,
      scale: length / values.length,
      mode: "linear",
      coordinates: "half_pixel",
      ...options,
    });
    return [...(op.do([new Tensor(Float64Array.from(values), [values.length])]) as Tensor).data];
  };

  test("reproduces straight lines by linear interpolation and parabolas by cubic, inside of the axis", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 6, max: 12 }),
        fc.integer({ min: 6, max: 40 }),
        fc.integer({ min: -3, max: 3 }),
        fc.integer({ min: -3, max: 3 }),
        (from, to, slope, curve) => {
          const at = (i: number) => ((i + 0.5) * from) / to - 0.5;
          const line = (x: number) => 2 + slope * x;
          const parabola = (x: number) => line(x) + curve * x * x;
          const points = Array.from({ length: from }, (_, i) => i);
          const linear = resized(points.map(line), to, {});
          // Keys' kernel is exact for parabolas with a = −1/2.
          const cubic = resized(points.map(parabola), to, { mode: "cubic", cubic: -0.5 });
          for (let i = 0; i < to; i++) {
            const x = at(i);
            if (x >= 0 && x <= from - 1) expect(linear[i]).toBeCloseTo(line(x), 10);
            if (x >= 1 && x <= from - 2) expect(cubic[i]).toBeCloseTo(parabola(x), 9);
          }
        },
      ),
    ));

  test("keeps what is constant in every mode, also at the ends and with widened kernels", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom("nearest" as const, "linear" as const, "cubic" as const),
        fc.constantFrom(
          "half_pixel" as const,
          "pytorch_half_pixel" as const,
          "align_corners" as const,
          "asymmetric" as const,
        ),
        fc.boolean(),
        fc.boolean(),
        (from, to, mode, coordinates, antialias, excludeOutside) => {
          const values = resized(new Array<number>(from).fill(3), to, {
            mode,
            coordinates,
            antialias,
            excludeOutside,
          });
          for (const value of values) expect(value).toBeCloseTo(3, 12);
        },
      ),
    ));

  test("takes the nearest by the rule that is asked for", () => {
    const nearest = (rule: ResizeAxis["attributes"]["nearest"]) =>
      resized([0, 1, 2, 3], 8, { mode: "nearest", coordinates: "asymmetric", nearest: rule });
    expect(nearest("floor")).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(nearest("ceil")).toEqual([0, 1, 1, 2, 2, 3, 3, 3]);
    expect(nearest("round_prefer_floor")).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(nearest("round_prefer_ceil")).toEqual([0, 1, 1, 2, 2, 3, 3, 3]);
  });
});
