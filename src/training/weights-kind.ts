import type { ModelSpec } from "../dataset/formula/spec.js";
import { UsageError } from "../errors.js";
import { option, type Wording, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";

/**
 * Refuses a kind of weights where there are none, and what does not go with it.
 *
 * @throws UsageError
 */
export function checkWeightsKind(
  { weightsKind, weights, vcov, cluster, keepMeat, dropSingletons, inEngine, folds }: FitCsvOptions,
  { absorbed }: Pick<ModelSpec, "absorbed">,
): void {
  if (weightsKind === undefined) return;
  if (weights === undefined)
    throw new UsageError(wording`${option("weightsKind", weightsKind)} needs a column of weights`, {
      hint: wording`name it with ${option("weights")}`,
    });
  const refuse = (what: Wording, why: string) =>
    new UsageError(wording`${what} does not go with ${option("weightsKind", weightsKind)}: ${why}`);
  if (inEngine && weightsKind === "probability")
    throw refuse(wording`${option("inEngine")}`, "its errors are robust, and take the rows");
  if (weightsKind !== "frequency") return;
  if (vcov === "hac" || ((vcov === "bootstrap" || vcov === "jackknife") && cluster === undefined))
    throw refuse(wording`${option("vcov", vcov)}`, "rows that stand for several are no single ones");
  if (keepMeat === "buckets")
    throw refuse(wording`${option("keepMeat", keepMeat)}`, "copies of a row would be drawn together");
  if (dropSingletons) throw refuse(wording`${option("dropSingletons")}`, "a row may stand for several");
  if (absorbed !== undefined && folds !== undefined && folds > 1)
    throw refuse(
      wording`${option("folds")}`,
      "where effects are absorbed, its rows are predicted one by one",
    );
}
