/**
 * How far a result on a GPU may be from the CPU's, in parts of 2⁻²³:
 * `ulps`·|result| + `ofOperands`·(the operands' size) + `perTerm`·(terms)·Σ|terms| + 2⁻¹²⁰.
 *
 * Where it comes from is WGSL's specification ("Floating point accuracy"): sums, differences and products are rounded, either
 * way; quotients are off by up to 2½ ulp, square roots by those of a quotient and an inverse root; products may be joined with
 * sums; subnormal numbers may be taken for 0. On the CPU floats are computed in double and rounded once, but for sums
 * of products.
 */
export interface Tolerance {
  readonly ulps: number;
  /** Where terms of the operands' size cancel. */
  readonly ofOperands?: number;
  /** Sums of any order of terms: one rounding for each, here and on the CPU. */
  readonly perTerm?: number;
  readonly why: string;
}

const exact = (why: string): Tolerance => ({ ulps: 0, why });
const compared = exact("compared by bits, subnormal numbers too; NaN as on the CPU");
const rounded: Tolerance = { ulps: 1, why: "one operation, rounded either way" };
const quotient: Tolerance = { ulps: 3, why: "a quotient: 2½ ulp" };
const root: Tolerance = { ulps: 6, why: "a square root: an inverse root, 2 ulp, and a quotient, 2½" };
const series = (ulps: number): Tolerance => ({
  ulps,
  why: "a series and a reduction of the argument in sums, products and quotients",
});
const summed: Tolerance = { ulps: 4, perTerm: 1, why: "terms are summed in float32, in a tree" };
const products: Tolerance = {
  ulps: 1,
  perTerm: 1,
  why: "terms are products, and are summed by tiles, where a product may be joined with a sum",
};
const lane: Tolerance = {
  ulps: 16,
  ofOperands: 4,
  perTerm: 0.5,
  why: "exponentials or squares, and their sum",
};

/** By the names of ops; an op that is not here has no kernel, or moves its elements. */
export const tolerances: Readonly<Record<string, Tolerance>> = {
  add: rounded,
  sub: rounded,
  mul: rounded,
  div: quotient,
  pow: {
    ulps: 16,
    ofOperands: 4,
    why: "products for whole powers, else exp(y·log x), which is off by as many ulp as y·log x is large",
  },
  ...Object.fromEntries(
    ["gt", "ge", "lt", "le", "eq", "ne", "minimum", "maximum", "relu", "clip", "abs", "neg", "sign"].map(
      (name) => [name, compared],
    ),
  ),
  floor: compared,
  ceil: compared,
  round: exact("exact in WGSL"),
  thresholdedRelu: compared,
  square: rounded,
  prelu: rounded,
  leakyRelu: { ulps: 2, why: "α is rounded to float32" },
  shrink: { ulps: 1, ofOperands: 1, why: "α is rounded to float32" },
  affine: { ulps: 1, ofOperands: 2, why: "α and β are rounded to float32" },
  hardSigmoid: { ulps: 1, ofOperands: 2, why: "α and β are rounded to float32" },
  hardSwish: { ulps: 1, ofOperands: 4, why: "a quotient and a sum, which may cancel" },
  remainder: exact("a division of integers, digit by digit"),
  modulo: rounded,
  sqrt: root,
  reciprocal: quotient,
  softsign: quotient,
  exp: series(4),
  log: series(4),
  sigmoid: series(8),
  tanh: series(8),
  sin: series(4),
  cos: series(4),
  tan: series(8),
  asin: series(12),
  acos: series(12),
  atan: series(8),
  sinh: series(10),
  cosh: series(10),
  asinh: series(12),
  acosh: series(12),
  atanh: series(12),
  erf: series(8),
  softplus: series(8),
  mish: series(16),
  gelu: { ulps: 12, ofOperands: 1e-4, why: "the CPU's 1 + erf cancels below 0, by 10⁻¹⁶" },
  geluTanh: {
    ulps: 16,
    ofOperands: 1,
    why: "the CPU's 1 + tanh cancels below 0, and so may x + 0.04x³ in the exponent",
  },
  elu: series(6),
  celu: series(8),
  selu: series(6),
  swish: {
    ulps: 100,
    ofOperands: 1e-49,
    why: "the exponent is rounded, up to 88 ulp; the CPU’s exponentials end at e^130",
  },
  elementwise: { ulps: 24, ofOperands: 16, why: "its steps' own, one after another" },
  matmul: products,
  contraction: products,
  convolution: products,
  transposedConvolution: products,
  sum: summed,
  sumOf: summed,
  mean: summed,
  meanOf: summed,
  norm1: summed,
  norm2: summed,
  sumOfSquares: summed,
  logSum: { ulps: 8, perTerm: 1, why: "the logarithm of a sum, near 1 of its error's size" },
  logSumExp: { ulps: 8, ofOperands: 4, perTerm: 0.5, why: "a sum of exponentials" },
  product: { ulps: 0, perTerm: 1, why: "as many roundings as factors" },
  max: compared,
  maxOf: compared,
  minOf: compared,
  softmax: lane,
  logSoftmax: lane,
  hardmax: compared,
  normalize: lane,
  runningSum: { ulps: 1, perTerm: 1, why: "summed in float32, in order" },
  layerNormalization: lane,
  batchNormalization: { ulps: 8, ofOperands: 8, why: "a root, a quotient and a sum that may cancel" },
  localResponseNormalization: { ulps: 24, why: "a power of a sum of squares" },
  maxPooling: compared,
  averagePooling: { ulps: 4, perTerm: 1, why: "summed in float32, and a quotient" },
  normPooling: { ulps: 24, perTerm: 1, why: "powers and roots of a sum" },
  resizeAxis: { ulps: 4, ofOperands: 8, why: "weights that are rests of whole numbers, and their sum" },
  gridSample: {
    ulps: 8,
    ofOperands: 8,
    why: "a place is rounded to float32, and with it the weights around it",
  },
  scatterElements: { ulps: 1, why: "updates are combined in order, each rounded" },
  scatterTuples: { ulps: 1, why: "updates are combined in order, each rounded" },
  cast: { ulps: 1, why: "integers beyond 2²⁴ are rounded to floats either way; all others exactly" },
};
