import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import { columnsSpec } from "../../src/dataset/formula/resolve.js";
import { readTables } from "../../src/sources/tables.js";
import { clustersInOnePass } from "../../src/training/cluster-moments.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { robustByRows } from "../../src/training/robust-rows.js";
import { inFolder } from "../cli/goml.js";
import { uniform } from "../uniform.js";

interface Rows {
  X: number[][];
  y: number[];
  w: number[];
  group: (string | number)[];
}

/** Rows of two columns, errors that share a part within each cluster; of some the weight is 0, others come together. */
function rows(seed: number, n: number, clusters: number, far: number, numbers: boolean): Rows {
  const next = uniform(seed);
  const shared = Array.from({ length: clusters }, () => next() - 0.5);
  const all: Rows = { X: [], y: [], w: [], group: [] };
  for (let i = 0; i < n; i++) {
    const g = Math.floor(clusters * next() ** 2);
    const [x, z] = [far + next() * 3, 10 * next() ** 3];
    all.X.push([x, z]);
    all.y.push(2 * (x - far) - z + shared[g]! + (1 + z) * (next() - 0.5));
    all.w.push(i % 11 === 3 ? 0 : 1 + (i % 3));
    all.group.push(numbers ? g / 2 : `g${g}`);
  }
  return all;
}

const csv = ({ X, y, w, group }: Rows) =>
  `x,z,w,g,y\n${X.map((row, i) => `${row.join()},${w[i]},${group[i]},${y[i]}\n`).join("")}`;

const CR1 = { type: "cluster", clusters: ["g"], ssc: undefined, df: undefined } as const;

const SECOND = "the data were read a second time for the cluster covariance";

