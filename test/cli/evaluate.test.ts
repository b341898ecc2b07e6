import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const evaluate = (...args: string[]) =>
  inFolder({}, async (folder) => {
    copyFileSync("data/boston.csv", join(folder, "boston.csv"));
    await goml(folder, ["train", "boston.csv", "-q"]);
    return goml(folder, ["evaluate", "boston.csv", ...args]);
  });

test("prints the metrics", async () => {
  const { code, stdout, stderr } = await evaluate();
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(
    "MSE          21.8948\nRMSE         4.67919\nMAE          3.27086\nR²          0.740643\nextractAIC   1589.64\n" +
      "506 of 506 rows, 0 dropped for missing cells\n",
  );
});

test("--json has the metrics in full and the gates", async () => {
  const { stdout } = await evaluate("--json", "--max-rmse", "5", "--min-r2", "0.7", "--max-mse", "22");
  expect(JSON.parse(stdout)).toMatchObject({
    command: "evaluate",
    data: { path: "boston.csv", rows: 506, dropped: 0 },
    model: { path: "model.json", target: "medv" },
    metrics: { n: 506, mse: expect.closeTo(21.8948311817292, 9), r2: expect.closeTo(0.740642664109409, 12) },
    gates: [
      { name: "RMSE", bound: 5, passed: true },
      { name: "MSE", bound: 22, passed: true },
      { name: "R²", bound: 0.7, passed: true },
    ],
  });
});

describe("gates", () => {
  test.each([
    [["--max-rmse", "5"], 0],
    [["--max-rmse", "4.6"], 5],
    [["--max-mse", "21.8"], 5],
    [["--min-r2", "0.75"], 5],
    [["--min-r2", "0.7", "--max-rmse", "4", "-q"], 5],
  ])("%s ends with %i", async (args, code) => {
    const run = await evaluate(...args);
    expect(run.code).toBe(code);
    if (code === 5) expect(run.stderr).toMatch(/^goml: (RMSE|MSE|R²) is [0-9.]+, the gate is [0-9.]+\n/);
    else expect(run.stderr).toBe("");
  });
});
