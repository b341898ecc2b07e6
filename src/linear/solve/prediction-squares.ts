import { combinationOf } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import type { Regression } from "./regression.js";

/**
 * The squared error of a model on the rows behind some moments, Σ w (y − β₀ − xᵀβ)² = aᵀCa + W (ȳ − β₀ − x̄ᵀβ)² with
 * a = (−β, 1): exact without the rows. In double-double where the moments are.
 *
 * @param coefficients θ, the intercept first where there is one; NaN (aliased) counts as 0. A column that the
 * moments lack is zero in all their rows.
 */
export function predictionSquares(
  given: CrossProducts,
  regression: Regression,
  coefficients: Float64Array,
): number {
  if (given instanceof SparseMoments && !given.extended) return sparseForm(given, regression, coefficients);
  const moments = given.over([...regression.terms, regression.target]);
  const first = regression.intercept ? 1 : 0;
  const at: number[] = [];
  const a: number[] = [];
  regression.terms.forEach((term, i) => {
    const column = moments.index(term);
    const beta = coefficients[i + first]!;
    if (column < 0 || !(beta !== 0) || Number.isNaN(beta)) return;
    at.push(column);
    a.push(-beta);
  });
  const target = moments.index(regression.target);
  if (target >= 0) {
    at.push(target);
    a.push(1);
  }
  const offset = regression.intercept ? -coefficients[0]! : 0;
  return moments.extended ? extendedForm(moments, at, a, offset) : doubleForm(moments, at, a, offset);
}

function doubleForm(moments: CrossProducts, at: number[], a: number[], offset: number): number {
  let squares = 0;
  let mean = offset;
  for (let i = 0; i < at.length; i++) {
    let sum = moments.product(at[i]!, at[i]!) * a[i]!;
    for (let j = 0; j < i; j++) sum += 2 * moments.product(at[i]!, at[j]!) * a[j]!;
    squares += a[i]! * sum;
    mean += a[i]! * moments.mean[at[i]!]!;
  }
  return Math.max(0, squares) + moments.sumW * mean * mean;
}

function extendedForm(moments: CrossProducts, at: number[], a: number[], offset: number): number {
  let squares = new DoubleDouble(0);
  let mean = new DoubleDouble(offset);
  for (let i = 0; i < at.length; i++) {
    const factor = new DoubleDouble(a[i]!);
    let sum = new DoubleDouble(0);
    for (let j = 0; j <= i; j++) {
      const c = moments.extendedProduct(at[i]!, at[j]!);
      sum = sum.add(c.mul(new DoubleDouble(i === j ? a[j]! : 2 * a[j]!)));
    }
    squares = squares.add(sum.mul(factor));
    mean = mean.add(moments.extendedMean(at[i]!).mul(factor));
  }
  const bias = moments.extendedSumW.mul(mean.mul(mean));
  return Math.max(0, squares.toNumber()) + bias.toNumber();
}

/**
 * The same from cells, in O(cells): e = u + Σ_f v_f − β₀ with u = y − xᵀβ over the numbers and v_f = −β_c m over a
 * family's cells c, of which the covariances are sums over the cells that they share. Indicators are taken about their
 * means, so that large effects that only differ in a constant lose no digits.
 */
