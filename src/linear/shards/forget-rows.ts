import { ModelError, UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { keepColumns } from "../../stats/block-layout.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { alike } from "../../stats/merge-folds.js";
import type { KeptMeat } from "../covariance/kept-kinds.js";
import { meatWithout } from "../covariance/kept-meat.js";
import type { LinearModel } from "../model/model.js";
import type { DataScan } from "../model/model-parts.js";
import { type Estimate, solveSpecSteps } from "../model/solve-spec.js";
import { mergeFoldsSteps } from "../solve/merge-steps.js";
import { checkCompatible, type NamedModel, refuseLagsForgotten } from "./compatible.js";
import { withKeptVcov } from "./kept-vcov.js";
import { levelsLeft } from "./levels-left.js";
import { shardsLeft } from "./numbered.js";
import { endOf, refuseForgetting, sameContent, sameFolds, sourcesLeft } from "./sources.js";

/** Options of `forgetRows`; all may be left out. */
export interface ForgetOptions {
  /** Whether rows of a source that was taken out already are taken out once more. Default: false, that is refused. */
  again?: boolean | undefined;
}

/** A model without the rows of a shard. */
export interface Forgotten extends Estimate {
  /** About how many decimal digits of the sums taking away has cost: log10 of the largest ratio before/after. */
  digitsLost: number;
  /** About how many digits the sums have left: 16 or 32, less those lost. */
  digitsLeft: number;
}

/**
 * Takes the rows of a shard out of a model again, the inverse of `mergeModels`: sums of squares are
 * subtracted, which costs log10(before/after) digits. In double-double that leaves more than a double holds unless
 * nearly everything is taken away.
 *
 * @throws ModelError where the models do not fit together, or the shard's rows cannot be among the model's
 * @example
 * ```js
 * import { fit, forgetRows } from "goml";
 *
 * const X = [[1], [2], [4], [7], [8], [9]];
 * const y = [1, 2, 2, 5, 7, 6];
 * const whole = { name: "whole", model: fit(X, y) };
 * const shard = { name: "shard", model: fit(X.slice(3), y.slice(3)) };
 * console.log(forgetRows(whole, shard).model.n); // 3
 * ```
 */
export function forgetRows(whole: NamedModel, shard: NamedModel, options: ForgetOptions = {}): Forgotten {
  return inOneGo(forgetRowsSteps(whole, shard, options));
}

/** `forgetRows` in steps. */
export function* forgetRowsSteps(
  whole: NamedModel,
  shard: NamedModel,
  { again }: ForgetOptions = {},
): Steps<Forgotten> {
  checkCompatible(whole, shard);
  refuseLagsForgotten({ name: whole.name, model: { spec: whole.model.scannedSpec } });
  const { model } = whole;
  const shards = shardsLeft(
    { name: whole.name, shards: model.shards },
    { name: shard.name, shards: shard.model.shards },
  );
  // After the shards' numbers, which the option cannot overrule.
  if (!again)
    refuseForgetting(
      { name: whole.name, ...sourcesOf(model) },
      { name: shard.name, ...sourcesOf(shard.model) },
    );
  const notAmong = (why: string) =>
    new ModelError(`the rows of ${shard.name} are not among those of ${whole.name}: ${why}`, {
      hint: "only what was merged or trained in can be taken out",
    });
  if (shard.model.n > model.n) throw notAmong(`it has ${shard.model.n} rows, the model has ${model.n}`);
  if (shard.model.n === model.n)
    throw new ModelError(`${shard.name} has all ${model.n} rows of ${whole.name}: nothing would be left`);
  for (const [factor, levels] of Object.entries(shard.model.levels))
    for (const level of levels)
      if (!model.levels[factor]?.includes(level))
        throw notAmong(`${factor} has the level ${JSON.stringify(level)} there only`);
  const left = without(model.moments, shard.model.moments);
  if (typeof left === "string") throw notAmong(left);
  yield;
  const folds = sameFolds(model, shard.model) ? withoutEach(model.folds, shard.model.folds) : [];
  yield;
  const moments = folds.length > 0 ? yield* mergeFoldsSteps(folds) : left;

  const { spec, references, weightsColumn, weightsKind, penalty, scan } = model;
  const { levels, gone } = levelsLeft(model.scannedSpec, model.levels, moments);
  const keep = (all: CrossProducts) => keepColumns(all, (key) => !gone.has(key));
  const digitsLost = lostDigits(model.moments, moments);
  const digitsLeft = (moments.extended ? 32 : 16) - digitsLost;
  const rest = yield* solveSpecSteps(
    {
      spec,
      levels,
      references,
      moments: keep(moments),
      folds: folds.map(keep),
      weightsColumn,
      weightsKind,
      instruments: model.instruments,
      targets: model.targets,
      sources: sourcesLeft(model.sources, shard.model.sources),
      forgotten: [
        ...model.forgotten,
        ...shard.model.sources.filter((one) => !model.forgotten.some((other) => sameContent(one, other))),
      ],
      shards,
      reading: model.reading,
      scan: less(scan, shard.model.scan),
    },
    penalty,
  );
  const found = withKeptVcov(rest, [model], keptWithout(model, shard.model));
  const notes = [...found.notes];
  if (model.folds.length > folds.length) notes.push(foldsLost(whole.name, shard.name));
  const unknown = shard.model.sources.find((one) => !model.sources.some((known) => sameContent(known, one)));
  if (unknown !== undefined && model.sources.length > 0)
    notes.push(
      `what ${shard.name} was made of is not among the sources of ${whole.name}: ` +
        "that its rows are, the sums alone say",
    );
  if (digitsLeft < 12)
    notes.push(
      `taking these rows away has cost about ${Math.round(digitsLost)} of 16 digits: ` +
        "train again on the rows that are left for all of them",
    );
  return { ...found, notes, digitsLost, digitsLeft };
}

/** What is kept of the rows that are left. Rows are drawn into buckets by their numbers, as into folds. */
function keptWithout(whole: LinearModel, shard: LinearModel): KeptMeat | undefined {
  const [all, part] = [whole.keptMeat, shard.keptMeat];
  if (all === undefined || part === undefined) return undefined;
  if (all.kind === "buckets" && !sameFolds(whole, shard)) return undefined;
  return meatWithout(all, part);
}

function sourcesOf({ sources, forgotten }: LinearModel) {
  return { sources, forgotten };
}

/** Each fold without the shard's rows in it; none where these cannot be in it, or the shard has other folds. */
export function withoutEach(
  folds: readonly CrossProducts[],
  shard: readonly CrossProducts[],
): CrossProducts[] {
  if (shard.length !== folds.length) return [];
  const left: CrossProducts[] = [];
  for (const [f, fold] of folds.entries()) {
    const rest = without(fold, shard[f]!);
    if (typeof rest === "string") return [];
    left.push(rest);
  }
  return left;
}

/** What is to be said where the folds are left out. */
export function foldsLost(whole: string, shard: string): string {
  return (
    `the cross-validation folds are left out: a row's follows from its number, and which numbers the rows of ${shard} ` +
    `have in ${whole} is not known`
  );
}

/** The moments of the rows of `whole` that are not in `part`, or why the rows of `part` cannot be among them. */
export function without(whole: CrossProducts, part: CrossProducts): CrossProducts | string {
  try {
    const left = difference(whole, part);
    if (part.n === whole.n) return left;
    const negative = whole.columns.find((_, i) => isNegative(whole, part, i));
    return negative === undefined ? left : `${negative} would vary by less than nothing`;
  } catch (cause) {
    // More rows than there are, levels that never met in the whole, or fewer rows of them than the part has.
    if (cause instanceof UsageError) return cause.message;
    throw cause;
  }
}

export function less(whole: DataScan | undefined, part: DataScan | undefined): DataScan | undefined {
  if (whole === undefined || part === undefined) return undefined;
  const { excluded, undefinedRows, ...rest } = whole;
  const left = {
    undefinedRows: (undefinedRows ?? 0) - (part.undefinedRows ?? 0),
    excluded: (excluded ?? 0) - (part.excluded ?? 0),
  };
  // Rows behind those that are gone keep their numbers.
  const end = endOf(whole);
  const between = part.firstRow > whole.firstRow && endOf(part) < end;
  return {
    ...rest,
    ...(between ? { endRow: end } : {}),
    ...Object.fromEntries(Object.entries(left).filter(([, rows]) => rows > 0)),
    rows: Math.max(0, whole.rows - part.rows),
    dropped: Math.max(0, whole.dropped - part.dropped),
    test: null,
  };
}

function difference(whole: CrossProducts, part: CrossProducts): CrossProducts {
  // A column that the part has and this fold has not is zero in its rows of the part.
  const wide = whole.clone();
  wide.widen(part.columns.filter((key) => whole.index(key) < 0));
  const [all, taken] = alike([wide, part]);
  return all!.subtract(taken!);
}

/** Whether a column's sum of squares would come out below zero by more than rounding. */
function isNegative(whole: CrossProducts, part: CrossProducts, column: number): boolean {
  const j = part.index(whole.columns[column]!);
  if (j < 0 || part.n === 0) return false;
  const before = whole.product(column, column);
  const delta = whole.mean[column]! - part.mean[j]!;
  const after =
    before - part.product(j, j) - (delta * delta * whole.sumW * part.sumW) / (whole.sumW - part.sumW);
  return after < -1e-6 * before;
}

export function lostDigits(before: CrossProducts, after: CrossProducts): number {
  let ratio = 1;
  after.columns.forEach((key, i) => {
    const left = after.product(i, i);
    const j = before.index(key);
    if (j >= 0 && left > 0) ratio = Math.max(ratio, before.product(j, j) / left);
  });
  return Math.log10(ratio);
}
