import { DataError } from "../../errors.js";
import { type Shape, Tensor, tensor } from "../../machine/index.js";
import { Padding, type PaddingMode, Stride, Triangle } from "../../machine/ops/boxes.js";
import {
  type Combination,
  Gather,
  GatherElements,
  GatherTuples,
  ScatterElements,
  ScatterTuples,
} from "../../machine/ops/gathering.js";
import { Split } from "../../machine/ops/split.js";
import { broadcast, sizeOf } from "../../machine/shape.js";
import type { Value } from "../builder.js";
import type { Call, Conversion } from "../call.js";
import { StringTensor } from "../elements.js";

const int64 = (values: readonly number[], shape: Shape = [values.length]): Tensor =>
  new Tensor(BigInt64Array.from(values, BigInt), shape);

const shapeOf = (value: Value): Shape => {
  if (value !== undefined && "shape" in value) return value.shape;
  throw new DataError("a shape is asked of what has none");
};

const reshape: Conversion = (call) => {
  const [value] = call.inputs;
  const given = call.integers("shape") ?? call.numbers(1);
  const shape = shapeOf(value);
  const kept = call.flag("allowzero");
  const wanted = given.map((length, axis) => (length === 0 && !kept ? (shape[axis] ?? 0) : length));
  if (value instanceof StringTensor) {
    const rest = wanted.filter((length) => length !== -1).reduce((n, length) => n * length, 1);
    return new StringTensor(
      value.strings,
      wanted.map((length) => (length === -1 ? value.strings.length / rest : length)),
    );
  }
  return call.build.reshape(call.input(0), wanted);
};

const squeeze: Conversion = (call) => {
  const x = call.input(0);
  const axes = call.axes(1, x.shape);
  const dropped = axes ?? x.shape.map((_, axis) => axis).filter((axis) => x.shape[axis] === 1);
  const odd = dropped.find((axis) => x.shape[axis] !== 1);
  if (odd !== undefined) throw new DataError(`axis ${odd} has ${x.shape[odd]} elements`);
  return call.build.reshape(
    x,
    x.shape.filter((_, axis) => !dropped.includes(axis)),
  );
};

const unsqueeze: Conversion = (call) => {
  const x = call.input(0);
  const given = call.integers("axes") ?? call.numbers(1);
  const rank = x.shape.length + given.length;
  const axes = given.map((axis) => (axis < 0 ? axis + rank : axis));
  if (new Set(axes).size !== axes.length || axes.some((axis) => !(axis >= 0 && axis < rank)))
    throw new DataError(`axes [${given.join(", ")}] of ${rank}`);
  const own = [...x.shape];
  const shape = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : own.shift()!));
  return call.build.reshape(x, shape);
};

const slice: Conversion = (call) => {
  const x = call.input(0);
  const attribute = call.integers("starts");
  const starts = attribute ?? call.numbers(1);
  const ends = call.integers("ends") ?? call.numbers(2);
  const given = call.integers("axes") ?? call.optionalNumbers(3);
  const axes = (given ?? starts.map((_, i) => i)).map((axis) => call.axis(axis, x.shape));
  const steps =
    attribute === undefined ? (call.optionalNumbers(4) ?? starts.map(() => 1)) : starts.map(() => 1);
  const all = { starts: x.shape.map(() => 0), steps: x.shape.map(() => 1), lengths: [...x.shape] };
  for (const [i, axis] of axes.entries()) {
    const length = x.shape[axis]!;
    const step = steps[i]!;
    if (step === 0) throw new DataError("a step of 0");
    const counted = (at: number) => (at < 0 ? at + length : at);
    const bounded = (at: number) =>
      step > 0 ? Math.max(0, Math.min(length, counted(at))) : Math.max(-1, Math.min(length - 1, counted(at)));
    const start = bounded(starts[i]!);
    const end = bounded(ends[i]!);
    all.starts[axis] = start;
    all.steps[axis] = step;
    all.lengths[axis] = Math.max(0, Math.ceil((end - start) / step));
    if (all.lengths[axis] === 0) all.starts[axis] = 0;
  }
  if (all.steps.every((step, axis) => step === 1 && all.lengths[axis] === x.shape[axis])) return x;
  return call.build.apply(new Stride(all), x);
};

const split: Conversion = (call) => {
  const x = call.input(0);
  const axis = call.axis(call.integer("axis", 0), x.shape);
  const parts = call.node.output.length;
  const length = x.shape[axis]!;
  const given = call.integers("split") ?? call.optionalNumbers(1);
  const even = Math.ceil(length / parts);
  const lengths =
    given ?? Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(even, length - i * even)));
  return call.build.applyAll(new Split({ axis, lengths: [...lengths] }), [x]);
};

