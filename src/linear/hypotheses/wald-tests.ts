import type { CodedTerm } from "../../dataset/formula/coding.js";
import { ModelError, UsageError } from "../../errors.js";
import { chiSquareSurvival, fSurvival, tCritical, tTwoSided } from "../../stats/distributions.js";
import { packedIndex } from "../../stats/packed.js";
import { bootstrapTest, wildOf } from "../covariance/bootstrap.js";
import type { FittedModel } from "../model/model-parts.js";
import { backSubstitute, forwardSubstitute } from "../solve/cholesky.js";
import { type Contrast, Contrasts } from "./contrast.js";
import { type Hypothesis, parseHypotheses } from "./hypothesis.js";
import { factorOfRows, waldSquare } from "./wald-square.js";

/** The test of one hypothesis ℓᵀθ = value. */
export interface HypothesisRow {
  hypothesis: string;
  /** ℓᵀθ̂. */
  estimate: number;
  value: number;
  stdError: number;
  /** (estimate − value)/stdError. */
  t: number;
  df: number;
  p: number;
  /** Of a wild bootstrap, where no draw exceeds t and p is 0: what it is below. */
  pBelow?: number;
  /** The interval of ℓᵀθ. */
  lower: number;
  upper: number;
}

/** The test of hypotheses together. */
export interface JointTest {
  /** (Lθ̂ − r)ᵀ (L V Lᵀ)⁻¹ (Lθ̂ − r)/q, scaled as `Degrees` says; NaN where L V Lᵀ is singular, as it is with fewer clusters than hypotheses. */
  f: number;
  /** q, and the degrees of freedom of the covariance: n − rank, G − 1 for G clusters, or Satterthwaite's. */
  df1: number;
  df2: number;
  p: number;
  /** (Lθ̂ − r)ᵀ (L V Lᵀ)⁻¹ (Lθ̂ − r), and its upper tail under χ² with q degrees of freedom. */
  chiSquare: number;
  chiSquareP: number;
  /** Under the classical covariance: n ln(RSS₀/RSS), RSS₀ under the hypotheses, and its tail under χ². */
  lr?: number;
  lrP?: number;
  /** n (RSS₀ − RSS)/RSS₀, and its tail. */
  lm?: number;
  lmP?: number;
}

/** What hypotheses about a model come to. */
export interface HypothesisTests {
  rows: HypothesisRow[];
  joint: JointTest;
  notes: string[];
}

/** A model whose coefficients hypotheses name; `LinearModel` is one. */
export interface TestedModel extends FittedModel {
  readonly codedTerms: readonly CodedTerm[];
}

/** A hypothesis that depends on others holds with them to this share of the sizes involved. */
const CONSISTENT = 1e-9;

/**
 * Wald tests of linear hypotheses Lθ = r, written as {@link parseHypotheses} reads them: each by t, and all together by F
 * and χ², under the model's covariance and its degrees of freedom; R's `car::linearHypothesis`. Under the classical
 * covariance F is that of the residual sums of squares with and without the hypotheses, RSS₀ = RSS (1 + qF/(n − rank)), from
 * which the likelihood ratio and the Lagrange multiplier follow (Greene 2012, section 14.6). From the model alone.
 *
 * @throws UsageError where a hypothesis cannot be read, or contradicts others
 * @throws ModelError for a penalised fit, and for coefficients that were left out
 * @example
 * ```js
 * import { fitCsv, testHypotheses } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * const { rows } = testHypotheses(model, ["rm = 5"]);
 * console.log(rows[0].t.toFixed(4), rows[0].p.toFixed(4)); // 0.2133 0.8312
 * ```
 */
