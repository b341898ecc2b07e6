import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ExtendedMoments } from "../../src/stats/extended-moments.js";
import { MergeTree } from "../../src/stats/merge-tree.js";
import { Moments } from "../../src/stats/moments.js";
import { packedIndex } from "../../src/stats/packed.js";
import { Rational } from "./rational.js";

const NAMES = ["a", "b", "c"];

/**
 * Rows of three columns of very different size, every weight positive. The second column lies up to 700 times its
 * spread from zero: a mean is rounded in units of itself, so merging costs that factor in precision.
 */
const data = (min = 1, max = 300) =>
  fc
    .array(fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: 0, max: 64 })), {
      minLength: min,
      maxLength: max,
    })
    .map((rows) => ({
      X: Float64Array.from(rows.flatMap(([k, u]) => [k, 100 + u / 7, (k + u / 3) * 1e-5])),
      weights: Float64Array.from(rows.map(([k, u]) => 0.5 + Math.abs(k) / 9 + u / 64)),
    }));

/**
 * The largest difference of two moments, means in units of their magnitude and spread and cross-products in units of
 * √(c_ii c_jj): what rounding is proportional to. `scale` gives the spread where it is not that of `b`.
 */
function distance(a: Moments, b: Moments, scale: Moments = b): number {
  expect(a.columns).toEqual(b.columns);
  expect(a.n).toBe(b.n);
  let worst = Math.abs(a.sumW - b.sumW) / b.sumW;
  const size = (i: number) =>
    Math.sqrt(scale.c[packedIndex(i, i)]! + scale.sumW * Number.EPSILON * scale.mean[i]! ** 2) || 1;
  for (let i = 0; i < b.columns.length; i++) {
    const spread = Math.abs(scale.mean[i]!) + size(i) / Math.sqrt(scale.sumW);
    worst = Math.max(worst, Math.abs(a.mean[i]! - b.mean[i]!) / spread);
    for (let j = 0; j <= i; j++) {
      const k = packedIndex(i, j);
      worst = Math.max(worst, Math.abs(a.c[k]! - b.c[k]!) / (size(i) * size(j)));
    }
  }
  return worst;
}

/** Moments by exact rational arithmetic, rounded once. */
function exactMoments(X: Float64Array, weights: Float64Array): Moments {
  const p = NAMES.length;
  const x = Array.from(X, Rational.from);
  const w = Array.from(weights, Rational.from);
  const zero = new Rational(0n);
  const total = w.reduce((s, v) => s.add(v), zero);
  const means = NAMES.map((_, j) => w.reduce((s, v, r) => s.add(v.mul(x[r * p + j]!)), zero).div(total));
  const exact = Moments.empty(NAMES);
  exact.n = weights.length;
  const one = new Rational(1n);
  const round = (v: Rational): number => (v.num < 0n ? -v.over(one) : v.over(one));
  exact.sumW = round(total);
  for (let i = 0; i < p; i++) {
    exact.mean[i] = round(means[i]!);
    for (let j = 0; j <= i; j++)
      exact.c[packedIndex(i, j)] = round(
        w.reduce(
          (s, v, r) => s.add(v.mul(x[r * p + i]!.sub(means[i]!)).mul(x[r * p + j]!.sub(means[j]!))),
          zero,
        ),
      );
  }
  return exact;
}

