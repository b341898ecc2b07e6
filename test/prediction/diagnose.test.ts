import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { anovaModels } from "../../src/linear/selection/anova.js";
import { diagnoseCsv } from "../../src/prediction/diagnose-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { goml, inFolder } from "../cli/goml.js";

/** Rows of y = 1 + 2x + noise with a far-off row at each of `outliers`. */
function csv(rows: number, outliers: readonly number[] = []): string {
  const lines = ["y,x,w"];
  for (let i = 0; i < rows; i++) {
    const x = (i * 7919) % 997;
    const noise = Math.sin(i * 12.9898) + Math.cos(i * 78.233) + (outliers.includes(i) ? 50 : 0);
    lines.push(`${1 + 2 * x + noise},${x},${1 + (i % 3)}`);
  }
  return `${lines.join("\n")}\n`;
}

const OPTIONS = { formula: "y ~ x", folds: 1 };

describe("goml diagnose", () => {
  test("finds the same with any number of threads, rows and all", () =>
    // 5 MB: past the 4 MiB below which no worker is started.
    inFolder({ "data.csv": csv(170_000, [77, 90_000]) }, async (folder) => {
      const data = join(folder, "data.csv");
      const { model } = await fitCsv(data, { ...OPTIONS, weights: "w" });
      const run = async (threads: number) => {
        const output = join(folder, `${threads}.csv`);
        const found = await diagnoseCsv(model, data, { threads, output });
        return { found, text: readFileSync(output) };
      };
      const [one, two] = [await run(1), await run(2)];
      expect(two.found).toEqual(one.found);
      expect(two.text.equals(one.text)).toBe(true);
      expect(
        one.found.standOut
          .map(({ row }) => row)
          .slice(0, 2)
          .sort(),
      ).toEqual([78, 90_001]);
      expect(one.found.outlier!.row.line).toBe(one.found.outlier!.row.row + 1);
    }));

  test("names lines past blank lines and quoted line ends", () =>
    inFolder({}, async (folder) => {
      const plain = csv(40, [30]).trim().split("\n");
      const { writeFileSync } = await import("node:fs");
      const expectLine = async (name: string, text: string, line: number) => {
        const data = join(folder, name);
        writeFileSync(data, text);
        const { model } = await fitCsv(data, OPTIONS);
        const { outlier, standOut } = await diagnoseCsv(model, data);
        expect([outlier!.row.row, outlier!.row.line]).toEqual([31, line]);
        expect(standOut[0]).toEqual(outlier!.row);
      };
      await expectLine("plain.csv", `${plain.join("\n")}\n`, 32);
      await expectLine("blank.csv", plain.join("\r\n\r\n"), 63);
      await expectLine("spaces.csv", [plain[0], "  ", ...plain.slice(1)].join("\n"), 33);
      const quoted = plain.map((row, i) => `${row},${i === 0 ? "note" : '"two\nlines"'}`);
      await expectLine("quoted.csv", quoted.join("\n"), 62);
    }));

  test("RESET with weights is the F test of the powers of ŷ", () =>
    inFolder({ "data.csv": csv(200) }, async (folder) => {
      const data = join(folder, "data.csv");
      const { model } = await fitCsv(data, { ...OPTIONS, weights: "w" });
      const [a, b] = model.coefficients;
      const fitted = `(${a} + ${b} * x)`;
      const { model: larger } = await fitCsv(data, {
        formula: `y ~ x + I(${fitted}^2) + I(${fitted}^3)`,
        weights: "w",
      });
      const { reset } = await diagnoseCsv(model, data);
      const [, row] = anovaModels([
        { name: "a", model },
        { name: "b", model: larger },
      ]);
      // The powers, about 1e9, leave the larger fit ten digits.
      expect(Math.abs(reset!.statistic / row!.f - 1)).toBeLessThan(1e-9);
      expect([reset!.df1, reset!.df2]).toEqual([2, 196]);
    }));

  test("--append --excel-safe writes no formulas, in the header neither", () =>
    inFolder({}, async (folder) => {
      const lines = csv(30)
        .trimEnd()
        .split("\n")
        .map((line, i) => `${line},${i === 0 ? "=name" : i === 3 ? "=1+2" : "-1"}`);
      writeFileSync(join(folder, "data.csv"), `${lines.join("\n")}\n`);
      await goml(folder, ["train", "data.csv", "--formula", "y ~ x", "-q"]);
      const args = ["diagnose", "data.csv", "-q", "--append", "--excel-safe", "-o", "rows.csv"];
      expect((await goml(folder, args)).code).toBe(0);
      const written = readFileSync(join(folder, "rows.csv"), "utf8").split("\n");
      expect(written[0]).toMatch(/^y,x,w,"'=name",row,fitted/);
      expect(written[3]).toMatch(new RegExp(`^${lines[3]!.split(",").slice(0, 3).join(",")},"'=1\\+2",3,`));
      expect(written[4]).toMatch(/^[^"]*,-1,4,/);
    }));

  test("prints a table of 80 columns, or JSON, and keeps the input's columns on demand", () =>
    inFolder({ "data.csv": csv(60, [20]), "other.csv": csv(30) }, async (folder) => {
      await goml(folder, ["train", "data.csv", "--formula", "y ~ x", "-q"]);
      const { stdout, code } = await goml(folder, ["diagnose", "data.csv", "-o", "rows.csv", "--append"]);
      expect(code).toBe(0);
      for (const title of ["Durbin–Watson", "Breusch–Pagan", "Jarque–Bera", "RESET", "line 22"])
        expect(stdout).toMatch(title);
      expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
      const rows = readFileSync(join(folder, "rows.csv"), "utf8").split("\n");
      expect(rows[0]).toBe("y,x,w,row,fitted,residual,leverage,rstandard,rstudent,cooks,dffits");
      expect(rows[3]).toMatch(/^[\d.]+,\d+,3,3,[\d.]+,/);

      const { stdout: other } = await goml(folder, ["diagnose", "other.csv", "--json"]);
      expect(JSON.parse(other)).toMatchObject({
        command: "diagnose",
        data: { rows: 30, dropped: 0 },
        n: 30,
        ofFit: false,
      });
      const rowsOut = await goml(folder, ["diagnose", "data.csv", "-o", "-"]);
      expect(rowsOut.stdout.split("\n")).toHaveLength(62);
      expect(rowsOut.stderr).toMatch("Jarque–Bera");
    }));

  test("leaves rows out that the fit held out, in the file of the fit", () =>
    inFolder({ "data.csv": csv(200), "copy.csv": csv(200) }, async (folder) => {
      const { model } = await fitCsv(join(folder, "data.csv"), { ...OPTIONS, testSize: 0.25 });
      const own = await diagnoseCsv(model, join(folder, "data.csv"));
      expect(own).toMatchObject({ rows: 200, n: model.n, heldOut: 200 - model.n, dropped: 0, ofFit: true });
      expect(own.heldOut).toBeGreaterThan(20);
      const { writeFileSync } = await import("node:fs");
      writeFileSync(join(folder, "copy.csv"), `${csv(200)}\n`);
      const copy = await diagnoseCsv(model, join(folder, "copy.csv"));
      expect(copy).toMatchObject({ n: 200, heldOut: 0, ofFit: false });
    }));

  test("says what is missing", () =>
    inFolder({ "data.csv": csv(20), "x.csv": "x\n1\n2\n", "y.csv": "y,x\n1,2\n2,3\n" }, async (folder) => {
      await goml(folder, ["train", "data.csv", "--formula", "y ~ x", "--weights", "w", "-q"]);
      const target = await goml(folder, ["diagnose", "x.csv"]);
      expect(target.stderr).toMatch('goml: x.csv: the target "y" is missing or not numeric');
      const weights = await goml(folder, ["diagnose", "y.csv"]);
      expect(weights.stderr).toMatch('goml: y.csv: the weights "w" are missing or not numeric');
      expect([target.code, weights.code]).toEqual([4, 4]);
      const append = await goml(folder, ["diagnose", "data.csv", "--append"]);
      expect(append.code).toBe(2);
    }));
});
