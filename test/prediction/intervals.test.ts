import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { inFolder } from "../cli/goml.js";

const HEADER = "y,x,g";
const ROWS = Array.from({ length: 3000 }, (_, i) => {
  const x = Math.sin(i) * 10 + 50;
  return `${(x * 2 + (i % 3) + Math.cos(7 * i)).toFixed(4)},${i % 97 === 5 ? "" : x.toFixed(3)},${"abc"[i % 3]}`;
});
const CSV = `${[HEADER, ...ROWS].join("\n")}\n`;

test("intervals of a formula's model stream, with the same bytes for any number of threads", () =>
  inFolder({ "data.csv": CSV }, async (folder) => {
    const data = join(folder, "data.csv");
    const { model } = await fitCsv(data, { formula: "y ~ log(x) * g", folds: 1 });
    const run = async (name: string, options: object) => {
      const output = join(folder, name);
      await predictCsv(model, data, { output, stdError: true, interval: "confidence", ...options });
      return readFileSync(output, "utf8");
    };
    const serial = await run("1.csv", {});
    expect(await run("2.csv", { threads: 2 })).toBe(serial);
    const lines = serial.trim().split("\n");
    expect(lines[0]).toBe("prediction,stdError,lower,upper");
    expect(lines[6]).toBe("NA,NA,NA,NA");
    expect(lines).toHaveLength(3001);
    // The library's own intervals of the first row, its design coded by hand.
    const x = Math.log(Number(ROWS[0]!.split(",")[1]));
    const one = model.predictInterval([[x, 0, 0, 0, 0]], { interval: "confidence" });
    const cells = lines[1]!.split(",").map(Number);
    expect(cells).toEqual([one.prediction[0], one.stdError[0], one.lower[0], one.upper[0]]);
    const appended = await run("3.csv", { append: true, interval: "prediction", stdError: false });
    expect(appended.split("\n").slice(0, 2)).toEqual([
      `${HEADER},prediction,lower,upper`,
      expect.stringMatching(/^[\d.]+,[\d.]+,a,[\d.]+,[\d.]+,[\d.]+$/),
    ]);
  }));
