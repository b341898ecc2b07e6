import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { goml } from "../cli/goml.js";

interface Step {
  id: string;
  shell: string;
  run: string;
  env: Record<string, string>;
}
interface Action {
  inputs: Record<string, { default?: string; required?: boolean }>;
  outputs: Record<string, { value: string }>;
  runs: { using: string; steps: Step[] };
}

const action: Action = parse(readFileSync("action.yml", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "goml-action-"));
beforeAll(async () => {
  copyFileSync("data/boston.csv", join(folder, "boston.csv"));
  await goml(folder, ["train", "boston.csv", "-q"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the action's steps as a runner does: expressions in env, outputs and the summary by files; stops at a failure. */
async function runAction(given: Record<string, string>) {
  const values: Record<string, string> = { "github.action_path": resolve(".") };
  for (const [name, input] of Object.entries(action.inputs))
    values[`inputs.${name}`] = given[name] ?? input.default ?? "";
  const evaluate = (text: string) =>
    text.replace(/\$\{\{ ([\w.-]+) \}\}/g, (_, name: string) => values[name] ?? "");
  const file = (name: string) => join(folder, name);
  writeFileSync(file("summary"), "");
  let [code, printed] = [0, ""];
  for (const step of action.runs.steps) {
    if (code !== 0) break;
    writeFileSync(file("output"), "");
    const env = {
      ...process.env,
      ...Object.fromEntries(Object.entries(step.env).map(([name, text]) => [name, evaluate(text)])),
      RUNNER_TEMP: folder,
      GITHUB_ACTIONS: "true",
      GITHUB_OUTPUT: file("output"),
      GITHUB_STEP_SUMMARY: file("summary"),
    };
    // What the runner makes of `shell: bash`.
    const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", step.run];
    await new Promise<void>((ended) => {
      execFile(step.shell, args, { cwd: folder, env }, (error, stdout, stderr) => {
        code = error === null ? 0 : Number(error.code);
        printed += stdout + stderr;
        ended();
      });
    });
    for (const line of readFileSync(file("output"), "utf8").split("\n").filter(Boolean)) {
      const [name, ...value] = line.split("=");
      values[`steps.${step.id}.outputs.${name}`] = value.join("=");
    }
  }
  const outputs = Object.fromEntries(
    Object.entries(action.outputs).map(([name, { value }]) => [name, evaluate(value)]),
  );
  return { code, printed, outputs, summary: readFileSync(file("summary"), "utf8") };
}

test("is a composite action, whose scripts take inputs by env alone", () => {
  expect(action.runs.using).toBe("composite");
  for (const { run } of action.runs.steps) expect(run).not.toContain("${{");
});

test("passes where gates hold, and gives the figures", async () => {
  const { code, outputs, summary } = await runAction({
    data: "boston.csv\n",
    gates: "--max-rmse 5 --min-r2 0.7",
  });
  expect(code).toBe(0);
  // R 4.2.2: sqrt(mean(residuals(lm(medv ~ ., boston))^2))
  expect(Number(outputs.rmse)).toBeCloseTo(4.679191295697, 10);
  expect(Number(outputs.r2)).toBeCloseTo(0.740642664109, 10);
  expect(JSON.parse(readFileSync(outputs.json!, "utf8"))).toMatchObject({
    command: "evaluate",
    data: { rows: 506 },
  });
  expect(summary).toContain("| RMSE |");
});

test("fails where one does not, with an annotation, and has the figures all the same", async () => {
  const { code, printed, outputs } = await runAction({ data: "boston.csv", gates: "--max-rmse 4.5" });
  expect(code).toBe(5);
  expect(printed).toContain("::error");
  expect(Number(outputs.rmse)).toBeCloseTo(4.679191295697, 10);
});

test("fails where the data cannot be read, without figures", async () => {
  const { code, outputs } = await runAction({ data: "none.csv" });
  expect(code).toBe(3);
  expect(outputs.rmse).toBe("");
});

test("expands nothing in names and gates", async () => {
  const { code, printed } = await runAction({
    data: "$(touch leaked).csv",
    gates: "--max-rmse $(touch leaked)",
  });
  expect(code).not.toBe(0);
  expect(printed).not.toBe("");
  expect(() => readFileSync(join(folder, "leaked"))).toThrow();
});
