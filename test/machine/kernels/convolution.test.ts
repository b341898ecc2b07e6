import fc from "fast-check";
import { expect, test } from "vitest";
import { convolve, convolveDepthwise, finish } from "../../../src/machine/kernels/convolution.js";
import type { Geometry, Part } from "../../../src/machine/kernels/geometry.js";
import { kernelsOn } from "../../../src/machine/kernels/tensor-kernels.js";
import { randomFrom } from "../random.js";
import { floats, inMemory } from "./in-memory.js";

const part = (values: Float32Array): Part => ({ data: values.slice(), at: 0 });
const valuesOf = ({ data, at }: Part) => Float32Array.from(data.subarray(at) as Float32Array);

const small = fc.integer({ min: 1, max: 4 });
const geometries: fc.Arbitrary<Geometry> = fc
  .record({
    channels: fc.integer({ min: 1, max: 6 }),
    height: fc.integer({ min: 1, max: 24 }),
    width: fc.integer({ min: 1, max: 24 }),
    kernelHeight: small,
    kernelWidth: small,
    strideY: small,
    strideX: small,
    dilationY: small,
    dilationX: small,
    padTop: fc.nat(3),
    padLeft: fc.nat(3),
    padBottom: fc.nat(3),
    padRight: fc.nat(3),
  })
  .map(({ padBottom, padRight, ...g }) => ({
    ...g,
    outHeight:
      Math.floor((g.height + g.padTop + padBottom - g.dilationY * (g.kernelHeight - 1) - 1) / g.strideY) + 1,
    outWidth:
      Math.floor((g.width + g.padLeft + padRight - g.dilationX * (g.kernelWidth - 1) - 1) / g.strideX) + 1,
  }))
  .filter((g) => g.outHeight > 0 && g.outWidth > 0);

/** The sum over the window, from an image with its padding laid around it: another way than either implementation. */
function byDefinition(
  x: Float32Array,
  w: Float32Array,
  g: Geometry,
  o: number,
  oy: number,
  ox: number,
): number {
  let sum = 0;
  for (let k = 0; k < g.channels * g.kernelHeight * g.kernelWidth; k++) {
    const j = k % g.kernelWidth;
    const i = ((k - j) / g.kernelWidth) % g.kernelHeight;
    const c = Math.floor(k / (g.kernelWidth * g.kernelHeight));
    const row = oy * g.strideY - g.padTop + i * g.dilationY;
    const column = ox * g.strideX - g.padLeft + j * g.dilationX;
    const inside = row >= 0 && column >= 0 && row < g.height && column < g.width;
    const value = inside ? x[c * g.height * g.width + row * g.width + column]! : 0;
    const weight = w[o * g.channels * g.kernelHeight * g.kernelWidth + k]!;
    sum = Math.fround(sum + Math.fround(weight * value));
  }
  return sum;
}

test("a convolution has the bits of its definition, in WebAssembly and in plain loops", () => {
  fc.assert(
    fc.property(geometries, fc.integer({ min: 1, max: 9 }), fc.integer(), (g, outputs, seed) => {
      const random = randomFrom(seed);
      const plane = g.outHeight * g.outWidth;
      const x = floats(random, g.channels * g.height * g.width);
      const w = floats(random, outputs * g.channels * g.kernelHeight * g.kernelWidth);
      const want = new Float32Array(outputs * plane);
      for (let o = 0; o < outputs; o++)
        for (let p = 0; p < plane; p++)
          want[o * plane + p] = byDefinition(x, w, g, o, Math.floor(p / g.outWidth), p % g.outWidth);
      const cut = Math.floor(random() * (plane + 1));
      for (const place of [part, inMemory()]) {
        const y = place(new Float32Array(want.length));
        convolve(place(x), place(w), y, g, outputs, 0, cut);
        convolve(place(x), place(w), y, g, outputs, cut, plane);
        expect(valuesOf(y)).toEqual(want);
      }
    }),
    { numRuns: 150 },
  );
});

