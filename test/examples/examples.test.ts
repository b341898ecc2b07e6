import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Runs an example as a user does; it imports the built package by its name. */
function run(name: string): string {
  const file = fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    encoding: "utf8",
    timeout: 60_000,
  });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

test("the article's equation gives σ(2) and its derivatives on both machines", () => {
  const output = run("equation");
  const s = 1 / (1 + Math.exp(-2));
  for (const machine of ["TapeMachine", "GoMachine"]) {
    const line = output.split("\n").find((text) => text.startsWith(`${machine}: `));
    const [y, dw, db] = [...line!.matchAll(/= ([\d.e-]+)/g)].map((match) => Number(match[1]));
    // σ′ = σ(1 − σ), rounded in another order: one part in 10^15.
    expect(y).toBe(s);
    expect(dw).toBeCloseTo(2 * s * (1 - s), 15);
    expect(db).toBeCloseTo(s * (1 - s), 15);
  }
  expect(output).toContain('n0 -->|"scalar"| n3');
});

test("the network learns the half-moons", () => {
  const output = run("network");
  const costs = [...output.matchAll(/cost ([\d.]+)/g)].map((match) => Number(match[1]));
  expect(costs.length).toBe(7);
  for (let i = 1; i < costs.length; i++) expect(costs[i]).toBeLessThan(costs[i - 1]!);
  expect(output).toContain("200 of 200 points are on the right side");
});

test("logistic regression on Boston agrees with R", () => {
  const output = run("logistic");
  // R 4.2.2: b <- read.csv("data/boston.csv"); b$y <- as.integer(b$medv > 22); b$medv <- NULL
  // m <- glm(y ~ ., binomial, b, control = glm.control(epsilon = 1e-14)); deviance(m); coef(m)
  // The example stops at a gradient of 1e-10 and prints 8 digits: 7 are compared.
  expect(Number(/deviance ([\d.]+)/.exec(output)?.[1])).toBeCloseTo(291.305972114, 5);
  const golden: Record<string, number> = {
    "(Intercept)": 12.910953174443263,
    crim: -0.041870797442786,
    zn: 0.010204383242536,
    nox: -3.586068000478727,
    rm: 1.042019607226548,
    tax: -0.009389863659888,
    lstat: -0.351203345214164,
  };
  for (const [name, want] of Object.entries(golden)) {
    const line = output.split("\n").find((text) => text.startsWith(`${name} `));
    expect(Math.abs(Number(line!.slice(12)) / want - 1)).toBeLessThan(1e-7);
  }
  expect(output).toContain("449 of 506 tracts classified rightly");
});

test("the vertices on channels and the graph on the machine give the same value; both benches are shown", () => {
  const output = run("vertices");
  const s = 1 / (1 + Math.exp(-2));
  expect(output).toContain(`bare: y = ${s}`);
  expect(output).toContain(`50 µs of work per vertex: y = ${s}`);
  expect(output.match(/µs a run/g)?.length).toBe(6);
});

test("PageRank over three ranks is that of a plain loop", () => {
  const output = run("pagerank");
  expect(output).toMatch(/^\d+ supersteps over 3 ranks\n/);
  // Sums of 300 vertices in another order, some 80 times: 1e-12 is far off.
  expect(Number(/off the plain one by (\S+)/.exec(output)?.[1])).toBeLessThan(1e-12);
});
