import { inOneGo, type Steps } from "../../parallel/steps.js";
import { Moments } from "../../stats/moments.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { SparseMoments } from "../../stats/sparse-moments.js";
import type { Found } from "../../stats/sparse-shape.js";
import type { Absorbed } from "./absorb.js";
import { connectedLevels } from "./connected-levels.js";
import { generic, pairConnections, startsOf, unconnectedSums } from "./connections.js";
import { type ComplementRows, leverageFrom } from "./effects-leverage.js";
import { type Meetings, meetingsOf } from "./level-meetings.js";
import { asMoments } from "./within-levels.js";

/** Null spaces of more dimensions than these are not measured. */
const MOST_NULL = 30;
/** What is left of a vector of length 1, the others' part taken out, when it is one of their span: rounding. */
const DEPENDENT = 1e-5;

/** The relative residual at which the effects count as found. */
const TOLERANCE = 1e-13;
/** What is tried before that is given up, and reported. */
const MOST_ITERATIONS = 2000;

/** Effects absorbed by iteration, and how near the iteration has come. */
export interface IteratedAbsorbed extends Absorbed {
  /** The largest relative residual that is left, and the most iterations that a column took. */
  residual: number;
  iterations: number;
}

/**
 * `absorb` where the smaller factors together have too many levels to factor: conjugate gradients on the Schur
 * complement of the largest factor, K = A₂₂ − A₂₁ A₁₁⁻¹ A₁₂ (never formed: its products are sparse), preconditioned by
 * its diagonal, to a relative residual of 1e-13. K is singular, one dimension for every component of the graph of levels
 * that meet, and the systems are consistent, which conjugate gradients do not mind (Hestenes & Stiefel 1952; Correia
 * 2016 has the graph). In double.
 */
export function* absorbIterativelySteps(
  moments: SparseMoments,
  factors: readonly number[],
  columns: readonly string[],
): Steps<IteratedAbsorbed> {
  const { shape, tables } = moments;
  const tableOf = (family: number) => shape.families[family]!.table;
  const size = (family: number) => tables[tableOf(family)]!.count;
  const order = factors.map((_, i) => i).sort((a, b) => size(factors[b]!) - size(factors[a]!));
  const [first, ...rest] = order.map((i) => factors[i]!);
  const found = columns.map((name) => moments.find(name));
  const p = columns.length;
  const one = new LevelSums(moments, tableOf(first!), found);
  const others = rest.map((family) => new LevelSums(moments, tableOf(family), found));
  const starts = others.map((_, g) => others.slice(0, g).reduce((sum, { levels }) => sum + levels, 0));
  const M = others.reduce((sum, { levels }) => sum + levels, 0);
  const meetings = rest.map((family) => meetingsOf(moments, tableOf(first!), tableOf(family)));
  const system = new Complement(one, others, starts, meetings, crossings(moments, rest.map(tableOf), starts));

  // R = B₂ − A₂₁ A₁₁⁻¹ B₁ and, column by column, Z₂ = K⁺R.
  const R = new Float64Array(M * p);
  others.forEach(({ sums }, g) => {
    R.set(sums, starts[g]! * p);
  });
  meetings.forEach(({ first: a, second: b, weights }, g) => {
    for (let c = 0; c < weights.length; c++) {
      const share = weights[c]! / one.weights[a[c]!]!;
      const to = (starts[g]! + b[c]!) * p;
      for (let j = 0; j < p; j++) R[to + j]! -= share * one.sums[a[c]! * p + j]!;
    }
  });
  let residual = 0;
  let iterations = 0;
  const Z = new Float64Array(M * p);
  for (let j = 0; j < p; j++) {
    const right = Float64Array.from({ length: M }, (_, i) => R[i * p + j]!);
    const solved = yield* system.solve(right);
    for (let i = 0; i < M; i++) Z[i * p + j] = solved.values[i]!;
    residual = Math.max(residual, solved.residual);
    iterations = Math.max(iterations, solved.iterations);
  }
  const hi = new Float64Array(packedLength(p));
  for (let i = 0; i < p; i++)
    for (let j = 0; j <= i; j++) {
      yield;
      const [a, b] = [found[i], found[j]];
      if (a === undefined || b === undefined) continue;
      let sum = moments.productOf(a, b, true).toNumber();
      for (let l = 0; l < one.levels; l++)
        if (one.weights[l]! > 0) sum -= (one.sums[l * p + i]! * one.sums[l * p + j]!) / one.weights[l]!;
      for (let k = 0; k < M; k++) sum -= R[k * p + i]! * Z[k * p + j]!;
      hi[packedIndex(i, j)] = sum;
    }
  clear(hi, moments, found);
  const left = asMoments(moments.toMoments(), columns, { hi, lo: hi });
  return {
    moments: left instanceof Moments ? left : left.toMoments(),
    rank: system.rank,
    exact: system.exact,
    residual,
    iterations,
    order: M,
    *leverage(invert) {
      if (invert === undefined) throw new Error("the complement of absorbed effects was not factored");
      const shares = sharesOf(one, meetings, starts);
      const parts = {
        first: factors.indexOf(first!),
        starts: startsOf(factors, rest, size),
        size: M,
        weights: one.weights,
        shares,
      };
      return yield* leverageFrom(parts, yield* invert(system.rows(shares)));
    },
    connections: () =>
      pairConnections(moments, factors) ??
      unconnectedSums(factors, first!, rest, size, system.nullVector(), sharesOf(one, meetings, starts)),
    effects: (weights) => {
      const effects = new Float64Array(M);
      for (let k = 0; k < M; k++) for (let j = 0; j < p; j++) effects[k]! += weights[j]! * Z[k * p + j]!;
      const own = new Float64Array(one.levels);
      for (let l = 0; l < one.levels; l++)
        for (let j = 0; j < p; j++) own[l]! += weights[j]! * one.sums[l * p + j]!;
      meetings.forEach(({ first: a, second: b, weights: met }, g) => {
        for (let c = 0; c < met.length; c++) own[a[c]!]! -= met[c]! * effects[starts[g]! + b[c]!]!;
      });
      // Sums were taken about the columns' means: the constant that they hide goes to the first factor.
      const constant = found.reduce(
        (sum, column, j) => (column === undefined ? sum : sum + weights[j]! * moments.meanOf(column)),
        0,
      );
      const byFamily = new Map<number, Float64Array>([
        [first!, own.map((sum, l) => (one.weights[l]! > 0 ? sum / one.weights[l]! + constant : Number.NaN))],
      ]);
      rest.forEach((family, g) => {
        byFamily.set(family, effects.slice(starts[g]!, starts[g]! + others[g]!.levels));
      });
      return factors.map((family) => byFamily.get(family)!);
    },
  };
}