describe("a clustered covariance in one pass", () => {
  test("is that of the rows, to 1e-12 of the meat", async () => {
    await inFolder({}, (folder) =>
      fc.assert(
        fc.asyncProperty(
          fc.integer(),
          fc.integer({ min: 2, max: 300 }),
          fc.constantFrom(0, 5, 1000),
          fc.boolean(),
          fc.boolean(),
          fc.boolean(),
          async (seed, clusters, far, weighted, intercept, numbers) => {
            // Some clusters have more rows than gather in a record, in which further ones go through blocks.
            const data = rows(seed, 900, clusters, far, numbers);
            const path = join(folder, "d.csv");
            writeFileSync(path, csv(data));
            const how = {
              features: ["x", "z"],
              intercept,
              weights: weighted ? "w" : undefined,
              solver: "normal" as const,
              folds: 3,
            };
            const { model, notes } = await fitCsv(path, { ...how, vcov: "cluster", cluster: "g" });
            expect(notes).not.toContain(SECOND);
            const plain = (await fitCsv(path, how)).model;
            expect(model.coefficients).toEqual(plain.coefficients);
            expect(model.moments.toJSON()).toEqual(plain.moments.toJSON());
            const used = weighted
              ? data.w.map((w, i) => (w > 0 ? i : -1)).filter((i) => i >= 0)
              : data.y.keys();
            const kept = [...used];
            const byRows = robustByRows(plain, CR1, {
              X: Float64Array.from(kept.flatMap((i) => data.X[i]!)),
              y: kept.map((i) => data.y[i]!),
              weights: weighted ? Float64Array.from(kept, (i) => data.w[i]!) : undefined,
              clusters: [kept.map((i) => data.group[i]!)],
            });
            if (model.vcov.type !== "cluster" || byRows.vcov.type !== "cluster")
              throw new Error("no clusters");
            expect(model.vcov.clusters).toBe(byRows.vcov.clusters);
            const expected = byRows.vcov.meat;
            const scale = Math.max(...expected.map(Math.abs));
            // Columns 1,000 standard deviations from zero cost three digits, of the residuals and of the moments alike.
            const tolerance = far === 1000 ? 1e-9 : 1e-12;
            model.vcov.meat.forEach((value, i) => {
              expect(Math.abs(value - expected[i]!)).toBeLessThan(tolerance * scale);
            });
          },
        ),
        { numRuns: 40 },
      ),
    );
  }, 60_000);

  test("is that of the rows in double-double, where columns nearly depend on each other", () =>
    inFolder({}, async (folder) => {
      for (const [seed, weighted] of [
        [1, false],
        [2, true],
      ] as const) {
        const data = rows(seed, 900, 25, 3, false);
        // z = 2x but for some 10⁻⁶: κ is about 10¹³, of which sums in double keep 3 digits.
        const near = data.X.map(([x, z]) => [x!, 2 * x! + 1e-6 * z!]);
        const path = join(folder, "d.csv");
        writeFileSync(path, csv({ ...data, X: near }));
        const how = {
          features: ["x", "z"],
          weights: weighted ? "w" : undefined,
          solver: "extended" as const,
        };
        const plain = (await fitCsv(path, how)).model;
        const used = data.y.map((_, i) => i).filter((i) => !weighted || data.w[i]! > 0);
        for (const type of ["cluster", "cr2"] as const) {
          const { model, notes } = await fitCsv(path, { ...how, vcov: type, cluster: "g" });
          expect(notes).not.toContain(SECOND.replace("the cluster", `the ${type}`));
          const byRows = robustByRows(
            plain,
            { ...CR1, type },
            {
              X: Float64Array.from(used.flatMap((i) => near[i]!)),
              y: used.map((i) => data.y[i]!),
              weights: weighted ? Float64Array.from(used, (i) => data.w[i]!) : undefined,
              clusters: [used.map((i) => data.group[i]!)],
            },
          );
          byRows.standardErrors.forEach((error, i) => {
            // A row's own coordinates lose √κ of a double's digits, so that this is what the rows tell.
            expect(Math.abs(model.standardErrors[i]! / error - 1)).toBeLessThan(1e-8);
          });
        }
      }
    }));

  test(
    "has the same bits for any number of threads, as does a formula's",
    () =>
      // 5 MB: past the 4 MiB below which no worker is started.
      inFolder({ "d.csv": csv(rows(3, 110_000, 5000, 2, false)) }, async (folder) => {
        for (const formula of ["y ~ x + z", "y ~ poly(x, 2, raw = TRUE) * z"]) {
          const fit = (threads: number) =>
            fitCsv(join(folder, "d.csv"), {
              formula,
              solver: "normal",
              vcov: "cluster",
              cluster: "g",
              threads,
            });
          const one = await fit(1);
          expect(one.notes).not.toContain(SECOND);
          for (const threads of [2, 3]) {
            const { model } = await fit(threads);
            expect(model.vcov).toEqual(one.model.vcov);
            expect(model.covariance).toEqual(one.model.covariance);
          }
          // In double-double, with sums of its own.
          const two = await fitCsv(join(folder, "d.csv"), {
            formula,
            solver: "extended",
            vcov: "cluster",
            cluster: "g",
          });
          expect(two.notes).not.toContain(SECOND);
          two.model.standardErrors.forEach((error, i) => {
            expect(Math.abs(one.model.standardErrors[i]! / error - 1)).toBeLessThan(1e-9);
          });
        }
      }),
    60_000,
  );

  test("is found in the same pass where the clusters are the levels of the one absorbed factor", () =>
    inFolder({ "d.csv": csv(rows(8, 60_000, 5000, 2, false)) }, async (folder) => {
      for (const weights of [undefined, "w"]) {
        const fit = (solver: "normal" | "extended", threads: number) =>
          fitCsv(join(folder, "d.csv"), {
            formula: "y ~ x + z | g",
            weights,
            solver,
            vcov: "cluster",
            cluster: "g",
            threads,
            dropSingletons: true,
          });
        const one = await fit("normal", 1);
        expect(one.notes).not.toContain(SECOND);
        expect((await fit("normal", 2)).model.vcov).toEqual(one.model.vcov);
        const rows = await fit("extended", 1);
        expect(rows.notes).not.toContain(SECOND);
        expect(one.model.dfInference).toBe(rows.model.dfInference);
        rows.model.standardErrors.forEach((error, i) => {
          // Sums of 60,000 rows in double.
          expect(Math.abs(one.model.standardErrors[i]! / error - 1)).toBeLessThan(1e-9);
        });
      }
    }));

  test("reads the rows twice for factors, and says which row is of no cluster", () =>
    inFolder({ "d.csv": csv(rows(5, 300, 20, 0, false)).replace(/,g3,/, ",,") }, async (folder) => {
      const path = join(folder, "d.csv");
      const fit = (formula: string) =>
        fitCsv(path, { formula, solver: "normal", vcov: "cluster", cluster: "g" });
      await expect(fit("y ~ x + z")).rejects.toThrow("this row of the fit has no group");
      writeFileSync(path, csv(rows(5, 300, 20, 0, false)));
      expect((await fit("y ~ x + C(w)")).notes).toContain(SECOND);
      expect((await fit("y ~ x")).notes).not.toContain(SECOND);
    }));

  test("keeps as many clusters as take 32 MB", async () => {
    await inFolder({ "d.csv": csv(rows(7, 200, 20, 0, false)) }, async (folder) => {
      const source = await openSource(join(folder, "d.csv"));
      try {
        const table = await readTables([source], {});
        const plan = (features: number) => ({
          spec: columnsSpec(
            "y",
            Array.from({ length: features }, (_, j) => ({ name: `c${j}`, kind: "numeric" as const })),
            {},
          ),
          extended: false,
          testSize: 0,
          folds: 10,
          seed: 1,
          firstRow: 0,
        });
        const most = (features: number) => clustersInOnePass(table, "g", plan(features), false)?.most;
        // (3 + 3 + 6) doubles a record.
        expect(most(2)).toBe(Math.floor(32e6 / 96));
        // 3,000 columns are 36 MB a cluster.
        expect(most(3000)).toBeUndefined();
        // As many in double-double, which takes twice the memory: where double turns out not to be enough, it is the same plan.
        expect(clustersInOnePass(table, "g", { ...plan(2), extended: true }, false)?.most).toBe(most(2));
      } finally {
        await source.close();
      }
    });
  });
});
