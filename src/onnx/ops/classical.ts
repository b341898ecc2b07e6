import { DataError } from "../../errors.js";
import { type DType, Tensor, tensor } from "../../machine/index.js";
import { Select } from "../../machine/ops/boxes.js";
import { Gather } from "../../machine/ops/gathering.js";
import { Lanes } from "../../machine/ops/lanes.js";
import { Lookup } from "../../machine/ops/lookup.js";
import { type TreeComparison, TreeEnsemble } from "../../machine/ops/trees.js";
import type { Operand, Value } from "../builder.js";
import type { Call, Conversion } from "../call.js";
import { StringTensor } from "../elements.js";
import { classes, float32, labelled, most, rows, transformed } from "./scores.js";

const linearRegressor: Conversion = (call) => {
  const { build } = call;
  const x = rows(call);
  const targets = call.integer("targets", 1);
  const weights = float32(call.floats("coefficients") ?? [], [
    targets,
    (call.floats("coefficients") ?? []).length / targets,
  ]);
  const product = build.matmul(x, build.transpose(weights, [1, 0]));
  const intercepts = call.floats("intercepts") ?? [];
  return transformed(
    call,
    intercepts.length === 0 ? product : build.binary("add", product, float32(intercepts)),
  );
};

const linearClassifier: Conversion = (call) => {
  const { build } = call;
  const x = rows(call);
  const labels = classes(call);
  const coefficients = call.floats("coefficients") ?? [];
  const scorers = coefficients.length / x.shape[1]!;
  const weights = float32(coefficients, [scorers, x.shape[1]!]);
  const product = build.matmul(x, build.transpose(weights, [1, 0]));
  const intercepts = call.floats("intercepts") ?? [];
  const scores = intercepts.length === 0 ? product : build.binary("add", product, float32(intercepts));
  if (scorers !== 1) return [labelled(call, most(call, scores), labels), transformed(call, scores)];
  return binaryScores(call, scores, labels);
};

/** Two classes by one score: the second where it is above 0, or above 1/2 once it is a probability. */
function binaryScores(call: Call, score: Operand, labels: ReturnType<typeof classes>): Value[] {
  const { build } = call;
  const logistic = call.text("post_transform", "NONE") === "LOGISTIC";
  const chosen = build.cast(
    build.pair("isGreater", build.reshape(score, [score.shape[0]!]), build.scalar(0, score)),
    "int64",
  );
  const second = logistic ? build.unary("sigmoid", score) : score;
  const first = logistic ? build.binary("sub", build.scalar(1, score), second) : build.unary("neg", score);
  return [labelled(call, chosen, labels), build.concat([first, second], 1)];
}

const scaler: Conversion = (call) => {
  const { build } = call;
  const x = build.cast(call.input(0), "float32");
  const list = (name: string, otherwise: number) => float32(call.floats(name) ?? [otherwise]);
  return build.binary("mul", build.binary("sub", x, list("offset", 0)), list("scale", 1));
};

const imputer: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const whole = call.has("imputed_value_int64s");
  const values = (whole ? call.integers("imputed_value_int64s") : call.floats("imputed_value_floats")) ?? [];
  const replaced = whole ? call.integer("replaced_value_int64", 0) : call.float("replaced_value_float", 0);
  const fill = build.broadcastTo(tensor([...values], undefined, x.dtype), x.shape);
  const missing = Number.isNaN(replaced)
    ? not(call, build.pair("isEqual", x, x))
    : build.pair("isEqual", x, build.scalar(replaced, x));
  return build.apply(new Select(), missing, fill, x);
};

const not = (call: Call, x: Operand) => call.build.pair("bitXor", x, call.build.scalar(1, x));

const normalizer: Conversion = (call) => {
  const { build } = call;
  const x = build.cast(call.input(0), "float32");
  const axis = x.shape.length - 1;
  const norm = call.text("norm", "MAX");
  if (norm === "MAX") return build.binary("div", x, build.reduce("maxOf", x, [axis], true));
  return build.apply(new Lanes("normalize", { axis, p: norm === "L1" ? 1 : 2 }), x);
};

const binarizer: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  return build.cast(build.pair("isGreater", x, build.scalar(call.float("threshold", 0), x)), x.dtype);
};

