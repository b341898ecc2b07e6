import type { Steps } from "../../parallel/steps.js";
import { addProductAt, DoubleDouble } from "../../stats/double-double.js";
import type { ExtendedMoments } from "../../stats/extended-moments.js";
import type { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { SparseMoments } from "../../stats/sparse-moments.js";
import type { Found } from "../../stats/sparse-shape.js";
import { generic, pairConnections, startsOf, unconnectedSums } from "./connections.js";
import { type EffectsLeverage, type InvertRows, leverageFrom } from "./effects-leverage.js";
import { asMoments, WithinLevels } from "./within-levels.js";

/** The share of a level's squares that must be left by the levels before it for it to count, as pivots of `solve`. */
const PIVOT = { double: 1e-10, extended: 1e-24 };

/** Columns from which fixed effects have been absorbed. */
export interface Absorbed {
  /** The columns about the effects, the target last: what least squares is solved from. */
  moments: Moments | ExtendedMoments;
  /** How many effects the rows determine: the rank of all indicators together. */
  rank: number;
  /** Whether the rank is exact; it may be too large where it is not. */
  exact: boolean;
  /**
   * The effects of every factor's levels on a sum of the columns, Σ c_j column_j, by the coefficients c (the target's
   * last): what least squares on all indicators makes of it. Those of the factor with the most levels follow from the
   * others', and one that the others determine is 0. NaN for a level without rows.
   */
  effects(combination: ArrayLike<number>): Float64Array[];
  /** For each factor a label per level, such that a row's add up to 0 if and only if the rows determine its effects. */
  connections(): Float64Array[];
  /** How many levels there are beside those of the factor that is eliminated: the order of K. */
  order: number;
  /**
   * What leverages within the effects are made of, O(M³) for K of order M.
   *
   * @param invert inverts K where it is not factored already, the effects having been found by iteration
   */
  leverage(invert: InvertRows | undefined): Steps<EffectsLeverage>;
}

/**
 * Absorbs fixed effects: takes out of some columns what the indicators E of all levels of some factors explain of
 * them, S = XᵀX − XᵀE(EᵀE)⁺EᵀX, so that least squares on what is left gives the coefficients of the regression with all
 * indicators in it (Frisch & Waugh 1933; Lovell 1963). The factor with the most levels goes first, for its block of EᵀE
 * is diagonal; the Schur complement of it on the other factors' levels is factored exactly, dependent levels left out
 * (Somaini & Wolak 2016, and without rows). O(L q²) for one factor of L levels and q columns, with others of M
 * levels in all O(L (q + m)² + M³), m the levels of them that meet in one of the first.
 *
 * @param factors the families of the factors' indicators
 * @param columns names of the columns, the target's last
 */
export function* absorbSteps(
  moments: SparseMoments,
  factors: readonly number[],
  columns: readonly string[],
): Steps<Absorbed> {
  const { shape, tables } = moments;
  const size = (family: number) => tables[shape.families[family]!.table]!.count;
  const [first, ...rest] = [...factors].sort((a, b) => size(b) - size(a));
  const others: Found[] = rest.flatMap((family) =>
    Array.from({ length: size(family) }, (_, cell) => ({ family, cell })),
  );
  const found = columns.map((name) => moments.find(name));
  const within = new WithinLevels(moments, shape.families[first!]!.table, [...others, ...found]);
  const { reduced } = yield* within.reduce();
  const system = yield* OtherLevels.of(reduced, others.length, columns.length, moments.extended);
  const effects = (combination: ArrayLike<number>) => {
    const solved = system.effects(combination);
    const byFamily = new Map<number, Float64Array>();
    let at = 0;
    for (const family of rest) {
      byFamily.set(family, solved.slice(at, at + size(family)));
      at += size(family);
    }
    const weights = [...Array.from(solved, (value) => -value), ...Array.from(combination)];
    const own = new Float64Array(size(first!)).fill(Number.NaN);
    let alpha = 0;
    let error = 0;
    // Compensated (Neumaier 1974): means may be large beside what is left of their sum.
    const visit = (column: number, mean: number) => {
      const term = weights[column]! * mean;
      const sum = alpha + term;
      error += Math.abs(alpha) >= Math.abs(term) ? alpha - sum + term : term - sum + alpha;
      alpha = sum;
    };
    for (let level = 0; level < own.length; level++) {
      if (!(within.weight(level).hi > 0)) continue;
      alpha = 0;
      error = 0;
      within.visitMeans(level, visit);
      own[level] = alpha + error;
    }
    byFamily.set(first!, own);
    return factors.map((family) => byFamily.get(family)!);
  };
  const levels = tables[shape.families[first!]!.table]!;
  let used = 0;
  for (let level = 0; level < levels.count; level++) if (levels.rows(level) > 0) used++;
  const starts = startsOf(factors, rest, size);
  /** Per level of the first factor, the shares of the others' in it. */
  const shares = (level: number) => {
    const found: { at: number; share: number }[] = [];
    within.visitMeans(level, (at, share) => {
      if (at < others.length) found.push({ at, share });
    });
    return found;
  };
  return {
    moments: asMoments(moments, columns, system.left()),
    rank: used + system.rank,
    exact: true,
    effects,
    connections: () =>
      pairConnections(moments, factors) ??
      unconnectedSums(factors, first!, rest, size, system.nullVector(), (level) =>
        levels.rows(level) > 0 ? shares(level) : [],
      ),
    order: others.length,
    *leverage() {
      const parts = {
        first: factors.indexOf(first!),
        starts,
        size: others.length,
        weights: Float64Array.from({ length: levels.count }, (_, level) => levels.weight(level)),
        shares,
      };
      return yield* leverageFrom(parts, yield* system.inverse());
    },
  };
}

/** The Schur complement on the other factors' levels and the columns, the levels eliminated one by one. */
class OtherLevels {
  /** How many levels do not depend on those before them. */
  rank = 0;
  readonly #levels: number;
  readonly #size: number;
  readonly #hi: Float64Array;
  readonly #lo: Float64Array;
  /** Whether a level was left out. */
  readonly #out: boolean[] = [];

  private constructor({ hi, lo }: { hi: Float64Array; lo: Float64Array }, levels: number, columns: number) {
    this.#levels = levels;
    this.#size = levels + columns;
    this.#hi = hi;
    this.#lo = lo;
  }

  /** Takes the system over and factors its first `levels` rows as L D Lᵀ, in place. */
  static *of(
    reduced: { hi: Float64Array; lo: Float64Array },
    levels: number,
    columns: number,
    extended: boolean,
  ): Steps<OtherLevels> {
    const { hi } = reduced;
    const system = new OtherLevels(reduced, levels, columns);
    const scale = Float64Array.from({ length: levels }, (_, i) => hi[packedIndex(i, i)]!);
    const tolerance = extended ? PIVOT.extended : PIVOT.double;
    for (let k = 0; k < levels; k++) {
      const pivot = hi[packedIndex(k, k)]!;
      const out = !(pivot > tolerance * scale[k]!) || pivot === 0;
      system.#out.push(out);
      if (!out) system.#eliminate(k, extended);
      yield;
    }
    system.rank = system.#out.filter((out) => !out).length;
    return system;
  }

  /** Subtracts from every later row what row k explains of it. */
  #eliminate(k: number, extended: boolean): void {
    const [hi, lo] = [this.#hi, this.#lo];
    const kk = packedIndex(k, k);
    const pivot = new DoubleDouble(hi[kk]!, lo[kk]!);
    for (let i = k + 1; i < this.#size; i++) {
      const ik = packedIndex(i, k);
      if (hi[ik] === 0) continue;
      if (extended) {
        const share = new DoubleDouble(hi[ik]!, lo[ik]!).div(pivot).negate();
        for (let j = k + 1; j <= i; j++) {
          const jk = packedIndex(j, k);
          addProductAt(hi, lo, packedIndex(i, j), share.hi, share.lo, hi[jk]!, lo[jk]!);
        }
        continue;
      }
      const share = hi[ik]! / pivot.hi;
      const row = packedIndex(i, 0);
      for (let j = k + 1; j <= i; j++) hi[row + j]! -= share * hi[packedIndex(j, k)]!;
    }
  }

  /** What is left for the columns. */
  left(): { hi: Float64Array; lo: Float64Array } {
    const columns = this.#size - this.#levels;
    const hi = new Float64Array(packedLength(columns));
    const lo = new Float64Array(packedLength(columns));
    for (let i = 0; i < columns; i++)
      for (let j = 0; j <= i; j++) {
        const from = packedIndex(this.#levels + i, this.#levels + j);
        hi[packedIndex(i, j)] = this.#hi[from]!;
        lo[packedIndex(i, j)] = this.#lo[from]!;
      }
    return { hi, lo };
  }

  /** The levels' effects on Σ c_j column_j, by back substitution. */
  effects(combination: ArrayLike<number>): Float64Array {
    const effects = new Float64Array(this.#levels);
    for (let k = this.#levels - 1; k >= 0; k--) {
      if (this.#out[k]) continue;
      let sum = 0;
      for (let j = this.#size - this.#levels - 1; j >= 0; j--)
        if (combination[j] !== 0) sum += combination[j]! * this.#hi[packedIndex(this.#levels + j, k)]!;
      for (let i = k + 1; i < this.#levels; i++) sum -= effects[i]! * this.#hi[packedIndex(i, k)]!;
      effects[k] = sum / this.#hi[packedIndex(k, k)]!;
    }
    return effects;
  }

  /** A vector of the null space, with a part of each level that was left out. */
  nullVector(): Float64Array {
    const vector = new Float64Array(this.#levels);
    for (let k = this.#levels - 1; k >= 0; k--) {
      if (this.#out[k]) {
        vector[k] = generic(k);
        continue;
      }
      let sum = 0;
      for (let i = k + 1; i < this.#levels; i++) sum -= vector[i]! * this.#hi[packedIndex(i, k)]!;
      vector[k] = sum / this.#hi[packedIndex(k, k)]!;
    }
    return vector;
  }

  /** K⁻, a packed lower triangle: the inverse over the levels that do not depend on others, 0 for those. */
  *inverse(): Steps<Float64Array> {
    const M = this.#levels;
    const hi = this.#hi;
    // Row i of L⁻¹, L being the unit triangle: hi holds L D.
    const lower = new Float64Array(packedLength(M));
    for (let i = 0; i < M; i++) {
      yield;
      if (this.#out[i]) continue;
      const row = packedIndex(i, 0);
      lower[row + i] = 1;
      for (let k = 0; k < i; k++) {
        if (this.#out[k] || hi[row + k] === 0) continue;
        const share = hi[row + k]! / hi[packedIndex(k, k)]!;
        const other = packedIndex(k, 0);
        for (let j = 0; j <= k; j++) lower[row + j]! -= share * lower[other + j]!;
      }
    }
    const inverse = new Float64Array(packedLength(M));
    for (let k = 0; k < M; k++) {
      yield;
      if (this.#out[k]) continue;
      const row = packedIndex(k, 0);
      const pivot = hi[packedIndex(k, k)]!;
      for (let i = 0; i <= k; i++) {
        const scaled = lower[row + i]! / pivot;
        if (scaled === 0) continue;
        const to = packedIndex(i, 0);
        for (let j = 0; j <= i; j++) inverse[to + j]! += scaled * lower[row + j]!;
      }
    }
    return inverse;
  }
}
