import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { goml, inFolder, type Run } from "./goml.js";

const boston = readFileSync(new URL("../../data/boston.csv", import.meta.url));
const run = (args: string, files: Record<string, string | Uint8Array> = {}) =>
  inFolder({ "boston.csv": boston, ...files }, (folder) => goml(folder, args.split(" ")));

describe("train --solver gd", () => {
  const coefficients = (output: string): number[] =>
    JSON.parse(output).coefficients.map((row: { estimate: number }) => row.estimate);
  let normal: number[];
  beforeAll(async () => {
    normal = coefficients((await run("train boston.csv --json")).stdout);
  });

  test.each(["tape", "go"])("reaches the normal equation's θ to 1e-8 on the %s machine", async (machine) => {
    const { code, stdout, stderr } = await run(`train boston.csv --solver gd --machine ${machine} --json`);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout).model.solver).toBe("gd");
    const found = coefficients(stdout);
    for (const [j, want] of normal.entries()) expect(Math.abs(found[j]! / want - 1)).toBeLessThan(1e-8);
  });

  test("says how it went, and what is out of range or out of place", async () => {
    expect((await run("train boston.csv --solver gd")).stdout).toMatch(
      /note: gradient descent took \d+ iterations/,
    );
    const short = await run("train boston.csv --solver gd --max-iterations 5");
    expect(short.stdout).toContain("stopped after 5 iterations, short of its tolerance");
    const wide = await run("train boston.csv --solver gd --momentum 1");
    expect([wide.code, wide.stderr.split("\n")[0]]).toEqual([
      2,
      "goml: momentum is a number of 0 or more and below 1, got 1",
    ]);
    const lone = await run("train boston.csv --momentum 0.5");
    expect([lone.code, lone.stderr.split("\n")[0]]).toEqual([
      2,
      "goml: --momentum goes with --solver gd, the solver is auto",
    ]);
    const far = await run("train boston.csv --solver gd --rate 1000");
    expect([far.code, far.left]).toEqual([4, ["boston.csv"]]);
    expect(far.stderr).toMatch(/^goml: gradient descent diverged/);
  });
});

test("predict --machine writes the bytes that predict writes: factors, missing cells, --append", () => {
  // 2,500 rows: more than one batch of the graph.
  const row = (i: number) =>
    `${i % 7},${i === 1700 ? "" : (i * 37) % 101},"${"uvw"[i % 3]}",${3 * (i % 7) + i / 1000}`;
  const files = {
    "d.csv": `a,b,c,y\n${Array.from({ length: 2500 }, (_, i) => row(i)).join("\n")}\n`,
    "new.csv": "a,b,c\n1,2,u\n3,4,z\n",
  };
  return inFolder(files, async (folder) => {
    expect(
      (await goml(folder, ["train", "d.csv", "--formula", "y ~ a * c + poly(b, 2, raw = TRUE)", "-q"])).code,
    ).toBe(0);
    const metrics = (one: Run) => one.stderr.replace(/, [^,]* ms on .*/, "");
    for (const args of [["d.csv"], ["d.csv", "--append"], ["new.csv"], ["new.csv", "--unseen", "na"]]) {
      const plain = await goml(folder, ["predict", ...args]);
      for (const machine of args[0] === "new.csv" ? [["go"]] : [["tape"], ["go", "-c", "2"]]) {
        const other = await goml(folder, ["predict", ...args, "--machine", ...machine]);
        expect([other.code, other.stdout, metrics(other)]).toEqual([
          plain.code,
          plain.stdout,
          metrics(plain),
        ]);
      }
      if (args[0] === "d.csv") expect([plain.code, plain.stdout.includes("NA")]).toEqual([0, true]);
      else if (args.length === 1)
        expect(plain.stderr).toContain('new.csv:3: column "c": the training data had no level "z"');
    }
  });
});

describe("graph", () => {
  test("draws a model in three formats, with shapes on the edges", () =>
    inFolder({ "d.csv": "a,b,y\n1,2,3\n2,1,5\n4,4,1\n7,5,5\n9,9,2\n" }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-q"]);
      const dot = await goml(folder, ["graph", "--rows", "5"]);
      expect([dot.code, dot.stderr]).toEqual([0, ""]);
      expect(dot.stdout).toMatch(/^digraph \{\n/);
      expect(dot.stdout).toContain('[label="X", shape=box]');
      expect(dot.stdout).toContain('[label="5×3"]');
      expect((await goml(folder, ["graph", "model.json", "--rows", "5"])).stdout).toBe(dot.stdout);
      expect((await goml(folder, ["graph", "--format", "mermaid"])).stdout).toMatch(/^flowchart LR\n/);
      const json = await goml(folder, ["graph", "--format", "json", "-o", "g.json"]);
      expect(json.left).toEqual(["d.csv", "g.json", "model.json"]);
      const document = JSON.parse(readFileSync(join(folder, "g.json"), "utf8"));
      expect(document.nodes.map((node: { label: string }) => node.label)).toContain("ŷ");
      expect(document.edges.length).toBeGreaterThan(4);
    }));

  test("runs a model on its data's means: the prediction is the mean of y", () =>
    inFolder({ "d.csv": "a,b,y\n1,2,3\n2,1,5\n4,4,1\n7,5,5\n9,9,2\n" }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-q"]);
      const { code, stdout } = await goml(folder, ["graph", "--run", "--machine", "tape"]);
      expect(code).toBe(0);
      // The mean of y is 3.2; rounding may show in the last digits.
      expect(Number(/ŷ = \[(.*)\]/.exec(stdout)?.[1])).toBeCloseTo(3.2, 12);
    }));

  test.each(["equation", "gradient", "network", "diamond"])(
    "runs the example %s alike on both machines",
    async (name) => {
      const tape = await run(`graph --example ${name} --run --machine tape`);
      const go = await run(`graph --example ${name} --run --trace trace.json`);
      const values = (one: Run) => one.stdout.split("\n\n")[1];
      expect([go.code, go.stderr]).toEqual([0, ""]);
      expect(values(go)).toMatch(/ = /);
      expect(values(go)).toBe(values(tape));
      expect(go.left).toEqual(["boston.csv", "trace.json"]);
    },
  );

  test("the trace is in the Chrome format, every node in it", () =>
    inFolder({}, async (folder) => {
      await goml(folder, ["graph", "--example", "network", "--run", "--trace", "t.json"]);
      const drawn = await goml(folder, ["graph", "--example", "network", "--format", "json"]);
      const { traceEvents } = JSON.parse(readFileSync(join(folder, "t.json"), "utf8"));
      const labels = JSON.parse(drawn.stdout).nodes.map((node: { label: string }) => node.label);
      const spans = traceEvents.filter((event: { ph: string }) => event.ph === "X");
      expect(spans.map((event: { name: string }) => event.name)).toEqual(labels);
    }));

  test("wrong use", async () => {
    const unknown = await run("graph --example nothing");
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      'goml: there is no example "nothing"\nhint: the examples are equation, gradient, network, diamond\n',
    ]);
    expect((await run("graph --example diamond --trace t.json")).code).toBe(2);
    expect((await run("graph")).stderr).toContain("model.json");
  });
});
