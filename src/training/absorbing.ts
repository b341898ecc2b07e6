import type { ModelSpec } from "../dataset/formula/spec.js";
import { UsageError } from "../errors.js";
import { unconnectedNotes } from "../linear/model/absorbed-effects.js";
import type { LinearModel } from "../linear/model/model.js";
import { SparseMoments } from "../stats/sparse-moments.js";
import { option, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";

/**
 * Refuses what a fit with absorbed effects cannot be asked for.
 *
 * @throws UsageError that says what
 */
export function checkAbsorbing(spec: ModelSpec, options: FitCsvOptions): void {
  if (spec.absorbed === undefined) return;
  const { lambda, solver = "auto" } = options;
  const asked =
    lambda === "path"
      ? option("lambda", "path")
      : solver === "qr" || solver === "gd"
        ? option("solver", solver)
        : undefined;
  if (asked !== undefined)
    throw new UsageError(wording`effects cannot be absorbed with ${asked}`, {
      hint: "leave one of them out, or fit the factors as terms",
    });
}

/** Remarks on the levels of absorbed factors. */
export function absorbingNotes(model: LinearModel): string[] {
  return [...singletonNotes(model), ...unconnectedNotes(model)];
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
