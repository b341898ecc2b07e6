import { expect, test } from "vitest";
import { crossoverText } from "../../../src/cli/bench/bench-text.js";
import { crossoverOf } from "../../../src/cli/bench/crossover.js";
import { machineSuite } from "../../../src/cli/bench/machine-suite.js";
import { suites } from "../../../src/cli/bench/suites.js";

const data = { path: "", terms: [], target: "", rows: 0, X: new Float64Array(0), y: new Float64Array(0) };
const groups = machineSuite({ data, threads: [1, 2], quick: true });

test("every group checks that tape and go give the same bits, runs, and closes", async () => {
  expect(await suites.machine!.load()).toBe(machineSuite);
  for (const group of groups) {
    const open = await group.open();
    try {
      await open.check();
      for (const one of open.cases) await one.run();
      const known = new Set(open.cases.map((one) => one.name));
      expect(known.size).toBe(open.cases.length);
      for (const { against } of open.cases) if (against !== undefined) expect(known).toContain(against);
    } finally {
      await open.close();
    }
  }
  expect(groups.map((group) => group.name)).toEqual([
    "σ(w·x + b), bare",
    "σ(w·x + b), 50 µs per op",
    "16 × σ(w·x + b), 50 µs per op",
    ...[1, 5, 50].map((us) => `two ops of ${us} µs`),
    ...[10, 1000].flatMap((n) =>
      ["chain", "fan-out", "diamonds"].map((shape) => `${shape} of ${n.toLocaleString("en")} nodes`),
    ),
    ...[8, 64, 256].map((n) => `network, ${n} × ${n}`),
    ...["1 KB", "8 MB"].map((bytes) => `cut edge of ${bytes}, there and back`),
  ]);
});

test("the full suite goes to 100,000 nodes and to matrices of 1,024", () => {
  const names = machineSuite({ data, threads: [1, 2], quick: false }).map((group) => group.name);
  for (const shape of ["chain", "fan-out", "diamonds"]) expect(names).toContain(`${shape} of 100,000 nodes`);
  expect(names).toContain("network, 1024 × 1024");
});

test("the size from which threads pay is told in microseconds of two ops", () => {
  const timed = (rows: number, ratio: number) => {
    const base = { p75Ms: 1, p99Ms: 1, opsPerSecond: 1, samples: 1 };
    return {
      suite: "machine",
      name: `two ops of ${rows / 1000} µs`,
      rows,
      values: rows,
      bytes: null,
      cases: [
        { ...base, name: "tape", against: null, threads: null, medianMs: 1, ratio: 1 },
        { ...base, name: "2 threads", against: "tape", threads: 2, medianMs: ratio, ratio },
      ],
    };
  };
  const crossover = crossoverOf("machine", [timed(1000, 1.5), timed(4000, 0.5), timed(50_000, 0.5)]);
  expect(crossoverText("machine", crossover!)).toBe(
    "On the go machine, threads pay from about two ops of 2 µs that share nothing on; " +
      "the largest batch is 2 times as fast on 2 threads.",
  );
  expect(crossoverText("machine", null)).toContain("did not pay at any size");
});
