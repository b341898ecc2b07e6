import { DataError } from "../../errors.js";
import { Tensor } from "../../machine/index.js";
import { PairwiseCoupling } from "../../machine/ops/coupling.js";
import type { Operand, Value } from "../builder.js";
import type { Call, Conversion } from "../call.js";
import { classes, float32, labelled, most, rows, transformed } from "./scores.js";

/** Probabilities of one class against another lie between this and one less this, as in libsvm. */
const LEAST = 1e-7;

/** Inner products of rows with support vectors, through the kernel. */
function kernel(call: Call, x: Operand, vectors: Operand): Operand {
  const { build } = call;
  const [gamma, coef0, degree] = call.floats("kernel_params") ?? [0, 0, 0];
  const product = build.matmul(x, build.transpose(vectors, [1, 0]));
  const number = (value: number) => build.scalar(value, product);
  const shifted = () => build.binary("add", build.binary("mul", product, number(gamma!)), number(coef0!));
  switch (call.text("kernel_type", "LINEAR")) {
    case "POLY":
      return build.binary("pow", shifted(), number(degree!));
    case "SIGMOID":
      return build.unary("tanh", shifted());
    case "RBF": {
      const squares = (rowsOf: Operand) => build.reduce("sumOfSquares", rowsOf, [1], true);
      const distances = build.binary(
        "sub",
        build.binary("add", squares(x), build.transpose(squares(vectors), [1, 0])),
        build.binary("mul", product, number(2)),
      );
      return build.unary("exp", build.binary("mul", distances, number(-gamma!)));
    }
    default:
      return product;
  }
}

const svmRegressor: Conversion = (call) => {
  const { build } = call;
  const x = rows(call);
  const count = call.integer("n_supports", 0);
  const coefficients = call.floats("coefficients") ?? [];
  const [rho] = call.floats("rho") ?? [0];
  const linear = count === 0;
  const vectors = float32(linear ? coefficients : (call.floats("support_vectors") ?? []), [
    linear ? 1 : count,
    x.shape[1]!,
  ]);
  const products = kernel(call, x, vectors);
  const sum = linear ? products : build.matmul(products, float32(coefficients, [count, 1]));
  const scores = build.binary("add", sum, build.scalar(rho!, sum));
  if (!call.flag("one_class")) return transformed(call, scores);
  const inside = build.cast(build.pair("isGreater", scores, build.scalar(0, scores)), "float32");
  return build.math("affine", inside, { alpha: 2, beta: -1 });
};

/**
 * Classes by support vectors. Of every two classes i < j the vectors of both decide, by
 * Σ coefficients[j − 1, s] K(s, x) over those of i, plus Σ coefficients[i, s] K(s, x) over those of j, plus ρ: above 0 it
 * is a vote for i. The class with the most votes is the label, of equals the first. Scores are the decisions, of two
 * classes (−s, s), or the probabilities that they come to (`PairwiseCoupling`), as onnxruntime has them. Without support
 * vectors there is a line for each class, whatever the kernel.
 */
const svmClassifier: Conversion = (call) => {
  const { build } = call;
  const x = rows(call);
  const labels = classes(call);
  const perClass = call.integers("vectors_per_class") ?? [];
  const coefficients = call.floats("coefficients") ?? [];
  const rho = call.floats("rho") ?? [];
  if (perClass.length === 0) {
    const lines = float32(coefficients, [coefficients.length / x.shape[1]!, x.shape[1]!]);
    const product = build.matmul(x, build.transpose(lines, [1, 0]));
    const scores = build.binary("add", product, build.scalar(rho[0] ?? 0, product));
    return [labelled(call, chosenByLines(call, scores, coefficients), labels), transformed(call, scores)];
  }
  const count = perClass.length;
  const supports = perClass.reduce((sum, own) => sum + own, 0);
  const pairs: [number, number][] = [];
  for (let i = 0; i < count; i++) for (let j = i + 1; j < count; j++) pairs.push([i, j]);
  if (rho.length !== pairs.length || coefficients.length !== (count - 1) * supports)
    throw new DataError(
      `${count} classes of ${supports} support vectors need ${pairs.length} rho and ${(count - 1) * supports} coefficients, there are ${rho.length} and ${coefficients.length}`,
    );
  const weights = new Float32Array(supports * pairs.length);
  const classOf = perClass.flatMap((own, c) => new Array<number>(own).fill(c));
  for (const [pair, [i, j]] of pairs.entries())
    for (const [s, own] of classOf.entries())
      if (own === i || own === j)
        weights[s * pairs.length + pair] = coefficients[(own === i ? j - 1 : i) * supports + s]!;
  const vectors = float32(call.floats("support_vectors") ?? [], [supports, x.shape[1]!]);
  const sums = build.matmul(kernel(call, x, vectors), new Tensor(weights, [supports, pairs.length]));
  const decisions = build.binary("add", sums, float32(rho));
  // A vote is one for i, or none, and then one for j.
  const forFirst = build.cast(build.pair("isGreater", decisions, build.scalar(0, decisions)), "float32");
  const gains = new Float32Array(pairs.length * count);
  const sure = new Float32Array(count);
  for (const [pair, [i, j]] of pairs.entries()) {
    gains[pair * count + i] = 1;
    gains[pair * count + j] = -1;
    sure[j]! += 1;
  }
  const votes = build.binary(
    "add",
    build.matmul(forFirst, new Tensor(gains, [pairs.length, count])),
    new Tensor(sure, [count]),
  );
  return [labelled(call, most(call, votes), labels), scored(call, decisions, count)];
};

/**
 * The class of the highest score; of two the second, too, where a score is above 0, or 1/2 and more where no coefficient
 * is negative: ONNX does not say, onnxruntime does so.
 */
function chosenByLines(call: Call, scores: Operand, coefficients: readonly number[]): Operand {
  const { build } = call;
  const highest = most(call, scores);
  if (scores.shape[1] !== 2) return highest;
  const score = build.reduce("maxOf", scores, [1], false);
  const positive = coefficients.every((own) => own >= 0);
  const second = positive
    ? build.pair("isGreaterOrEqual", score, build.scalar(0.5, score))
    : build.pair("isGreater", score, build.scalar(0, score));
  return build.pair("bitOr", build.cast(second, "int64"), highest);
}

/** The scores that decisions between `count` classes come to. */
function scored(call: Call, decisions: Operand, count: number): Value {
  const { build } = call;
  const [a, b] = [call.floats("prob_a") ?? [], call.floats("prob_b") ?? []];
  if (a.length > 0) {
    const scaled = build.binary("add", build.binary("mul", decisions, float32(a)), float32(b));
    const first = build.unary("sigmoid", build.unary("neg", scaled));
    const within = build.math("clip", first, { alpha: LEAST, beta: 1 - LEAST });
    return transformed(call, build.apply(new PairwiseCoupling(), within));
  }
  if (count !== 2) return transformed(call, decisions);
  const negative = build.unary("neg", decisions);
  if (call.text("post_transform", "NONE").startsWith("SOFTMAX"))
    return build.concat([build.binary("add", build.scalar(1, negative), negative), decisions], 1);
  return transformed(call, build.concat([negative, decisions], 1));
}

export const supports: Readonly<Record<string, Conversion>> = {
  SVMRegressor: svmRegressor,
  SVMClassifier: svmClassifier,
};
