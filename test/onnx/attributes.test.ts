import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, type OnnxMachineOptions } from "../../src/onnx/index.js";
import { indicesOf, randomFrom, sameBits } from "../machine/random.js";
import { type AttributeValue, modelProto, nodeProto, TYPE, tensorProto, valueProto } from "./protos.js";

// ONNX's definitions of ops, element by element over nested indices, beside goml's on models of one node with random
// attributes: what conversions make of attributes, and what machines make of ops.

type Random = () => number;
type Shape = readonly number[];

const integer = (random: Random, low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
const list = (random: Random, count: number, low: number, high: number) =>
  Array.from({ length: count }, () => integer(random, low, high));
const sizeOf = (shape: Shape) => shape.reduce((product, length) => product * length, 1);

/** Small whole numbers: sums and products of them are exact in any order. */
const whole = (random: Random, shape: Shape) =>
  new Tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => integer(random, -4, 4)),
    shape,
  );
const indices = (random: Random, shape: Shape, length: (i: number) => number) =>
  new Tensor(
    BigInt64Array.from({ length: sizeOf(shape) }, (_, i) =>
      BigInt(integer(random, -length(i), length(i) - 1)),
    ),
    shape,
  );

/** The element at an index; `otherwise` outside of the tensor. */
function at({ data, shape }: Tensor, index: Shape, otherwise = 0): number {
  let place = 0;
  for (const [axis, i] of index.entries()) {
    if (i < 0 || i >= shape[axis]!) return otherwise;
    place = place * shape[axis]! + i;
  }
  return Number(data[place]!);
}

/** A tensor whose elements are a function of their indices. */
function made(shape: Shape, element: (index: number[]) => number): Tensor {
  const data = new Float32Array(sizeOf(shape));
  let o = 0;
  for (const index of indicesOf(shape)) data[o++] = element(index);
  return new Tensor(data, shape);
}

/** A node with random attributes, its inputs, and what it should give. */
interface Case {
  readonly op: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** The first is the model's input, the others are constants; undefined where one is left out. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly want: readonly Tensor[];
  /** How far elements may be off, of their size and 1; 0 where all is exact. */
  readonly tolerance?: number;
  readonly opset?: number;
}

const MACHINES: readonly OnnxMachineOptions[] = [
  { machine: "tape" },
  { machine: "tape", fusion: false },
  { machine: "go" },
  { machine: "go", workers: 2, threshold: 0 },
];

/** Machines of workers cost threads: some cases of each op have them. */
async function check(one: Case, workers: boolean): Promise<void> {
  const { op, attributes, inputs, want, tolerance = 0, opset = 17 } = one;
  const [x, ...others] = inputs as [Tensor, ...(Tensor | undefined)[]];
  const type = ({ dtype }: Tensor) => (dtype === "int64" ? TYPE.int64 : TYPE.float);
  const names = others.map((value, i) => (value === undefined ? "" : `c${i}`));
  const outputs = want.map((_, i) => `y${i}`);
  const bytes = modelProto(
    {
      inputs: [valueProto("x", x.shape, type(x))],
      outputs: want.map(({ shape }, i) => valueProto(outputs[i]!, shape)),
      initializers: others.flatMap((value, i) =>
        value === undefined
          ? []
          : [tensorProto(names[i]!, value.shape, type(value), value.data as Float32Array)],
      ),
      nodes: [nodeProto(op, ["x", ...names], outputs, attributes)],
    },
    { opset },
  );
  let first: Tensor[] | undefined;
  for (const options of MACHINES) {
    if (options.workers !== undefined && !workers) continue;
    const machine = new OnnxMachine(loadOnnx(bytes), options);
    const run = await machine.run(new Map([["x", x]]));
    const got = outputs.map((name) => run.outputs.get(name) as Tensor);
    await machine.close();
    for (const [i, { data, shape }] of got.entries()) {
      expect(shape).toEqual(want[i]!.shape);
      if (first !== undefined) expect(sameBits(data, first[i]!.data)).toBe(true);
      else
        for (const [k, value] of want[i]!.data.entries())
          expect(Math.abs(Number(data[k]) - Number(value))).toBeLessThanOrEqual(
            tolerance * (1 + Math.abs(Number(value))),
          );
    }
    first ??= got;
  }
}