const pad: Conversion = (call) => {
  const x = call.input(0);
  const rank = x.shape.length;
  const given = call.integers("pads") ?? call.integers("paddings") ?? call.numbers(1);
  const axes =
    call.optionalNumbers(3)?.map((axis) => call.axis(axis, x.shape)) ?? x.shape.map((_, axis) => axis);
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  for (const [i, axis] of axes.entries()) {
    before[axis] = given[i]!;
    after[axis] = given[axes.length + i]!;
  }
  const value = call.optional(2) ?? call.build.scalar(call.float("value", 0), x);
  const op = new Padding({ before, after, mode: call.text("mode", "constant") as PaddingMode });
  return call.build.apply(op, x, value);
};

/** Axes cut off or padded to lengths, their middle kept. */
const centred: Conversion = (call) => {
  const x = call.input(0);
  const lengths = call.numbers(1);
  const axes = call.axes(Number.POSITIVE_INFINITY, x.shape) ?? x.shape.map((_, axis) => axis);
  const wanted = [...x.shape];
  for (const [i, axis] of axes.entries()) wanted[axis] = lengths[i]!;
  const more = wanted.map((length, axis) => length - x.shape[axis]!);
  // An odd element goes after what is padded, and before what is cut.
  const before = more.map((own) => Math.trunc(own / 2));
  const after = more.map((own, axis) => own - before[axis]!);
  return call.build.apply(new Padding({ before, after, mode: "constant" }), x, call.build.scalar(0, x));
};

const gather = (call: Call): Value => {
  const [value] = call.inputs;
  const axis = call.integer("axis", 0);
  if (value instanceof StringTensor) {
    const at = call.known(1);
    const own = int64(
      value.strings.map((_, i) => i),
      value.shape,
    );
    const places = call.build.apply(new Gather({ axis }), own, at) as Tensor;
    return new StringTensor(
      Array.from(places.data, (place) => value.strings[Number(place)]!),
      places.shape,
    );
  }
  return call.build.apply(new Gather({ axis }), call.input(0), call.input(1));
};

const tile: Conversion = (call) => {
  const x = call.input(0);
  let repeats = call.numbers(1);
  // The first operator set had a number of tiles and an axis.
  if (call.inputs.length === 3) {
    const axis = call.axis(call.numbers(2)[0]!, x.shape);
    repeats = x.shape.map((_, i) => (i === axis ? repeats[0]! : 1));
  }
  const apart = x.shape.flatMap((length) => [1, length]);
  const wide = x.shape.flatMap((length, axis) => [repeats[axis]!, length]);
  const spread = call.build.broadcastTo(call.build.reshape(x, apart), wide);
  return call.build.reshape(
    spread,
    x.shape.map((length, axis) => length * repeats[axis]!),
  );
};

const expand: Conversion = (call) => {
  const x = call.input(0);
  const shape = broadcast([x.shape, call.numbers(1)]);
  if (shape === undefined) throw new DataError("the shapes do not broadcast");
  return call.build.broadcastTo(x, shape);
};

/** Blocks of channels to blocks of places, and back. */
const depthToSpace: Conversion = (call) => {
  const x = call.input(0);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const size = call.integer("blocksize", 1);
  const depth = c / (size * size);
  const [shape, axes] =
    call.text("mode", "DCR") === "DCR"
      ? [
          [n, size, size, depth, h, w],
          [0, 3, 4, 1, 5, 2],
        ]
      : [
          [n, depth, size, size, h, w],
          [0, 1, 4, 2, 5, 3],
        ];
  return call.build.reshape(call.build.transpose(call.build.reshape(x, shape), axes), [
    n,
    depth,
    h * size,
    w * size,
  ]);
};

const spaceToDepth: Conversion = (call) => {
  const x = call.input(0);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const size = call.integer("blocksize", 1);
  const [rows, columns] = [h / size, w / size];
  const apart = call.build.reshape(x, [n, c, rows, size, columns, size]);
  return call.build.reshape(call.build.transpose(apart, [0, 3, 5, 1, 2, 4]), [
    n,
    c * size * size,
    rows,
    columns,
  ]);
};

const flatten: Conversion = (call) => {
  const x = call.input(0);
  const given = call.integer("axis", 1);
  const axis = given < 0 ? given + x.shape.length : given;
  return call.build.reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
};

