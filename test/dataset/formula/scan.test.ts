import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codedTerms, sortLevels } from "../../../src/dataset/formula/coding.js";
import { Design } from "../../../src/dataset/formula/design.js";
import { columnsSpec, formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { FormulaScan } from "../../../src/dataset/formula/scan.js";
import type { ModelSpec } from "../../../src/dataset/formula/spec.js";
import { BLOCK_ROWS } from "../../../src/kernels/block-rows.js";
import { Moments } from "../../../src/stats/moments.js";
import { Rational } from "../../stats/rational.js";
import { columnsOf, rawBlock, type Table } from "./table.js";

const numbers = (table: Table) => columnsOf(table);

/** The moments of rows [from, to) of a table, by a scan of its own in blocks of `size` rows. */
function scanMoments(spec: ModelSpec, table: Table, from: number, to: number, size: number): Moments {
  const scan = new FormulaScan(spec);
  const raw = rawBlock(table, spec);
  const moments = Moments.empty([...scan.columns]);
  for (let start = from; start < to; start += size) {
    const block = scan.fill(raw, start, Math.min(size, to - start));
    moments.widen(block.columns.slice(moments.columns.length));
    moments.updateBlock(block.values, block.rows, BLOCK_ROWS, block.weights);
  }
  return moments;
}

describe("the scan", () => {
  test("appends a column when a level appears, and forgets on reset", () => {
    const table: Table = { y: [1, 2, 3, 4], s: ["b", "a", "b", "c"], x: [1, 2, 3, 4] };
    const spec = formulaSpec("y ~ s + s:x", { columns: numbers(table) });
    const scan = new FormulaScan(spec);
    const raw = rawBlock(table, spec);
    expect(scan.fill(raw, 0, 1).columns).toEqual(["y", "s[b]", "s[b]:x"]);
    const block = scan.fill(raw, 1, 3);
    expect(block.columns).toEqual(["y", "s[b]", "s[b]:x", "s[a]", "s[c]", "s[a]:x", "s[c]:x"]);
    const column = (j: number) => [...block.values.subarray(j * BLOCK_ROWS, j * BLOCK_ROWS + 3)];
    expect(column(3)).toEqual([1, 0, 0]);
    expect(column(2)).toEqual([0, 3, 0]);
    expect(column(6)).toEqual([0, 0, 4]);
    scan.reset();
    expect(scan.fill(raw, 3, 1).columns).toEqual(["y", "s[c]", "s[c]:x"]);
    expect([...scan.levels.get("s")!]).toEqual(["b", "a", "c"]);
  });

  test("gives the same moments however the rows are cut and whoever meets a level first", () => {
    const row = fc.tuple(
      fc.integer({ min: -9, max: 9 }),
      fc.constantFrom("a", "b", "c", null),
      fc.constantFrom(4, 6, 8),
    );
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 2, maxLength: 40 }),
        fc.nat(),
        fc.integer({ min: 1, max: 40 }),
        (rows, at, size) => {
          const table: Table = {
            y: rows.map(([x, s]) => x * 2 + (s === "a" ? 1 : 0)),
            x: rows.map(([x]) => x),
            s: rows.map(([, s]) => s),
            k: rows.map(([, , k]) => k),
          };
          const kinds = columnsOf({ ...table, s: ["a"] });
          const spec = formulaSpec("y ~ x * s + factor(k):s", { columns: kinds });
          const cut = at % rows.length;
          const whole = scanMoments(spec, table, 0, rows.length, 128);
          const merged = scanMoments(spec, table, cut, rows.length, size).merge(
            scanMoments(spec, table, 0, cut, size),
          );
          expect(new Set(merged.columns)).toEqual(new Set(whole.columns));
          expect(merged.n).toBe(whole.n);
          const order = whole.columns.map((key) => merged.columns.indexOf(key));
          const sorted = merged.select(order);
          // Values are small integers, at most 40 of them: a few roundings of the means.
          whole.c.forEach((value, k) => {
            expect(Math.abs(sorted.c[k]! - value)).toBeLessThan(1e-10);
          });
          whole.mean.forEach((value, k) => {
            expect(Math.abs(sorted.mean[k]! - value)).toBeLessThan(1e-13);
          });
        },
      ),
    );
  });

  test("keeps what weights and missing cells leave", () => {
    const table: Table = { y: [1, null, 3, 4], x: [1, 2, 3, -1] };
    const spec = formulaSpec("y ~ log(x)", { columns: numbers(table) });
    const scan = new FormulaScan(spec);
    const raw = { ...rawBlock(table, spec), weights: Float64Array.of(1, 2, 3, 4) };
    const block = scan.fill(raw, 0, 4);
    expect([...block.kept.subarray(0, block.rows)]).toEqual([0, 2]);
    expect([...block.weights!.subarray(0, block.rows)]).toEqual([1, 3]);
    expect([scan.dropped, scan.undefinedRows]).toEqual([2, 1]);
    raw.weights[0] = Number.NaN;
    expect(scan.fill(raw, 0, 1).rows).toBe(0);
  });

  test("names the row and the expression that is infinite", () => {
    const table: Table = { y: [1, 2], x: [3, 0] };
    const spec = formulaSpec("y ~ log(x)", { columns: numbers(table) });
    const raw = { ...rawBlock(table, spec), firstRow: 100 };
    expect(() => new FormulaScan(spec).fill(raw, 0, 2)).toThrow("log(x) is infinite in row 102");
  });

  test("keys of different columns differ, also for names made to collide", () => {
    const table: Table = { y: [1, 2], "s[a]": [1, 2], s: ["a", "b]:t[c"], t: ["b", "c"], "s:t": [1, 2] };
    const spec = columnsSpec("y", ["s[a]", "s", "t", "s:t"], { columns: columnsOf(table) });
    const block = new FormulaScan(spec).fill(rawBlock(table, spec), 0, 2);
    expect(block.columns).toEqual(["y", "`s[a]`", "`s:t`", "s[a]", "s[b\\]:t[c]", "t[b]", "t[c]"]);
    expect(spec.terms.map((term) => term.label)).toEqual(["s[a]", "s", "t", "s:t"]);
  });

  test("forms powers and products of columns to about 106 bits", () => {
    const x = [0.1, 1 / 3, -2.7, 123456.789];
    const z = [7.3, 0.7, 1e-3, -9.87];
    const table: Table = { y: [1, 2, 3, 4], x, z };
    const formula = "y ~ I(x^2) + poly(x, 5, raw = TRUE) + x:z + I((x + z)^3 - x * z) + I(x / z) + I(-x^2)";
    const spec = formulaSpec(formula, { columns: numbers(table) });
    const block = new FormulaScan(spec, { extended: true }).fill(rawBlock(table, spec), 0, 4);
    const power = (r: Rational, k: number): Rational => (k === 1 ? r : r.mul(power(r, k - 1)));
    const zero = new Rational(0n);
    const exact: [string, (x: Rational, z: Rational) => Rational][] = [
      ["I(x^2)", (a) => power(a, 2)],
      ["poly(x, 5, raw = TRUE)[5]", (a) => power(a, 5)],
      ["poly(x, 5, raw = TRUE)[2]", (a) => power(a, 2)],
      ["x:z", (a, b) => a.mul(b)],
      ["I((x + z)^3 - x * z)", (a, b) => power(a.add(b), 3).sub(a.mul(b))],
      ["I(x/z)", (a, b) => a.div(b)],
      ["I(-x^2)", (a) => zero.sub(power(a, 2))],
    ];
    for (const [key, f] of exact)
      for (let r = 0; r < 4; r++) {
        const at = block.columns.indexOf(key) * BLOCK_ROWS + r;
        const found = Rational.from(block.values[at]!).add(Rational.from(block.low![at]!));
        const truth = f(Rational.from(x[r]!), Rational.from(z[r]!));
        const error = found.sub(truth);
        // A handful of double-double operations of about 1e-31 each.
        expect(error.isZero() ? 0 : error.over(truth), key).toBeLessThan(1e-29);
      }
  });

  test("stays double arithmetic where the error term of a product would overflow", () => {
    const table: Table = { y: [1, 2], x: [1e100, 1e101] };
    const spec = formulaSpec("y ~ poly(x, 3, raw = TRUE) + I(x^3) + I(x^2 * x)", { columns: numbers(table) });
    for (const extended of [false, true]) {
      const { values, columns } = new FormulaScan(spec, { extended }).fill(rawBlock(table, spec), 0, 2);
      for (const key of ["poly(x, 3, raw = TRUE)[3]", "I(x^3)", "I(x^2 * x)"])
        expect(values[columns.indexOf(key) * BLOCK_ROWS]! / 1e300).toBeCloseTo(1, 14);
    }
  });
});

