import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { goml } from "../../cli/goml.js";

/** The commands train on table `t` of a database, by --table, and predict it, by --sql, as they do `t.csv` of its rows. */
export async function expectSamePredictions(folder: string, database: string): Promise<void> {
  const options = ["--table", "t", "--formula", "y ~ i + color", "-q"];
  const { code, stderr } = await goml(folder, ["train", database, ...options]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const [data, out, ...more] of [
    ["t.csv", "csv.out"],
    [database, "database.out", "--sql", "SELECT * FROM t"],
  ] as const)
    expect((await goml(folder, ["predict", data, ...more, "-o", out])).code).toBe(0);
  const [expected, found] = ["csv.out", "database.out"].map((out) => readFileSync(join(folder, out), "utf8"));
  expect(found).toBe(expected);
}