/** A table's keys or values: numbers, or text. */
function column(call: Call, side: "keys" | "values"): { texts?: string[]; numbers?: number[]; dtype: DType } {
  const texts = call.texts(`${side}_strings`);
  if (texts !== undefined) return { texts, dtype: "int64" };
  const floats = call.floats(`${side}_floats`);
  if (floats !== undefined) return { numbers: [...floats], dtype: "float32" };
  const integers = call.integers(`${side}_int64s`);
  if (integers !== undefined) return { numbers: [...integers], dtype: "int64" };
  const given = call.tensor(`${side}_tensor`);
  if (given instanceof StringTensor) return { texts: [...given.strings], dtype: "int64" };
  if (given !== undefined) return { numbers: Array.from(given.data, Number), dtype: given.dtype };
  throw new DataError(`there are no ${side}`);
}

const labelEncoder: Conversion = (call) => {
  // The first version had text alone, its numbers being their places.
  const old = call.texts("classes_strings");
  const numbers = old?.map((_, i) => i);
  const [value] = call.inputs;
  const keys =
    old === undefined
      ? column(call, "keys")
      : value instanceof StringTensor
        ? { texts: old, dtype: "int64" as DType }
        : { numbers: numbers!, dtype: "int64" as DType };
  const values =
    old === undefined
      ? column(call, "values")
      : value instanceof StringTensor
        ? { numbers: numbers!, dtype: "int64" as DType }
        : { texts: old, dtype: "int64" as DType };
  const given = call.tensor("default_tensor");
  const defaultText =
    given instanceof StringTensor ? (given.strings[0] ?? "_Unused") : call.text("default_string", "_Unused");
  const defaultNumber =
    given instanceof Tensor
      ? given.item()
      : values.dtype === "int64"
        ? call.integer("default_int64", -1)
        : call.float("default_float", 0);
  if (value instanceof StringTensor) {
    const at = new Map<string, number>();
    for (const [i, key] of (keys.texts ?? []).entries()) if (!at.has(key)) at.set(key, i);
    const places = value.strings.map((own) => at.get(own));
    if (values.texts !== undefined)
      return new StringTensor(
        places.map((i) => (i === undefined ? defaultText : values.texts![i]!)),
        value.shape,
      );
    return tensor(
      places.map((i) => (i === undefined ? defaultNumber : values.numbers![i]!)),
      value.shape,
      values.dtype,
    );
  }
  if (values.texts !== undefined) {
    const known = call.known(0);
    const at = new Map(keys.numbers!.map((key, i) => [key, i]));
    return new StringTensor(
      Array.from(known.data, (own) => values.texts![at.get(Number(own)) ?? -1] ?? defaultText),
      known.shape,
    );
  }
  return call.build.apply(
    new Lookup({
      keys: keys.numbers ?? [],
      values: values.numbers!,
      otherwise: defaultNumber,
      to: values.dtype,
    }),
    call.input(0),
  );
};

const oneHotEncoder: Conversion = (call) => {
  const { build } = call;
  const texts = call.texts("cats_strings");
  const [value] = call.inputs;
  const strict = !call.flag("zeros", true);
  if (value instanceof StringTensor) {
    const categories = texts ?? [];
    const unknown = value.strings.find((own) => !categories.includes(own));
    if (strict && unknown !== undefined)
      throw new DataError(`${JSON.stringify(unknown)} is none of the categories`);
    return float32(
      value.strings.flatMap((own) => categories.map((category) => Number(category === own))),
      [...value.shape, categories.length],
    );
  }
  const x = build.cast(call.input(0), "float32");
  const categories = call.integers("cats_int64s") ?? [];
  const spread = build.reshape(x, [...x.shape, 1]);
  return build.cast(build.pair("isEqual", spread, float32(categories)), "float32");
};

/** Text to its number, or a number to its text. */
const categoryMapper: Conversion = (call) => {
  const texts = call.texts("cats_strings") ?? [];
  const numbers = call.integers("cats_int64s") ?? [];
  const [value] = call.inputs;
  if (value instanceof StringTensor) {
    const table = new Map(texts.map((own, i) => [own, numbers[i]!]));
    const otherwise = call.integer("default_int64", -1);
    return tensor(
      value.strings.map((own) => table.get(own) ?? otherwise),
      value.shape,
      "int64",
    );
  }
  const table = new Map(numbers.map((own, i) => [own, texts[i]!]));
  const known = call.known(0);
  return new StringTensor(
    Array.from(known.data, (own) => table.get(Number(own)) ?? call.text("default_string", "_Unused")),
    known.shape,
  );
};

