import { ModelError, UsageError } from "../../errors.js";
import { option, verb, wording } from "../../wording.js";
import type { VcovType } from "../covariance/vcov.js";
import type { InstrumentalEstimator, Regression } from "../solve/regression.js";
import type { Solution } from "../solve/solution.js";

/** An estimator as it is asked for: by its name, `fuller:4` with its α. */
export type AskedEstimator = InstrumentalEstimator | `fuller:${number}`;

/** What tables call estimators. */
export const ESTIMATOR_NAMES: Readonly<Record<InstrumentalEstimator, string>> = {
  "2sls": "2SLS",
  liml: "LIML",
  fuller: "Fuller",
  gmm: "two-step GMM",
};

const ESTIMATORS = Object.keys(ESTIMATOR_NAMES);

/** Reads an estimator's name; throws UsageError where there is none such. */
export function readEstimator(asked: string): { estimator: InstrumentalEstimator; fuller?: number } {
  const [name, alpha] = asked.split(":");
  if (name === "fuller" && alpha !== undefined) {
    const fuller = Number(alpha);
    if (alpha.trim() !== "" && fuller >= 0 && Number.isFinite(fuller)) return { estimator: "fuller", fuller };
  } else if (alpha === undefined && ESTIMATORS.includes(name!)) {
    const estimator = name as InstrumentalEstimator;
    return estimator === "fuller" ? { estimator, fuller: 1 } : { estimator };
  }
  throw new UsageError(wording`${option("iv", asked)} is no estimator with instruments`, {
    hint: `it is one of ${ESTIMATORS.join(", ")}; fuller:4 says its α`,
  });
}

/** The error for a penalty on an equation with instruments. */
export function penalizedInstruments(): UsageError {
  return new UsageError("there is no penalty on an equation with instruments", {
    hint: wording`leave ${option("lambda")} and bounds out`,
  });
}

/** The covariances of an equation with instruments: of scores, without leverages, which are those of least squares. */
const VCOVS: readonly VcovType[] = ["iid", "hc0", "hc1", "cluster", "cr0", "hac", "dk"];

/**
 * Refuses a covariance that rests on what least squares alone has.
 *
 * @throws UsageError that says which there are
 */
export function checkVcovOfInstruments(type: VcovType): void {
  if (VCOVS.includes(type)) return;
  throw new UsageError(
    wording`${option("vcov", type)} is of least squares: with instruments there are ${VCOVS.join(", ")}`,
    { hint: wording`use ${option("vcov", "hc1")} or ${option("vcov", "cluster")}` },
  );
}

/** A remark on instruments that say nothing beyond others. */
export function redundantNotes({ instrumented }: Solution, { instruments }: Regression): string[] {
  const { redundant = [] } = instrumented ?? {};
  if (redundant.length === 0) return [];
  const names = redundant.map((i) => instruments!.excluded[i]!);
  return [
    `${names.length === 1 ? "this instrument depends" : "these instruments depend"} linearly on exogenous terms or on ` +
      `instruments before, and ${names.length === 1 ? "is" : "are"} left out: ${names.join(", ")}`,
  ];
}

/** The error for an estimator where there are no instruments. */
export function withoutInstruments(asked: AskedEstimator): UsageError {
  return new UsageError(wording`${option("iv", asked)} needs endogenous terms and their instruments`, {
    hint: wording`${option("formula", "y ~ exogenous | 0 | endogenous ~ instruments")}`,
  });
}

/**
 * Throws ModelError where a model has instruments, of which something cannot be had that least squares has.
 *
 * @param what in the plural
 */
export function refuseInstruments(model: { readonly instruments?: unknown }, what: string): void {
  if (model.instruments !== undefined)
    throw new ModelError(`${what} are of least squares, and this model was estimated with instruments`, {
      hint: wording`${verb("refit", option("formula"))} fits its terms by least squares`,
    });
}
