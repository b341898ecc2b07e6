import { UsageError } from "../../errors.js";
import { option, wording } from "../../wording.js";
import type { Penalty } from "../model/document-schema.js";
import {
  type AskedLimits,
  checkedLimits,
  checkNames,
  isBounded,
  knownLimits,
  limitsOf,
  type NamedLimits,
} from "../penalty/column-limits.js";
import { type AskedRelaxation, gammasOf, type LambdaChoice, type PenaltyChoice } from "../penalty/penalty.js";
import type { Regression } from "../solve/regression.js";

/** What to change of a model's penalty; all may be left out. */
export interface PenaltyRefit extends AskedLimits, AskedRelaxation {
  /**
   * Another λ, 0 for none, `path` or `1se` for one chosen by cross-validation. Default: the model's own. Factors, bounds and
   * relaxation are the model's too, unless λ = 0 is asked for, or others are.
   */
  lambda?: LambdaChoice | undefined;
  /** The mix α of a penalty. Default: the model's own, or 0. */
  alpha?: number | undefined;
}

/**
 * The penalty of a model that is fitted anew: what was asked for, and for the rest its own, as far as it is of terms that
 * are left. λ = 0 leaves nothing of it but what is asked for beside.
 *
 * @throws UsageError for values out of range, names of no term, and parts of a penalty where there is none
 */
export function penaltyOf(
  { penalty: before }: { readonly penalty: Penalty | undefined },
  regression: Regression,
  options: PenaltyRefit,
): PenaltyChoice | undefined {
  const { lambda, alpha, relax, gamma } = options;
  const asked = checkedLimits(options);
  checkNames(regression, asked);
  const kept = lambda === 0 || before === undefined ? {} : knownLimits(regression, before);
  const limits = mergedLimits(kept, asked);
  const chosen = lambda ?? before?.lambda ?? (isBounded(limits) ? 0 : undefined);
  if (chosen === undefined || (chosen === 0 && lambda === undefined)) {
    const [name] = (
      [
        [option("alpha"), alpha],
        [option("penaltyFactors"), asked.factors],
        [option("relax"), relax || undefined],
        [option("gamma"), gamma],
      ] as const
    ).flatMap(([one, value]) => (value === undefined ? [] : [one]));
    if (name !== undefined)
      throw new UsageError(
        name.option === "alpha"
          ? wording`${name} is the mix of a penalty, and there is none`
          : wording`${name} goes with a penalty, and there is none`,
        { hint: wording`add ${option("lambda")}` },
      );
    if (chosen === undefined) return undefined;
  }
  const own = chosen === 0 ? undefined : before?.gamma;
  const shares =
    relax === undefined && gamma === undefined ? own : gammasOf({ relax: relax ?? own !== undefined, gamma });
  return {
    lambda: chosen,
    alpha: chosen === 0 ? 0 : (alpha ?? before?.alpha ?? 0),
    // A λ of the model's own means what it meant there.
    parametrization: lambda === undefined && before !== undefined ? before.parametrization : "glmnet",
    ...(shares === undefined || chosen === 0 ? {} : { gamma: shares }),
    ...limits,
  };
}

/** What was asked for in the place of what was kept; bounds of one side, of all and of some, go together. */
function mergedLimits(kept: NamedLimits, asked: NamedLimits): NamedLimits {
  const lower = asked.lower !== undefined || asked.lowerIn !== undefined ? asked : kept;
  const upper = asked.upper !== undefined || asked.upperIn !== undefined ? asked : kept;
  return limitsOf({
    factors: asked.factors ?? kept.factors,
    lower: lower.lower,
    lowerIn: lower.lowerIn,
    upper: upper.upper,
    upperIn: upper.upperIn,
  });
}
