import fc from "fast-check";
import { expect, test } from "vitest";
import { fit } from "../../src/index.js";
import type { LinearModel } from "../../src/linear/model/model.js";
import { type GroupKind, GroupTable } from "../../src/stats/group-table.js";
import { LevelCodes } from "../../src/stats/level-codes.js";
import { Moments } from "../../src/stats/moments.js";
import { vcovOfClusters } from "../../src/training/cluster-moments.js";
import { uniform } from "../uniform.js";

const columns = ["x1", "x2", "y"];

interface Rows {
  X: number[][];
  y: number[];
  cluster: number[];
}

function rows(seed: number, n: number, clusters: number): Rows {
  const next = uniform(seed);
  const all: Rows = { X: [], y: [], cluster: [] };
  const shared = Array.from({ length: clusters }, () => next() - 0.5);
  for (let i = 0; i < n; i++) {
    const g = Math.floor(clusters * next() ** 2);
    const x = [5 + next(), next() ** 3];
    all.X.push(x);
    all.y.push(2 * x[0]! - x[1]! + shared[g]! + (1 + x[1]!) * (next() - 0.5));
    all.cluster.push(g);
  }
  return all;
}

/** The moments of clusters, of rows from one to another; all tables number clusters alike. */
function tableOf(data: Rows, groups: LevelCodes, from: number, to: number): GroupTable {
  const kind: GroupKind = { columns, folds: 1, extended: false, weighted: false };
  const made = new GroupTable(kind, groups);
  for (const g of new Set(data.cluster.slice(from, to))) {
    const values: number[] = [];
    for (let i = from; i < to; i++) if (data.cluster[i] === g) values.push(...data.X[i]!, data.y[i]!);
    made.add(groups.code(`g${g}`), 0, Moments.fromRows(columns, Float64Array.from(values)));
  }
  return made;
}

function sameMeat(found: LinearModel, expected: LinearModel, unit: number): void {
  if (found.vcov.type !== "cluster" || expected.vcov.type !== "cluster") throw new Error("not clustered");
  expect(found.vcov.clusters).toBe(expected.vcov.clusters);
  const { meat } = expected.vcov;
  const scale = Math.max(...meat.map(Math.abs));
  found.vcov.meat.forEach((value, i) => {
    expect(Math.abs(value - meat[i]!)).toBeLessThan(unit * scale);
  });
}

const CR1 = { type: "cluster", clusters: ["clusters"], ssc: undefined, df: undefined } as const;

test("clusters' moments merge as groups' do, and taking a part out undoes it", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 2, max: 40 }),
      fc.integer({ min: 30, max: 300 }),
      (seed, clusters, n) => {
        const data = rows(seed, n, clusters);
        const [first, second] = [Math.floor(n / 3), Math.floor(n / 2)];
        const groups = new LevelCodes(Array.from({ length: clusters }, (_, g) => `g${g}`));
        const part = (from: number, to: number) => tableOf(data, groups, from, to);
        const [a, b, c] = [() => part(0, first), () => part(first, second), () => part(second, n)];
        const model = fit(data.X, data.y);
        const clustered = (table: GroupTable) => vcovOfClusters(model, CR1, table);
        // From the rows: another way of summing the same scores.
        const byRows = fit(data.X, data.y, { vcov: "cluster", clusters: data.cluster });
        // Some hundred roundings, of columns five deviations from zero.
        const unit = 1e-11;
        const left = a().absorb(b()).absorb(c());
        sameMeat(clustered(left), byRows, unit);
        sameMeat(clustered(a().absorb(b().absorb(c()))), byRows, unit);
        sameMeat(clustered(c().absorb(b()).absorb(a())), byRows, unit);
        // What is left is clusters' sums of the rows of a and b, under the coefficients of all rows.
        const back = new GroupTable(left.kind, groups, left.cells.subtract(c().cells));
        sameMeat(clustered(back), clustered(a().absorb(b())), 100 * unit);
        for (let cell = 0; cell < back.cells.count; cell++) expect(back.cells.rows(cell)).toBeGreaterThan(0);
      },
    ),
    { numRuns: process.env.GOML_LONG ? 2000 : 100 },
  );
});
