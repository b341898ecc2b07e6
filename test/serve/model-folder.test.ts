import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fit } from "../../src/index.js";
import { createServer } from "../../src/serve/index.js";
import { inFolder } from "../cli/goml.js";
import { boston, infer, manyRows, matrixRequest, type Serving, send, serving } from "./serving.js";

// What may lie in a folder of models that is no model. None of it holds up the requests, the other models or the start.

const line = (slope: number) =>
  JSON.stringify(
    fit(
      Float64Array.of(0, 1, 2, 3),
      [0, 1, 2, 3].map((v) => slope * v + (v % 2) * 1e-9),
      { terms: ["x"], target: "y" },
    ),
  );
const at2 = JSON.stringify({ inputs: [{ name: "x", datatype: "FP64", shape: [1], data: [2] }] });
const slopeOf = async ({ url }: Serving, model: string) =>
  Math.round((await send(`${url}/v2/models/${model}/infer`, at2)).json.outputs[0].data[0] / 2);

function recorder() {
  const lines: Record<string, unknown>[] = [];
  const problems = () => lines.flatMap(({ problem }) => (problem === undefined ? [] : [String(problem)]));
  return {
    problems,
    logger: { level: "error", stream: { write: (text: string) => lines.push(JSON.parse(text)) } },
  };
}

async function until(hope: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await hope())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const strange: [what: string, make: (path: string) => void, problem: RegExp][] = [
  ["a pipe", (path) => execFileSync("mkfifo", [path]), /is not a regular file/],
  ["a link to a device that never ends", (path) => symlinkSync("/dev/zero", path), /is not a regular file/],
  [
    "a link to a terminal-like device",
    (path) => symlinkSync("/dev/ptmx", path),
    /is not a regular file|cannot be read/,
  ],
  ["a link to itself", (path) => symlinkSync(path, path), /cannot be read \(ELOOP\)/],
  [
    "a file that is too large",
    (path) => writeFileSync(path, " ".repeat(3_000_000)),
    /has 3000000 bytes, the limit/,
  ],
  ["an empty file", (path) => writeFileSync(path, ""), /not JSON/],
  ["half a model", (path) => writeFileSync(path, line(3).slice(0, 300)), /cut short/],
];

describe.each(strange)("%s", (_what, make, problem) => {
  test("at the start: passed over and reported, the others are served", async () => {
    await inFolder({ "a.json": line(1) }, async (folder) => {
      make(join(folder, "b.json"));
      const { problems, logger } = recorder();
      await using server = await serving({ logger, modelLimit: 1_000_000 }, folder);
      expect(problems()).toEqual([expect.stringMatching(problem)]);
      expect(await slopeOf(server, "a")).toBe(1);
      expect((await send(`${server.url}/v2/models`)).json).toEqual({ models: ["a"] });
    });
  });

  test("in the place of a model that is served: it stays, and large requests are answered all the while", async () => {
    await inFolder(
      { "a.json": line(1), "b.json": line(2), "boston.json": JSON.stringify(boston) },
      async (folder) => {
        const { problems, logger } = recorder();
        await using server = await serving({ logger, modelLimit: 1_000_000, reloadInterval: 10 }, folder);
        rmSync(join(folder, "b.json"));
        make(join(folder, "b.json"));
        await until(() => problems().some((one) => problem.test(one)));
        const many = manyRows(6000);
        const got = await infer(server.url, matrixRequest(many.X));
        expect(got.json.outputs[0].data).toEqual([...many.expected]);
        expect(await slopeOf(server, "b")).toBe(2);
        // And the folder is still looked after.
        writeFileSync(join(folder, "c.json"), line(5));
        await until(async () => (await send(`${server.url}/v2/models`)).json.models.includes("c"));
        expect(await slopeOf(server, "c")).toBe(5);
      },
    );
  });

  test("asked for by its own path: the server does not start", async () => {
    await inFolder({}, async (folder) => {
      make(join(folder, "b.json"));
      const app = createServer(join(folder, "b.json"), { modelLimit: 1_000_000 });
      await expect(app.ready()).rejects.toThrow(problem);
    });
  });
});

test("a folder in it that cannot be read marks its own models only, until it can be read again", async () => {
  await inFolder({ "a.json": line(1), "b/": "" }, async (folder) => {
    writeFileSync(join(folder, "b", "model.json"), line(2));
    const { problems, logger } = recorder();
    await using server = await serving({ logger, reloadInterval: 10 }, folder);
    const problemOf = async (model: string) =>
      (await send(`${server.url}/v2/models/${model}`)).json.parameters.problem;
    // Permissions do not stop root, a link to itself stops everybody.
    renameSync(join(folder, "b"), join(folder, ".b"));
    symlinkSync("b", join(folder, "b"));
    await until(() => problems().length > 0);
    expect(await problemOf("b")).toContain("cannot be read (ELOOP)");
    expect(await problemOf("a")).toBeUndefined();
    expect([await slopeOf(server, "a"), await slopeOf(server, "b")]).toEqual([1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(problems()).toHaveLength(1);
    rmSync(join(folder, "b"));
    renameSync(join(folder, ".b"), join(folder, "b"));
    await until(async () => (await problemOf("b")) === undefined);
    expect(await slopeOf(server, "b")).toBe(2);
  });
});

test("a folder in which nothing can be served stops the start, with the reason of the first", async () => {
  await inFolder({ "a.json": "{", "b.json": "[]" }, async (folder) => {
    await expect(createServer(folder).ready()).rejects.toThrow(/a\.json: the model file is cut short/);
  });
});

test("a model that takes too long to read is given up, and its thread with it", async () => {
  await inFolder({ "a.json": line(1) }, async (folder) => {
    const app = createServer(join(folder, "a.json"), { loadTimeout: 1 });
    await expect(app.ready()).rejects.toThrow("reading the model took longer than 1 ms");
  });
});

test("the folder itself vanishes and comes back: models stay, and are looked after again", async () => {
  await inFolder({ "m/": "" }, async (parent) => {
    const folder = join(parent, "m");
    writeFileSync(join(folder, "a.json"), line(1));
    await using server = await serving({ reloadInterval: 10 }, folder);
    renameSync(folder, join(parent, "gone"));
    await until(async () => (await send(`${server.url}/v2/models/a`)).json.parameters.problem !== undefined);
    expect(await slopeOf(server, "a")).toBe(1);
    mkdirSync(folder);
    writeFileSync(join(folder, "a.json"), line(7));
    await until(async () => (await slopeOf(server, "a")) === 7);
  });
});

// Fastify gives plugins 10 seconds to get ready unless it is told otherwise.
test.runIf(process.env.GOML_LONG === "1")(
  "a start of more than 10 seconds is only a long one",
  { timeout: 600_000 },
  async () => {
    const text = line(1);
    const files = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`m${i}.json`, text]));
    await inFolder(files, async (folder) => {
      const started = performance.now();
      await using server = await serving({ reloadInterval: 0 }, folder);
      expect(performance.now() - started).toBeGreaterThan(10_000);
      expect(await slopeOf(server, "m59999")).toBe(1);
    });
  },
);