const RUNS = process.env.GOML_LONG === undefined ? 40 : 1000;
/** One case in ten goes to machines with workers too. */
const each = (draw: (random: Random) => Case) =>
  fc.assert(
    fc.asyncProperty(fc.integer(), (seed) => {
      const random = randomFrom(seed);
      return check(draw(random), seed % 10 === 0);
    }),
    { numRuns: RUNS },
  );

/** A window's attributes as ONNX has them, and what they come to on an input of `lengths`. */
function windowed(random: Random, { ceil = false, auto = true } = {}) {
  const spatial = integer(random, 1, 3);
  const kernel = list(random, spatial, 1, 3);
  const strides = list(random, spatial, 1, 3);
  const dilations = list(random, spatial, 1, 2);
  const reach = kernel.map((k, axis) => (k - 1) * dilations[axis]! + 1);
  const lengths = reach.map((length) => length + integer(random, 0, 4));
  const mode = auto ? pick(random, ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]) : "NOTSET";
  let before = kernel.map((k) => integer(random, 0, Math.min(1, k - 1)));
  let after = kernel.map((k) => integer(random, 0, Math.min(2, k - 1)));
  if (mode === "VALID") [before, after] = [kernel.map(() => 0), kernel.map(() => 0)];
  if (mode.startsWith("SAME")) {
    const total = lengths.map((length, axis) =>
      Math.max(0, (Math.ceil(length / strides[axis]!) - 1) * strides[axis]! + reach[axis]! - length),
    );
    const half = total.map((pad) => (mode === "SAME_UPPER" ? Math.floor(pad / 2) : Math.ceil(pad / 2)));
    before = half;
    after = total.map((pad, axis) => pad - half[axis]!);
  }
  const counts = lengths.map((length, axis) => {
    const room = (length + before[axis]! + after[axis]! - reach[axis]!) / strides[axis]!;
    let count = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
    // A last window has to begin within the input or the padding before it.
    if (ceil && (count - 1) * strides[axis]! >= length + before[axis]!) count--;
    return count;
  });
  return {
    kernel,
    lengths,
    counts,
    before,
    after,
    strides,
    attributes: {
      strides,
      dilations,
      ...(mode === "NOTSET" ? { pads: [...before, ...after] } : { auto_pad: mode }),
    },
    /** Where in the input element k of window o lies. */
    place: (o: Shape, k: Shape) =>
      o.map((i, axis) => i * strides[axis]! + k[axis]! * dilations[axis]! - before[axis]!),
  };
}

