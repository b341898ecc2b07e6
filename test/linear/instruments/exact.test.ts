import { expect, test } from "vitest";
import { solve } from "../../../src/linear/solve/solve.js";
import { ExtendedMoments } from "../../../src/stats/extended-moments.js";
import { Rational } from "../../stats/rational.js";
import { uniform } from "../../uniform.js";

/** The same fraction in lowest terms, without which elimination makes them longer and longer. */
function reduced({ num, den }: Rational): Rational {
  let [a, b] = [num < 0n ? -num : num, den];
  while (b > 0n) [a, b] = [b, a % b];
  return a === 0n ? new Rational(0n) : new Rational(num / a, den / a);
}

/** Solves A x = b exactly, by Gauss and Jordan. */
function solved(a: readonly Rational[][], b: readonly Rational[]): Rational[] {
  const rows = a.map((row, i) => [...row, b[i]!]);
  for (let k = 0; k < rows.length; k++) {
    const at = rows.findIndex((row, i) => i >= k && !row[k]!.isZero());
    [rows[k], rows[at]] = [rows[at]!, rows[k]!];
    for (let i = 0; i < rows.length; i++) {
      if (i === k || rows[i]![k]!.isZero()) continue;
      const share = rows[i]![k]!.div(rows[k]![k]!);
      rows[i] = rows[i]!.map((value, j) => reduced(value.sub(share.mul(rows[k]![j]!))));
    }
  }
  return rows.map((row, i) => reduced(row.at(-1)!.div(row[i]!)));
}

const dot = (a: readonly Rational[], b: readonly Rational[]) =>
  reduced(a.reduce((sum, value, i) => reduced(sum.add(value.mul(b[i]!))), new Rational(0n)));

/** Two-stage least squares of exact columns: (XᵀZ (ZᵀZ)⁻¹ ZᵀX)⁻¹ XᵀZ (ZᵀZ)⁻¹ Zᵀy. */
function exactly(y: Rational[], X: Rational[][], Z: Rational[][]): Rational[] {
  const gram = Z.map((a) => Z.map((b) => dot(a, b)));
  const ofX = X.map((x) => Z.map((z) => dot(z, x)));
  const shares = ofX.map((own) => solved(gram, own));
  const ofY = Z.map((z) => dot(z, y));
  return solved(
    shares.map((share) => ofX.map((own) => dot(share, own))),
    shares.map((share) => dot(share, ofY)),
  );
}

/** A double as a whole number of units of 2⁻²⁰⁰: fractions of one denominator stay short. */
function whole(x: number): Rational {
  const { num, den } = Rational.from(x);
  return new Rational((num << 200n) / den);
}

// Exogenous columns and instruments that agree in their first digits, numbers far from 0, and weak instruments: what double
// precision leaves nothing of. With a column's condition κ the answer from doubles in 106 bits has all of a double's digits.
test.each([
  { name: "well conditioned", near: 1, offset: 0, strength: 1 },
  { name: "instruments that differ in their seventh digit", near: 1e-7, offset: 0, strength: 1 },
  { name: "a million deviations from 0", near: 1e-3, offset: 1e6, strength: 1 },
  { name: "instruments that explain a millionth", near: 1, offset: 10, strength: 1e-3 },
])("two-stage least squares is that of exact fractions: $name", ({ near, offset, strength }) => {
  const next = uniform(20261127);
  const n = 24;
  const columns: number[][] = [];
  for (let i = 0; i < n; i++) {
    const [a, b, c, u, v, e] = Array.from({ length: 6 }, () => next() - 0.5) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const w = a + offset;
    const z1 = w + near * b + offset;
    const z2 = z1 - near * c;
    const x = strength * (b - c) + u + w / 3;
    columns.push([x, w, z1, z2, 2 + 3 * x - w + u + v + e]);
  }
  const names = ["x", "w", "z1", "z2", "y"];
  const moments = ExtendedMoments.fromRows(names, Float64Array.from(columns.flat()));
  const { coefficients } = solve(moments, {
    target: "y",
    terms: ["x", "w"],
    intercept: true,
    instruments: { endogenous: [0], excluded: ["z1", "z2"], estimator: "2sls" },
  });
  const exact = names.map((_, j) => columns.map((row) => whole(row[j]!)));
  const one = columns.map(() => whole(1));
  const [x, w, z1, z2, y] = exact as [Rational[], Rational[], Rational[], Rational[], Rational[]];
  const expected = exactly(y, [one, x, w], [one, w, z1, z2]);
  expected.forEach((value, i) => {
    // An ulp or two of the double that it is rounded to.
    expect(Rational.from(coefficients[i]!).sub(value).over(value)).toBeLessThan(4e-16);
  });
});
