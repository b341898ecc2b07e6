import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goml } from "../cli/goml.js";
import { uniform } from "../uniform.js";
import { ENGINES, EveryEngine } from "./every-engine.js";

const engines = new EveryEngine();

beforeAll(async () => {
  const next = uniform(5);
  await engines.fill({
    t: {
      columns: { id: "INTEGER", x: "DOUBLE PRECISION", g: "VARCHAR(9)", y: "DOUBLE PRECISION" },
      rows: Array.from({ length: 300 }, (_, i) => [
        i,
        i % 11 === 0 ? null : next() + 1,
        `g${i % 3}`,
        next() + (i % 3),
      ]),
    },
  });
}, 120_000);
afterAll(() => engines.close());

describe.each(ENGINES)("predict --in-engine on %s", (engine) => {
  it("makes a table of the rows and their predictions, once", async () => {
    const { folder } = engines;
    const url = engines.urls[engine]!;
    const train = await goml(folder, ["train", "t.csv", "--formula", "y ~ log(x) * g", "-q"]);
    expect(train.code).toBe(0);
    const args = ["predict", url, "--table", "t", "--in-engine", "-o", "out"];
    const { code, stderr } = await goml(folder, args);
    expect([code, stderr]).toEqual([
      0,
      "300 rows in table out, 28 NULL for missing values or levels that training did not meet\n",
    ]);
    await goml(folder, ["predict", "t.csv", "-o", "expected.csv", "-q"]);
    const lines = readFileSync(join(folder, "expected.csv"), "utf8").trim().split("\n").slice(1);
    // Sorted by the key, and read back by a model of the predictions on themselves: slope 1, without error.
    writeFileSync(
      join(folder, "both.csv"),
      `id,expected\n${lines.map((value, i) => `${i},${value}`).join("\n")}\n`,
    );
    const back = await goml(folder, [
      "predict",
      url,
      "--sql",
      "SELECT * FROM out ORDER BY id",
      "--append",
      "-o",
      "found.csv",
      "-q",
    ]);
    expect(back.code).toBe(0);
    const found = readFileSync(join(folder, "found.csv"), "utf8").trim().split("\n");
    const at = found[0]!.split(",").indexOf("prediction");
    const values = found.slice(1).map((line) => line.split(",")[at]!);
    lines.forEach((line, i) => {
      if (line === "NA") expect(["", "NA"]).toContain(values[i]);
      // The logarithm and the order of additions are the database's.
      else expect(Number(values[i])).toBeCloseTo(Number(line), 12);
    });
    const again = await goml(folder, args);
    expect(again.code).toBe(3);
    expect(again.stderr).toMatch(/already exists/);
    expect(again.stderr.trim().split("\n").length).toBeLessThan(4);
  });

  it("makes none where the model's columns are not there", async () => {
    const { folder } = engines;
    const url = engines.urls[engine]!;
    const { code } = await goml(folder, [
      "predict",
      url,
      "--sql",
      "SELECT id FROM t",
      "--in-engine",
      "-o",
      "none",
    ]);
    expect(code).toBe(3);
    expect((await goml(folder, ["predict", url, "--sql", "SELECT * FROM none"])).code).toBe(3);
    expect((await goml(folder, ["predict", url, "--in-engine", "-o", "none"])).code).toBe(2);
  });
});
