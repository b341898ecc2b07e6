import fc from "fast-check";
import { expect, test } from "vitest";
import { Pace } from "../../../src/machine/engine/pace.js";
import { randomFrom } from "../random.js";

/** Milliseconds of a run alone or together, the number of which is given. */
type Cost = (run: number, together: boolean) => number;

/** What `runs` runs take by trial, and what each way takes by itself. */
function total(runs: number, cost: Cost): { tried: number; alone: number; together: number } {
  const pace = new Pace();
  const sums = { tried: 0, alone: 0, together: 0 };
  for (let run = 0; run < runs; run++) {
    const ms = cost(run, pace.together);
    sums.tried += ms;
    sums.alone += cost(run, false);
    sums.together += cost(run, true);
    pace.took(ms);
  }
  return sums;
}

test("runs begin alone", () => {
  expect(new Pace().together).toBe(false);
});

test("never much slower than the better way, whatever they take", () =>
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 10, noNaN: true }), fc.integer(), (ratio, seed) => {
      const random = randomFrom(seed);
      // A tenth of noise, and one run in thirty that is ten times as long.
      const noise = () => (0.95 + 0.1 * random()) * (random() < 1 / 30 ? 10 : 1);
      const noises = Array.from({ length: 3000 }, noise);
      const { tried, alone, together } = total(3000, (run, on) => (on ? ratio : 1) * noises[run]!);
      // Trials are 4 runs in 260 in the end; where the ways are alike either will do.
      const trials = 0.03 * Math.max(ratio, 1 / ratio);
      expect(tried / Math.min(alone, together)).toBeLessThan(1.12 + trials);
    }),
    { numRuns: 100 },
  ));

test("threads that are slow at first are taken once they are quick, and left when they are slow again", () => {
  const slow = (run: number) => run < 200 || run >= 3000;
  const cost: Cost = (run, on) => (on ? (slow(run) ? 3 : 0.6) : 1);
  const pace = new Pace();
  const ways: boolean[] = [];
  for (let run = 0; run < 6000; run++) {
    ways.push(pace.together);
    pace.took(cost(run, pace.together));
  }
  const share = (from: number, to: number) => ways.slice(from, to).filter(Boolean).length / (to - from);
  expect(share(0, 200)).toBeLessThan(0.2);
  expect(share(600, 3000)).toBeGreaterThan(0.9);
  expect(share(3600, 6000)).toBeLessThan(0.1);
});
