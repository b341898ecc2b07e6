import type { Steps } from "../../parallel/steps.js";
import { DoubleDouble } from "../../stats/double-double.js";
import type { ExtendedMoments } from "../../stats/extended-moments.js";
import type { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { SparseMoments } from "../../stats/sparse-moments.js";
import type { Found } from "../../stats/sparse-shape.js";
import type { Regression } from "./regression.js";
import type { Solution } from "./solution.js";
import { asMoments, WithinLevels } from "./within-levels.js";

/** From so many levels on eliminating a factor pays. */
const FEWEST_LEVELS = 24;

/** For more coefficients than these only the variances are kept, not the covariances: 25 MB of them. */
export const MOST_COVARIANCES = 2500;

/** A regression from which a factor's levels have been eliminated. */
export interface Eliminated {
  /** What is left: the other columns about their means within the levels, S = XᵀX − XᵀE(EᵀE)⁻¹EᵀX. */
  moments: Moments | ExtendedMoments;
  regression: Regression;
  /** The solutions of the whole regression, one for each target, from those of what is left. */
  complete(within: readonly Solution[], inverseWanted: boolean): Steps<Solution[]>;
}

/**
 * Eliminates the factor with the most levels from a regression, where it has many: the block of its indicators E in the
 * Gram matrix is diagonal, so that what is left for the q other columns is the Schur complement of it, in O(L q²) for L
 * levels instead of O((L + q)³). With all levels E spans the constant too, so this is the regression about the levels'
 * means (Frisch & Waugh 1933); the levels' coefficients follow from it, α_l = ȳ_l − x̄_lᵀγ, and are taken about the
 * reference level's where that is left out of the terms.
 *
 * Undefined where no factor has many levels, or its columns are not coded so (an intercept and all levels but one, or
 * no intercept and all levels).
 *
 * @param targets the columns that it is solved for
 */
export function* eliminateFactor(
  moments: SparseMoments,
  regression: Regression,
  targets: readonly string[] = [regression.target],
): Steps<Eliminated | undefined> {
  const found = regression.terms.map((key) => moments.find(key));
  const family = largestFactor(moments, found, regression.intercept);
  if (family === undefined) return undefined;
  const ys = targets.flatMap((target) => moments.find(target) ?? []);
  if (ys.length < targets.length) return undefined;
  const { table: t } = moments.shape.families[family]!;
  const isLevel = (column: Found | undefined) =>
    column !== undefined && "family" in column && column.family === family;
  const others = found.map((_, j) => j).filter((j) => !isLevel(found[j]));
  const columns = [...others.map((j) => found[j]), ...ys];
  const within = new WithinLevels(moments, t, columns);
  const { reduced, loss } = yield* within.reduce();
  const names = others.map((j) => regression.terms[j]!);
  return {
    moments: asMoments(moments, [...names, ...targets], reduced),
    regression: { target: regression.target, terms: names, intercept: true },
    *complete(solutions, inverseWanted) {
      const whole: Solution[] = [];
      for (const [t, solution] of solutions.entries()) {
        const parts = { found, family, others, within, loss, target: ys[t]!, place: others.length + t };
        whole.push(yield* completed(moments, regression, parts, solution, inverseWanted));
      }
      return whole;
    },
  };
}

/** The family of a factor's own indicators with the most levels among the terms, where they are coded as they should. */
function largestFactor(
  moments: SparseMoments,
  found: readonly (Found | undefined)[],
  intercept: boolean,
): number | undefined {
  const counts = new Map<number, number>();
  for (const column of found)
    if (column !== undefined && "family" in column && moments.shape.families[column.family]!.number < 0)
      counts.set(column.family, (counts.get(column.family) ?? 0) + 1);
  const missing = intercept ? 1 : 0;
  let best: number | undefined;
  for (const [family, count] of counts) {
    const table = moments.tables[moments.shape.families[family]!.table]!;
    let cells = 0;
    for (let cell = 0; cell < table.count; cell++) if (table.rows(cell) > 0) cells++;
    if (count < FEWEST_LEVELS || cells !== count + missing) continue;
    if (best === undefined || count > counts.get(best)!) best = family;
  }
  return best;
}

/** What is known of a level when what is left of the regression is solved. */
interface SolvedLevel {
  weight: number;
  /** The term that it is; undefined for the reference. */
  term: number | undefined;
  /** ȳ_l − x̄_lᵀγ. */
  alpha: DoubleDouble;
  /** The means of the columns that are kept, x̄_l. */
  means: DoubleDouble[];
}

function* completed(
  moments: SparseMoments,
  { terms, intercept }: Regression,
  parts: {
    found: readonly (Found | undefined)[];
    family: number;
    others: readonly number[];
    within: WithinLevels;
    loss: number;
    target: Found;
    /** Where its means are among those of the columns that are left. */
    place: number;
  },
  within: Solution,
  inverseWanted: boolean,
): Steps<Solution> {
  const { found, family, others, loss, target, place } = parts;
  const first = intercept ? 1 : 0;
  const gamma = others.map((_, i) => within.coefficients[i + 1]!);
  const kept = gamma.map((_, i) => i).filter((i) => !Number.isNaN(gamma[i]!));
  const termOf = new Map<number, number>();
  found.forEach((column, j) => {
    if (column !== undefined && "family" in column && column.family === family) termOf.set(column.cell, j);
  });
  const levels: SolvedLevel[] = [];
  for (let level = 0; level < parts.within.levels; level++) {
    const weight = parts.within.weight(level);
    if (!(weight.hi > 0)) continue;
    const means = parts.within.means(level);
    const alpha = kept.reduce(
      (rest, i) => rest.sub(means[i]!.mul(new DoubleDouble(gamma[i]!))),
      means[place]!,
    );
    levels.push({ weight: weight.hi, term: termOf.get(level), alpha, means: kept.map((i) => means[i]!) });
    yield;
  }
  const reference = intercept ? levels.find(({ term }) => term === undefined) : undefined;
  const coefficients = new Float64Array(terms.length + first).fill(Number.NaN);
  others.forEach((j, i) => {
    coefficients[j + first] = gamma[i]!;
  });
  if (reference !== undefined) coefficients[0] = reference.alpha.toNumber();
  for (const { term, alpha } of levels)
    if (term !== undefined)
      coefficients[term + first] = (reference === undefined ? alpha : alpha.sub(reference.alpha)).toNumber();
  const solution = {
    coefficients,
    aliased: within.aliased.map((i) => others[i]!),
    rank: kept.length + levels.length,
    conditionNumber: within.conditionNumber * Math.sqrt(loss),
    rss: within.rss,
    method: within.method,
    tss: moments.productOf(target, target, intercept).toNumber(),
  };
  if (!inverseWanted) return { ...solution, inverse: new Float64Array(0) };
  const spread = yield* CoefficientSpread.of(within, kept, levels, reference);
  const places = kept.map((i) => others[i]! + first);
  return { ...solution, ...(yield* spread.inverse(coefficients.length, places, first)) };
}

/**
 * (XᵀX)⁻¹ of a regression with a factor eliminated. With G = S⁻¹ over the other columns and d_l = x̄_l − x̄_r the means
 * of a level about those of the reference (0 where there is none):
 *
 *   cov(γ) = G,  cov(β_l, γ) = −d_lᵀG,  cov(β_l, β_m) = [l = m]/W_l + 1/W_r + d_lᵀ G d_m,
 *   var(β₀) = 1/W_r + x̄_rᵀ G x̄_r,  cov(β₀, γ) = −x̄_rᵀG,  cov(β₀, β_l) = x̄_rᵀ G d_l − 1/W_r.
 */
class CoefficientSpread {
  readonly #q: number;
  /** G, q × q. */
  readonly #g: Float64Array;
  readonly #levels: { term: number; weight: number; d: Float64Array; gd: Float64Array }[] = [];
  #reference: { weight: number; mean: Float64Array; gm: Float64Array } | undefined;

  private constructor(within: Solution, kept: readonly number[]) {
    const q = kept.length;
    this.#q = q;
    this.#g = new Float64Array(q * q);
    kept.forEach((a, i) => {
      kept.forEach((b, j) => {
        this.#g[i * q + j] = within.inverse[packedIndex(a + 1, b + 1)]!;
      });
    });
  }

  static *of(
    within: Solution,
    kept: readonly number[],
    levels: readonly SolvedLevel[],
    reference: SolvedLevel | undefined,
  ): Steps<CoefficientSpread> {
    const spread = new CoefficientSpread(within, kept);
    for (const { term, weight, means } of levels) {
      if (term === undefined) continue;
      const d = Float64Array.from(means, (mean, i) =>
        (reference === undefined ? mean : mean.sub(reference.means[i]!)).toNumber(),
      );
      spread.#levels.push({ term, weight, d, gd: spread.#times(d) });
      yield;
    }
    if (reference !== undefined) {
      const mean = Float64Array.from(reference.means, (value) => value.toNumber());
      spread.#reference = { weight: reference.weight, mean, gm: spread.#times(mean) };
    }
    return spread;
  }

  /** The inverse in the order of θ, or its diagonal alone where there are too many coefficients for it. */
  *inverse(
    size: number,
    places: readonly number[],
    first: number,
  ): Steps<{ inverse: Float64Array; variances?: Float64Array }> {
    const base = this.#reference === undefined ? 0 : 1 / this.#reference.weight;
    if (size > MOST_COVARIANCES) {
      const variances = new Float64Array(size).fill(Number.NaN);
      places.forEach((place, i) => {
        variances[place] = this.#g[i * this.#q + i]!;
      });
      for (const { term, weight, d, gd } of this.#levels)
        variances[term + first] = 1 / weight + base + dot(d, gd);
      if (this.#reference !== undefined) variances[0] = base + dot(this.#reference.mean, this.#reference.gm);
      return { inverse: new Float64Array(0), variances };
    }
    const inverse = new Float64Array(packedLength(size)).fill(Number.NaN);
    const set = (i: number, j: number, value: number) => {
      inverse[packedIndex(i, j)] = value;
    };
    places.forEach((place, i) => {
      for (let j = 0; j <= i; j++) set(place, places[j]!, this.#g[i * this.#q + j]!);
    });
    for (const [l, { term, weight, d, gd }] of this.#levels.entries()) {
      places.forEach((place, i) => {
        set(term + first, place, -gd[i]!);
      });
      for (let m = 0; m <= l; m++) {
        const own = m === l ? 1 / weight : 0;
        set(term + first, this.#levels[m]!.term + first, own + base + dot(d, this.#levels[m]!.gd));
      }
      yield;
    }
    const reference = this.#reference;
    if (reference === undefined) return { inverse };
    set(0, 0, base + dot(reference.mean, reference.gm));
    places.forEach((place, i) => {
      set(0, place, -reference.gm[i]!);
    });
    for (const { term, d } of this.#levels) set(0, term + first, dot(reference.gm, d) - base);
    return { inverse };
  }

  #times(d: Float64Array): Float64Array {
    const q = this.#q;
    const product = new Float64Array(q);
    for (let i = 0; i < q; i++) {
      let sum = 0;
      for (let j = 0; j < q; j++) sum += this.#g[i * q + j]! * d[j]!;
      product[i] = sum;
    }
    return product;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