test("a convolution of many channels, positions and outputs passes the edges of the blocks", () => {
  const g = {
    channels: 60,
    height: 40,
    width: 40,
    kernelHeight: 3,
    kernelWidth: 3,
    outHeight: 40,
    outWidth: 40,
    strideY: 1,
    strideX: 1,
    dilationY: 1,
    dilationX: 1,
    padTop: 1,
    padLeft: 1,
  };
  const random = randomFrom(3);
  const x = floats(random, 60 * 1600);
  const w = floats(random, 70 * 60 * 9);
  const place = inMemory();
  const [y, plain] = [place(new Float32Array(70 * 1600)), part(new Float32Array(70 * 1600))];
  expect(kernelsOn(y.data, [y.data])).toBeDefined();
  convolve(place(x), place(w), y, g, 70, 0, 1600);
  convolve(part(x), part(w), plain, g, 70, 0, 1600);
  expect(valuesOf(y)).toEqual(valuesOf(plain));
});

test("a depthwise convolution has the bits of its definition, whatever rows are asked for", () => {
  fc.assert(
    fc.property(geometries, fc.integer(), (g, seed) => {
      const random = randomFrom(seed);
      const [plane, area] = [g.outHeight * g.outWidth, g.kernelHeight * g.kernelWidth];
      const x = floats(random, g.channels * g.height * g.width);
      const w = floats(random, g.channels * area);
      const want = new Float32Array(g.channels * plane);
      for (let c = 0; c < g.channels; c++)
        for (let p = 0; p < plane; p++) {
          const image = x.subarray(c * g.height * g.width);
          const own = { ...g, channels: 1 };
          const [oy, ox] = [Math.floor(p / g.outWidth), p % g.outWidth];
          want[c * plane + p] = byDefinition(image, w.subarray(c * area), own, 0, oy, ox);
        }
      const rows = g.channels * g.outHeight;
      const cut = Math.floor(random() * (rows + 1));
      for (const place of [part, inMemory()]) {
        const y = place(new Float32Array(want.length));
        convolveDepthwise(place(x), place(w), y, g, 0, cut);
        convolveDepthwise(place(x), place(w), y, g, cut, rows);
        expect(valuesOf(y)).toEqual(want);
      }
    }),
    { numRuns: 150 },
  );
});

test("rows of an image that are too long for a thread's room are convolved by themselves", () => {
  const random = randomFrom(9);
  // Room is for 131,072 floats: for two such rows with their padding, of which windows reach over three.
  for (const [width, strideX] of [
    [40_000, 1],
    [60_000, 2],
    [200_000, 3],
  ] as const) {
    const g = {
      channels: 1,
      height: 4,
      width,
      kernelHeight: 3,
      kernelWidth: 2,
      outHeight: 4,
      outWidth: Math.floor((width - 2) / strideX) + 1,
      strideY: 1,
      strideX,
      dilationY: 1,
      dilationX: 1,
      padTop: 1,
      padLeft: 0,
    };
    const [x, w] = [floats(random, 4 * width), floats(random, 6)];
    const place = inMemory();
    const [y, plain] = [place, part].map((own) => own(new Float32Array(4 * g.outWidth))) as [Part, Part];
    convolveDepthwise(place(x), place(w), y, g, 0, 4);
    convolveDepthwise(part(x), part(w), plain, g, 0, 4);
    expect(valuesOf(y)).toEqual(valuesOf(plain));
  }
});

test("bias, residual and bounds follow in this order, each step rounded", () => {
  const bounds = fc.constantFrom<[number, number]>([-Infinity, Infinity], [0, Infinity], [0, 6], [-0.1, 0.3]);
  fc.assert(
    fc.property(fc.nat(9), fc.nat(20), fc.boolean(), fc.boolean(), bounds, fc.integer(), (...drawn) => {
      const [rows, n, biased, added, [low, high], seed] = drawn;
      const random = randomFrom(seed);
      const stride = n + 3;
      const [y, bias, residual] = [rows * stride, rows, rows * stride].map((length) =>
        floats(random, length),
      ) as [Float32Array, Float32Array, Float32Array];
      const want = y.slice();
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < n; j++) {
          const at = i * stride + j;
          let value = y[at]!;
          if (biased) value = Math.fround(value + bias[i]!);
          if (added) value = Math.fround(value + residual[at]!);
          want[at] = Number.isNaN(value) ? value : value < low ? low : Math.min(value, high);
          // −0 is below the bound 0.
          if (Object.is(value, -0) && low === 0) want[at] = 0;
        }
      for (const place of [part, inMemory()]) {
        const out = place(y);
        const how = { bias: biased ? place(bias) : undefined, residual: added ? place(residual) : undefined };
        finish(out, stride, rows, n, { ...how, low, high });
        expect(valuesOf(out)).toEqual(want);
      }
    }),
    { numRuns: 150 },
  );
});