describe("Moments", () => {
  test("of five rows, by hand", () => {
    const m = Moments.fromRows(["x", "y"], Float64Array.of(1, 10, 2, 20, 3, 20, 4, 40, 5, 60));
    expect(m.n).toBe(5);
    expect(m.sumW).toBe(5);
    expect([...m.mean]).toEqual([3, 30]);
    expect([...m.c]).toEqual([10, 120, 1600]);
  });

  test("rows of weight zero are not there; whole weights are repeated rows", () => {
    const m = Moments.fromRows(["x"], Float64Array.of(1, 7, 4), Float64Array.of(2, 0, 1));
    expect([m.n, m.sumW, m.sumLogW]).toEqual([2, 3, Math.log(2)]);
    expect([...m.mean, ...m.c]).toEqual([2, 6]);
  });

  test("agree with exact rational arithmetic", () => {
    fc.assert(
      fc.property(data(1, 20), ({ X, weights }) => {
        const exact = exactMoments(X, weights);
        // 20 rows, all sums of at most 20 terms: a few dozen roundings of 1.1e-16.
        expect(distance(Moments.fromRows(NAMES, X, weights), exact)).toBeLessThan(1e-14);
        // The extended moments are exact to 1e-30, so rounding them is the only error that is left.
        expect(distance(ExtendedMoments.fromRows(NAMES, X, weights).toMoments(), exact)).toBeLessThan(1e-15);
      }),
      { numRuns: 30 },
    );
  });

  test("merging is associative and commutative to 1e-12", () => {
    fc.assert(
      fc.property(data(), data(), data(), (a, b, c) => {
        const [x, y, z] = [a, b, c].map((d) => Moments.fromRows(NAMES, d.X, d.weights)) as [
          Moments,
          Moments,
          Moments,
        ];
        expect(distance(x.merge(y).merge(z), x.merge(y.merge(z)))).toBeLessThan(1e-12);
        expect(distance(x.merge(y), y.merge(x))).toBeLessThan(1e-12);
      }),
    );
  });

  test("merging parts gives the moments of the whole", () => {
    fc.assert(
      fc.property(data(2), fc.nat(), ({ X, weights }, at) => {
        const cut = at % weights.length;
        const p = NAMES.length;
        const head = Moments.fromRows(NAMES, X.subarray(0, cut * p), weights.subarray(0, cut));
        const tail = Moments.fromRows(NAMES, X.subarray(cut * p), weights.subarray(cut));
        expect(distance(head.merge(tail), Moments.fromRows(NAMES, X, weights))).toBeLessThan(1e-12);
      }),
    );
  });

  test("a constant column has no variation, exactly, however it is cut", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e100, max: 1e100 }), data(1, 300), (value, { weights }) => {
        const X = new Float64Array(weights.length).fill(value);
        const m = Moments.fromRows(["x"], X, weights).merge(Moments.fromRows(["x"], X));
        expect([m.mean[0], m.c[0]]).toEqual([value + 0, 0]);
        const e = ExtendedMoments.fromRows(["x"], X, weights).merge(ExtendedMoments.fromRows(["x"], X));
        expect([e.mean[0], e.meanLow[0], e.c[0], e.cLow[0]]).toEqual([value + 0, 0, 0, 0]);
      }),
    );
  });

  test("no rows merge exactly", () => {
    fc.assert(
      fc.property(data(), ({ X }) => {
        const m = Moments.fromRows(NAMES, X);
        expect(Moments.empty(NAMES).merge(m)).toEqual(m);
        expect(m.merge(Moments.empty(NAMES))).toEqual(m);
      }),
    );
  });

  test("subtract undoes merge, to the rounding of the whole", () => {
    fc.assert(
      fc.property(data(), data(), (a, b) => {
        const x = Moments.fromRows(NAMES, a.X, a.weights);
        const whole = x.merge(Moments.fromRows(NAMES, b.X, b.weights));
        // What is left has the absolute errors of the whole, so that is the yardstick; sumW is relative to what is
        // left, which may be 1/300 of the whole or less.
        const rest = whole.subtract(Moments.fromRows(NAMES, b.X, b.weights));
        expect(distance(rest, x, whole)).toBeLessThan(1e-11);
      }),
    );
  });

  test("an indicator whose rows are all taken away is zero again, exactly", () => {
    const pairs: number[] = [];
    for (let i = 0; i < 300; i++) pairs.push(Math.sin(i), i >= 200 && i % 3 === 0 ? 1 : 0);
    const X = Float64Array.from(pairs);
    const whole = Moments.fromRows(["x", "level"], X);
    const rest = whole.subtract(Moments.fromRows(["x", "level"], X.subarray(400)));
    expect(rest.mean[1]).toBe(0);
    expect([rest.c[1], rest.c[2]]).toEqual([0, 0]);
    expect(rest.c[0]).toBeGreaterThan(0);
  });

  test("a column that one side lacks is a column of zeros there", () => {
    const left = Moments.fromRows(["x", "l1"], Float64Array.of(1, 1, 2, 0, 3, 1));
    const right = Moments.fromRows(["l2", "x"], Float64Array.of(1, 5, 0, 7));
    const whole = Moments.fromRows(
      ["x", "l1", "l2"],
      Float64Array.of(1, 1, 0, 2, 0, 0, 3, 1, 0, 5, 0, 1, 7, 0, 0),
    );
    expect(distance(left.merge(right), whole)).toBeLessThan(1e-15);
    expect(distance(whole.subtract(right), left.clone().widen(["l2"]), whole)).toBeLessThan(1e-15);
  });

  test("select picks and orders columns", () => {
    const X = Float64Array.of(1, 2, 4, 3, 5, 1, 9, 2, 2);
    const m = Moments.fromRows(NAMES, X).select([2, 0]);
    expect(m).toEqual(Moments.fromRows(["c", "a"], Float64Array.of(4, 1, 1, 3, 2, 9)));
  });

  test("go through JSON unchanged", () => {
    fc.assert(
      fc.property(data(), ({ X, weights }) => {
        const m = Moments.fromRows(NAMES, X, weights);
        expect(Moments.fromJSON(JSON.parse(JSON.stringify(m)))).toEqual(m);
        const e = ExtendedMoments.fromRows(NAMES, X, weights);
        expect(ExtendedMoments.fromJSON(JSON.parse(JSON.stringify(e)))).toEqual(e);
      }),
    );
  });

  test("refuse what does not fit, naming both numbers", () => {
    expect(() => Moments.fromRows(NAMES, new Float64Array(7))).toThrow("7 values do not make rows of 3");
    expect(() => Moments.fromRows(["x"], new Float64Array(3), new Float64Array(2))).toThrow(
      "weights has 2 values, the data have 3 rows",
    );
    expect(() => Moments.fromRows(["x"], new Float64Array(1), Float64Array.of(-1))).toThrow("got -1");
    const m = Moments.fromRows(["x"], Float64Array.of(1, 2));
    expect(() => m.subtract(Moments.fromRows(["y"], Float64Array.of(1)))).toThrow("not there: y");
    expect(() => m.subtract(Moments.fromRows(["x"], Float64Array.of(1, 2, 3)))).toThrow("3 rows away from 2");
    expect(() => Moments.fromJSON({ ...m.toJSON(), c: [1, 2] })).toThrow("not 1 and 2");
    expect(() => Moments.fromJSON({ ...m.toJSON(), c: [Number.NaN] })).toThrow("not finite");
  });
});

