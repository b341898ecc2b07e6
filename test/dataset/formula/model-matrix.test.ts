import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { codedTerms, type FactorLevels, sortLevels } from "../../../src/dataset/formula/coding.js";
import type { ColumnSummary, SummaryRequest } from "../../../src/dataset/formula/column-summary.js";
import { Design } from "../../../src/dataset/formula/design.js";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import type { ModelSpec } from "../../../src/dataset/formula/spec.js";
import { VariableBlock } from "../../../src/dataset/formula/variables.js";
import { BLOCK_ROWS } from "../../../src/kernels/block-rows.js";
import { PowerSums } from "../../../src/stats/power-sums.js";
import { specOf } from "../../../src/training/summary-job.js";
import { DenseScan } from "./dense-scan.js";
import { columnsOf, rawBlock, type Table } from "./table.js";

/**
 * Bases of polynomials and splines, and what is centred: their values are sums of terms that cancel, rounded in other places by
 * R (recurrences, QR), so that errors are in proportion to a column's largest value.
 */
const BASIS = /(?:poly\((?!.*raw)|ns\(|bs\(|scale\()/;

interface Case {
  formula: string;
  data: string;
  target: number[];
  rows: number[];
  terms: string[];
  assign: number[];
  names: string[];
  matrix: number[][];
}
const goldens = ["model-matrix", "bases"].map(
  (name) =>
    JSON.parse(readFileSync(new URL(`../../golden/${name}.json`, import.meta.url), "utf8")) as {
      r: string;
      data: Record<string, Table>;
      cases: Case[];
    },
);

function levelsOf(spec: ModelSpec, scan: DenseScan): FactorLevels {
  return Object.fromEntries(
    spec.variables.flatMap((variable) =>
      variable.kind === "factor"
        ? [[variable.label, sortLevels(scan.levels.get(variable.label)!, variable.of)]]
        : [],
    ),
  );
}

/** What terms that depend on the data ask of a table. */
function summariesOf(table: Table) {
  return {
    find({ expression, powers }: SummaryRequest): ColumnSummary {
      const spec = specOf([expression]);
      const block = new VariableBlock(spec, { extended: false, target: false });
      const rows = table.y!.length;
      block.load(rawBlock(table, spec), 0, rows);
      const values = block.values[0]![0]!.hi.slice(0, rows).filter(Number.isFinite).sort();
      const sums = new PowerSums(powers);
      for (const value of values) sums.add(value);
      return { sums, values };
    },
  };
}

/** R and goml round a transformed value once each, R's x^3 and logarithms by the C library: a few last bits. */
function expectClose(found: number[], expected: number[], name: string): void {
  const scale = BASIS.test(name) ? 1e-11 * Math.max(...expected.map(Math.abs)) : 0;
  expect(found.length, name).toBe(expected.length);
  expected.forEach((value, r) => {
    expect(Math.abs(found[r]! - value), `${name}, row ${r}`).toBeLessThanOrEqual(
      Math.max(1e-14 * Math.abs(value), scale),
    );
  });
}

describe.each(goldens)("model.matrix of $r", (golden) => {
  for (const { formula, data, ...expected } of golden.cases)
    test(`${formula}, ${data}`, () => {
      const table = golden.data[data]!;
      const spec = formulaSpec(formula, { columns: columnsOf(table), data: summariesOf(table) });
      expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
      expect(spec.terms.map((term) => term.label)).toEqual(expected.terms);
      expect(spec.intercept).toBe(expected.names[0] === "(Intercept)");

      const raw = rawBlock(table, spec);
      const rows = table.y!.length;
      const skip = spec.intercept ? 1 : 0;
      for (const extended of [false, true]) {
        const scan = new DenseScan(spec, { extended });
        const block = scan.fill(raw, 0, rows);
        expect([...block.kept.subarray(0, block.rows)].map((r) => r + 1)).toEqual(expected.rows);
        expect(new Set(block.columns).size).toBe(block.columns.length);
        const column = (key: string) => {
          const at = block.columns.indexOf(key) * BLOCK_ROWS;
          return at < 0 ? new Array(block.rows).fill(0) : [...block.values.subarray(at, at + block.rows)];
        };
        const levels = levelsOf(spec, scan);
        const terms = codedTerms(spec, levels);
        const coded = terms.flatMap((term, t) => term.columns.map((c) => ({ ...c, assign: t + 1 })));
        expect(coded.map((c) => c.name)).toEqual(expected.names.slice(skip));
        expect(coded.map((c) => c.assign)).toEqual(expected.assign.slice(skip));
        expectClose(column(block.columns[0]!), expected.target, "the target");
        coded.forEach((c, j) => {
          expectClose(column(c.key), expected.matrix[j + skip]!, c.name);
        });

        const design = new Design(spec, terms, levels, { extended, target: true });
        design.fill(raw, 0, rows);
        const kept = expected.rows.map((r) => r - 1);
        expectClose(
          kept.map((r) => design.target[r]!),
          expected.target,
          "the target",
        );
        coded.forEach((c, j) => {
          const found = kept.map((r) => design.values[j * BLOCK_ROWS + r]!);
          expectClose(found, expected.matrix[j + skip]!, c.name);
        });
      }
    });
});