function sparseForm(moments: SparseMoments, regression: Regression, coefficients: Float64Array): number {
  const { base, shape, tables, sumW: W } = moments;
  const first = regression.intercept ? 1 : 0;
  const numbers: { number: number; a: number }[] = [];
  const families = new Map<number, Float64Array>();
  const add = (key: string, a: number): void => {
    const parts = combinationOf(key);
    if (parts !== undefined) {
      for (const [basic, weight] of parts) add(basic, weight * a);
      return;
    }
    const found = moments.find(key);
    if (found === undefined || a === 0 || Number.isNaN(a)) return;
    if ("number" in found) numbers.push({ number: found.number, a });
    else {
      const own =
        families.get(found.family) ?? new Float64Array(tables[shape.families[found.family]!.table]!.count);
      own[found.cell]! += a;
      families.set(found.family, own);
    }
  };
  regression.terms.forEach((term, i) => {
    add(term, -coefficients[i + first]!);
  });
  add(regression.target, 1);
  let squares = 0;
  let mean = regression.intercept ? -coefficients[0]! : 0;
  let centre = 0;
  for (let i = 0; i < numbers.length; i++) {
    const { number, a } = numbers[i]!;
    let sum = base.product(number, number) * a;
    for (let j = 0; j < i; j++) sum += 2 * base.product(number, numbers[j]!.number) * numbers[j]!.a;
    squares += a * sum;
    centre += a * base.mean[number]!;
  }
  mean += centre;
  const parts = [...families].map(([family, effects]) => centredFamily(moments, family, effects));
  for (const part of parts) {
    mean += part.mean;
    squares += 2 * withNumbers(moments, part, numbers, centre);
  }
  parts.forEach((a, i) => {
    for (const b of parts.slice(i)) squares += (a === b ? 1 : 2) * together(moments, a, b);
  });
  return Math.max(0, squares) + W * mean * mean;
}

/** A family's part of a prediction error: an effect per cell, about the mean where it is of indicators. */
interface FamilyPart {
  table: number;
  number: number;
  effects: Float64Array;
  /** The mean of the part. */
  mean: number;
  /** What of the mean is left in the effects. */
  left: number;
}

function centredFamily(moments: SparseMoments, family: number, effects: Float64Array): FamilyPart {
  const { table: t, number } = moments.shape.families[family]!;
  const table = moments.tables[t]!;
  const m = moments.shape.tables[t]!.columns.indexOf(number);
  let total = 0;
  for (let cell = 0; cell < table.count; cell++)
    total += table.weight(cell) * effects[cell]! * (m < 0 ? 1 : table.mean(cell, m));
  const mean = total / moments.sumW;
  if (m >= 0) return { table: t, number, effects, mean, left: mean };
  return { table: t, number, effects: effects.map((effect) => effect - mean), mean, left: 0 };
}

/** Σ w (v − v̄)(u − ū) of a family's part with the numbers'. */
function withNumbers(
  moments: SparseMoments,
  { table: t, number, effects }: FamilyPart,
  numbers: readonly { number: number; a: number }[],
  centre: number,
): number {
  const table = moments.tables[t]!;
  const { columns } = moments.shape.tables[t]!;
  const m = columns.indexOf(number);
  const at = numbers.map((one) => columns.indexOf(one.number));
  let sum = 0;
  for (let cell = 0; cell < table.count; cell++) {
    const effect = effects[cell]!;
    const weight = table.weight(cell);
    if (effect === 0 || weight === 0) continue;
    let u = -centre;
    let product = 0;
    for (let i = 0; i < at.length; i++) {
      u += numbers[i]!.a * table.mean(cell, at[i]!);
      if (m >= 0) product += numbers[i]!.a * table.product(cell, m, at[i]!);
    }
    sum += effect * (weight * (m < 0 ? 1 : table.mean(cell, m)) * u + product);
  }
  return sum;
}

/** Σ w (v − v̄)(v′ − v̄′) of two families' parts. */
function together(moments: SparseMoments, a: FamilyPart, b: FamilyPart): number {
  const union = moments.union(a.table, b.table);
  const table = moments.tables[union]!;
  const { columns } = moments.shape.tables[union]!;
  const [m, l] = [columns.indexOf(a.number), columns.indexOf(b.number)];
  const [ofA, ofB] = [moments.projection(union, a.table), moments.projection(union, b.table)];
  let sum = 0;
  for (let cell = 0; cell < table.count; cell++) {
    const weight = table.weight(cell);
    if (weight === 0) continue;
    const effect = a.effects[ofA(cell)]! * b.effects[ofB(cell)]!;
    if (effect === 0) continue;
    const product = m >= 0 && l >= 0 ? table.product(cell, m, l) : 0;
    const means = (m < 0 ? 1 : table.mean(cell, m)) * (l < 0 ? 1 : table.mean(cell, l));
    sum += effect * (weight * means + product);
  }
  return sum - moments.sumW * a.left * b.left;
}
