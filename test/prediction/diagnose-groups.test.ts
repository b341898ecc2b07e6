import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  diagnoseCsv,
  diagnoseGroupCsv,
  diagnoseGroupsCsv,
  fitGroupsCsv,
  ModelGroup,
} from "../../src/index.js";
import { goml, inFolder } from "../cli/goml.js";
import { uniform } from "../uniform.js";

const GROUPS = ["a", 'b "q" \\ c', "ü", "tiny"];

/** Rows of three groups, a fourth of one row that has no model; some cells missing; three rows far off. */
function csv(count: number, seed: number): string {
  const next = uniform(seed);
  const lines = Array.from({ length: count }, (_, i) => {
    const g = i === 5 ? 3 : Math.floor(3 * next());
    const x = 10 * next();
    const y = g * x + "pq".indexOf("pq"[i % 2]!) + next() + (i >= 40 && i < 43 ? 30 : 0);
    return `${i % 51 === 7 ? "NA" : x},${"pq"[i % 2]},"${GROUPS[g]!.replaceAll('"', '""')}",${1 + (i % 3)},${y}`;
  });
  return `${["x,f,g,w,y", ...lines].join("\n")}\n`;
}

const cells = (path: string) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));

describe("diagnosis by group", () => {
  test.each([
    { formula: "y ~ x", weights: undefined },
    { formula: "y ~ x * f", weights: "w" },
  ])("measures each row as its group's own model does: $formula", (options) =>
    inFolder({ "d.csv": csv(600, 3) }, async (folder) => {
      const data = join(folder, "d.csv");
      const { models } = await fitGroupsCsv(data, { ...options, groupBy: "g" });
      const read = ModelGroup.fromJSON(JSON.parse(JSON.stringify(models)));
      const output = join(folder, "rows.csv");
      const found = await diagnoseGroupsCsv(read, data, { output, unseen: "na" });
      const rows = cells(output);
      const groups = readFileSync(data, "utf8").trim().split("\n").slice(1);
      let flagged = 0;
      for (const [group, model] of models.models) {
        const alone = join(folder, "alone.csv");
        await diagnoseCsv(model, data, { output: alone });
        const quoted = `"${group.replaceAll('"', '""')}"`;
        cells(alone).forEach((row, r) => {
          if (groups[r]!.includes(`,${quoted},`)) expect(rows[r]).toEqual(row);
        });
        // The same, and what it says of the residuals, from the group's rows alone.
        const one = await diagnoseGroupCsv(read, group, data);
        const own = found.groups.get(group)!;
        expect(own).toMatchObject({
          n: one.n,
          standOut: one.counts.any,
          durbinWatson: one.durbinWatson,
          jarqueBera: one.jarqueBera,
        });
        expect(one.ofFit).toBe(true);
        expect(one.breuschPagan).toBeDefined();
        flagged += one.counts.any;
      }
      expect(found.counts.any).toBe(flagged);
      expect(found.standOut[0]!.line).toBe(found.standOut[0]!.row + 1);
      expect(rows.filter((row) => row.includes("NA")).length).toBe(600 - found.n);
      expect([41, 42, 43]).toContain(found.outlier!.row.row);
    }),
  );

  test("is the same with any number of threads", () =>
    inFolder({ "d.csv": csv(150_000, 5) }, async (folder) => {
      const data = join(folder, "d.csv");
      const { models } = await fitGroupsCsv(data, { formula: "y ~ x", groupBy: "g", folds: 1 });
      const one = await diagnoseGroupsCsv(models, data, { unseen: "na", threads: 1 });
      expect(one.groups.size).toBe(3);
      for (const threads of [2, 3])
        expect(await diagnoseGroupsCsv(models, data, { unseen: "na", threads })).toEqual(one);
    }));

  test("goml diagnose prints it, for all groups and for one", () =>
    inFolder({ "d.csv": csv(300, 7) }, async (folder) => {
      const train = ["train", "d.csv", "--formula", "y ~ x", "--group-by", "g", "--test-size", "0.2", "-q"];
      await goml(folder, train);
      const all = await goml(folder, ["diagnose", "d.csv", "--unseen", "na"]);
      expect(all).toMatchObject({ code: 0, stderr: "" });
      expect(all.stdout).toMatch(
        /^Studentised residuals of y by g, \d+ of 300 rows, \d+ held out from the fit$/m,
      );
      expect(all.stdout).toMatch(/^ü +\d+ +\S+ +\d+ +\S+ +\S+ +\S+$/m);
      const document = JSON.parse(
        (await goml(folder, ["diagnose", "d.csv", "--unseen", "na", "--json"])).stdout,
      );
      expect(document.groups).toHaveLength(3);
      const one = await goml(folder, ["diagnose", "d.csv", "--group", GROUPS[1]!, "--json"]);
      expect(JSON.parse(one.stdout)).toMatchObject({ model: { group: GROUPS[1] }, ofFit: true });
      const none = await goml(folder, ["diagnose", "d.csv", "--group", "tiny"]);
      expect(none).toMatchObject({ code: 2 });
      expect(none.stderr).toContain("has no model for tiny");
      // A group without a model is an error where it is not to be passed over.
      expect((await goml(folder, ["diagnose", "d.csv"])).code).toBe(3);
      writeFileSync(join(folder, "empty.csv"), "x,f,g,w,y\nNA,p,a,1,2\n");
      expect((await goml(folder, ["diagnose", "empty.csv"])).stderr).toContain("no row");
    }));
});
