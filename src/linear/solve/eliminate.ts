import { addProductAt, DoubleDouble } from "../../stats/double-double.js";
import { ExtendedMoments } from "../../stats/extended-moments.js";
import { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Found, SparseMoments } from "../../stats/sparse-moments.js";
import type { Regression } from "./regression.js";
import type { Solution } from "./solution.js";

/** From so many levels on eliminating a factor pays. */
const FEWEST_LEVELS = 24;

/** For more coefficients than these only the variances are kept, not the covariances: 25 MB of them. */
const MOST_COVARIANCES = 2500;

/**
 * The share of a column's squares that must be left within the levels for it to count as varying there; below, it is
 * the rounding of sums over a column that is constant within each level. As the pivots of `solve`, in either arithmetic.
 */
const WITHIN_TOLERANCE = { double: 1e-11, extended: 1e-26 };

/** A regression from which a factor's levels have been eliminated. */
export interface Eliminated {
  /** What is left: the other columns about their means within the levels, S = XᵀX − XᵀE(EᵀE)⁻¹EᵀX. */
  moments: Moments | ExtendedMoments;
  regression: Regression;
  /** The solution of the whole regression from that of what is left. */
  complete(within: Solution, inverseWanted: boolean): Solution;
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
 */
export function eliminateFactor(moments: SparseMoments, regression: Regression): Eliminated | undefined {
  const found = regression.terms.map((key) => moments.find(key));
  const family = largestFactor(moments, found, regression.intercept);
  if (family === undefined) return undefined;
  const target = moments.find(regression.target);
  if (target === undefined || !("number" in target)) return undefined;
  const { table: t } = moments.shape.families[family]!;
  const isLevel = (column: Found | undefined) =>
    column !== undefined && "family" in column && column.family === family;
  const others = found.map((_, j) => j).filter((j) => !isLevel(found[j]));
  const columns = [...others.map((j) => found[j]), target];
  const within = new WithinLevels(moments, t, columns);
  const { reduced, loss } = within.reduce();
  const names = [...others.map((j) => regression.terms[j]!), regression.target];
  return {
    moments: asMoments(moments, names, reduced),
    regression: { target: regression.target, terms: names.slice(0, -1), intercept: true },
    complete: (solution, inverseWanted) =>
      completed(moments, regression, { found, family, others, within, loss }, solution, inverseWanted),
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

/** The columns that are not eliminated, about their means within the levels of a factor. */
class WithinLevels {
  readonly #moments: SparseMoments;
  readonly #table: number;
  readonly #columns: readonly (Found | undefined)[];
  /** Per level, the sums Σ w x of columns of cells that are not zero there. */
  readonly #sums: { at: number; sum: DoubleDouble }[][];

  constructor(moments: SparseMoments, table: number, columns: readonly (Found | undefined)[]) {
    this.#moments = moments;
    this.#table = table;
    this.#columns = columns;
    this.#sums = this.#sumsByLevel();
  }

  get levels(): number {
    return this.#moments.tables[this.#table]!.count;
  }

  /** Σw of a level; 0 for one without rows. */
  weight(level: number): DoubleDouble {
    return this.#moments.tables[this.#table]!.extendedWeight(level);
  }

  /** The columns' means in a level, the target's last. */
  means(level: number): DoubleDouble[] {
    const { shape, tables } = this.#moments;
    const weight = this.weight(level);
    const means = this.#columns.map((column) =>
      column !== undefined && "number" in column
        ? tables[this.#table]!.extendedMean(level, shape.tables[this.#table]!.columns.indexOf(column.number))
        : ZERO,
    );
    for (const { at, sum } of this.#sums[level]!) means[at] = sum.div(weight);
    return means;
  }

  /** S, packed, as high and low parts; and by how much the squares of a column have become smaller, at most. */
  reduce(): { reduced: { hi: Float64Array; lo: Float64Array }; loss: number } {
    const moments = this.#moments;
    const columns = this.#columns;
    const p = columns.length;
    const hi = new Float64Array(packedLength(p));
    const lo = new Float64Array(packedLength(p));
    const spread = new Float64Array(p);
    // Numbers are taken about their means; columns of cells as they stand. The levels span both differences.
    this.#start(hi, lo, spread);
    const numbers = columns.flatMap((column, at) =>
      column !== undefined && "number" in column ? [{ at, number: column.number }] : [],
    );
    const { columns: stored } = moments.shape.tables[this.#table]!;
    const places = numbers.map(({ number }) => stored.indexOf(number));
    const centres = numbers.map(({ number }) => moments.base.extendedMean(number));
    const table = moments.tables[this.#table]!;
    for (let level = 0; level < table.count; level++) {
      if (table.rows(level) === 0) continue;
      const weight = this.weight(level);
      const own = this.#sums[level]!;
      const deviations = places.map((place, i) => table.extendedMean(level, place).sub(centres[i]!));
      for (let i = 0; i < numbers.length; i++) {
        const scaled = weight.mul(deviations[i]!).negate();
        for (let j = 0; j <= i; j++) {
          const at = packedIndex(numbers[i]!.at, numbers[j]!.at);
          addProductAt(hi, lo, at, scaled.hi, scaled.lo, deviations[j]!.hi, deviations[j]!.lo);
        }
        for (const { at: other, sum } of own) {
          const at = packedIndex(numbers[i]!.at, other);
          addProductAt(hi, lo, at, -sum.hi, -sum.lo, deviations[i]!.hi, deviations[i]!.lo);
        }
      }
      for (let i = 0; i < own.length; i++) {
        const share = own[i]!.sum.div(weight).negate();
        for (let j = 0; j <= i; j++) {
          const at = packedIndex(own[i]!.at, own[j]!.at);
          addProductAt(hi, lo, at, share.hi, share.lo, own[j]!.sum.hi, own[j]!.sum.lo);
        }
      }
    }
    return { reduced: { hi, lo }, loss: this.#clear(hi, lo, spread) };
  }

  /** The products before anything is eliminated: numbers about their means, columns of cells about zero. */
  #start(hi: Float64Array, lo: Float64Array, spread: Float64Array): void {
    const moments = this.#moments;
    this.#columns.forEach((a, i) => {
      if (a === undefined) return;
      for (let j = 0; j <= i; j++) {
        const b = this.#columns[j];
        if (b === undefined) continue;
        const at = packedIndex(i, j);
        const centred = "number" in a || "number" in b;
        const product = moments.productOf(a, b, centred);
        hi[at] = product.hi;
        lo[at] = product.lo;
      }
      spread[i] = moments.productOf(a, a, true).toNumber();
    });
  }

  /** Makes zero what is the rounding of a column that is constant within every level; the largest loss of others. */
  #clear(hi: Float64Array, lo: Float64Array, spread: Float64Array): number {
    const tolerance = this.#moments.extended ? WITHIN_TOLERANCE.extended : WITHIN_TOLERANCE.double;
    const p = this.#columns.length;
    let loss = 1;
    for (let i = 0; i < p; i++) {
      const left = hi[packedIndex(i, i)]!;
      if (left > tolerance * spread[i]!) {
        if (i < p - 1) loss = Math.max(loss, spread[i]! / left);
        continue;
      }
      for (let j = 0; j < p; j++) {
        hi[packedIndex(i, j)] = 0;
        lo[packedIndex(i, j)] = 0;
      }
    }
    return loss;
  }

  #sumsByLevel(): { at: number; sum: DoubleDouble }[][] {
    const { shape, tables } = this.#moments;
    const levels = Array.from(
      { length: tables[this.#table]!.count },
      () => [] as { at: number; sum: DoubleDouble }[],
    );
    const families = new Map<number, Map<number, number>>();
    this.#columns.forEach((column, at) => {
      if (column === undefined || "number" in column) return;
      const cells = families.get(column.family) ?? new Map<number, number>();
      families.set(column.family, cells.set(column.cell, at));
    });
    for (const [family, cells] of families) {
      const { table: own, number } = shape.families[family]!;
      const union = this.#moments.union(own, this.#table);
      const table = tables[union]!;
      const m = shape.tables[union]!.columns.indexOf(number);
      const cellOf = this.#moments.projection(union, own);
      const levelOf = this.#moments.projection(union, this.#table);
      for (let cell = 0; cell < table.count; cell++) {
        const at = cells.get(cellOf(cell));
        if (at === undefined || table.rows(cell) === 0) continue;
        const weight = table.extendedWeight(cell);
        const sum = m < 0 ? weight : weight.mul(table.extendedMean(cell, m));
        const level = levels[levelOf(cell)]!;
        // A column of more factors than this one has several cells within a level.
        const known = level.find((entry) => entry.at === at);
        if (known === undefined) level.push({ at, sum });
        else known.sum = known.sum.add(sum);
      }
    }
    return levels;
  }
}

const ZERO = new DoubleDouble(0);

/** S as moments of columns whose means are zero. */
function asMoments(
  { n, sumW, sumLogW, extended, extendedSumW }: SparseMoments,
  columns: readonly string[],
  { hi, lo }: { hi: Float64Array; lo: Float64Array },
): Moments | ExtendedMoments {
  const mean = new Float64Array(columns.length);
  if (!extended) return Moments.of({ columns, n, sumW, sumLogW, mean, c: hi });
  const parts = { sumWLow: extendedSumW.lo, meanLow: mean.slice(), c: hi, cLow: lo };
  return ExtendedMoments.of({ columns, n, sumW, sumLogW, mean, ...parts });
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

function completed(
  moments: SparseMoments,
  { terms, intercept }: Regression,
  parts: {
    found: readonly (Found | undefined)[];
    family: number;
    others: readonly number[];
    within: WithinLevels;
    loss: number;
  },
  within: Solution,
  inverseWanted: boolean,
): Solution {
  const { found, family, others, loss } = parts;
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
      means.at(-1)!,
    );
    levels.push({ weight: weight.hi, term: termOf.get(level), alpha, means: kept.map((i) => means[i]!) });
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
    tss: moments.productOf({ number: 0 }, { number: 0 }, intercept).toNumber(),
  };
  if (!inverseWanted) return { ...solution, inverse: new Float64Array(0) };
  const spread = new CoefficientSpread(within, kept, levels, reference);
  const places = kept.map((i) => others[i]! + first);
  return { ...solution, ...spread.inverse(coefficients.length, places, first) };
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
  readonly #levels: { term: number; weight: number; d: Float64Array; gd: Float64Array }[];
  readonly #reference: { weight: number; mean: Float64Array; gm: Float64Array } | undefined;

  constructor(
    within: Solution,
    kept: readonly number[],
    levels: readonly SolvedLevel[],
    reference: SolvedLevel | undefined,
  ) {
    const q = kept.length;
    this.#q = q;
    this.#g = new Float64Array(q * q);
    kept.forEach((a, i) => {
      kept.forEach((b, j) => {
        this.#g[i * q + j] = within.inverse[packedIndex(a + 1, b + 1)]!;
      });
    });
    this.#levels = levels.flatMap(({ term, weight, means }) => {
      if (term === undefined) return [];
      const d = Float64Array.from(means, (mean, i) =>
        (reference === undefined ? mean : mean.sub(reference.means[i]!)).toNumber(),
      );
      return [{ term, weight, d, gd: this.#times(d) }];
    });
    if (reference !== undefined) {
      const mean = Float64Array.from(reference.means, (value) => value.toNumber());
      this.#reference = { weight: reference.weight, mean, gm: this.#times(mean) };
    }
  }

  /** The inverse in the order of θ, or its diagonal alone where there are too many coefficients for it. */
  inverse(
    size: number,
    places: readonly number[],
    first: number,
  ): { inverse: Float64Array; variances?: Float64Array } {
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
    this.#levels.forEach(({ term, weight, d, gd }, l) => {
      places.forEach((place, i) => {
        set(term + first, place, -gd[i]!);
      });
      for (let m = 0; m <= l; m++) {
        const own = m === l ? 1 / weight : 0;
        set(term + first, this.#levels[m]!.term + first, own + base + dot(d, this.#levels[m]!.gd));
      }
    });
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
