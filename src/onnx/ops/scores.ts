import { DataError } from "../../errors.js";
import { Tensor } from "../../machine/index.js";
import { Gather } from "../../machine/ops/gathering.js";
import { ArgReduction } from "../../machine/ops/reductions.js";
import { Softmax } from "../../machine/ops/softmax.js";
import type { Operand, Value } from "../builder.js";
import type { Call } from "../call.js";
import { StringTensor } from "../elements.js";

export const float32 = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  new Tensor(Float32Array.from(values), shape);

/** x, N × p or one row, as float32. */
export function rows(call: Call, i = 0): Operand {
  const x = call.build.cast(call.input(i), "float32");
  return x.shape.length === 1 ? call.build.reshape(x, [1, x.shape[0]!]) : x;
}

/** What is done to scores at the end. */
export function transformed(
  call: Call,
  scores: Operand,
  transform = call.text("post_transform", "NONE"),
): Operand {
  const { build } = call;
  switch (transform) {
    case "SOFTMAX":
      return build.apply(new Softmax({ axis: -1 }), scores);
    case "LOGISTIC":
      return build.unary("sigmoid", scores);
    case "SOFTMAX_ZERO": {
      const zero = build.pair("isEqual", scores, build.scalar(0, scores));
      const weights = build.cast(build.pair("bitXor", zero, build.scalar(1, zero)), scores.dtype);
      const powers = build.binary("mul", build.unary("exp", scores), weights);
      return build.binary("div", powers, build.reduce("sumOf", powers, [scores.shape.length - 1], true));
    }
    case "PROBIT":
      throw new DataError("post_transform PROBIT is not supported");
    default:
      return scores;
  }
}

/** The class labels by their numbers: integers in a run, text where the numbers are known. */
export function labelled(
  call: Call,
  numbers: Operand,
  labels: { texts?: readonly string[] | undefined; integers?: readonly number[] | undefined },
): Value {
  if (labels.texts !== undefined && labels.texts.length > 0) {
    const known = call.build.known(numbers);
    return new StringTensor(
      Array.from(known.data, (i) => labels.texts![Number(i)]!),
      known.shape,
    );
  }
  const table = new Tensor(BigInt64Array.from(labels.integers ?? [], BigInt), [labels.integers?.length ?? 0]);
  return call.build.apply(new Gather({ axis: 0 }), table, numbers);
}

export const classes = (call: Call) => ({
  texts: call.texts("classlabels_strings") ?? call.texts("classlabels_strings_text"),
  integers: call.integers("classlabels_int64s") ?? call.integers("classlabels_ints"),
});

export const most = (call: Call, scores: Operand): Operand =>
  call.build.apply(new ArgReduction("argMax", { axis: -1, keepAxes: false, last: false }), scores);
