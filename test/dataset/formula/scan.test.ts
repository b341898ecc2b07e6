import { describe, expect, test } from "vitest";
import { codedTerms, sortLevels } from "../../../src/dataset/formula/coding.js";
import { Design } from "../../../src/dataset/formula/design.js";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { FormulaScan } from "../../../src/dataset/formula/scan.js";
import { undefinedCount } from "../../../src/dataset/formula/undefined-rows.js";
import { BLOCK_ROWS } from "../../../src/kernels/block-rows.js";
import { Rational } from "../../stats/rational.js";
import { sparseMoments } from "../../stats/sparse.js";
import { columnsOf, rawBlock, type Table } from "./table.js";

const numbers = (table: Table) => columnsOf(table);

describe("the scan", () => {
  test("keeps what weights and missing cells leave", () => {
    const table: Table = { y: [1, null, 3, 4], x: [1, 2, 3, -1] };
    const spec = formulaSpec("y ~ log(x)", { columns: numbers(table) });
    const scan = new FormulaScan(spec);
    const raw = { ...rawBlock(table, spec), weights: Float64Array.of(1, 2, 3, 4) };
    const block = scan.fill(raw, 0, 4);
    expect([...block.kept.subarray(0, block.rows)]).toEqual([0, 2]);
    expect([...block.weights!.subarray(0, block.rows)]).toEqual([1, 3]);
    expect([scan.dropped, undefinedCount(scan.undefinedRows)]).toEqual([2, 1]);
    raw.weights[0] = Number.NaN;
    expect(scan.fill(raw, 0, 1).rows).toBe(0);
  });

  test("leaves out rows where an expression has no finite value, and tells which, where and of what", () => {
    const table: Table = { y: [1, 2, 0, 3, 5], x: [3, 0, 1, -1, null], z: [1, 1, 1, 1, 1] };
    const spec = formulaSpec("log(y) ~ log(x + z - 1)", { columns: numbers(table) });
    const raw = { ...rawBlock(table, spec), firstRow: 100 };
    const scan = new FormulaScan(spec);
    expect(scan.fill(raw, 0, 5).rows).toBe(1);
    expect(scan.dropped).toBe(4);
    const first = { x: 0, z: 1 };
    expect(scan.undefinedRows).toEqual([
      { label: "log(x + z - 1)", rows: 2, first: 101, values: Object.entries(first) },
      { label: "log(y)", rows: 1, first: 102, values: [["y", 0]] },
    ]);
  });

  test("gives numbers as columns and factors as codes, whose names grow", () => {
    const table: Table = { y: [1, 2, 3, 4], s: ["b", "a", "b", "c"], x: [1, 2, 3, 4], k: [7, 7, 5, 7] };
    const spec = formulaSpec("y ~ s + s:x + factor(k)", { columns: numbers(table) });
    const scan = new FormulaScan(spec);
    expect(scan.shape.numbers).toEqual(["y", "x"]);
    expect(scan.shape.factors).toEqual(["s", "factor(k)"]);
    const raw = rawBlock(table, spec);
    scan.fill(raw, 0, 1);
    expect(scan.levels(1)).toEqual(["7"]);
    const block = scan.fill(raw, 1, 3);
    const codes = (f: number) => [...block.codes.subarray(f * BLOCK_ROWS, f * BLOCK_ROWS + 3)];
    expect(codes(0).map((code) => scan.levels(0)[code])).toEqual(["a", "b", "c"]);
    expect(codes(1).map((code) => scan.levels(1)[code])).toEqual(["7", "5", "7"]);
    expect([...block.values.subarray(BLOCK_ROWS, BLOCK_ROWS + 3)]).toEqual([2, 3, 4]);
  });

  test("forms powers and products of columns to about 106 bits", () => {
    const x = [0.1, 1 / 3, -2.7, 123456.789];
    const z = [7.3, 0.7, 1e-3, -9.87];
    const table: Table = { y: [1, 2, 3, 4], x, z };
    const formula = "y ~ I(x^2) + poly(x, 5, raw = TRUE) + x:z + I((x + z)^3 - x * z) + I(x / z) + I(-x^2)";
    const spec = formulaSpec(formula, { columns: numbers(table) });
    const scan = new FormulaScan(spec, { extended: true });
    const block = scan.fill(rawBlock(table, spec), 0, 4);
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
        const at = scan.shape.numbers.indexOf(key) * BLOCK_ROWS + r;
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
      const scan = new FormulaScan(spec, { extended });
      const { values } = scan.fill(rawBlock(table, spec), 0, 2);
      for (const key of ["poly(x, 3, raw = TRUE)[3]", "I(x^3)", "I(x^2 * x)"])
        expect(values[scan.shape.numbers.indexOf(key) * BLOCK_ROWS]! / 1e300).toBeCloseTo(1, 14);
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
    const [, , both] = codedTerms(crossed, { s: ["a", "b"], t: ["u", "v"] });
    expect(both!.columns).toEqual([{ name: "sb:tv", key: "s[b]:t[v]", parts: ["b", "v"] }]);
    expect(sparseMoments(crossed, sparse).columns).not.toContain("s[b]:t[v]");
  });
});
