import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { isHeldOut } from "../../src/scan/row-draw.js";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { goml, inFolder } from "../cli/goml.js";

/** Rows of about 70 bytes whose errors grow with x and share a part within each of `groups` groups. */
function csv(rows: number, groups: number): string {
  const lines = ["y,x,z,group,w"];
  for (let i = 0; i < rows; i++) {
    const x = 5 + 3 * Math.sin(i * 12.9898);
    const group = (i * 7919) % groups;
    const noise = x * Math.cos(i * 78.233) + Math.sin(group * 3.1);
    const z = ((i * 31) % 17) / 16;
    lines.push(`${1 + 2 * x - z + noise},${x},${z},g${group},${1 + (i % 4)}`);
  }
  return `${lines.join("\n")}\n`;
}

const TABLE = csv(60, 7);
/** The same rows in four groups of another kind. */
const EVEN = TABLE.trim()
  .split("\n")
  .map((line, i) => `${line},${i === 0 ? "even" : (i - 1) % 4}\n`)
  .join("");

describe("the second pass", () => {
  test("gives the same bits for any number of threads", () =>
    // 5 MB: past the 4 MiB below which no worker is started.
    inFolder({ "data.csv": csv(72_000, 50) }, async (folder) => {
      const path = join(folder, "data.csv");
      for (const [vcov, cluster] of [
        ["hc5"],
        ["cluster", "group"],
        ["cr2", "group"],
        ["cluster", ["group", "z"]],
      ] as const) {
        const fit = async (threads: number) =>
          (await fitCsv(path, { formula: "y ~ x * z", vcov, cluster, weights: "w", threads })).model;
        const [one, two] = [await fit(1), await fit(2)];
        expect(two.covariance).toEqual(one.covariance);
        expect(two.vcov).toEqual(one.vcov);
      }
    }));

  test("leaves held-out rows out", () => {
    const [header, ...lines] = TABLE.trim().split("\n");
    const kept = lines.filter((_, row) => !isHeldOut(row, 1, 0.3));
    return inFolder({ "all.csv": TABLE, "kept.csv": [header, ...kept].join("\n") }, async (folder) => {
      for (const vcov of ["hc1", "hc3"] as const) {
        const options = { formula: "y ~ x + z", vcov };
        const held = await fitCsv(join(folder, "all.csv"), { ...options, testSize: 0.3 });
        const alone = await fitCsv(join(folder, "kept.csv"), options);
        expect(held.model.n).toBe(kept.length);
        // Other blocks, other rounding: a few units in the last of sixteen digits.
        held.model.standardErrors.forEach((error, i) => {
          expect(Math.abs(error / alone.model.standardErrors[i]! - 1)).toBeLessThan(1e-13);
        });
      }
    });
  });

  test("is the same for rows in memory", () =>
    inFolder({ "data.csv": TABLE, "even.csv": EVEN }, async (folder) => {
      const rows = TABLE.trim()
        .split("\n")
        .slice(1)
        .map((line) => line.split(","));
      const X = rows.map(([, x, z]) => [Number(x), Number(z)]);
      const y = rows.map(([value]) => Number(value));
      const clusters = rows.map((row) => row[3]!);
      const weights = Float64Array.from(rows, (row) => Number(row[4]));
      for (const vcov of ["hc0", "hc1", "hc2", "hc3", "hc4", "hc4m", "hc5", "cluster"] as const) {
        const cluster = vcov === "cluster" ? "group" : undefined;
        const options = { formula: "y ~ x + z", weights: "w", vcov, cluster };
        const { model } = await fitCsv(join(folder, "data.csv"), options);
        const own = fit(X, y, { vcov, weights, ...(cluster === undefined ? {} : { clusters }) });
        own.standardErrors.forEach((error, i) => {
          expect(Math.abs(error / model.standardErrors[i]! - 1)).toBeLessThan(1e-13);
        });
      }
      expect(() => fit(X, y, { vcov: "cluster" })).toThrow('clusters go with vcov "cluster"');
      expect(() => fit(X, y, { clusters })).toThrow('vcov is "iid"');
      const even = clusters.map((_, i) => i % 4);
      const both = { vcov: "cluster", ssc: { "cluster.df": "conventional" } } as const;
      const { model: two } = await fitCsv(join(folder, "even.csv"), {
        formula: "y ~ x + z",
        cluster: ["group", "even"],
        ...both,
      });
      expect(two.vcov).toMatchObject({
        ways: [
          { cluster: "group", clusters: 7 },
          { cluster: "even", clusters: 4 },
        ],
      });
      const inMemory = fit(X, y, { ...both, clusters: { group: clusters, even } });
      inMemory.standardErrors.forEach((error, i) => {
        expect(Math.abs(error / two.standardErrors[i]! - 1)).toBeLessThan(1e-12);
      });
      expect(() => fit(X, y, { vcov: "cluster", clusters: ["a"] })).toThrow("clusters has 1 values");
    }));

  test("survives the model file, intervals included", () =>
    inFolder({ "data.csv": TABLE }, async (folder) => {
      const { model, notes } = await fitCsv(join(folder, "data.csv"), {
        formula: "y ~ x + z",
        vcov: "cluster",
        cluster: "group",
      });
      expect(notes).not.toContain("the data were read a second time for the cluster covariance");
      const again = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
      expect(again.vcov).toMatchObject({ type: "cluster", cluster: "group", clusters: 7 });
      expect(again.predictInterval([[4, 0.5]])).toEqual(model.predictInterval([[4, 0.5]]));
      // √(xᵀVx) by hand; x is not far from the means, so the plain form keeps twelve digits.
      const [V, x] = [again.covariance, [1, 4, 0.5]];
      let variance = 0;
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 3; j++) {
          const [a, b] = i >= j ? [i, j] : [j, i];
          variance += x[i]! * x[j]! * V[(a * (a + 1)) / 2 + b]!;
        }
      const { stdError } = again.predictInterval([[4, 0.5]], { interval: "confidence" });
      expect(Math.abs(stdError[0]! / Math.sqrt(variance) - 1)).toBeLessThan(1e-12);
    }));

  test("says what is wrong", () =>
    inFolder(
      {
        "data.csv": TABLE,
        "gap.csv": "y,x,g\n1,2,a\n2,3,\n4,3,b\n3,5,b\n5,4,a\n",
        "alone.csv": "y,x,f\n1,2,a\n2,3,a\n4,3,a\n3,5,a\n5,4,b\n",
      },
      async (folder) => {
        const cases: [string[], number, RegExp][] = [
          [
            ["data.csv", "--vcov", "cluster"],
            2,
            /needs the column of the groups\nhint: name it with --cluster/,
          ],
          [
            ["data.csv", "--vcov", "cr2", "--cluster", "group,z"],
            4,
            /by 2 columns have no cr2\nhint: use --vcov cluster/,
          ],
          [["data.csv", "--vcov", "hc3", "--ssc", "adj=false"], 2, /ssc has no part in hc3/],
          [["data.csv", "--vcov", "hc1", "--ssc", "adj=no"], 2, /adj in ssc should be true or false, got no/],
          [
            ["data.csv", "--vcov", "hc1", "--ssc", "K=false"],
            2,
            /no factor "K" in ssc\nhint: it has adj, fixef.K/,
          ],
          [["data.csv", "--vcov", "hc1", "--df", "clusters"], 2, /--df clusters has no part in --vcov hc1/],
          [["data.csv", "--cluster", "group"], 2, /--cluster group has no part in --vcov iid/],
          [["data.csv", "--vcov", "cluster", "--cluster", "goup"], 2, /did you mean "group"\?/],
          [
            ["gap.csv", "-t", "y", "--vcov", "cluster", "--cluster", "g"],
            3,
            /gap.csv:3: column "g": this row of/,
          ],
          [
            ["alone.csv", "-t", "y", "--vcov", "hc3"],
            4,
            /row 5 has leverage 1, for which hc3 is not defined/,
          ],
          [
            ["alone.csv", "-t", "y", "-x", "f", "--vcov", "hc9"],
            2,
            /one of iid, hc0, hc1, hc2, hc3, hc4, hc4m, hc5, cluster, cr0, cr1, cr2, cr3, hac, dk, bootstrap, jackknife/,
          ],
        ];
        for (const [args, code, message] of cases) {
          const run = await goml(folder, ["train", ...args]);
          expect(run.stderr).toMatch(message);
          expect(run.code).toBe(code);
        }
        const few = await goml(folder, [
          "train",
          "data.csv",
          "-t",
          "y",
          "--vcov",
          "CR2",
          "--cluster",
          "group",
          "-x",
          "w",
        ]);
        expect(few.stdout).toMatch(
          /clustered by group, 7 groups \(CR2, Satterthwaite\), t on [\d.]+ to [\d.]+ degrees/,
        );
        expect(few.stdout).toMatch(/t value +Df +p /);
        const joint = await goml(folder, ["test", "model.json", "x = 2", "z = -1"]);
        expect(joint.stdout).toMatch(/all 2 together: F [\d.]+ on 2 and [\d.]+ DF/);
        const terms = await goml(folder, ["anova", "model.json", "--type", "3"]);
        expect(terms.stdout).toMatch(/Den\. Df/);
        const fine = await goml(folder, ["train", "data.csv", "-t", "y", "--vcov", "hc3", "-x", "group,w"]);
        expect(fine.stdout).toMatch("standard errors, t, p and intervals: robust (HC3)");
        expect(fine.stdout).toMatch("note: the data were read a second time for the hc3 covariance");
        const piped = await goml(folder, ["train", "-", "-t", "y", "--vcov", "hc3", "-x", "group,w"], TABLE);
        expect(piped.stdout.split("\n").slice(0, 12)).toEqual(fine.stdout.split("\n").slice(0, 12));
      },
    ));
});
