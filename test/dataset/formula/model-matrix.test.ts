import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { codedTerms, type FactorLevels, sortLevels } from "../../../src/dataset/formula/coding.js";
import { Design } from "../../../src/dataset/formula/design.js";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import type { ModelSpec } from "../../../src/dataset/formula/spec.js";
import { BLOCK_ROWS } from "../../../src/kernels/block-rows.js";
import { DenseScan } from "./dense-scan.js";
import { columnsOf, rawBlock, type Table } from "./table.js";

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
const golden = JSON.parse(
  readFileSync(new URL("../../golden/model-matrix.json", import.meta.url), "utf8"),
) as { r: string; data: Record<string, Table>; cases: Case[] };

function levelsOf(spec: ModelSpec, scan: DenseScan): FactorLevels {
  return Object.fromEntries(
    spec.variables.flatMap((variable) =>
      variable.kind === "factor"
        ? [[variable.label, sortLevels(scan.levels.get(variable.label)!, variable.of)]]
        : [],
    ),
  );
}

/** R and goml round a transformed value once each, R's x^3 and logarithms by the C library: a few last bits. */
function expectClose(found: number[], expected: number[], name: string): void {
  expect(found.length, name).toBe(expected.length);
  expected.forEach((value, r) => {
    expect(Math.abs(found[r]! - value), `${name}, row ${r}`).toBeLessThanOrEqual(1e-14 * Math.abs(value));
  });
}

describe(`model.matrix of ${golden.r}`, () => {
  for (const { formula, data, ...expected } of golden.cases)
    test(`${formula}, ${data}`, () => {
      const table = golden.data[data]!;
      const spec = formulaSpec(formula, { columns: columnsOf(table) });
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