/** Σw and the sums of columns about their means, Σ w (x − x̄), over each level of a factor. */
class LevelSums {
  readonly levels: number;
  readonly weights: Float64Array;
  /** levels × p. */
  readonly sums: Float64Array;

  constructor(moments: SparseMoments, t: number, columns: readonly (Found | undefined)[]) {
    const { shape, tables, base } = moments;
    const table = tables[t]!;
    const p = columns.length;
    this.levels = table.count;
    this.weights = Float64Array.from({ length: table.count }, (_, l) => table.weight(l));
    this.sums = new Float64Array(table.count * p);
    const { columns: stored } = shape.tables[t]!;
    columns.forEach((column, j) => {
      if (column === undefined) return;
      if ("number" in column) {
        const place = stored.indexOf(column.number);
        const centre = base.extendedMean(column.number);
        for (let l = 0; l < table.count; l++)
          this.sums[l * p + j] = this.weights[l]! * table.extendedMean(l, place).sub(centre).toNumber();
        return;
      }
      const mean = moments.meanOf(column);
      for (let l = 0; l < table.count; l++) this.sums[l * p + j] = -this.weights[l]! * mean;
      const { table: own, number } = shape.families[column.family]!;
      const union = moments.union(own, t);
      const cells = tables[union]!;
      const m = shape.tables[union]!.columns.indexOf(number);
      const [cellOf, levelOf] = [moments.projection(union, own), moments.projection(union, t)];
      for (let cell = 0; cell < cells.count; cell++)
        if (cellOf(cell) === column.cell)
          this.sums[levelOf(cell) * p + j]! += cells.weight(cell) * (m < 0 ? 1 : cells.mean(cell, m));
    });
  }
}

/** Where levels of the smaller factors meet each other, numbered through. */
function crossings(moments: SparseMoments, tables: readonly number[], starts: readonly number[]): Meetings[] {
  return tables.flatMap((a, g) =>
    tables.slice(g + 1).map((b, i) => {
      const { first, second, weights } = meetingsOf(moments, a, b);
      const [from, to] = [starts[g]!, starts[g + 1 + i]!];
      return { first: first.map((l) => l + from), second: second.map((l) => l + to), weights };
    }),
  );
}

