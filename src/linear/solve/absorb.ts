import { addProductAt, DoubleDouble } from "../../stats/double-double.js";
import type { ExtendedMoments } from "../../stats/extended-moments.js";
import type { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { Found, SparseMoments } from "../../stats/sparse-moments.js";
import { asMoments, WithinLevels } from "./within-levels.js";

/** The share of a level's squares that must be left by the levels before it for it to count, as pivots of `solve`. */
const PIVOT = { double: 1e-10, extended: 1e-24 };

/** Columns from which fixed effects have been absorbed. */
export interface Absorbed {
  /** The columns about the effects, the target last: what least squares is solved from. */
  moments: Moments | ExtendedMoments;
  /** How many effects the rows determine: the rank of all indicators together. */
  rank: number;
  /**
   * The effects of every factor's levels, given the coefficients γ of the columns: those of the factor with the most
   * levels follow from the others', and one that the others determine is 0. NaN for a level without rows.
   */
  effects(gamma: readonly number[]): Float64Array[];
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
export function absorb(
  moments: SparseMoments,
  factors: readonly number[],
  columns: readonly string[],
): Absorbed {
  const { shape, tables } = moments;
  const size = (family: number) => tables[shape.families[family]!.table]!.count;
  const [first, ...rest] = [...factors].sort((a, b) => size(b) - size(a));
  const others: Found[] = rest.flatMap((family) =>
    Array.from({ length: size(family) }, (_, cell) => ({ family, cell })),
  );
  const found = columns.map((name) => moments.find(name));
  const within = new WithinLevels(moments, shape.families[first!]!.table, [...others, ...found]);
  const { reduced } = within.reduce();
  const system = new OtherLevels(reduced, others.length, columns.length, moments.extended);
  const effects = (gamma: readonly number[]) => {
    const solved = system.effects(gamma);
    const byFamily = new Map<number, Float64Array>();
    let at = 0;
    for (const family of rest) {
      byFamily.set(family, solved.slice(at, at + size(family)));
      at += size(family);
    }
    const weights = [
      ...Array.from(solved, (value) => -value),
      ...gamma.map((value) => (Number.isNaN(value) ? 0 : -value)),
      1,
    ];
    const own = Float64Array.from({ length: size(first!) }, (_, level) => {
      if (!(within.weight(level).hi > 0)) return Number.NaN;
      let alpha = new DoubleDouble(0);
      for (const { at: column, mean } of within.sparseMeans(level))
        if (weights[column] !== 0) alpha = alpha.add(mean.mul(new DoubleDouble(weights[column]!)));
      return alpha.toNumber();
    });
    byFamily.set(first!, own);
    return factors.map((family) => byFamily.get(family)!);
  };
  const levels = tables[shape.families[first!]!.table]!;
  let used = 0;
  for (let level = 0; level < levels.count; level++) if (levels.rows(level) > 0) used++;
  return { moments: asMoments(moments, columns, system.left()), rank: used + system.rank, effects };
}

/** The Schur complement on the other factors' levels and the columns, the levels eliminated one by one. */
class OtherLevels {
  /** How many levels do not depend on those before them. */
  readonly rank: number;
  readonly #levels: number;
  readonly #size: number;
  readonly #hi: Float64Array;
  readonly #lo: Float64Array;
  /** Whether a level was left out. */
  readonly #out: boolean[];

  /** Takes the system over and factors its first `levels` rows as L D Lᵀ, in place. */
  constructor(
    { hi, lo }: { hi: Float64Array; lo: Float64Array },
    levels: number,
    columns: number,
    extended: boolean,
  ) {
    this.#levels = levels;
    this.#size = levels + columns;
    this.#hi = hi;
    this.#lo = lo;
    const scale = Float64Array.from({ length: levels }, (_, i) => hi[packedIndex(i, i)]!);
    const tolerance = extended ? PIVOT.extended : PIVOT.double;
    this.#out = [];
    for (let k = 0; k < levels; k++) {
      const pivot = hi[packedIndex(k, k)]!;
      const out = !(pivot > tolerance * scale[k]!) || pivot === 0;
      this.#out.push(out);
      if (!out) this.#eliminate(k, extended);
    }
    this.rank = this.#out.filter((out) => !out).length;
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

  /** The levels' effects, by back substitution. */
  effects(gamma: readonly number[]): Float64Array {
    const effects = new Float64Array(this.#levels);
    const y = this.#size - 1;
    for (let k = this.#levels - 1; k >= 0; k--) {
      if (this.#out[k]) continue;
      let sum = this.#hi[packedIndex(y, k)]!;
      gamma.forEach((value, j) => {
        if (!Number.isNaN(value)) sum -= value * this.#hi[packedIndex(this.#levels + j, k)]!;
      });
      for (let i = k + 1; i < this.#levels; i++) sum -= effects[i]! * this.#hi[packedIndex(i, k)]!;
      effects[k] = sum / this.#hi[packedIndex(k, k)]!;
    }
    return effects;
  }
}
