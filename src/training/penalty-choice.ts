import { UsageError } from "../errors.js";
import { type AskedLimits, checkedLimits, isBounded } from "../linear/penalty/column-limits.js";
import { type AskedRelaxation, gammasOf, type PenaltyChoice } from "../linear/penalty/penalty.js";
import { option, type Wording, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";

/**
 * The penalty and the bounds that the options ask for; undefined where there are none, as with λ = 0. Bounds without a λ
 * are those of least squares.
 *
 * @throws UsageError for values out of range, and for what does not go with a penalty
 */
export function penaltyChoice(
  options: Pick<
    FitCsvOptions,
    "lambda" | "alpha" | "adaptive" | "solver" | "vcov" | keyof AskedLimits | keyof AskedRelaxation
  >,
): PenaltyChoice | undefined {
  const { lambda, alpha = 0, adaptive, solver, vcov = "iid" } = options;
  const limits = checkedLimits(options);
  const gamma = gammasOf(options);
  if (adaptive !== undefined) {
    if (!(adaptive > 0 && adaptive < Infinity))
      throw new UsageError(wording`${option("adaptive")} is a power above 0, got ${adaptive}`);
    if (limits.factors !== undefined)
      throw new UsageError(
        wording`${option("adaptive")} and ${option("penaltyFactors")} both say what is penalised how much`,
      );
  }
  if (lambda === undefined)
    for (const [name, what] of [
      [option("penaltyFactors"), limits.factors],
      [option("relax"), gamma],
      [option("adaptive"), adaptive],
    ] as const)
      if (what !== undefined)
        throw new UsageError(wording`${name} goes with a penalty, and there is none`, {
          hint: wording`add ${option("lambda")}`,
        });
  const bounded = isBounded(limits);
  if ((lambda === undefined || lambda === 0) && !bounded) return undefined;
  const plain = lambda === undefined || lambda === 0;
  const fit = plain ? "a fit within bounds" : "a penalised fit";
  const leave: Wording = plain
    ? wording`${option("lower")} and ${option("upper")}`
    : wording`${option("lambda")}`;
  if (solver === "qr" || solver === "gd")
    throw new UsageError(`${fit} is solved from moments, not by ${solver}`, {
      hint: wording`leave ${option("solver")} out, or ${leave}`,
    });
  if (vcov !== "iid")
    throw new UsageError(`${fit} has no standard errors`, {
      hint: wording`leave ${option("vcov")} out, or ${leave}`,
    });
  const chosen = lambda ?? 0;
  const relaxed = gamma === undefined || chosen === 0 ? {} : { gamma };
  return {
    lambda: chosen,
    alpha: chosen === 0 ? 0 : alpha,
    parametrization: "glmnet",
    ...relaxed,
    ...limits,
  };
}
