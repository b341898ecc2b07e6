import { type FactorLevels, sortLevels } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, wording } from "../../wording.js";
import type { KeptMeat } from "../covariance/kept-kinds.js";
import { mergedMeat } from "../covariance/kept-meat.js";
import type { LinearModel } from "../model/model.js";
import type { DataScan } from "../model/model-parts.js";
import { type Estimate, solveSpecSteps } from "../model/solve-spec.js";
import { mergeFoldsSteps, mergeTreeSteps } from "../solve/merge-steps.js";
import { checkCompatible, foldNotes, lagNotes, type NamedModel } from "./compatible.js";
import { withKeptVcov } from "./kept-vcov.js";
import { inShardOrder, mergedShards } from "./numbered.js";
import { refuseMerging, stillForgotten } from "./sources.js";

/** Options of `mergeModels`; all may be left out. */
export interface MergeOptions {
  /** Whether models of the same rows are merged all the same. Default: false, they are refused. */
  again?: boolean | undefined;
  /** Whether models of numbered shards are merged where shards are missing. Default: false, they are refused. */
  partial?: boolean | undefined;
}

/**
 * The model of all rows, from models that were trained on shards of them: moments merge fold by fold, so that
 * everything is as if all rows had been trained on at once, standard errors, criteria and cross-validation among it.
 *
 * A row's fold is that of its shard: it comes from the row's number there, unless the shard was trained with the
 * number of its first row in the whole. Levels that only some shards have are united.
 *
 * Models of numbered shards are merged in a tree over the order of the numbers, so that the bits do not depend on that of
 * `models`.
 *
 * @throws ModelError that names the first difference between models that do not fit together, two that were made of
 * the same source or of the same rows, and numbered shards that are missing, there twice, or of another whole
 *
 * @example
 * ```js
 * import { fit, mergeModels } from "goml";
 *
 * const X = [[1], [2], [4], [7], [8], [9]];
 * const y = [1, 2, 2, 5, 7, 6];
 * const shards = [0, 3].map((from) => ({
 *   name: `shard of row ${from}`,
 *   model: fit(X.slice(from, from + 3), y.slice(from, from + 3)),
 * }));
 * const { model } = mergeModels(shards);
 * console.log(Math.abs(model.coefficients[1] - fit(X, y).coefficients[1]) < 1e-12); // true
 * ```
 */
export function mergeModels(models: readonly NamedModel[], options: MergeOptions = {}): Estimate {
  return inOneGo(mergeModelsSteps(models, options));
}

/** `mergeModels` in steps. */
export function* mergeModelsSteps(named: readonly NamedModel[], options: MergeOptions = {}): Steps<Estimate> {
  const models = inShardOrder(named);
  const [first, ...others] = models;
  if (first === undefined || others.length === 0)
    throw new ModelError("merging takes two models or more, found one", { hint: "name the shards' models" });
  for (const other of others) checkCompatible(first, other);
  const shards = mergedShards(
    models.map(({ name, model }) => ({ name, shards: model.shards })),
    options,
  );
  if (!options.again) refuseCommonSources(models);
  const unfolded = foldNotes(models);
  const notes = [...unfolded, ...lagNotes(models)];
  const kinds = new Set(models.map(({ model }) => model.moments.extended));
  if (kinds.size > 1) {
    const double = models.filter(({ model }) => !model.moments.extended);
    notes.push(
      `summed in double precision, and taken over into double-double as they are: ` +
        double.map(({ name }) => name).join(", "),
    );
  }
  const folds: CrossProducts[] = [];
  const count = unfolded.length > 0 ? 0 : first.model.folds.length;
  for (let f = 0; f < count; f++)
    folds.push(yield* mergeTreeSteps(models.map(({ model }) => model.folds[f]!)));
  const { spec, references, weightsColumn, weightsKind, penalty, instruments, targets } = first.model;
  const added = models.flatMap(({ model }) => model.sources);
  const merged = yield* solveSpecSteps(
    {
      spec,
      levels: unitedLevels(
        first.model.scannedSpec,
        models.map(({ model }) => model.levels),
      ),
      references,
      moments:
        folds.length > 0
          ? yield* mergeFoldsSteps(folds)
          : yield* mergeTreeSteps(models.map(({ model }) => model.moments)),
      folds,
      weightsColumn,
      weightsKind,
      instruments,
      targets,
      sources: added,
      forgotten: stillForgotten(
        models.flatMap(({ model }) => model.forgotten),
        added,
      ),
      shards,
      reading: first.model.reading,
      scan: summedScan(models.map(({ model }) => model.scan)),
    },
    penalty,
  );
  const all = models.map(({ model }) => model);
  return withKeptVcov({ ...merged, notes: [...notes, ...merged.notes] }, all, keptOfAll(all));
}

