import { targetKey } from "../../dataset/formula/column-key.js";
import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, verb, wording } from "../../wording.js";
import { refuseInstruments } from "../instruments/check-instruments.js";
import type { LinearModel } from "../model/model.js";
import { containsTerm } from "../selection/submodels.js";
import { absorbEffectsSteps } from "../solve/solve-absorbed.js";
import { type TargetProducts, targetProducts } from "./cross-products.js";
import { JOINT_STATISTICS, type JointStatistic, jointTest, type MultivariateTest } from "./statistics.js";

/** The joint tests of a term, or of the terms that one model has more than another. */
export type JointRow = { term: string; df: number } & Record<JointStatistic, MultivariateTest>;

/** Joint tests on several targets. */
export interface JointTests {
  targets: string[];
  /** Those of the residuals of each target. */
  dfResidual: number;
  rows: JointRow[];
  /** E/ν, the estimated covariance of the targets' errors, q × q by rows. */
  covariance: number[][];
}

/** Which hypotheses: 1 each term after those before it; 2 each after all others but those that contain it. */
export type JointType = 1 | 2;

/**
 * Joint (multivariate) tests of a model's terms on all targets that it was fitted beside, from its moments, without the data: from the
 * eigenvalues of E⁻¹H, E the residual cross-products of the targets and H what a term explains of them, Pillai's trace, Wilks' Λ,
 * Hotelling and Lawley's trace and Roy's largest root, each with its F approximation. Type 1 is R's `summary(manova(cbind(a, b) ~ …))`,
 * type 2 `car::Manova`. Terms that add no column of their own are left out; absorbed effects come before all.
 *
 * Any of the targets' models gives the same tests.
 *
 * @throws ModelError for a model of one target, a penalised fit, instruments and probability weights; where a target is fitted
 * exactly, or residuals depend on each other
 *
 * @example
 * ```js
 * import { fitTargetsCsv, jointTests } from "goml";
 *
 * const { fits } = await fitTargetsCsv("data/boston.csv", { targets: ["medv", "nox"], features: ["rm", "dis"] });
 * for (const { term, pillai } of jointTests(fits[0].model).rows) console.log(term, pillai.value.toFixed(4), pillai.f.toFixed(2));
 * // rm 0.4986 249.59
 * // dis 0.5832 351.21
 * ```
 */
export function jointTests(model: LinearModel, type: JointType = 1): JointTests {
  return inOneGo(jointTestsSteps(model, type));
}

/** `jointTests` in steps. */
export function* jointTestsSteps(model: LinearModel, type: JointType = 1): Steps<JointTests> {
  const seen = yield* seenTargets("the model", model);
  const terms = model.codedTerms.map(({ label, columns }, t) => ({
    term: label,
    t,
    keys: columns.flatMap(({ key, name }) => (model.aliased.includes(name) ? [] : [key])),
  }));
  const tested = terms.filter(({ keys }) => keys.length > 0);
  if (type === 1) {
    const products = yield* productsOf(seen, tested);
    const rows = tested.map(({ term, keys }, i) => jointRow(term, keys.length, products.roots(i), seen));
    return jointResult(seen, rows, products);
  }
  const rows: JointRow[] = [];
  let products: TargetProducts | undefined;
  for (const { term, t, keys } of tested) {
    const inner = tested.filter((other) => other.t !== t && !containsTerm(model.spec, other.t, t));
    const outer = tested.filter((other) => containsTerm(model.spec, other.t, t));
    products = yield* productsOf(seen, [...inner, { keys }, ...outer]);
    rows.push(jointRow(term, keys.length, products.roots(inner.length), seen));
  }
  products ??= yield* productsOf(seen, []);
  return jointResult(seen, rows, products);
}

/** A model, and what to call it in messages. */
interface Named {
  name: string;
  model: LinearModel;
}

/**
 * Compares models of the same targets and rows, each with the one before, which it should contain: R's `anova` of several such
 * models, against the residuals of the last. The terms of each row are those that the model has more.
 *
 * @throws ModelError as `jointTests`; where the models are of other targets or rows, or are not nested
 */
