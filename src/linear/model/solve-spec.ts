import { codedTerms } from "../../dataset/formula/coding.js";
import type { Steps } from "../../parallel/steps.js";
import { type CrossValidatedPath, pathNotes } from "../penalty/cross-validated-path.js";
import { isNone, type PenaltyChoice, penalizeSteps } from "../penalty/penalty.js";
import { checkEstimable, checkRank } from "../solve/aliasing.js";
import { needsExtended } from "../solve/ladder.js";
import { solveSteps } from "../solve/solve.js";
import { LinearModel } from "./model.js";
import { type ModelParts, regressionOf } from "./model-parts.js";

/** A model made from moments, without any rows. */
export interface Estimate {
  model: LinearModel;
  /** The path on which λ was chosen, where it was. */
  path: CrossValidatedPath | undefined;
  /** Whether the moments were summed in double precision, and that is not enough. */
  doubtful: boolean;
  /** Remarks for the user. */
  notes: string[];
}

/**
 * Solves a model from its moments alone.
 *
 * @param penalty none for least squares; λ = 0 without bounds is none too
 * @throws ModelError where there are fewer rows than coefficients, the target is constant, or squares overflow
 */
export function* solveSpecSteps(
  parts: Omit<ModelParts, "solution" | "solver" | "penalty">,
  penalty?: PenaltyChoice | undefined,
): Steps<Estimate> {
  const { spec, levels = {}, references = {}, moments, folds = [] } = parts;
  const regression = regressionOf(spec, codedTerms(spec, levels, references));
  checkEstimable(moments, regression);
  const plain = yield* solveSteps(moments, regression);
  if (penalty === undefined || penalty.lambda === 0) checkRank(moments, regression, plain.rank);
  const notes: string[] = [];
  const doubtful = !moments.extended && needsExtended(plain, moments, regression);
  if (doubtful)
    notes.push(
      "these moments were summed in double precision, which may not be enough here: " +
        "train with the solver extended for more digits",
    );
  const penalized =
    penalty === undefined || isNone(penalty)
      ? undefined
      : yield* penalizeSteps(moments, folds, regression, plain, penalty, parts.heldOut);
  if (penalized?.path !== undefined) notes.push(...pathNotes(penalized.path));
  const model = LinearModel.of({
    ...parts,
    solver: moments.extended ? "extended" : "normal",
    solution: penalized?.solution ?? plain,
    penalty: penalized?.penalty,
  });
  return { model, path: penalized?.path, doubtful, notes };
}
