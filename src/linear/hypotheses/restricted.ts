import { ModelError, UsageError } from "../../errors.js";
import { tCritical, tTwoSided } from "../../stats/distributions.js";
import type { CoefficientRow } from "../model/summary.js";
import { Contrasts, dot } from "./contrast.js";
import { parseHypotheses } from "./hypothesis.js";
import { independent, type TestedModel, termPlaces } from "./wald-tests.js";

/** A fit under linear constraints on its coefficients. */
export interface RestrictedFit {
  /** The constraints that hold, those that others imply left out. */
  constraints: string[];
  coefficients: CoefficientRow[];
  rss: number;
  /** √(RSS/df), df = n − rank + q for q constraints, on the scale that weights have in the model. */
  sigma: number;
  dfResidual: number;
  notes: string[];
}

/** A variance below this share of the one without constraints is rounding: the constraints say what the coefficient is. */
const FIXED = 1e-20;

/**
 * Least squares under Lθ = r, written as `testHypotheses` reads hypotheses (Greene 2012, section 5.5). In the coordinates in which the rows
 * of the fit are orthonormal, with H the constraints' and d = Lθ̂ − r,
 *
 *     θ̃ = θ̂ − UHᵀ(HHᵀ)⁻¹d,   Var(θ̃) = σ̃² U(I − Hᵀ(HHᵀ)⁻¹H)Uᵀ,   RSS̃ = RSS + dᵀ(HHᵀ)⁻¹d,
 *
 * U the coefficients' coordinates. That is `lm` of the model with the constraints put in. From the model alone, so of merged,
 * updated and refitted models too.
 *
 * @throws UsageError where a constraint cannot be read, or contradicts others
 * @throws ModelError for a penalised fit, instruments, robust errors, and coefficients that were left out
 *
 * @example
 * ```js
 * import { fitCsv, restrictedFit } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * const { coefficients, dfResidual } = restrictedFit(model, ["rm + lstat = 4"]);
 * console.log(coefficients.map(({ estimate }) => estimate.toFixed(4)).join(), dfResidual); // 1.6637,4.6704,-0.6704 504
 * ```
 */
export function restrictedFit(model: TestedModel, texts: readonly string[], level = 0.95): RestrictedFit {
  const names = { coefficients: model.coefficientNames, terms: termPlaces(model) };
  const hypotheses = parseHypotheses(texts, names);
  if (hypotheses.length === 0) throw new UsageError("there is no constraint");
  if (model.vcov.type !== "iid")
    throw new ModelError(`errors under constraints are classical, and the model's are ${model.vcov.type}`, {
      hint: "the hypotheses themselves can be tested under them",
    });
  if (model.instruments !== undefined)
    throw new ModelError(
      "the residuals of a fit by instruments are not those of a projection: there is no fit under constraints",
      {
        hint: "the hypotheses themselves can be tested",
      },
    );
  const contrasts = new Contrasts(model);
  const all = hypotheses.map(({ weights }) => contrasts.of(weights));
  const { kept, notes } = independent(hypotheses, all);
  // An orthonormal basis of the constraints, by Gram and Schmidt twice, and d in it.
  const basis: Float64Array[] = [];
  const apart: number[] = [];
  for (const i of kept) {
    const { whitened, estimate } = all[i]!;
    const size = Math.sqrt(dot(whitened, whitened));
    const row = whitened.map((value) => value / size);
    let difference = (estimate - hypotheses[i]!.value) / size;
    for (let round = 0; round < 2; round++)
      for (const [b, other] of basis.entries()) {
        const share = dot(row, other);
        for (let j = 0; j < row.length; j++) row[j]! -= share * other[j]!;
        difference -= share * apart[b]!;
      }
    const left = Math.sqrt(dot(row, row));
    basis.push(row.map((value) => value / left));
    apart.push(difference / left);
  }
  const rss = model.rss + apart.reduce((sum, d) => sum + d * d, 0);
  const df = model.dfResidual + kept.length;
  const variance = rss / df;
  const critical = tCritical(level, df);
  const coefficients = model.coefficientNames.map((term, j): CoefficientRow => {
    if (Number.isNaN(model.coefficients[j]!)) {
      const none = Number.NaN;
      return { term, estimate: none, stdError: none, t: none, p: none, lower: none, upper: none };
    }
    const { whitened, estimate } = contrasts.of(new Map([[j, 1]]));
    const left = whitened.slice();
    let moved = estimate;
    for (let round = 0; round < 2; round++)
      for (const [b, own] of basis.entries()) {
        const share = dot(left, own);
        if (round === 0) moved -= dot(whitened, own) * apart[b]!;
        for (let i = 0; i < left.length; i++) left[i]! -= share * own[i]!;
      }
    const square = dot(left, left);
    const stdError = square > FIXED * dot(whitened, whitened) ? Math.sqrt(variance * square) : 0;
    const t = stdError > 0 ? moved / stdError : Number.NaN;
    return {
      term,
      estimate: moved,
      stdError,
      t,
      p: tTwoSided(t, df),
      lower: moved - critical * stdError,
      upper: moved + critical * stdError,
    };
  });
  const constraints = kept.map((i) => hypotheses[i]!.text);
  return {
    constraints,
    coefficients,
    rss,
    sigma: Math.sqrt(variance * model.weightUnit),
    dfResidual: df,
    notes,
  };
}
