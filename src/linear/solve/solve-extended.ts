import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { type ExtendedVector, entry, extendedVector, setEntry } from "./extended-cholesky.js";
import { factorExtended, factorSpd } from "./factor-spd.js";
import { refine } from "./refine.js";
import {
  conditionOf,
  type InterceptPart,
  inOrderOfTerms,
  isConstant,
  type Method,
  packedRows,
  type Solution,
} from "./solution.js";
import type { SpdFactor, SymmetricRows } from "./spd-factor.js";

/**
 * The pivot (1 − R²) below which a column counts as dependent in double-double arithmetic: a column that is a
 * rounded combination of others leaves a relative residual of about 2⁻⁵³, squared 1e-32, times some growth; a
 * degree-10 polynomial on [−9, −3] has pivots down to 1e-18.
 */
const EXTENDED_TOLERANCE = 1e-26;

/** Four units in the last place of a column's length: what columns may be off by as they come, rounded to doubles. */
const COLUMN_ROUNDING = 2 ** -50;

/** A unit in the last place of the numbers themselves, which counts where they lie far from 0. */
const NUMBER_ROUNDING = 2 ** -52;

/**
 * A pivot above this in double is one in double-double too, and far above what `COLUMN_ROUNDING` can explain: no column
 * is dependent, and a factor in double is good enough to refine with.
 */
const CERTAIN_PIVOT = 1e-12;

/** Up to this √κ₁, (XᵀX)⁻¹ in double precision has twelve correct digits, and takes a twentieth of the time. */
const DOUBLE_INVERSE_CONDITION = 100;

/** A last correction of this share of a column of (XᵀX)⁻¹ leaves it right to the last bit or two. */
const INVERSE_SHARE = 2 ** -50;

/** Entries of the Gram matrix that are formed between two places where others may run. */
const STRETCH = 1 << 15;

/** What a target adds to the system. */
interface TargetSide {
  /** D⁻¹s. */
  covariance: ExtendedVector;
  tss: DoubleDouble;
}

/** A centred, scaled system in double-double. */
interface ScaledSystem {
  /** D⁻¹SD⁻¹, packed: unit diagonal, 0 for a constant column. */
  gram: ExtendedVector;
  /** D. */
  root: DoubleDouble[];
  /** The right sides, one for each target. */
  sides: readonly TargetSide[];
  /** D⁻¹x̄. */
  centre: ExtendedVector;
  /**
   * What each column may be off by, as a share of its length. Numbers of mean x̄ and standard deviation s that are rounded
   * to doubles are off by up to 2⁻⁵³|x̄|; what is computed from others in double-double is not rounded again.
   */
  rounding: Float64Array;
  W: number;
}

/** What is found of a target. */
interface TargetFit {
  beta: ExtendedVector;
  rss: DoubleDouble;
  method: Method;
}

/** What is found on the scaled columns that were kept. */
interface ScaledSolution {
  kept: readonly number[];
  aliased: readonly number[];
  fits: readonly TargetFit[];
  /** A⁻¹D⁻¹x̄, and x̄ᵀD⁻¹A⁻¹D⁻¹x̄. */
  centre: ExtendedVector;
  spread: number;
  inverse: { slopes: Float64Array; conditionNumber: number } | undefined;
}

/**
 * `solve` from double-double moments, for each of some targets; see there. θ is found by a factor in double and refined by residuals in
 * double-double; where a column looks dependent, or that does not converge, by a factor in double-double.
 */
export function* solveExtended(
  moments: CrossProducts,
  at: readonly number[],
  ys: readonly number[],
  intercept: boolean,
  inverseWanted: boolean,
  computed?: ReadonlySet<number>,
): Steps<Solution[]> {
  const k = at.length;
  const system = yield* scaledSystem(moments, at, ys, intercept, computed);
  const found =
    (yield* solveRefined(system, intercept, inverseWanted)) ??
    (yield* solveDirectly(system, intercept, inverseWanted));
  const { kept, aliased, inverse } = found;
  const r = kept.length;
  const scale = system.root.map(({ hi }) => hi);
  const solutions: Solution[] = [];
  for (const [t, { beta, rss, method }] of found.fits.entries()) {
    let b0 = moments.extendedMean(ys[t]!);
    for (let i = 0; i < r; i++) {
      const b = entry(beta, i).div(system.root[kept[i]!]!);
      setEntry(beta, i, b);
      b0 = b0.sub(b.mul(moments.extendedMean(at[kept[i]!]!)));
    }
    const centre: InterceptPart | undefined = intercept
      ? {
          value: b0.toNumber(),
          variance: 1 / moments.sumW + found.spread,
          covariance: found.centre.hi.map((v, i) => -v / scale[kept[i]!]!),
        }
      : undefined;
    solutions.push({
      ...(yield* inOrderOfTerms(k, kept, beta.hi, inverse && { slopes: inverse.slopes, scale }, centre)),
      aliased: [...aliased],
      rank: r + (intercept ? 1 : 0),
      conditionNumber: inverse?.conditionNumber ?? Number.NaN,
      rss: Math.max(0, rss.toNumber()),
      tss: system.sides[t]!.tss.toNumber(),
      method,
    });
  }
  return solutions;
}