describe("models of one node with random attributes give what ONNX defines, in the same bits on every machine", () => {
  test("Conv", () =>
    each((random) => {
      const { kernel, lengths, counts, attributes, place } = windowed(random);
      const group = integer(random, 1, 3);
      const [own, filters] = [integer(random, 1, 3), group * integer(random, 1, 3)];
      const x = whole(random, [integer(random, 1, 2), group * own, ...lengths]);
      const w = whole(random, [filters, own, ...kernel]);
      const bias = random() < 0.5 ? whole(random, [filters]) : undefined;
      const want = made([x.shape[0]!, filters, ...counts], ([n, m, ...o]) => {
        let sum = bias === undefined ? 0 : at(bias, [m!]);
        const first = Math.floor(m! / (filters / group)) * own;
        for (let c = 0; c < own; c++)
          for (const k of indicesOf(kernel))
            sum += at(x, [n!, first + c, ...place(o, k)]) * at(w, [m!, c, ...k]);
        return sum;
      });
      const inputs = bias === undefined ? [x, w] : [x, w, bias];
      return { op: "Conv", attributes: { ...attributes, group }, inputs, want: [want] };
    }));

  test("ConvTranspose", () =>
    each((random) => {
      const { kernel, attributes, strides } = windowed(random, { auto: false });
      const dilations = attributes.dilations;
      const lengths = kernel.map(() => integer(random, 2, 4));
      const group = integer(random, 1, 2);
      const [channels, own] = [group * integer(random, 1, 2), integer(random, 1, 2)];
      const outputPadding = strides.map((stride) => integer(random, 0, stride - 1));
      const [before, after] = [
        kernel.map(() => integer(random, 0, 1)),
        kernel.map(() => integer(random, 0, 1)),
      ];
      const long = lengths.map(
        (length, axis) =>
          (length - 1) * strides[axis]! +
          (kernel[axis]! - 1) * dilations[axis]! +
          1 +
          outputPadding[axis]! -
          before[axis]! -
          after[axis]!,
      );
      if (long.some((length) => length < 1))
        return { op: "Identity", inputs: [made([1], () => 1)], want: [made([1], () => 1)] };
      const x = whole(random, [2, channels, ...lengths]);
      const w = whole(random, [channels, own, ...kernel]);
      const shape = [2, group * own, ...long];
      const sums = new Float64Array(sizeOf(shape));
      // As it is defined: every element of x adds w, times itself, to where it came from.
      for (const [n, c, ...i] of indicesOf(x.shape)) {
        for (let m = 0; m < own; m++) {
          for (const k of indicesOf(kernel)) {
            const o = i.map(
              (own2, axis) => own2 * strides[axis]! + k[axis]! * dilations[axis]! - before[axis]!,
            );
            if (o.some((place, axis) => place < 0 || place >= long[axis]!)) continue;
            const filter = Math.floor(c! / (channels / group)) * own + m;
            const place = [n!, filter, ...o].reduce((sum, index, axis) => sum * shape[axis]! + index, 0);
            sums[place]! += at(x, [n!, c!, ...i]) * at(w, [c!, m, ...k]);
          }
        }
      }
      const want = new Tensor(Float32Array.from(sums), shape);
      return {
        op: "ConvTranspose",
        attributes: { strides, dilations, pads: [...before, ...after], output_padding: outputPadding, group },
        inputs: [x, w],
        want: [want],
      };
    }));

  test.each(["MaxPool", "AveragePool", "LpPool"])("%s", (op) =>
    each((random) => {
      const ceil = op !== "LpPool" && random() < 0.5;
      const drawn = windowed(random, { ceil, auto: !ceil });
      const { kernel, lengths, counts, attributes, place, after } = drawn;
      const counted = op === "AveragePool" && random() < 0.5;
      const x = whole(random, [2, 2, ...lengths]);
      const want = made([2, 2, ...counts], ([n, c, ...o]) => {
        const places = [...indicesOf(kernel)].map((k) => place(o, k));
        const inside = places.filter((own) => own.every((i, axis) => i >= 0 && i < lengths[axis]!));
        const values = inside.map((own) => at(x, [n!, c!, ...own]));
        if (op === "MaxPool") return Math.max(...values);
        if (op === "LpPool") return Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
        const padded = places.filter((own) => own.every((i, axis) => i < lengths[axis]! + after[axis]!));
        return values.reduce((sum, v) => sum + v, 0) / (counted ? padded : inside).length;
      });
      return {
        op,
        attributes: {
          kernel_shape: kernel,
          ...attributes,
          ...(op === "LpPool" ? { p: 2 } : { ceil_mode: ceil ? 1 : 0 }),
          ...(counted && { count_include_pad: 1 }),
        },
        inputs: [x],
        want: [want],
        // Dilated averages and norms are of operator set 19 and 18. One rounding of the quotient or the root.
        opset: 19,
        tolerance: 1e-6,
      };
    }),
  );

  test("Resize", () =>
    each((random) => {
      const shape = [1, integer(random, 1, 2), integer(random, 2, 5), integer(random, 2, 5)];
      const x = whole(random, shape);
      const mode = pick(random, ["nearest", "linear", "cubic"]);
      const coordinates = pick(random, ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]);
      const rounding = pick(random, ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]);
      // Quarters, so that all coordinates are exact.
      const scales = [1, 1, pick(random, [0.5, 0.75, 1, 1.5, 2, 3]), pick(random, [0.5, 0.75, 1, 1.5, 2, 3])];
      const lengths = shape.map((length, axis) => Math.floor(length * scales[axis]!));
      /** Where output i's middle lies in an input of `length`. */
      const original = (i: number, scale: number, length: number, out: number): number => {
        if (coordinates === "asymmetric") return i / scale;
        // By the length that the scale says, which need not be whole: ONNX's own cases are so.
        const long = scale * length;
        if (coordinates === "align_corners") return long === 1 ? 0 : (i * (length - 1)) / (long - 1);
        if (coordinates === "pytorch_half_pixel" && out === 1) return 0;
        return (i + 0.5) / scale - 0.5;
      };
      const weights = (axis: number, i: number): [number, number][] => {
        const [length, out] = [shape[axis]!, lengths[axis]!];
        if (scales[axis] === 1) return [[i, 1]];
        const place = original(i, scales[axis]!, length, out);
        const clamped = (k: number) => Math.max(0, Math.min(length - 1, k));
        const floor = Math.floor(place);
        const rest = place - floor;
        if (mode === "nearest") {
          const near =
            rounding === "floor"
              ? floor
              : rounding === "ceil"
                ? Math.ceil(place)
                : rest === 0.5
                  ? floor + (rounding === "round_prefer_floor" ? 0 : 1)
                  : Math.round(place);
          return [[clamped(near), 1]];
        }
        if (mode === "linear") {
          const inside = Math.max(0, Math.min(length - 1, place));
          const low = Math.floor(inside);
          return [
            [low, 1 - (inside - low)],
            [clamped(low + 1), inside - low],
          ];
        }
        // Keys 1981, with a = −3/4.
        const a = -0.75;
        const kernel = (t: number) => {
          const d = Math.abs(t);
          if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
          return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
        };
        return [-1, 0, 1, 2].map((k) => [clamped(floor + k), kernel(rest - k)]);
      };
      const want = made(lengths, ([n, c, i, j]) => {
        let sum = 0;
        for (const [y, v] of weights(2, i!))
          for (const [z, w] of weights(3, j!)) sum += v * w * at(x, [n!, c!, y, z]);
        return sum;
      });
      return {
        op: "Resize",
        attributes: { mode, coordinate_transformation_mode: coordinates, nearest_mode: rounding },
        inputs: [x, undefined, new Tensor(Float32Array.from(scales), [4])],
        want: [want],
        // One axis after the other, each rounded to single precision.
        tolerance: 1e-6,
      };
    }));

  const statistics: Readonly<Record<string, (values: readonly number[]) => number>> = {
    ReduceSum: (values) => values.reduce((a, b) => a + b, 0),
    ReduceMean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
    ReduceMax: (values) => Math.max(...values),
    ReduceMin: (values) => Math.min(...values),
    ReduceProd: (values) => values.reduce((a, b) => a * b, 1),
    ReduceL1: (values) => values.reduce((a, b) => a + Math.abs(b), 0),
    ReduceL2: (values) => Math.hypot(...values),
    ReduceSumSquare: (values) => values.reduce((a, b) => a + b * b, 0),
    ReduceLogSumExp: (values) => Math.log(values.reduce((a, b) => a + Math.exp(b), 0)),
  };
  test.each(Object.keys(statistics))("%s", (op) =>
    each((random) => {
      const shape = list(random, integer(random, 1, 4), 1, 4);
      const chosen = shape.map((_, axis) => axis).filter(() => random() < 0.5);
      const axes = chosen.length === 0 ? shape.map((_, axis) => axis) : chosen;
      const keep = random() < 0.5;
      const x = whole(random, shape);
      const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
      const want = made(kept, (index) => {
        const lane = axes.map((axis) => shape[axis]!);
        return statistics[op]!(
          [...indicesOf(lane)].map((own) =>
            at(
              x,
              index.map((i, axis) => own[axes.indexOf(axis)] ?? i),
            ),
          ),
        );
      });
      const given = axes.map((axis) => (random() < 0.5 ? axis : axis - shape.length));
      const some = chosen.length > 0;
      const asInput = op === "ReduceSum";
      return {
        op,
        attributes: { keepdims: keep ? 1 : 0, ...(some && !asInput && { axes: given }) },
        inputs: some && asInput ? [x, new Tensor(BigInt64Array.from(given, BigInt), [given.length])] : [x],
        want: [new Tensor(want.data, keep ? kept : shape.filter((_, axis) => !axes.includes(axis)))],
        // One rounding to single precision.
        tolerance: 1e-6,
      };
    }),
  );

  test("Gather", () =>
    each((random) => {
      const shape = list(random, integer(random, 1, 3), 1, 4);
      const axis = integer(random, 0, shape.length - 1);
      const x = whole(random, shape);
      const rows = indices(random, list(random, integer(random, 0, 2), 1, 3), () => shape[axis]!);
      const rank = rows.shape.length;
      const want = made([...shape.slice(0, axis), ...rows.shape, ...shape.slice(axis + 1)], (index) => {
        const row = at(rows, index.slice(axis, axis + rank));
        return at(x, [
          ...index.slice(0, axis),
          row < 0 ? row + shape[axis]! : row,
          ...index.slice(axis + rank),
        ]);
      });
      const attributes = { axis: random() < 0.5 ? axis : axis - shape.length };
      return { op: "Gather", attributes, inputs: [x, rows], want: [want] };
    }));

  test("GatherElements and ScatterElements", () =>
    each((random) => {
      const shape = list(random, integer(random, 1, 3), 1, 4);
      const axis = integer(random, 0, shape.length - 1);
      const x = whole(random, shape);
      const own = shape.map((length, i) => (i === axis ? integer(random, 1, 5) : integer(random, 1, length)));
      const places = indices(random, own, () => shape[axis]!);
      const placeOf = (index: number[]) => {
        const place = at(places, index);
        return index.with(axis, place < 0 ? place + shape[axis]! : place);
      };
      if (random() < 0.5) {
        const want = made(own, (index) => at(x, placeOf(index)));
        return { op: "GatherElements", attributes: { axis }, inputs: [x, places], want: [want] };
      }
      const updates = whole(random, own);
      const want = made(shape, (index) =>
        [...indicesOf(own)]
          .filter((update) => placeOf(update).join() === index.join())
          .reduce((sum, update) => sum + at(updates, update), at(x, index)),
      );
      const attributes = { axis, reduction: "add" };
      return { op: "ScatterElements", attributes, inputs: [x, places, updates], want: [want] };
    }));

  test("GatherND and ScatterND", () =>
    each((random) => {
      const shape = list(random, integer(random, 1, 4), 1, 4);
      const x = whole(random, shape);
      const tuple = integer(random, 1, shape.length);
      const outer = list(random, integer(random, 1, 2), 1, 3);
      const tuples = indices(random, [...outer, tuple], (i) => shape[i % tuple]!);
      const start = (index: number[]) =>
        Array.from({ length: tuple }, (_, k) => {
          const place = at(tuples, [...index, k]);
          return place < 0 ? place + shape[k]! : place;
        });
      const rest = shape.slice(tuple);
      if (random() < 0.5) {
        const want = made([...outer, ...rest], (index) =>
          at(x, [...start(index.slice(0, outer.length)), ...index.slice(outer.length)]),
        );
        return { op: "GatherND", inputs: [x, tuples], want: [want] };
      }
      const updates = whole(random, [...outer, ...rest]);
      const want = made(shape, (index) =>
        [...indicesOf(outer)]
          .filter((own) => start(own).join() === index.slice(0, tuple).join())
          .reduce((sum, own) => sum + at(updates, [...own, ...index.slice(tuple)]), at(x, index)),
      );
      return {
        op: "ScatterND",
        attributes: { reduction: "add" },
        inputs: [x, tuples, updates],
        want: [want],
      };
    }));

  test("Slice, forwards and backwards, beyond the ends", () =>
    each((random) => {
      const shape = list(random, integer(random, 1, 3), 1, 6);
      const x = whole(random, shape);
      const axes = shape.map((_, axis) => axis).filter(() => random() < 0.7);
      if (axes.length === 0) axes.push(0);
      const steps = axes.map(() => pick(random, [-3, -2, -1, 1, 2, 3]));
      const [starts, ends] = [0, 1].map(() =>
        axes.map((axis) => integer(random, -shape[axis]! - 2, shape[axis]! + 2)),
      );
      // What a range would take, walked step by step.
      const taken = shape.map((length, axis) => {
        const i = axes.indexOf(axis);
        if (i < 0) return Array.from({ length }, (_, k) => k);
        const counted = (place: number) => (place < 0 ? place + length : place);
        const [low, high] = steps[i]! > 0 ? [0, length] : [-1, length - 1];
        const end = Math.max(low, Math.min(high, counted(ends![i]!)));
        const places: number[] = [];
        const begin = Math.max(steps[i]! > 0 ? 0 : -1, Math.min(high, counted(starts![i]!)));
        for (let k = begin; steps[i]! > 0 ? k < end : k > end; k += steps[i]!) places.push(k);
        return places;
      });
      const want = made(
        taken.map(({ length }) => length),
        (index) =>
          at(
            x,
            index.map((k, axis) => taken[axis]![k]!),
          ),
      );
      const given = (values: readonly number[]) =>
        new Tensor(BigInt64Array.from(values, BigInt), [values.length]);
      return {
        op: "Slice",
        inputs: [x, given(starts!), given(ends!), given(axes), given(steps)],
        want: [want],
      };
    }));

  test("Pad in every mode, and cutting off", () =>
    each((random) => {
      const shape = list(random, integer(random, 1, 3), 2, 4);
      const x = whole(random, shape);
      const mode = pick(random, ["constant", "edge", "reflect", "wrap"]);
      const low = mode === "constant" ? -1 : 0;
      const [before, after] = [0, 1].map(() => shape.map((length) => integer(random, low, length - 1))) as [
        number[],
        number[],
      ];
      const value = integer(random, -3, 3);
      const want = made(
        shape.map((length, axis) => length + before[axis]! + after[axis]!),
        (index) => {
          const source = index.map((i, axis) => {
            const [place, length] = [i - before[axis]!, shape[axis]!];
            if (mode === "edge") return Math.max(0, Math.min(length - 1, place));
            if (mode === "wrap") return ((place % length) + length) % length;
            // Paddings are shorter than the axis, so that one reflection is enough.
            if (mode === "reflect")
              return place < 0 ? -place : place >= length ? 2 * (length - 1) - place : place;
            return place;
          });
          return at(x, source, value);
        },
      );
      const pads = new Tensor(BigInt64Array.from([...before, ...after], BigInt), [2 * shape.length]);
      return {
        op: "Pad",
        attributes: { mode },
        inputs: [x, pads, new Tensor(Float32Array.of(value), [])],
        want: [want],
        opset: 19,
      };
    }));

  test("Transpose, Tile, Expand", () =>
    each((random) => {
      const shape = list(random, integer(random, 1, 4), 1, 4);
      const x = whole(random, shape);
      const given = (values: readonly number[]) =>
        new Tensor(BigInt64Array.from(values, BigInt), [values.length]);
      const op = pick(random, ["Transpose", "Tile", "Expand"]);
      if (op === "Transpose") {
        const perm = shape
          .map((_, axis) => [random(), axis] as const)
          .sort(([a], [b]) => a - b)
          .map(([, axis]) => axis);
        const want = made(
          perm.map((axis) => shape[axis]!),
          (index) =>
            at(
              x,
              shape.map((_, axis) => index[perm.indexOf(axis)]!),
            ),
        );
        return { op, attributes: { perm }, inputs: [x], want: [want] };
      }
      if (op === "Tile") {
        const repeats = shape.map(() => integer(random, 1, 3));
        const want = made(
          shape.map((length, axis) => length * repeats[axis]!),
          (index) =>
            at(
              x,
              index.map((i, axis) => i % shape[axis]!),
            ),
        );
        return { op, inputs: [x, given(repeats)], want: [want] };
      }
      const lead = list(random, integer(random, 0, 2), 1, 3);
      const wide = [...lead, ...shape.map((length) => (length === 1 ? integer(random, 1, 3) : length))];
      const want = made(wide, (index) =>
        at(
          x,
          index.slice(lead.length).map((i, axis) => (shape[axis] === 1 ? 0 : i)),
        ),
      );
      return { op, inputs: [x, given(wide)], want: [want] };
    }));

  test("Split and Concat", () =>
    each((random) => {
      const lengths = list(random, integer(random, 1, 4), 1, 3);
      const axis = integer(random, 0, 2);
      const shape = list(random, 3, 1, 3).with(
        axis,
        lengths.reduce((a, b) => a + b, 0),
      );
      const x = whole(random, shape);
      const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
      const parts = lengths.map((length, i) =>
        made(shape.with(axis, length), (index) => at(x, index.with(axis, index[axis]! + starts[i]!))),
      );
      if (random() < 0.5) return { op: "Concat", attributes: { axis }, inputs: parts, want: [x] };
      const given = new Tensor(BigInt64Array.from(lengths, BigInt), [lengths.length]);
      return { op: "Split", attributes: { axis: axis - 3 }, inputs: [x, given], want: parts };
    }));

  test("Softmax, LogSoftmax and CumSum", () =>
    each((random) => {
      const shape = list(random, integer(random, 1, 3), 1, 5);
      const axis = integer(random, 0, shape.length - 1);
      const x = whole(random, shape);
      const lane = (index: number[]) =>
        Array.from({ length: shape[axis]! }, (_, k) => at(x, index.with(axis, k)));
      const op = pick(random, ["Softmax", "LogSoftmax", "CumSum"]);
      if (op === "CumSum") {
        const [exclusive, reverse] = [integer(random, 0, 1), integer(random, 0, 1)];
        const want = made(shape, (index) =>
          lane(index).reduce((sum, v, k) => {
            const before = reverse ? k > index[axis]! : k < index[axis]!;
            return before || (!exclusive && k === index[axis]) ? sum + v : sum;
          }, 0),
        );
        const given = new Tensor(BigInt64Array.of(BigInt(axis)), []);
        return { op, attributes: { exclusive, reverse }, inputs: [x, given], want: [want] };
      }
      const want = made(shape, (index) => {
        const total = lane(index).reduce((sum, v) => sum + Math.exp(v), 0);
        return op === "Softmax" ? Math.exp(at(x, index)) / total : at(x, index) - Math.log(total);
      });
      // In double and rounded once, or in single precision's own exponential.
      return { op, attributes: { axis: axis - shape.length }, inputs: [x], want: [want], tolerance: 1e-6 };
    }));

  test("MatMul and Gemm", () =>
    each((random) => {
      const [m, k, n] = [integer(random, 1, 9), integer(random, 1, 9), integer(random, 1, 17)];
      if (random() < 0.5) {
        const outer = list(random, integer(random, 0, 2), 1, 3);
        const [left, right] = [outer.map((length) => (random() < 0.3 ? 1 : length)), outer];
        const [a, b] = [whole(random, [...left, m, k]), whole(random, [...right, k, n])];
        const want = made([...outer, m, n], (index) => {
          const [i, j] = index.slice(-2) as [number, number];
          const own = index.slice(0, -2);
          const of = (lengths: Shape) => own.map((at2, axis) => (lengths[axis] === 1 ? 0 : at2));
          let sum = 0;
          for (let l = 0; l < k; l++) sum += at(a, [...of(left), i, l]) * at(b, [...of(right), l, j]);
          return sum;
        });
        return { op: "MatMul", inputs: [a, b], want: [want] };
      }
      const [transA, transB] = [integer(random, 0, 1), integer(random, 0, 1)];
      const [alpha, beta] = [pick(random, [1, 0.5, -2]), pick(random, [1, 0.5, 3])];
      const a = whole(random, transA ? [k, m] : [m, k]);
      const b = whole(random, transB ? [n, k] : [k, n]);
      const c = whole(random, pick(random, [[n], [1, n], [m, 1], [m, n], []]));
      const want = made([m, n], ([i, j]) => {
        let sum = 0;
        for (let l = 0; l < k; l++)
          sum += at(a, transA ? [l, i!] : [i!, l]) * at(b, transB ? [j!, l] : [l, j!]);
        const own = [i!, j!].slice(2 - c.shape.length).map((at2, axis) => (c.shape[axis] === 1 ? 0 : at2));
        return alpha * sum + beta * at(c, own);
      });
      return {
        op: "Gemm",
        attributes: { transA, transB, alpha: { float: alpha }, beta: { float: beta } },
        inputs: [a, b, c],
        want: [want],
      };
    }));
});