/** K = A₂₂ − A₂₁ A₁₁⁻¹ A₁₂ on the levels of the smaller factors. */
class Complement {
  /** The rank of the indicators of all factors; at most too large where it is not `exact`. */
  readonly rank: number;
  readonly exact: boolean;
  readonly #size: number;
  readonly #inverse: Float64Array;
  readonly #diagonal: Float64Array;
  readonly #preconditioner: Float64Array;
  readonly #meetings: readonly Meetings[];
  readonly #crossings: readonly Meetings[];
  readonly #first: Float64Array;

  constructor(
    one: LevelSums,
    others: readonly LevelSums[],
    starts: readonly number[],
    meetings: readonly Meetings[],
    between: readonly Meetings[],
  ) {
    this.#size = others.reduce((sum, { levels }) => sum + levels, 0);
    this.#inverse = one.weights.map((weight) => (weight > 0 ? 1 / weight : 0));
    this.#diagonal = new Float64Array(this.#size);
    others.forEach(({ weights }, g) => {
      this.#diagonal.set(weights, starts[g]!);
    });
    this.#meetings = meetings.map(({ first, second, weights }, g) => ({
      first,
      second: second.map((l) => l + starts[g]!),
      weights,
    }));
    this.#crossings = between;
    this.#first = new Float64Array(one.levels);
    const diagonal = this.#diagonal.slice();
    for (const { first, second, weights } of this.#meetings)
      for (let c = 0; c < weights.length; c++)
        diagonal[second[c]!]! -= weights[c]! ** 2 * this.#inverse[first[c]!]!;
    this.#preconditioner = diagonal.map((value, i) => (value > 1e-12 * this.#diagonal[i]! ? 1 / value : 0));
    const used = (weights: Float64Array) => weights.reduce((sum, weight) => sum + (weight > 0 ? 1 : 0), 0);
    const all = others.reduce((sum, { weights }) => sum + used(weights), used(one.weights));
    // Each factor has a dimension of the null space for every component of its graph with the first.
    const least = others.reduce(
      (sum, { weights }, g) => sum + connectedLevels(one.weights, weights, meetings[g]!).count,
      0,
    );
    const nullity = others.length < 2 ? least : this.#nullity(least);
    this.rank = all - (nullity ?? least);
    this.exact = nullity !== undefined;
  }

  /**
   * The dimension of K's null space, which is `least` or more: generic vectors of it are independent, with probability 1,
   * until there are as many as it has dimensions. Undefined where these are many, or the iteration does not tell.
   */
  #nullity(least: number): number | undefined {
    const found: Float64Array[] = [];
    for (let count = 0; count <= MOST_NULL && least < MOST_NULL; count++) {
      // Levels without rows are no part of K.
      const vector = this.nullVector(count).map((v, i) => (this.#diagonal[i] === 0 ? 0 : v));
      const size = norm(vector);
      if (size === 0) return Math.max(count, least);
      for (let i = 0; i < vector.length; i++) vector[i]! /= size;
      // Twice is enough (Kahan; Parlett 1980, section 6.9).
      for (let again = 0; again < 2; again++)
        for (const other of found) {
          const share = dot(vector, other);
          for (let i = 0; i < vector.length; i++) vector[i]! -= share * other[i]!;
        }
      const left = norm(vector);
      if (left < DEPENDENT) return count < least ? undefined : count;
      for (let i = 0; i < vector.length; i++) vector[i]! /= left;
      found.push(vector);
    }
    return undefined;
  }

  /** K⁺b, to the tolerance, by preconditioned conjugate gradients. */
  *solve(b: Float64Array): Steps<{ values: Float64Array; residual: number; iterations: number }> {
    const n = this.#size;
    const values = new Float64Array(n);
    const r = b.slice();
    const size = norm(b);
    if (size === 0) return { values, residual: 0, iterations: 0 };
    const z = r.map((value, i) => value * this.#preconditioner[i]!);
    const d = z.slice();
    const Kd = new Float64Array(n);
    let rz = dot(r, z);
    for (let iteration = 1; ; iteration++) {
      yield;
      this.#times(d, Kd);
      const step = rz / dot(d, Kd);
      if (!Number.isFinite(step)) return { values, residual: norm(r) / size, iterations: iteration };
      for (let i = 0; i < n; i++) {
        values[i]! += step * d[i]!;
        r[i]! -= step * Kd[i]!;
      }
      const left = norm(r) / size;
      if (left <= TOLERANCE || iteration === MOST_ITERATIONS)
        return { values, residual: left, iterations: iteration };
      for (let i = 0; i < n; i++) z[i] = r[i]! * this.#preconditioner[i]!;
      const next = dot(r, z);
      const share = next / rz;
      rz = next;
      for (let i = 0; i < n; i++) d[i] = z[i]! + share * d[i]!;
    }
  }

  /** A generic vector without what K sees of it; other numbers give others. */
  nullVector(number = 0): Float64Array {
    const vector = Float64Array.from(
      { length: this.#size },
      (_, i) => generic(i + number * this.#size) - (number > 0 ? 1 : 0),
    );
    const seen = new Float64Array(this.#size);
    this.#times(vector, seen);
    const { values } = inOneGo(this.solve(seen));
    return vector.map((value, i) => value - values[i]!);
  }

  /**
   * K row by row.
   *
   * @param shares per level of the first factor, the others' levels in it with their shares of its weight
   */
  rows(shares: (level: number) => readonly { at: number; share: number }[]): ComplementRows {
    const n = this.#size;
    // The levels of the first factor that each of the others meets, and the crossings of each, as lists.
    const meets = Array.from({ length: n }, () => [] as { level: number; weight: number }[]);
    for (const { first, second, weights } of this.#meetings)
      for (let c = 0; c < weights.length; c++)
        meets[second[c]!]!.push({ level: first[c]!, weight: weights[c]! });
    const crosses = Array.from({ length: n }, () => [] as { at: number; weight: number }[]);
    for (const { first, second, weights } of this.#crossings)
      for (let c = 0; c < weights.length; c++) {
        crosses[first[c]!]!.push({ at: second[c]!, weight: weights[c]! });
        crosses[second[c]!]!.push({ at: first[c]!, weight: weights[c]! });
      }
    const used = this.#inverse.reduce((sum, inverse) => sum + (inverse > 0 ? 1 : 0), 0);
    return {
      order: n,
      rank: this.exact ? this.rank - used : undefined,
      row: (i, out) => {
        out.fill(0, 0, i + 1);
        out[i] = this.#diagonal[i]!;
        for (const { level, weight } of meets[i]!)
          for (const { at, share } of shares(level)) if (at <= i) out[at]! -= weight * share;
        for (const { at, weight } of crosses[i]!) if (at <= i) out[at]! += weight;
      },
    };
  }

  #times(v: Float64Array, out: Float64Array): void {
    const first = this.#first.fill(0);
    for (const { first: a, second: b, weights } of this.#meetings)
      for (let c = 0; c < weights.length; c++) first[a[c]!]! += weights[c]! * v[b[c]!]!;
    for (let l = 0; l < first.length; l++) first[l]! *= this.#inverse[l]!;
    for (let i = 0; i < v.length; i++) out[i] = this.#diagonal[i]! * v[i]!;
    for (const { first: a, second: b, weights } of this.#meetings)
      for (let c = 0; c < weights.length; c++) out[b[c]!]! -= weights[c]! * first[a[c]!]!;
    for (const { first: a, second: b, weights } of this.#crossings)
      for (let c = 0; c < weights.length; c++) {
        out[a[c]!]! += weights[c]! * v[b[c]!]!;
        out[b[c]!]! += weights[c]! * v[a[c]!]!;
      }
  }
}

/** For a level of the first factor, the shares of its weight that the others' levels have. */
function sharesOf(
  one: LevelSums,
  meetings: readonly Meetings[],
  starts: readonly number[],
): (level: number) => { at: number; share: number }[] {
  const byLevel = Array.from({ length: one.levels }, () => [] as { at: number; share: number }[]);
  meetings.forEach(({ first, second, weights }, g) => {
    for (let c = 0; c < weights.length; c++)
      byLevel[first[c]!]!.push({
        at: starts[g]! + second[c]!,
        share: weights[c]! / one.weights[first[c]!]!,
      });
  });
  return (level) => byLevel[level]!;
}

/** Makes zero what absorbing has left of a column that the effects explain. */
function clear(hi: Float64Array, moments: SparseMoments, found: readonly (Found | undefined)[]): void {
  found.forEach((column, i) => {
    const ii = packedIndex(i, i);
    if (column !== undefined && hi[ii]! > 1e-11 * moments.productOf(column, column, true).toNumber()) return;
    for (let j = 0; j < found.length; j++) hi[packedIndex(i, j)] = 0;
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}