function* scaledSystem(
  moments: CrossProducts,
  at: readonly number[],
  ys: readonly number[],
  intercept: boolean,
  computed: ReadonlySet<number> | undefined,
): Steps<ScaledSystem> {
  const k = at.length;
  const rounding = new Float64Array(k).fill(COLUMN_ROUNDING);
  const product = (i: number, j: number) => moments.extendedProduct(at[i]!, at[j]!, intercept);
  const root: DoubleDouble[] = [];
  const centre = extendedVector(k);
  const sides = ys.map((y) => ({
    covariance: extendedVector(k),
    tss: moments.extendedProduct(y, y, intercept),
  }));
  for (let i = 0; i < k; i++) {
    const square = product(i, i);
    const mean = moments.extendedMean(at[i]!);
    const constant = isConstant(square.hi, moments.sumW, mean.hi);
    root.push(constant ? new DoubleDouble(0) : square.sqrt());
    if (constant) continue;
    for (const [t, y] of ys.entries())
      setEntry(sides[t]!.covariance, i, moments.extendedProduct(at[i]!, y, intercept).div(root[i]!));
    setEntry(centre, i, mean.div(root[i]!));
    if (intercept && computed?.has(i) !== true)
      rounding[i]! += NUMBER_ROUNDING * Math.abs(centre.hi[i]!) * Math.sqrt(moments.sumW);
  }
  const gram = extendedVector(packedLength(k));
  let formed = 0;
  for (let i = 0; i < k; i++) {
    if (root[i]!.hi === 0) continue;
    for (let j = 0; j < i; j++)
      if (root[j]!.hi !== 0) setEntry(gram, packedIndex(i, j), product(i, j).div(root[i]!).div(root[j]!));
    gram.hi[packedIndex(i, i)] = 1;
    formed += i;
    if (formed > STRETCH) {
      formed = 0;
      yield;
    }
  }
  return { gram, root, sides, centre, rounding, W: moments.sumW };
}

/** By a factor in double, refined; undefined where that cannot be trusted. */
function* solveRefined(
  system: ScaledSystem,
  intercept: boolean,
  inverseWanted: boolean,
): Steps<ScaledSolution | undefined> {
  const { gram, root, rounding } = system;
  const rows = packedRows(gram.hi, root.length);
  const least = rounding.reduce((most, share) => Math.max(most, (4 * share) ** 2), CERTAIN_PIVOT);
  const factor = yield* factorSpd(rows, least);
  const found = factor.aliased.some((j) => root[j]!.hi !== 0)
    ? undefined
    : yield* refineAll(system, rows, factor, intercept && inverseWanted, inverseWanted);
  factor.release();
  return found;
}

/** θ, and where they are wanted the intercept's part and the inverse, from a factor that has kept what varies. */
function* refineAll(
  { gram, sides, ...system }: ScaledSystem,
  rows: SymmetricRows,
  factor: SpdFactor,
  centreWanted: boolean,
  inverseWanted: boolean,
): Steps<ScaledSolution | undefined> {
  const { kept, aliased } = factor;
  const fits: TargetFit[] = [];
  for (const { covariance, tss } of sides) {
    const b = chosen(covariance, kept);
    const solved = yield* refine(gram, kept, factor, b);
    if (solved === undefined) return undefined;
    // sᵀA⁻¹s = sᵀx + xᵀr up to rᵀA⁻¹r.
    const explained = dot(b, solved.x).add(dot(solved.x, solved.residual));
    fits.push({
      beta: solved.x,
      rss: tss.sub(explained),
      method: { factor: factor.by, arithmetic: "double", refinements: solved.steps },
    });
  }
  const m = chosen(system.centre, kept);
  const centre = centreWanted ? yield* refine(gram, kept, factor, m) : undefined;
  if (centreWanted && centre === undefined) return undefined;
  const inverse = inverseWanted ? yield* refinedInverse(gram, rows, factor) : undefined;
  if (inverseWanted && inverse === undefined) return undefined;
  return {
    kept,
    aliased,
    fits,
    centre: centre?.x ?? extendedVector(kept.length),
    spread:
      centre === undefined ? Number.NaN : dot(m, centre.x).add(dot(centre.x, centre.residual)).toNumber(),
    inverse,
  };
}