describe("ExtendedMoments", () => {
  test("merge, subtract and select as Moments do", () => {
    fc.assert(
      fc.property(data(), data(), (a, b) => {
        const [x, y] = [a, b].map((d) => ExtendedMoments.fromRows(NAMES, d.X, d.weights)) as [
          ExtendedMoments,
          ExtendedMoments,
        ];
        const whole = ExtendedMoments.fromRows(
          NAMES,
          Float64Array.of(...a.X, ...b.X),
          Float64Array.of(...a.weights, ...b.weights),
        );
        // Double-double to the end: after rounding to doubles, at most the last bit may differ.
        expect(distance(x.merge(y).toMoments(), whole.toMoments())).toBeLessThan(1e-15);
        const rest = whole.subtract(y).toMoments();
        expect(distance(rest, x.toMoments(), whole.toMoments())).toBeLessThan(1e-15);
        expect(x.select([2, 0]).toMoments()).toEqual(x.toMoments().select([2, 0]));
      }),
    );
  });

  test("see what double loses: a spread of 1e-9 about 1e9, with low parts", () => {
    const X = Float64Array.of(1e9, 1e9, 1e9);
    const low = Float64Array.of(-1e-9, 0, 1e-9);
    const m = ExtendedMoments.fromRows(["x"], X, undefined, low);
    expect(m.mean[0]).toBe(1e9);
    // Each low part is exact, so the sum of squares 2e-18 is right to the double-double of 1e9, 1e-23 absolute.
    expect(Math.abs(m.c[0]! / 2e-18 - 1)).toBeLessThan(1e-12);
  });

  test("align columns by name", () => {
    const left = ExtendedMoments.fromRows(["x", "l1"], Float64Array.of(1, 1, 2, 0, 3, 1));
    const right = ExtendedMoments.fromRows(["l2", "x"], Float64Array.of(1, 5, 0, 7));
    const whole = Moments.fromRows(
      ["x", "l1", "l2"],
      Float64Array.of(1, 1, 0, 2, 0, 0, 3, 1, 0, 5, 0, 1, 7, 0, 0),
    );
    expect(distance(left.merge(right).toMoments(), whole)).toBeLessThan(1e-15);
  });
});

describe("MergeTree", () => {
  const chunks = (count: number): Moments[] =>
    Array.from({ length: count }, (_, k) =>
      k % 5 === 3
        ? Moments.empty(NAMES)
        : Moments.fromRows(
            k % 3 === 0 ? NAMES : [...NAMES, `level${k % 7}`],
            Float64Array.from({ length: (k % 3 === 0 ? 3 : 4) * (2 + (k % 4)) }, (_, i) =>
              Math.sin(i * 37 + k),
            ),
          ),
    );

  test("gives the same bits for any order of arrival", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }).chain((count) =>
          fc.shuffledSubarray(
            Array.from({ length: count }, (_, i) => i),
            { minLength: count },
          ),
        ),
        (order) => {
          const inOrder = new MergeTree<Moments>();
          chunks(order.length).forEach((m, k) => {
            inOrder.push(k, m);
          });
          const shuffled = new MergeTree<Moments>();
          const values = chunks(order.length);
          for (const k of order) shuffled.push(k, values[k]!);
          expect(shuffled.finish()).toEqual(inOrder.finish());
        },
      ),
    );
  });

  test("holds few values where chunks come nearly in order", () => {
    const tree = new MergeTree<Moments>();
    const values = chunks(1024);
    for (let k = 0; k < 1024; k += 2) {
      tree.push(k + 1, values[k + 1]!);
      tree.push(k, values[k]!);
      expect(tree.held).toBeLessThanOrEqual(11);
    }
    expect(tree.finish()!.n).toBe(chunks(1024).reduce((n, m) => n + m.n, 0));
  });

  test("of nothing is nothing; holes and repeats are found", () => {
    expect(new MergeTree<Moments>().finish()).toBeUndefined();
    const hole = new MergeTree<Moments>();
    hole.push(1, Moments.empty(NAMES));
    expect(() => hole.finish()).toThrow("1 chunks came, the last of them number 1");
    expect(() => hole.push(1, Moments.empty(NAMES))).toThrow("came twice");
  });
});
