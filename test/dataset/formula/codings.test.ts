import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { codedTerms, sortLevels } from "../../../src/dataset/formula/coding.js";
import { contrastColumns } from "../../../src/dataset/formula/contrasts.js";
import { Design } from "../../../src/dataset/formula/design.js";
import { indicatorColumns } from "../../../src/dataset/formula/indicator-columns.js";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { withContrasts } from "../../../src/dataset/formula/with-contrasts.js";
import { BLOCK_ROWS } from "../../../src/kernels/block-rows.js";
import { combinationOf } from "../../../src/stats/combined-columns.js";
import { DenseScan } from "./dense-scan.js";
import { columnsOf, rawBlock, type Table } from "./table.js";

interface Case {
  formula: string;
  contrasts: Record<string, string> | null;
  rows: number[];
  terms: string[];
  assign: number[];
  names: string[];
  matrix: number[][];
}
const golden = JSON.parse(readFileSync(new URL("../../golden/codings.json", import.meta.url), "utf8")) as {
  r: string;
  data: Table;
  cases: Case[];
  poly: number[][][];
};

describe(`codings of ${golden.r}`, () => {
  for (const { formula, contrasts, ...expected } of golden.cases)
    test(`${formula}${contrasts === null ? "" : ` ${JSON.stringify(contrasts)}`}`, () => {
      const read = formulaSpec(formula, { columns: columnsOf(golden.data) });
      const spec = withContrasts(read, contrasts ?? {});
      expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
      expect(spec.terms.map((term) => term.label)).toEqual(expected.terms);
      const raw = rawBlock(golden.data, spec);
      const rows = golden.data.y!.length;
      const scan = new DenseScan(spec);
      const block = scan.fill(raw, 0, rows);
      expect([...block.kept.subarray(0, block.rows)].map((r) => r + 1)).toEqual(expected.rows);
      const levels = Object.fromEntries(
        spec.variables.flatMap((variable) =>
          variable.kind === "factor"
            ? [[variable.label, sortLevels(scan.levels.get(variable.label)!, variable.of)]]
            : [],
        ),
      );
      const terms = codedTerms(spec, levels);
      const coded = terms.flatMap((term, t) => term.columns.map((c) => ({ ...c, assign: t + 1 })));
      const skip = spec.intercept ? 1 : 0;
      expect(coded.map((c) => c.name)).toEqual(expected.names.slice(skip));
      expect(coded.map((c) => c.assign)).toEqual(expected.assign.slice(skip));
      const design = new Design(spec, terms, levels);
      design.fill(raw, 0, rows);
      const kept = expected.rows.map((r) => r - 1);
      // The scan's columns, of which those of the design are combinations.
      const column = (key: string) => {
        const at = block.columns.indexOf(key) * BLOCK_ROWS;
        return at < 0 ? new Array<number>(block.rows).fill(0) : block.values.subarray(at, at + block.rows);
      };
      coded.forEach((c, j) => {
        const values = kept.map((r) => design.values[j * BLOCK_ROWS + r]!);
        const wanted = expected.matrix[j + skip]!;
        // To the bit, but for the sign of 0: contr.poly, too, is made by the steps of R's QR.
        expect(
          values.map((value) => value + 0),
          c.name,
        ).toEqual(wanted.map((value) => value + 0));
        const parts = combinationOf(c.key) ?? [[c.key, 1] as const];
        wanted.forEach((value, r) => {
          const sum = parts.reduce((total, [key, weight]) => total + weight * column(key)[r]!, 0);
          expect(Math.abs(sum - value), `${c.key}, row ${r}`).toBeLessThanOrEqual(1e-14 * Math.abs(value));
        });
      });
      // Predictions by levels are those by columns.
      const weights = Float64Array.from({ length: coded.length + 1 }, (_, j) => Math.sin(j + 1));
      const out = new Float64Array(BLOCK_ROWS);
      design.addTo(out, weights, rows);
      for (const r of kept) {
        const sum = coded.reduce(
          (total, _, j) => total + weights[j + 1]! * design.values[j * BLOCK_ROWS + r]!,
          0,
        );
        // Sums of up to 60 products of size 10.
        expect(Math.abs(out[r]! - sum)).toBeLessThanOrEqual(1e-13 * (1 + Math.abs(sum)) * 10);
      }
      for (const term of terms) expect(indicatorColumns(term).shares.flat().length).toBeGreaterThan(0);
    });

  test("contr.poly of 2 to 17 levels, to the bit; of more R's powers are rounded otherwise", () => {
    golden.poly.forEach((matrix, i) => {
      const names = Array.from({ length: i + 2 }, (_, k) => String(k));
      const found = contrastColumns({ type: "poly" }, names, "g").map(({ values }) => values);
      if (names.length <= 17) expect(found).toEqual(matrix);
      // The powers of 22 scores have a condition number of 1e12 and more: what R and this round is seen at 1e-11.
      found.forEach((column, j) => {
        column.forEach((value, r) => {
          expect(Math.abs(value - matrix[j]![r]!)).toBeLessThan(1e-10);
        });
      });
    });
  });
});