/** What models keep of their rows, together; undefined where one of them keeps nothing, or another kind. */
function keptOfAll(models: readonly LinearModel[]): KeptMeat | undefined {
  return models
    .map(({ keptMeat }) => keptMeat)
    .reduce((all, own) => (all === undefined || own === undefined ? undefined : mergedMeat(all, own)));
}

/** Throws ModelError where two models have rows of one source. */
function refuseCommonSources(models: readonly NamedModel[]): void {
  for (const [i, a] of models.entries())
    for (const b of models.slice(i + 1)) {
      refuseMerging({ name: a.name, sources: a.model.sources }, { name: b.name, sources: b.model.sources });
    }
}

/**
 * Throws ModelError where two models have the same rows by their moments: copies of one, laid out otherwise perhaps, of
 * which the file does not say what it was made of.
 */
export function refuseCopies(models: readonly NamedModel[]): void {
  for (const [i, a] of models.entries())
    for (const b of models.slice(i + 1)) {
      if (sameMoments(a.model.moments, b.model.moments))
        throw new ModelError(`${a.name} and ${b.name} have the same rows: they would count twice`, {
          hint: wording`merge them all the same with ${option("again", true)}`,
        });
    }
}

/**
 * Whether moments are equal to the last bit: a copy of a model has them. Columns that are spread alike tell little:
 * shards of a designed experiment have the same means and squares, and differ in how columns go together.
 */
function sameMoments(a: CrossProducts, b: CrossProducts): boolean {
  if (a.n === 0 || a.n !== b.n || a.sumW !== b.sumW || a.columns.length !== b.columns.length) return false;
  const at = a.columns.map((key) => b.index(key));
  const alike = (i: number, j: number) => a.product(i, j) === b.product(at[i]!, at[j]!);
  return (
    at.every((j, i) => j >= 0 && a.mean[i] === b.mean[j] && alike(i, i)) &&
    at.every((_, i) => at.slice(0, i).every((_, j) => alike(i, j)))
  );
}

/** The levels that any of several scans of a spec met. */
export function unitedLevels(spec: ModelSpec, all: readonly FactorLevels[]): FactorLevels {
  return Object.fromEntries(
    spec.variables.flatMap((variable) => {
      if (variable.kind !== "factor") return [];
      const names = new Set(all.flatMap((levels) => levels[variable.label] ?? []));
      return [[variable.label, sortLevels(names, variable.of)]];
    }),
  );
}

export function summedScan(scans: readonly (DataScan | undefined)[]): DataScan | undefined {
  const [first] = scans;
  if (first === undefined || scans.some((scan) => scan === undefined)) return undefined;
  const sum = (part: "rows" | "dropped") => scans.reduce((total, scan) => total + scan![part], 0);
  const excluded = scans.reduce((total, scan) => total + (scan!.excluded ?? 0), 0);
  const undefinedRows = scans.reduce((total, scan) => total + (scan!.undefinedRows ?? 0), 0);
  const firstRow = Math.min(...scans.map((scan) => scan!.firstRow));
  return {
    rows: sum("rows"),
    firstRow,
    ...(scans.every((scan) => scan!.foldBy === first.foldBy) && first.foldBy !== undefined
      ? { foldBy: first.foldBy }
      : {}),
    dropped: sum("dropped"),
    ...(undefinedRows > 0 ? { undefinedRows } : {}),
    ...(excluded > 0 ? { excluded } : {}),
    seed: first.seed,
    test: null,
  };
}