export function* jointModelsSteps(models: readonly Named[]): Steps<JointTests> {
  const all: SeenTargets[] = [];
  for (const { name, model } of models) all.push(yield* seenTargets(name, model));
  const last = all.at(-1)!;
  const keys = all.map(({ estimated }) => new Set(estimated));
  for (const [i, { name, model }] of models.entries()) {
    if (i === 0) continue;
    const before = models[i - 1]!;
    const differ = (what: string) =>
      new ModelError(`${before.name} and ${name} do not compare: ${what}`, {
        hint: "joint tests compare nested models of the same targets and rows, the smaller first",
      });
    if ([...all[i]!.targets].sort().join("\n") !== [...all[i - 1]!.targets].sort().join("\n"))
      throw differ(`the targets are ${all[i - 1]!.targets.join(", ")} and ${all[i]!.targets.join(", ")}`);
    if ((model.weightsColumn ?? "") !== (before.model.weightsColumn ?? ""))
      throw differ(`the weights are ${before.model.weightsColumn ?? "1"} and ${model.weightsColumn ?? "1"}`);
    if (!sameTargets(before.model, model, all[i]!.targets)) throw differ("they are of other rows");
    const effects = [before, { model }].map((one) => JSON.stringify(one.model.regression.absorbed ?? []));
    if (effects[0] !== effects[1] || before.model.intercept !== model.intercept)
      throw differ("intercept or absorbed effects are not those of the other");
    const lacking = [...keys[i - 1]!].find((key) => !keys[i]!.has(key));
    if (lacking !== undefined) throw differ(`the first has ${lacking}, which the second has not`);
  }
  const blocks = all.map(({ estimated }, i) => estimated.filter((key) => i === 0 || !keys[i - 1]!.has(key)));
  const products = yield* productsOf(
    last,
    blocks.map((own) => ({ keys: own })),
  );
  const rows = models.slice(1).map(({ name }, i) => {
    const df = blocks[i + 1]!.length;
    return jointRow(name, df, products.roots(i + 1), last);
  });
  return jointResult(last, rows, products);
}

/** The targets of a model, and the moments that know them. */
interface SeenTargets {
  targets: string[];
  keys: string[];
  /** The columns of the coefficients that are estimated. */
  estimated: string[];
  /** About absorbed effects, where there are some. */
  moments: CrossProducts;
  intercept: boolean;
  dfResidual: number;
  weightUnit: number;
}

function* seenTargets(name: string, model: LinearModel): Steps<SeenTargets> {
  refuseInstruments(model, "joint tests");
  if (model.targets.length === 0)
    throw new ModelError(`${name} has one target: joint tests are of several`, {
      hint: wording`train with ${option("target", "a,b")}, or a formula cbind(a, b) ~ …`,
    });
  if (model.penalty !== undefined)
    throw new ModelError(`${name} is a penalised fit, of which joint tests mean nothing`, {
      hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
    });
  if (model.weightsKind === "probability")
    throw new ModelError(`${name} has probability weights, under which sums of squares make no joint tests`);
  const all = [model.spec.target, ...model.targets];
  const keys = all.map(targetKey);
  const { regression } = model;
  const absorbed =
    model.absorbed === undefined ? undefined : yield* absorbEffectsSteps(model.moments, regression, keys);
  return {
    targets: all.map(({ label }) => label),
    keys,
    estimated: model.codedTerms.flatMap(({ columns }) =>
      columns.flatMap((column) => (model.aliased.includes(column.name) ? [] : [column.key])),
    ),
    moments: absorbed?.moments ?? model.moments,
    // What effects leave of columns has means of zero.
    intercept: model.intercept || absorbed !== undefined,
    dfResidual: model.dfResidual,
    weightUnit: model.weightUnit,
  };
}

function productsOf(
  { moments, keys, intercept }: SeenTargets,
  blocks: readonly { keys: readonly string[] }[],
): Steps<TargetProducts> {
  return targetProducts(
    moments,
    blocks.map((block) => block.keys),
    keys,
    intercept,
  );
}

function jointRow(term: string, df: number, roots: readonly number[], seen: SeenTargets): JointRow {
  const sizes = { targets: seen.keys.length, df, dfResidual: seen.dfResidual };
  const tests = JOINT_STATISTICS.map((statistic) => [statistic, jointTest(statistic, roots, sizes)] as const);
  return { term, df, ...(Object.fromEntries(tests) as Record<JointStatistic, MultivariateTest>) };
}

function jointResult(seen: SeenTargets, rows: JointRow[], { residual }: TargetProducts): JointTests {
  const { targets, dfResidual, weightUnit } = seen;
  const covariance = residual.map((row) => row.map((value) => (value * weightUnit) / dfResidual));
  return { targets, dfResidual, rows, covariance };
}

/** Means and squares of the same rows, summed in another order or precision, agree to this. */
const SAME = 1e-9;

function sameTargets(one: LinearModel, two: LinearModel, labels: readonly string[]): boolean {
  if (one.n !== two.n) return false;
  const keys = [two.spec.target, ...two.targets].map(targetKey);
  return labels.every((_, t) => {
    const [a, b] = [one, two].map(({ moments }) => {
      const at = moments.index(keys[t]!);
      return { mean: moments.mean[at]!, square: moments.product(at, at) };
    }) as [{ mean: number; square: number }, { mean: number; square: number }];
    const spread = Math.sqrt(b.square / two.moments.sumW);
    return (
      Math.abs(a.mean - b.mean) <= SAME * Math.max(Math.abs(b.mean), spread) &&
      Math.abs(a.square - b.square) <= SAME * b.square
    );
  });
}
