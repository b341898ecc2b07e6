import { targetKey, variableKey } from "../../dataset/formula/column-key.js";
import { sameColumns } from "../../dataset/formula/data-basis.js";
import type { ModelSpec, Variable } from "../../dataset/formula/spec.js";
import type { Contrast } from "../../dataset/formula/spec-schema.js";
import { ModelError } from "../../errors.js";
import { option, verb, type Wording, wording } from "../../wording.js";
import type { Penalty } from "../model/document-schema.js";
import type { LinearModel } from "../model/model.js";
import type { DataScan } from "../model/model-parts.js";

/** A model and what to call it in messages, its file for example. */
export interface NamedModel {
  name: string;
  model: LinearModel;
}

/** What is to be said where robust covariances are lost: they need the rows again. */
export function vcovNotes(models: readonly LinearModel[]): string[] {
  const robust = models.find(({ vcov }) => vcov.type !== "iid");
  return robust === undefined
    ? []
    : [`standard errors are classical again: ${robust.vcov.type} needs all rows at once`];
}

/** What is to be said where conformal intervals are lost: they are those of another fit. */
export function conformalNotes(models: readonly LinearModel[]): string[] {
  return models.some(({ conformal }) => conformal !== undefined)
    ? ["the conformal intervals are left out: they are calibrated by the fit that was, and need rows again"]
    : [];
}

/** What is to be said where the folds of some models are lost because others have none. */
export function foldNotes(models: readonly NamedModel[]): string[] {
  const without = models.filter(({ model }) => model.folds.length === 0);
  if (without.length === 0 || without.length === models.length) return [];
  return [`the cross-validation folds are left out: ${without.map(({ name }) => name).join(", ")} has none`];
}

