import type { Table } from "../csv/table.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { DataError, UsageError } from "../errors.js";
import { unconnectedNotes } from "../linear/model/absorbed-effects.js";
import type { LinearModel } from "../linear/model/model.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { mergeFolds } from "../stats/merge-folds.js";
import { SparseMoments } from "../stats/sparse-moments.js";
import { option, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { GroupMoments } from "./group-moments.js";
import type { ScannedMoments } from "./moments-result.js";
import { singletonsOf } from "./singletons.js";

/**
 * Refuses what a fit with absorbed effects cannot be asked for.
 *
 * @throws UsageError that says what
 */
export function checkAbsorbing(spec: ModelSpec, options: FitCsvOptions): void {
  if (spec.absorbed === undefined) {
    if (options.dropSingletons === true)
      throw new UsageError(wording`${option("dropSingletons", true)} goes with absorbed effects`, {
        hint: wording`name factors with ${option("absorb")}`,
      });
    return;
  }
  const { solver = "auto" } = options;
  if (solver === "qr" || solver === "gd")
    throw new UsageError(wording`effects cannot be absorbed with ${option("solver", solver)}`, {
      hint: "leave one of them out, or fit the factors as terms",
    });
}

/** A remark on rows left out with their levels. */
export function leftOutNotes(singletons: number): string[] {
  const rows = singletons === 1 ? "1 row was" : `${singletons} rows were`;
  return singletons === 0
    ? []
    : [`${rows} left out, a level of which no other row has, or none that is left`];
}

/** Remarks on the levels of absorbed factors. */
export function absorbingNotes(model: LinearModel): string[] {
  const { singletons = 0 } = model.scan ?? {};
  return [
    ...leftOutNotes(singletons),
    ...singletonNotes(model),
    ...unconnectedNotes(model),
    ...rankNotes(model),
  ];
}

/** What is to be said where it is not known how many effects the rows determine. */
function rankNotes({ absorption }: LinearModel): string[] {
  if (absorption === undefined || absorption.exact) return [];
  return [
    "the degrees of freedom of three or more factors are counted by pairs with the largest, as reghdfe counts them: " +
      "there may be fewer effects than that, and standard errors a little smaller",
  ];
}

/** The levels of rows of which a level has no other, per factor of the moments; undefined where there are none. */
export function singleLevels(moments: CrossProducts): string[][] | undefined {
  if (!(moments instanceof SparseMoments)) return undefined;
  const { levels, rows } = singletonsOf(moments, moments.shape.absorbed!);
  return rows === 0 ? undefined : levels;
}

/** The same of groups: by name, of those that have such levels; undefined where none has. */
export function singleLevelsInGroups(groups: GroupMoments): Map<string, string[][]> | undefined {
  const single = new Map<string, string[][]>();
  for (const name of groups.names) {
    const levels = singleLevels(mergeFolds(groups.foldsOf(name)));
    if (levels !== undefined) single.set(name, levels);
  }
  return single.size > 0 ? single : undefined;
}

/** Throws DataError where no row is left but those left out with their levels. */
export function checkLeft(table: Table, { folds, singletons }: ScannedMoments): void {
  if (folds.some((fold) => fold.n > 0)) return;
  throw new DataError(
    `no row is left to fit: each of ${singletons} has a level of its own, or is left with one`,
    {
      place: { file: table.source.name },
      hint: wording`absorb fewer factors, or leave ${option("dropSingletons")} out`,
    },
  );
}

/** Levels of a single row say nothing of the coefficients. */
function singletonNotes({ spec, moments }: LinearModel): string[] {
  if (spec.absorbed === undefined || !(moments instanceof SparseMoments)) return [];
  return moments.shape.absorbed!.flatMap((family, i) => {
    const table = moments.tables[moments.shape.families[family]!.table]!;
    let single = 0;
    for (let cell = 0; cell < table.count; cell++) if (table.rows(cell) === 1) single++;
    const { label } = spec.variables[spec.absorbed![i]!]!;
    return single === 0
      ? []
      : [
          `${single === 1 ? "a level" : `${single} levels`} of ${label} ${single === 1 ? "has" : "have"} one row only, which says nothing of the coefficients`,
        ];
  });
}
