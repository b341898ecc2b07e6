import { copyFileSync, readFileSync } from "node:fs";
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
    "MSE           21.8948\nRMSE           4.67919\nMAE            3.27086\nR²             0.740643\nextractAIC  1589.64\n" +
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
      { name: "R2", bound: 0.7, passed: true },
    ],
  });
});

describe("gates", () => {
  test("say that they hold", async () => {
    const one = await evaluate("--max-mae", "3.5");
    expect(one.stdout).toMatch(/\nthe gate holds: MAE 3\.27086 ≤ 3\.5\n$/);
    const several = await evaluate("--max-rmse", "5", "--min-r2", "0.7");
    expect(several.stdout).toMatch(/\nall 2 gates hold: RMSE 4\.67919 ≤ 5; R² 0\.740643 ≥ 0\.7\n$/);
    expect((await evaluate("--max-rmse", "5", "-q")).stdout).toBe("");
  });

  test.each([
    [["--max-rmse", "5"], 0],
    [["--max-rmse", "4.6"], 5],
    [["--max-mse", "21.8"], 5],
    [["--max-mae", "3.2"], 5],
    [["--min-r2", "0.75"], 5],
    [["--min-r2", "0.7", "--max-rmse", "4", "-q"], 5],
  ])("%s ends with %i", async (args, code) => {
    const run = await evaluate(...args);
    expect(run.code).toBe(code);
    if (code === 5) expect(run.stderr).toMatch(/^goml: (RMSE|MSE|MAE|R²) is [0-9.]+, the gate is [0-9.]+\n/);
    else expect(run.stderr).toBe("");
  });
});

describe("--baseline", () => {
  /** Boston and two models of it: all features, and two of them (RMSE 4.679 and 5.523). */
  const compared = (...args: string[]) =>
    inFolder({}, async (folder) => {
      copyFileSync("data/boston.csv", join(folder, "boston.csv"));
      await goml(folder, ["train", "boston.csv", "-q"]);
      await goml(folder, ["train", "boston.csv", "-q", "-f", "rm,lstat", "-m", "small.json"]);
      return goml(folder, ["evaluate", "boston.csv", ...args]);
    });

  test("a model that is no worse on the same rows passes", async () => {
    const { code, stdout } = await compared("--baseline", "small.json");
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/the gate holds: RMSE against the baseline 4\.67919 ≤ 5\.52\d+\n$/),
    ]);
  });

  test.each([
    [[], 5],
    [["--tolerance", "18%"], 5],
    [["--tolerance", "0.19"], 0],
    [["--tolerance", "19%"], 0],
  ])("one that is 18.03 %% worse with %j ends with %i", async (args, code) => {
    const run = await compared("-m", "small.json", "--baseline", "model.json", ...args);
    expect(run.code).toBe(code);
    if (code === 5) expect(run.stderr).toMatch(/^goml: RMSE against the baseline is 5\.5\d+, the gate is /);
  });

  test("a baseline of other rows, of another target, and rows that can be read once are refused", async () => {
    const csv = (rows: string[]) => `x,z,y\n${rows.join("\n")}\n`;
    const rows = Array.from({ length: 20 }, (_, i) => `${i},${(i * 7) % 5},${i + ((i * 3) % 7)}`);
    await inFolder({ "a.csv": csv(rows), "b.csv": csv([...rows, "3,,4"]) }, async (folder) => {
      await goml(folder, ["train", "a.csv", "-q", "-f", "x"]);
      await goml(folder, ["train", "a.csv", "-q", "-m", "two.json"]);
      await goml(folder, ["train", "a.csv", "-q", "-t", "z", "-m", "z.json"]);
      const other = await goml(folder, ["evaluate", "b.csv", "--baseline", "two.json"]);
      expect([other.code, other.stderr]).toEqual([
        4,
        expect.stringMatching(/^goml: two\.json predicts 20 of these rows, model\.json 21: /),
      ]);
      const target = await goml(folder, ["evaluate", "a.csv", "--baseline", "z.json"]);
      expect([target.code, target.stderr]).toEqual([4, 'goml: z.json predicts "z", model.json "y"\n']);
      await goml(folder, ["train", "a.csv", "-q", "-f", "x", "--weights", "z", "-m", "w.json"]);
      const weights = await goml(folder, ["evaluate", "a.csv", "--baseline", "w.json"]);
      expect([weights.code, weights.stderr]).toEqual([
        4,
        expect.stringMatching(/^goml: w\.json weights errors by z, model\.json by nothing: /),
      ]);
      const stdin = await goml(folder, ["evaluate", "-", "--baseline", "two.json"], csv(rows));
      expect([stdin.code, stdin.stderr]).toEqual([
        2,
        expect.stringContaining("standard input can be read once"),
      ]);
    });
  });

  test.each(["-1%", "x", "%", ""])("a tolerance of %j is refused", async (text) => {
    const { code, stderr } = await compared(`--tolerance=${text}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining("expected a share of 0 or more")]);
  });
});

test("a level is refused where the model has no intervals", async () => {
  const { code, stdout, stderr } = await evaluate("--level", "0.9");
  expect([code, stdout, stderr]).toEqual([2, "", expect.stringMatching(/--level is of conformal intervals/)]);
});

test("--github writes the step's summary and annotates the gates that fail", async () => {
  await inFolder({}, async (folder) => {
    copyFileSync("data/boston.csv", join(folder, "boston.csv"));
    await goml(folder, ["train", "boston.csv", "-q"]);
    const summary = join(folder, "summary.md");
    const run = await goml(
      folder,
      ["evaluate", "boston.csv", "--github", "--max-rmse", "4", "--min-r2", "0.7", "--json"],
      undefined,
      { GITHUB_STEP_SUMMARY: summary },
    );
    expect(run.code).toBe(5);
    expect(JSON.parse(run.stdout).gates).toHaveLength(2);
    expect(run.stderr).toMatch(
      /^::error title=goml evaluate::RMSE is 4\.679\d+, the gate is 4\ngoml: RMSE is 4\.679\d+, the gate is 4\n$/,
    );
    expect(readFileSync(summary, "utf8")).toBe(
      "### boston.csv: model.json\n\n" +
        "| metric | value |\n| --- | --- |\n| MSE | 21.8948 |\n| RMSE | 4.67919 |\n| MAE | 3.27086 |\n" +
        "| R² | 0.740643 |\n| extractAIC | 1589.64 |\n\n" +
        "| gate | value | bound |  |\n| --- | --- | --- | --- |\n" +
        "| RMSE | 4.67919 | ≤ 4 | ❌ does not hold |\n| R² | 0.740643 | ≥ 0.7 | ✅ holds |\n\n",
    );
  });
});