/**
 * A⁻¹ from a factor in double: as it is where the condition allows, else refined column by column. Undefined where that
 * does not converge, and for blocked factors, beside which one in double-double is faster.
 */
function* refinedInverse(
  gram: ExtendedVector,
  rows: SymmetricRows,
  factor: SpdFactor,
): Steps<ScaledSolution["inverse"]> {
  const { kept } = factor;
  const slopes = yield* factor.inverse();
  const conditionNumber = yield* conditionOf(rows, kept, slopes);
  if (conditionNumber <= DOUBLE_INVERSE_CONDITION) return { slopes, conditionNumber };
  if (factor.by !== "ml-matrix") return undefined;
  for (let j = 0; j < kept.length; j++) {
    const unit = extendedVector(kept.length);
    unit.hi[j] = 1;
    const column = yield* refine(gram, kept, factor, unit, INVERSE_SHARE);
    if (column === undefined) return undefined;
    for (let i = j; i < kept.length; i++) slopes[packedIndex(i, j)] = column.x.hi[i]!;
  }
  return { slopes, conditionNumber: yield* conditionOf(rows, kept, slopes) };
}

/** By a factor in double-double. */
function* solveDirectly(
  system: ScaledSystem,
  intercept: boolean,
  inverseWanted: boolean,
): Steps<ScaledSolution> {
  const { gram, root, rounding } = system;
  const factor = yield* factorExtended(
    packedRows(gram.hi, root.length, gram.lo),
    EXTENDED_TOLERANCE,
    rounding,
  );
  const { kept, aliased } = factor;
  const fits: TargetFit[] = [];
  for (const { covariance, tss } of system.sides) {
    const b = chosen(covariance, kept);
    const { high, low, half, halfLow } = yield* factor.solve(b.hi, b.lo);
    const z = { hi: half, lo: halfLow };
    fits.push({
      beta: { hi: high, lo: low },
      rss: tss.sub(dot(z, z)),
      method: { factor: factor.by, arithmetic: "double-double" },
    });
  }
  let centre = extendedVector(kept.length);
  let spread = Number.NaN;
  if (intercept && inverseWanted) {
    const m = chosen(system.centre, kept);
    const solved = yield* factor.solve(m.hi, m.lo);
    centre = { hi: solved.high, lo: solved.low };
    spread = solved.half.reduce((sum, v) => sum + v * v, 0);
  }
  const inverse = inverseWanted ? yield* directInverse(gram, factor) : undefined;
  factor.release();
  return {
    kept,
    aliased,
    fits,
    centre,
    spread,
    inverse,
  };
}

/** A⁻¹ over the columns kept, in double where the condition allows. */
function* directInverse(gram: ExtendedVector, extended: SpdFactor): Steps<ScaledSolution["inverse"]> {
  const { kept } = extended;
  const all = Array.from(kept, (_, i) => i);
  const rows: SymmetricRows = {
    order: kept.length,
    row(i, out) {
      const from = packedIndex(kept[i]!, 0);
      for (let j = 0; j <= i; j++) out[j] = gram.hi[from + kept[j]!]!;
    },
  };
  const factor = yield* factorSpd(rows, EXTENDED_TOLERANCE);
  // In double a column may look dependent that is not.
  const certain = factor.aliased.length === 0;
  const inDouble = certain ? yield* factor.inverse() : undefined;
  factor.release();
  if (inDouble !== undefined) {
    const slopes = inDouble;
    const conditionNumber = yield* conditionOf(rows, all, slopes);
    if (conditionNumber <= DOUBLE_INVERSE_CONDITION) return { slopes, conditionNumber };
  }
  const slopes = yield* extended.inverse();
  return { slopes, conditionNumber: yield* conditionOf(rows, all, slopes) };
}

/** Some entries of a vector. */
function chosen(v: ExtendedVector, at: readonly number[]): ExtendedVector {
  return { hi: Float64Array.from(at, (i) => v.hi[i]!), lo: Float64Array.from(at, (i) => v.lo[i]!) };
}

/** Σ aᵢbᵢ. */
function dot(a: ExtendedVector, b: ExtendedVector): DoubleDouble {
  let sum = new DoubleDouble(0);
  for (let i = 0; i < a.hi.length; i++) sum = sum.add(entry(a, i).mul(entry(b, i)));
  return sum;
}
