import type { Steps } from "../../parallel/steps.js";
import { penalizedInstruments, redundantNotes } from "../instruments/check-instruments.js";
import { type CrossValidatedPath, pathNotes } from "../penalty/cross-validated-path.js";
import { isNone, type PenaltyChoice, penalizeSteps } from "../penalty/penalty.js";
import { checkEstimable, checkRank } from "../solve/aliasing.js";
import { needsExtended } from "../solve/ladder.js";
import { solveSteps } from "../solve/solve.js";
import { LinearModel } from "./model.js";
import { instrumentedRegression, type ModelInstruments } from "./model-instruments.js";
import type { ModelParts } from "./model-parts.js";

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
  const { instruments, notes } = fromMoments(parts.instruments);
  const regression = instrumentedRegression(spec, levels, references, instruments);
  if (instruments !== undefined && penalty !== undefined) throw penalizedInstruments();
  checkEstimable(moments, regression);
  const plain = yield* solveSteps(moments, regression);
  if (penalty === undefined || penalty.lambda === 0) checkRank(moments, regression, plain.rank);
  notes.push(...redundantNotes(plain, regression));
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
    instruments,
    solver: moments.extended ? "extended" : "normal",
    solution: penalized?.solution ?? plain,
    penalty: penalized?.penalty,
  });
  return { model, path: penalized?.path, doubtful, notes };
}

/** The instruments of a model of which there are moments and no rows: these have no GMM. */
function fromMoments(instruments: ModelInstruments | undefined): {
  instruments: ModelInstruments | undefined;
  notes: string[];
} {
  if (instruments === undefined) return { instruments, notes: [] };
  // Tests under a robust covariance need rows, too.
  const { robust: _, ...rest } = instruments;
  if (rest.estimator !== "gmm") return { instruments: rest, notes: [] };
  return {
    instruments: { ...rest, estimator: "2sls" },
    notes: ["two-step GMM needs all rows at once: these are its first step, two-stage least squares"],
  };
}
