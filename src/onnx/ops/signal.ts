import { DataError } from "../../errors.js";
import { type Tensor, tensor } from "../../machine/index.js";
import type { Builder, Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";

/** A matrix of rows × columns by a formula. */
function matrix(
  build: Builder,
  rows: number,
  columns: number,
  like: Operand,
  f: (i: number, j: number) => number,
): Tensor {
  const { dtype } = like;
  build.account([{ dtype, shape: [rows, columns] }]);
  return tensor(
    Array.from({ length: rows * columns }, (_, i) => f(Math.floor(i / columns), i % columns)),
    [rows, columns],
    dtype,
  );
}

/** The discrete Fourier transform along the last but one axis, as products with cosines and sines. */
function transform(build: Builder, x: Operand, length: number, inverse: boolean, oneSided: boolean): Operand {
  const rank = x.shape.length;
  const count = oneSided ? Math.floor(length / 2) + 1 : length;
  const sign = inverse ? 1 : -1;
  const scale = inverse ? 1 / length : 1;
  const angle = (i: number, j: number) => (2 * Math.PI * ((i * j) % length)) / length;
  const used = Math.min(length, x.shape[rank - 2]!);
  const cos = matrix(build, used, count, x, (i, j) => scale * Math.cos(angle(i, j)));
  const sin = matrix(build, used, count, x, (i, j) => scale * sign * Math.sin(angle(i, j)));
  const component = (k: number) => {
    const own = build.reshape(build.part(x, rank - 1, k, k + 1), x.shape.slice(0, -1));
    return build.part(own, rank - 2, 0, used);
  };
  const times = (k: number, by: Tensor) => build.matmul(component(k), by);
  const complex = x.shape[rank - 1] === 2;
  const real = complex ? build.binary("sub", times(0, cos), times(1, sin)) : times(0, cos);
  const imaginary = complex ? build.binary("add", times(0, sin), times(1, cos)) : times(0, sin);
  const last = (part: Operand) => build.reshape(part, [...part.shape, 1]);
  return build.concat([last(real), last(imaginary)], rank - 1);
}

const fourier: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const rank = x.shape.length;
  // The axis is an attribute up to operator set 19, an input from then on.
  const given = call.opset >= 20 ? (call.optionalNumbers(2)?.[0] ?? -2) : call.integer("axis", 1);
  const axis = call.axis(given, x.shape);
  const [inverse, oneSided] = [call.flag("inverse"), call.flag("onesided")];
  const real = inverse && oneSided && x.shape[rank - 1] === 2;
  const natural = real ? 2 * (x.shape[axis]! - 1) : x.shape[axis]!;
  const length = call.optionalNumbers(1)?.[0] ?? natural;
  const order = x.shape.map((_, i) => i);
  order[axis] = rank - 2;
  order[rank - 2] = axis;
  const turned = build.transpose(x, order);
  if (real) return build.transpose(inverseReal(build, turned, length), order);
  return build.transpose(transform(build, turned, length, inverse, oneSided), order);
};

/** The real signal of a one-sided spectrum: bins after the first stand for those of negative frequencies, too. */
function inverseReal(build: Builder, x: Operand, length: number): Operand {
  const rank = x.shape.length;
  const bins = Math.min(Math.floor(length / 2) + 1, x.shape[rank - 2]!);
  const weight = (k: number) => (k === 0 || 2 * k === length ? 1 : 2) / length;
  const angle = (k: number, t: number) => (2 * Math.PI * ((k * t) % length)) / length;
  const cos = matrix(build, bins, length, x, (k, t) => weight(k) * Math.cos(angle(k, t)));
  const sin = matrix(build, bins, length, x, (k, t) => weight(k) * Math.sin(angle(k, t)));
  const component = (k: number) => {
    const own = build.reshape(build.part(x, rank - 1, k, k + 1), x.shape.slice(0, -1));
    return build.part(own, rank - 2, 0, bins);
  };
  const real = build.binary("sub", build.matmul(component(0), cos), build.matmul(component(1), sin));
  return build.reshape(real, [...real.shape, 1]);
}

/** Fourier transforms of frames of a signal. */
const shortTime: Conversion = (call) => {
  const { build } = call;
  const signal = call.input(0);
  const [step] = call.numbers(1) as [number];
  const window = call.optional(2);
  const length = call.optionalNumbers(3)?.[0] ?? window?.shape[0];
  if (length === undefined || !(step > 0))
    throw new DataError("needs a window or a frame's length, and a step");
  const x = signal.shape.length === 2 ? build.reshape(signal, [...signal.shape, 1]) : signal;
  const count = Math.floor((x.shape[1]! - length) / step) + 1;
  const frames = Array.from({ length: count }, (_, i) => {
    const frame = build.part(x, 1, i * step, i * step + length);
    const shaped =
      window === undefined ? frame : build.binary("mul", frame, build.reshape(window, [length, 1]));
    return build.reshape(transform(build, shaped, length, false, call.flag("onesided", true)), [
      x.shape[0]!,
      1,
      call.flag("onesided", true) ? Math.floor(length / 2) + 1 : length,
      2,
    ]);
  });
  return build.concat(frames, 1);
};

/** A window by its cosines: Σ (−1)ᵏ aₖ cos(2πki/n). */
const window =
  (...weights: readonly number[]): Conversion =>
  (call: Call) => {
    const size = call.numbers(0)[0]!;
    const dtype = call.type("output_datatype", 1);
    call.build.account([{ dtype, shape: [size] }]);
    const period = call.flag("periodic", true) ? size : size - 1;
    const values = Array.from({ length: size }, (_, i) =>
      weights.reduce(
        (sum, weight, k) => sum + (-1) ** k * weight * Math.cos((2 * Math.PI * k * i) / period),
        0,
      ),
    );
    return tensor(values, undefined, dtype);
  };

/** Weights that gather a spectrum's bins into bands, even on the mel scale. */
const mel: Conversion = (call) => {
  const [bands, dft, rate, low, high] = [0, 1, 2, 3, 4].map((i) => call.numbers(i)[0]!) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const dtype = call.type("output_datatype", 1);
  const bins = Math.floor(dft / 2) + 1;
  call.build.account([{ dtype, shape: [bins, bands] }]);
  const toMel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
  const [from, to] = [toMel(low), toMel(high)];
  const edges = Array.from({ length: bands + 2 }, (_, i) => {
    const hertz = 700 * (10 ** ((from + (i * (to - from)) / (bands + 2)) / 2595) - 1);
    return Math.floor(((dft + 1) * hertz) / rate);
  });
  const weights = new Float64Array(bins * bands);
  for (let band = 0; band < bands; band++) {
    const [lower, centre, upper] = edges.slice(band, band + 3) as [number, number, number];
    if (centre === lower) weights[centre * bands + band] = 1;
    else for (let j = lower; j <= centre; j++) weights[j * bands + band] = (j - lower) / (centre - lower);
    if (upper > centre)
      for (let j = centre; j < upper; j++) weights[j * bands + band] = (upper - j) / (upper - centre);
  }
  return tensor(weights, [bins, bands], dtype);
};

export const signals: Readonly<Record<string, Conversion>> = {
  DFT: fourier,
  STFT: shortTime,
  HannWindow: window(0.5, 0.5),
  HammingWindow: window(25 / 46, 21 / 46),
  BlackmanWindow: window(0.42, 0.5, 0.08),
  MelWeightMatrix: mel,
};