const COMPARISONS: Readonly<Record<string, TreeComparison>> = {
  LEAF: "leaf",
  BRANCH_LEQ: "<=",
  BRANCH_LT: "<",
  BRANCH_GTE: ">=",
  BRANCH_GT: ">",
  BRANCH_EQ: "==",
  BRANCH_NEQ: "!=",
};

/** The trees of a node's attributes; `prefix` is that of the leaves' weights. */
function trees(call: Call, prefix: "target" | "class", targets: number): TreeEnsemble {
  const list = (name: string): readonly number[] => call.integers(name) ?? call.floats(name) ?? [];
  const treeIds = list("nodes_treeids");
  const nodeIds = list("nodes_nodeids");
  const at = new Map(treeIds.map((tree, i) => [`${tree}:${nodeIds[i]}`, i]));
  const child = (ids: readonly number[]) => ids.map((id, i) => at.get(`${treeIds[i]}:${id}`) ?? 0);
  const modes = call.texts("nodes_modes") ?? [];
  const comparisons = modes.map((mode) => {
    const known = COMPARISONS[mode];
    if (known === undefined) throw new DataError(`trees with ${mode} are not supported`);
    return known;
  });
  const left = child(list("nodes_truenodeids"));
  const right = child(list("nodes_falsenodeids"));
  const entered = new Set<number>();
  for (const [i, comparison] of comparisons.entries()) {
    if (comparison === "leaf") continue;
    entered.add(left[i]!);
    entered.add(right[i]!);
  }
  const owners = list(`${prefix}_treeids`).map((tree, i) =>
    at.get(`${tree}:${list(`${prefix}_nodeids`)[i]}`),
  );
  const weights = call.floats(`${prefix}_weights`) ?? [];
  const order = owners.map((_, i) => i).sort((i, j) => owners[i]! - owners[j]! || i - j);
  const firstWeight = new Array<number>(treeIds.length + 1).fill(0);
  for (const owner of owners) if (owner !== undefined) firstWeight[owner + 1]!++;
  for (let i = 0; i < treeIds.length; i++) firstWeight[i + 1]! += firstWeight[i]!;
  const ids = list(`${prefix}_ids`);
  const missing = call.integers("nodes_missing_value_tracks_true") ?? [];
  const aggregate = call.text("aggregate_function", "SUM").toLowerCase();
  return new TreeEnsemble({
    roots: treeIds.flatMap((_, i) => (entered.has(i) ? [] : [i])),
    features: [...list("nodes_featureids")],
    comparisons,
    values: [...(call.floats("nodes_values") ?? [])],
    left,
    right,
    missingLeft: treeIds.map((_, i) => missing[i] === 1),
    firstWeight,
    weights: order.map((i) => weights[i]!),
    weightTargets: order.map((i) => ids[i]!),
    targets,
    combination: aggregate as "sum",
    base: call.floats("base_values") ?? [],
  });
}

/** The comparisons of ai.onnx.ml 5 by their numbers. */
const NUMBERED: readonly TreeComparison[] = ["<=", "<", ">=", ">", "==", "!=", "in"];
const COMBINATIONS = ["average", "sum", "min", "max"] as const;
const TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];