const constant: Conversion = (call) => {
  const value = call.tensor("value");
  if (value !== undefined) return value;
  if (call.has("value_float")) return tensor([call.float("value_float", 0)], [], "float32");
  if (call.has("value_floats")) return tensor([...call.floats("value_floats")!], undefined, "float32");
  if (call.has("value_int")) return int64([call.integer("value_int", 0)], []);
  if (call.has("value_ints")) return int64([...call.integers("value_ints")!]);
  if (call.has("value_string")) return new StringTensor([call.text("value_string", "")], []);
  const texts = call.texts("value_strings");
  if (texts !== undefined) return new StringTensor(texts, [texts.length]);
  throw new DataError("a constant without a value");
};

const constantOfShape: Conversion = (call) => {
  const shape = call.numbers(0);
  const value = call.tensor("value") ?? tensor([0], [1], "float32");
  if (!(value instanceof Tensor)) throw new DataError("a constant of strings");
  return call.build.broadcastTo(call.build.reshape(value, []), shape);
};

const range: Conversion = (call) => {
  const [start, limit, delta] = [call.known(0), call.known(1), call.known(2)].map((each) => each.item()) as [
    number,
    number,
    number,
  ];
  const { dtype } = call.input(0);
  const length = Math.max(0, Math.ceil((limit - start) / delta));
  if (!Number.isFinite(length)) throw new DataError(`a range from ${start} to ${limit} by ${delta}`);
  call.build.account([{ dtype, shape: [length] }]);
  return tensor(
    Array.from({ length }, (_, i) => start + i * delta),
    undefined,
    dtype,
  );
};

const eyeLike: Conversion = (call) => {
  const x = call.input(0);
  const [rows, columns] = x.shape as [number, number];
  const dtype = call.has("dtype") ? call.type("dtype", 1) : x.dtype;
  call.build.account([{ dtype, shape: x.shape }]);
  const offset = call.integer("k", 0);
  return tensor(
    Array.from({ length: rows * columns }, (_, i) =>
      Number((i % columns) - Math.floor(i / columns) === offset),
    ),
    x.shape,
    dtype,
  );
};

const oneHot: Conversion = (call) => {
  const { build } = call;
  const indices = build.cast(call.input(0), "int64");
  const depth = call.numbers(1)[0]!;
  const values = call.input(2);
  const given = call.integer("axis", -1);
  const axis = given < 0 ? given + indices.shape.length + 1 : given;
  const spread = indices.shape.toSpliced(axis, 0, 1);
  const steps = indices.shape.map(() => 1).toSpliced(axis, 0, depth);
  call.build.account([{ dtype: "int64", shape: [depth] }]);
  const counted = build.pair("modulo", indices, build.scalar(depth, indices));
  const inside = build.pair(
    "bitAnd",
    build.pair("isGreaterOrEqual", indices, build.scalar(-depth, indices)),
    build.pair("isLess", indices, build.scalar(depth, indices)),
  );
  const hit = build.pair(
    "isEqual",
    build.reshape(counted, spread),
    int64(
      Array.from({ length: depth }, (_, i) => i),
      steps,
    ),
  );
  const chosen = build.cast(build.pair("bitAnd", hit, build.reshape(inside, spread)), "int64");
  return build.apply(new Gather({ axis: 0 }), values, chosen);
};

const combination = (call: Call): Combination => call.text("reduction", "none") as Combination;

const scatterElements: Conversion = (call) =>
  call.build.apply(
    new ScatterElements({ axis: call.integer("axis", 0), combination: combination(call) }),
    ...call.operands(),
  );

/** Each sequence of a batch turned around up to its length. */
const reverseSequence: Conversion = (call) => {
  const x = call.input(0);
  const lengths = call.numbers(1);
  const time = call.integer("time_axis", 0);
  const batch = call.integer("batch_axis", 1);
  const [steps, count] = [x.shape[time]!, x.shape[batch]!];
  const { build } = call;
  const parts = Array.from({ length: count }, (_, i) => {
    const order = Array.from({ length: steps }, (_, t) => (t < lengths[i]! ? lengths[i]! - 1 - t : t));
    return build.apply(new Gather({ axis: time }), build.part(x, batch, i, i + 1), int64(order));
  });
  return build.concat(parts, batch);
};

/** The elements that a condition chooses, along an axis or of all. */
const compress: Conversion = (call) => {
  const x = call.input(0);
  const condition = call.numbers(1);
  const chosen = int64(condition.flatMap((own, i) => (own !== 0 ? [i] : [])));
  if (call.has("axis")) return call.build.apply(new Gather({ axis: call.integer("axis", 0) }), x, chosen);
  return call.build.apply(new Gather({ axis: 0 }), call.build.reshape(x, [sizeOf(x.shape)]), chosen);
};