/** Throws ModelError that names the first way in which two models are not of the same kind. */
export function checkCompatible(a: NamedModel, b: NamedModel): void {
  const refuse = (difference: string, hint: Wording = "train the shards with the same options") =>
    new ModelError(`${a.name} and ${b.name} do not fit together: ${difference}`, { hint });
  const [x, y] = [a.model, b.model];
  if (targetKey(x.spec.target) !== targetKey(y.spec.target))
    throw refuse(`the targets are ${x.target} and ${y.target}`);
  const [besideX, besideY] = [x, y].map(({ targets }) => targets.map(targetKey).sort().join(", "));
  if (besideX !== besideY)
    throw refuse(
      `the targets fitted beside ${x.target} are ${besideX || "none"} and ${besideY || "none"}`,
      "a row is complete where all targets are: train all shards with the same ones",
    );
  const kinds = new Map(x.scannedSpec.variables.map((variable) => [variableKey(variable), variable]));
  for (const variable of y.scannedSpec.variables) {
    const same = kinds.get(variableKey(variable));
    if (same !== undefined && described(same) !== described(variable))
      throw refuse(
        `${variableKey(variable)} is ${described(same)} in ${a.name} and ${described(variable)} in ${b.name}`,
        "a column that is text in one shard only may hold a word among its numbers",
      );
  }
  for (const variable of [...y.spec.variables, { kind: "numeric" as const, ...y.spec.target }]) {
    const same =
      variable.label === x.spec.target.label
        ? { kind: "numeric" as const, ...x.spec.target }
        : kinds.get(variableKey(variable));
    if (same !== undefined && !sameColumns(same, variable))
      throw refuse(
        `${variable.label} was made of the data of each by itself`,
        /^(?:ns|bs)\(/.test(variable.label)
          ? "give the shards common knots and Boundary.knots"
          : /^cut\(/.test(variable.label)
            ? "give cut() its breaks"
            : wording`cut one whole by ${option("shard")}, or update one model; poly(x, 3, raw = TRUE), or no scale(), has the same fit`,
      );
  }
  const [lagsX, lagsY] = [x, y].map(({ scannedSpec }) => describedLags(scannedSpec));
  if (lagsX !== lagsY) throw refuse(`other rows are looked up ${lagsX} and ${lagsY}`);
  const [equationX, equationY] = [x, y].map(describedEquation);
  if (equationX !== equationY) throw refuse(`the instruments are ${equationX} and ${equationY}`);
  const [termsX, termsY] = [termKeys(x.spec), termKeys(y.spec)];
  const lacking = termsX.filter((term) => !termsY.includes(term));
  if (lacking.length > 0) throw refuse(`${b.name} has no ${lacking.join(", ")}`);
  const more = termsY.filter((term) => !termsX.includes(term));
  if (more.length > 0) throw refuse(`${a.name} has no ${more.join(", ")}`);
  if (x.intercept !== y.intercept)
    throw refuse(`${(x.intercept ? b : a).name} has no intercept, the other has one`);
  if (x.weightsColumn !== y.weightsColumn)
    throw refuse(`the weights are ${x.weightsColumn ?? "none"} and ${y.weightsColumn ?? "none"}`);
  if (x.weightsKind !== y.weightsKind) {
    const [p, q] = [x, y].map(({ weightsKind }) => weightsKind ?? "of no named kind");
    throw refuse(`the weights are ${p} and ${q}`, wording`train with the same ${option("weightsKind")}`);
  }
  for (const factor of new Set([...Object.keys(x.references), ...Object.keys(y.references)]))
    if (x.references[factor] !== y.references[factor]) {
      const [p, q] = [x, y].map(({ references }) => references[factor] ?? "the first level");
      throw refuse(`the reference of ${factor} is ${p} and ${q}`);
    }
  refuseSingletons([a, b]);
  // A model without folds has sums of all rows all the same; see foldNotes.
  if (x.folds.length !== y.folds.length && x.folds.length > 0 && y.folds.length > 0)
    throw refuse(
      `they have ${x.folds.length} and ${y.folds.length} cross-validation folds`,
      wording`train with the same ${option("folds")}`,
    );
  const folded = x.folds.length > 0 && y.folds.length > 0;
  const [keyX, keyY] = [x, y].map(({ scan }) => scan?.foldBy);
  if (folded && keyX !== keyY)
    throw refuse(
      `the folds are by ${keyX ?? "the rows' numbers"} and by ${keyY ?? "the rows' numbers"}`,
      wording`train with the same ${option("foldBy")}`,
    );
  if (folded && keyX !== undefined && x.scan?.seed !== y.scan?.seed)
    throw refuse(
      `the folds are by ${keyX} with seeds ${x.scan?.seed} and ${y.scan?.seed}`,
      wording`train with the same ${option("seed")}`,
    );
  const penalties = [x, y].map(({ penalty }) =>
    penalty === undefined ? "no penalty" : describedPenalty(penalty),
  );
  if (penalties[0] !== penalties[1])
    throw refuse(
      `the penalties are ${penalties.join(" and ")}`,
      wording`make them alike with ${verb("refit", option("lambda"))}`,
    );
}

/** How a spec finds other rows, in words that are alike where it is. */
function describedLags({ lags }: ModelSpec): string {
  if (lags === undefined) return "nowhere";
  const { time, unit, step } = lags;
  return `by ${time}${step === undefined ? "" : ` in steps of a ${step}`}${unit === undefined ? "" : ` within ${unit}`}`;
}

/** What is to be said where models are put together whose rows are of other rows: each looked these up in its own data. */
export function lagNotes(models: readonly NamedModel[]): string[] {
  const lags = models[0]?.model.scannedSpec.lags;
  return lags === undefined
    ? []
    : [
        `${lags.columns.map(({ name }) => name).join(", ")}: looked up in the data of each model by itself, so that series which are cut lack rows`,
      ];
}

/**
 * Refuses to take rows out of a model that has lags of them.
 *
 * @throws ModelError
 */
export function refuseLagsForgotten({
  name,
  model: { spec },
}: {
  name: string;
  model: { spec: Pick<ModelSpec, "lags"> };
}): void {
  if (spec.lags === undefined) return;
  const names = spec.lags.columns.map(({ name: column }) => column).join(", ");
  throw new ModelError(`rows of ${name} are not forgotten: others may have them as ${names}`, {
    hint: "train again on the rows that are left",
  });
}

/** The endogenous terms, their instruments and the estimator, in words that are alike where these are. */
function describedEquation({ instruments }: LinearModel): string {
  if (instruments === undefined) return "none";
  const { spec, estimator, fuller } = instruments;
  const keys = termKeys(spec);
  const named = (list: readonly number[]) => list.map((t) => keys[t]!).join(" + ");
  const { endogenous, excluded } = spec.instruments!;
  return `${named(endogenous)} ~ ${named(excluded)} (${estimator}${fuller === undefined ? "" : `:${fuller}`})`;
}

/** A penalty in words that are alike where penalties are. */
function describedPenalty({ lambda, alpha, gamma, ...limits }: Penalty): string {
  const relaxed = gamma === undefined ? "" : `, relaxed with γ = ${gamma}`;
  const { factors, lower, lowerIn, upper, upperIn } = limits;
  const named = (values: Readonly<Record<string, number | null>> = {}) =>
    Object.keys(values)
      .sort()
      .map((name) => `${name}=${values[name] ?? "none"}`);
  const parts = [
    ["factors", named(factors)],
    ["lower", [...(lower === undefined ? [] : [lower]), ...named(lowerIn)]],
    ["upper", [...(upper === undefined ? [] : [upper]), ...named(upperIn)]],
  ] as const;
  const texts = parts.flatMap(([what, list]) => (list.length === 0 ? [] : [`, ${what} ${list.join(" ")}`]));
  return `λ = ${lambda}, α = ${alpha}${relaxed}${texts.join("")}`;
}

function described(variable: Variable): string {
  if (variable.kind !== "factor") return "numeric";
  const { of, levels, labels, first, contrast } = variable;
  const parts = [
    of === "text" ? "a factor of texts" : "a factor of numbers",
    levels && `of the levels ${(labels ?? levels).join(", ")}`,
    first && `with the reference ${first}`,
    contrast && `coded by ${describedContrast(contrast)}`,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

function describedContrast({ type, values, base, count }: Contrast): string {
  const details = [values && JSON.stringify(values), base && `base ${base}`, count && `${count} columns`];
  return [`contr.${type}`, ...details.filter((part) => part !== undefined)].join(", ");
}

function termKeys(spec: ModelSpec): string[] {
  return spec.terms.map((term) => term.variables.map((v) => variableKey(spec.variables[v]!)).join(":"));
}

/**
 * Refuses models of which rows were left out that others may go with.
 *
 * @throws ModelError that names one
 */
export function refuseSingletons(
  all: readonly { name: string; model: { scan: Pick<DataScan, "singletons"> | undefined } }[],
): void {
  const single = all.find(({ model }) => (model.scan?.singletons ?? 0) > 0);
  if (single !== undefined)
    throw new ModelError(
      `${single.name} was trained without rows of levels of their own, which others may share`,
      { hint: wording`train without ${option("dropSingletons")}: the coefficients are the same` },
    );
}