/** Trees of inner nodes and leaves by their numbers, as ai.onnx.ml 5 has them. */
const treeEnsemble: Conversion = (call) => {
  const x = call.input(0);
  const list = (name: string): readonly number[] => call.integers(name) ?? [];
  const numbers = (name: string): number[] => {
    const value = call.tensor(name);
    return value instanceof Tensor ? Array.from(value.data, Number) : [];
  };
  const comparisons = numbers("nodes_modes").map((mode) => {
    const known = NUMBERED[mode];
    if (known === undefined) throw new DataError(`trees that compare by mode ${mode}`);
    return known;
  });
  const inner = comparisons.length;
  const weights = numbers("leaf_weights");
  // Leaves come after all inner nodes.
  const child = (side: "true" | "false") => {
    const leaf = list(`nodes_${side}leafs`);
    return list(`nodes_${side}nodeids`).map((id, i) => (leaf[i] ? inner + id : id));
  };
  const sets: number[][] = [[]];
  for (const value of numbers("membership_values"))
    if (Number.isNaN(value)) sets.push([]);
    else sets.at(-1)!.push(value);
  let nextSet = 0;
  const splits = numbers("nodes_splits");
  const leaves = weights.map(() => 0);
  const missing = list("nodes_missing_value_tracks_true");
  const all = inner + weights.length;
  const op = new TreeEnsemble({
    roots: [...list("tree_roots")],
    features: [...list("nodes_featureids"), ...leaves],
    comparisons: [...comparisons, ...weights.map(() => "leaf" as const)],
    values: [...comparisons.map((own, i) => (own === "in" ? nextSet++ : splits[i]!)), ...leaves],
    left: [...child("true"), ...leaves],
    right: [...child("false"), ...leaves],
    missingLeft: Array.from({ length: all }, (_, i) => missing[i] === 1),
    firstWeight: Array.from({ length: all + 1 }, (_, i) => Math.max(0, i - inner)),
    weights,
    weightTargets: [...list("leaf_targetids")],
    targets: call.integer("n_targets", 1),
    combination: COMBINATIONS[call.integer("aggregate_function", 1)] ?? "sum",
    base: [],
    sets,
    to: x.dtype === "float64" ? "float64" : "float32",
  });
  const transform = TRANSFORMS[call.integer("post_transform", 0)] ?? "NONE";
  return transformed(call, call.build.apply(op, x), transform);
};

const treeRegressor: Conversion = (call) =>
  transformed(call, call.build.apply(trees(call, "target", call.integer("n_targets", 1)), rows(call)));

const treeClassifier: Conversion = (call) => {
  const labels = classes(call);
  const count = Math.max(labels.texts?.length ?? 0, labels.integers?.length ?? 0);
  const ids = new Set(call.integers("class_ids") ?? []);
  const { build } = call;
  const op = trees(call, "class", count);
  const scores = build.apply(op, rows(call));
  // Two classes by weights for one: the other has what is left.
  if (count !== 2 || ids.size !== 1)
    return [labelled(call, most(call, scores), labels), transformed(call, scores)];
  const [only] = [...ids] as [number];
  const score = build.part(scores, 1, only, only + 1);
  const logistic = call.text("post_transform", "NONE") === "LOGISTIC";
  const positive = (call.floats("class_weights") ?? []).every((weight) => weight >= 0) && !logistic;
  if (!positive) return binaryScores(call, score, labels);
  const chosen = build.cast(
    build.pair("isGreater", build.reshape(score, [score.shape[0]!]), build.scalar(0.5, score)),
    "int64",
  );
  return [
    labelled(call, chosen, labels),
    build.concat([build.binary("sub", build.scalar(1, score), score), score], 1),
  ];
};

const featureVectorizer: Conversion = (call) =>
  call.build.concat(
    call.operands().map((x) => {
      const wide = call.build.cast(x, "float32");
      return wide.shape.length === 1 ? call.build.reshape(wide, [1, wide.shape[0]!]) : wide;
    }),
    1,
  );

export const classical: Readonly<Record<string, Conversion>> = {
  LinearRegressor: linearRegressor,
  LinearClassifier: linearClassifier,
  Scaler: scaler,
  Imputer: imputer,
  Normalizer: normalizer,
  Binarizer: binarizer,
  LabelEncoder: labelEncoder,
  OneHotEncoder: oneHotEncoder,
  TreeEnsemble: treeEnsemble,
  TreeEnsembleRegressor: treeRegressor,
  TreeEnsembleClassifier: treeClassifier,
  FeatureVectorizer: featureVectorizer,
  CategoryMapper: categoryMapper,
  // A map for each row, of its classes' scores: the scores, a column for each class in the order of the labels.
  ZipMap: (call) => call.input(0),
  ArrayFeatureExtractor: (call) => {
    const x = call.input(0);
    return call.build.apply(
      new Gather({ axis: x.shape.length - 1 }),
      x,
      call.build.reshape(call.input(1), [call.input(1).shape.reduce((n, own) => n * own, 1)]),
    );
  },
};