export function testHypotheses(model: TestedModel, texts: readonly string[], level = 0.95): HypothesisTests {
  const names = { coefficients: model.coefficientNames, terms: termPlaces(model) };
  const hypotheses = parseHypotheses(texts, names);
  if (hypotheses.length === 0) throw new UsageError("there is no hypothesis to test");
  const contrasts = new Contrasts(model);
  const all = hypotheses.map(({ weights }) => contrasts.of(weights));
  const wild = wildOf(model.vcov);
  if (wild === undefined && model.vcov.type === "bootstrap" && model.vcov.draw !== "pairs")
    throw new ModelError(
      "the model does not keep the groups that the wild bootstrap draws from: there were too many",
      {
        hint: "train with clusters' own covariance, of which hypotheses can be tested",
      },
    );
  const rows = hypotheses.map(({ text, value }, i): HypothesisRow => {
    const { estimate, stdError, whitened } = all[i]!;
    const df = contrasts.degrees.of(whitened);
    const critical = tCritical(level, df);
    const t = (estimate - value) / stdError;
    return {
      hypothesis: text,
      estimate,
      value,
      stdError,
      t,
      df,
      p: tTwoSided(t, df),
      lower: estimate - critical * stdError,
      upper: estimate + critical * stdError,
      ...(wild === undefined || model.vcov.type === "iid"
        ? {}
        : bootstrapTest(model.vcov, wild.contrast(whitened), { estimate, value, stdError, level })),
    };
  });
  const { kept, notes } = independent(hypotheses, all);
  const differences = kept.map((i) => all[i]!.estimate - hypotheses[i]!.value);
  const chosen = kept.map((i) => all[i]!);
  const { df2, scale } = contrasts.degrees.joint(chosen.map(({ whitened }) => whitened));
  if (wild !== undefined)
    notes.push(
      kept.length > 1
        ? "the test of all together is Wald's under CR1, not of the draws"
        : "F and χ² are Wald's under CR1, not of the draws",
    );
  const square = waldSquare(chosen, differences);
  return { rows, joint: jointTest(model, square, kept.length, { df2, scale }), notes };
}

/** The places in θ of the coefficients of each term that has several. */
export function termPlaces({
  codedTerms,
  intercept,
}: Pick<TestedModel, "codedTerms" | "intercept">): Map<string, number[]> {
  let next = intercept ? 1 : 0;
  const places = new Map<string, number[]>();
  for (const { label, columns } of codedTerms) {
    if (columns.length > 1)
      places.set(
        label,
        columns.map((_, i) => next + i),
      );
    next += columns.length;
  }
  return places;
}

/** The hypotheses that none before them implies; one that they contradict is refused. */
export function independent(hypotheses: readonly Hypothesis[], contrasts: readonly Contrast[]) {
  const { kept, aliased, lower, size, products } = factorOfRows(contrasts.map(({ whitened }) => whitened));
  const notes = aliased.map((i) => {
    const before = kept.filter((j) => j < i).length;
    const share = Float64Array.from(kept.slice(0, before), (j) => products[packedIndex(i, j)]!);
    // The factor of the rows before is the leading part of that of all.
    const part = new Float64Array(before * before);
    for (let r = 0; r < before; r++)
      part.set(lower.subarray(r * kept.length, r * kept.length + before), r * before);
    forwardSubstitute(part, before, share);
    backSubstitute(part, before, share);
    const terms = Array.from(
      share,
      (s, r) => ((s * size[i]!) / size[kept[r]!]!) * hypotheses[kept[r]!]!.value,
    );
    const implied = terms.reduce((sum, term) => sum + term, 0);
    const { text, value } = hypotheses[i]!;
    const scale = terms.reduce((most, term) => Math.max(most, Math.abs(term)), Math.abs(value));
    if (Math.abs(implied - value) > CONSISTENT * scale)
      throw new UsageError(`the hypothesis "${text}" contradicts those before it`, {
        hint: "all of them are tested together; each by itself is another question",
      });
    return `"${text}" follows from the hypotheses before it, and adds none to those that are tested together`;
  });
  return { kept, notes };
}

function jointTest(
  model: FittedModel,
  chiSquare: number,
  q: number,
  { df2, scale }: { df2: number; scale: number },
): JointTest {
  const f = (scale * chiSquare) / q;
  const joint = {
    f,
    df1: q,
    df2,
    p: Number.isNaN(f) ? Number.NaN : fSurvival(f, q, df2),
    chiSquare,
    chiSquareP: Number.isNaN(chiSquare) ? Number.NaN : chiSquareSurvival(chiSquare, q),
  };
  if (model.vcov.type !== "iid" || model.instruments !== undefined) return joint;
  const more = chiSquare / model.dfResidual;
  const lr = model.n * Math.log1p(more);
  const lm = (model.n * more) / (1 + more);
  return { ...joint, lr, lrP: chiSquareSurvival(lr, q), lm, lmP: chiSquareSurvival(lm, q) };
}