describe("the coding", () => {
  const table: Table = { y: [1, 2, 3], s: ["b", "a", "c"], k: [10, 9, 100] };
  const spec = formulaSpec("y ~ s + factor(k)", { columns: numbers(table) });
  const levels = {
    s: sortLevels(["b", "a", "c"], "text"),
    "factor(k)": sortLevels(["10", "9", "100"], "numbers"),
  };

  test("takes the first level, or the one named, as reference", () => {
    const names = (references?: Record<string, string>) =>
      codedTerms(spec, levels, references).flatMap((term) => term.columns.map((column) => column.name));
    expect(names()).toEqual(["sb", "sc", "factor(k)10", "factor(k)100"]);
    expect(names({ s: "b", k: "100" })).toEqual(["sa", "sc", "factor(k)9", "factor(k)10"]);
    expect(names({ "factor(k)": "10" })).toEqual(["sb", "sc", "factor(k)9", "factor(k)100"]);
    expect(() => names({ s: "z" })).toThrow("s has no level z, which is to be its reference");
    expect(() => names({ y: "1" })).toThrow("`references` names y: the model has no such factor");
  });

  test("sorts texts by code points and numbers by size", () => {
    expect(sortLevels(["b", "B", "a", "é", "\u{1f600}", "\uff21", "ab"], "text")).toEqual([
      "B",
      "a",
      "ab",
      "b",
      "é",
      "\uff21",
      "\u{1f600}",
    ]);
    expect(sortLevels(["1e3", "-2", "10", "9.5"], "numbers")).toEqual(["-2", "9.5", "10", "1e3"]);
  });

  test("a prediction's rows with unseen levels or missing cells are named, not guessed", () => {
    const terms = codedTerms(spec, levels);
    const design = new Design(spec, terms, levels);
    const fresh: Table = { y: [0, 0, 0], s: ["c", "z", null], k: [9, 10, 9] };
    design.fill(rawBlock(fresh, spec), 0, 3);
    expect([...design.missing.subarray(0, 3)]).toEqual([0, 1, 1]);
    expect(design.unseen).toEqual([{ factor: "s", level: "z", row: 1 }]);
    expect([0, 1, 2, 3].map((j) => design.values[j * BLOCK_ROWS])).toEqual([0, 1, 0, 0]);
    expect(design.values[1]).toBeNaN();
  });

  test("a combination of levels that never occurs is a column of the model still", () => {
    const sparse: Table = { y: [1, 2, 3], s: ["a", "b", "a"], t: ["u", "u", "v"] };
    const crossed = formulaSpec("y ~ s * t", { columns: columnsOf(sparse) });
    const scan = new FormulaScan(crossed);
    const block = scan.fill(rawBlock(sparse, crossed), 0, 3);
    const [, , both] = codedTerms(crossed, { s: ["a", "b"], t: ["u", "v"] });
    expect(both!.columns).toEqual([{ name: "sb:tv", key: "s[b]:t[v]", parts: ["b", "v"] }]);
    expect(block.columns).not.toContain("s[b]:t[v]");
  });
});