const nonZero: Conversion = (call) => {
  const x = call.known(0);
  const found = Array.from(x.data, Number).flatMap((value, i) => (value !== 0 ? [i] : []));
  const indices: number[] = [];
  let inner = sizeOf(x.shape);
  for (const length of x.shape) {
    inner /= Math.max(1, length);
    for (const place of found) indices.push(Math.floor(place / inner) % length);
  }
  return int64(indices, [x.shape.length, found.length]);
};

/** The distinct slices, or elements, and where they were. */
const unique: Conversion = (call) => {
  const x = call.known(0);
  const axis = call.has("axis") ? call.axis(call.integer("axis", 0), x.shape) : undefined;
  const flat = axis === undefined ? [sizeOf(x.shape)] : x.shape;
  const along = axis ?? 0;
  const { build } = call;
  const own = build.reshape(x, flat) as Tensor;
  const slices = Array.from({ length: flat[along]! }, (_, i) =>
    Array.from((build.part(own, along, i, i + 1) as Tensor).data, Number),
  );
  const firsts: number[] = [];
  const inverse: number[] = [];
  const known = new Map<string, number>();
  const counts: number[] = [];
  for (const [i, slice] of slices.entries()) {
    const key = slice.join();
    let number = known.get(key);
    if (number === undefined) {
      number = firsts.length;
      known.set(key, number);
      firsts.push(i);
      counts.push(0);
    }
    counts[number]!++;
    inverse.push(number);
  }
  const order = firsts.map((_, i) => i);
  if (call.flag("sorted", true)) {
    order.sort((a, b) => {
      const [p, q] = [slices[firsts[a]!]!, slices[firsts[b]!]!];
      const at = p.findIndex((value, i) => value !== q[i]);
      return at < 0 ? 0 : p[at]! - q[at]!;
    });
  }
  const rank = new Array<number>(order.length);
  for (const [place, number] of order.entries()) rank[number] = place;
  return [
    build.apply(new Gather({ axis: along }), own, int64(order.map((number) => firsts[number]!))),
    int64(order.map((number) => firsts[number]!)),
    int64(inverse.map((number) => rank[number]!)),
    int64(order.map((number) => counts[number]!)),
  ];
};

export const layout: Readonly<Record<string, Conversion>> = {
  Identity: (call) => call.inputs[0],
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  Shape: (call) => {
    const shape = shapeOf(call.inputs[0]);
    const end = call.has("end") ? call.integer("end", 0) : shape.length;
    return int64(shape.slice(call.integer("start", 0), end));
  },
  Size: (call) => int64([sizeOf(shapeOf(call.inputs[0]))], []),
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: (call) => {
    const x = call.input(0);
    const axes = call.integers("perm") ?? x.shape.map((_, axis) => x.shape.length - 1 - axis);
    return call.build.transpose(x, axes);
  },
  Concat: (call) => {
    const strings = call.inputs.filter((value) => value instanceof StringTensor);
    if (
      strings.length > 0 &&
      strings.length === call.inputs.length &&
      strings.every(({ shape }) => shape.length === 1)
    ) {
      const all = strings.flatMap((each) => each.strings);
      return new StringTensor(all, [all.length]);
    }
    return call.build.concat(call.operands(), call.integer("axis", call.opset < 4 ? 1 : 0));
  },
  Split: split,
  Slice: slice,
  Pad: pad,
  CenterCropPad: centred,
  Tile: tile,
  Expand: expand,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Trilu: (call) =>
    call.build.apply(
      new Triangle({ upper: call.flag("upper", true), diagonal: call.optionalNumbers(1)?.[0] ?? 0 }),
      call.input(0),
    ),
  Gather: gather,
  GatherElements: (call) =>
    call.build.apply(new GatherElements({ axis: call.integer("axis", 0) }), call.input(0), call.input(1)),
  GatherND: (call) =>
    call.build.apply(
      new GatherTuples({ batchAxes: call.integer("batch_dims", 0) }),
      call.input(0),
      call.input(1),
    ),
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: (call) =>
    call.build.apply(new ScatterTuples({ combination: combination(call) }), ...call.operands()),
  OneHot: oneHot,
  ReverseSequence: reverseSequence,
  Compress: compress,
  NonZero: nonZero,
  Unique: unique,
};
