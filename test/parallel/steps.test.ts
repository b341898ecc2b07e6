import { describe, expect, it } from "vitest";
import { InterruptedError } from "../../src/errors.js";
import { inOneGo, type Steps } from "../../src/parallel/steps.js";
import { withPauses } from "../../src/parallel/with-pauses.js";

/** Holds the thread for some milliseconds. */
function hold(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe("work in steps", () => {
  function* sum(count: number, here: string[]): Steps<number> {
    let total = 0;
    for (let i = 0; i < count; i++) {
      total += i;
      yield i % 2 === 0
        ? undefined
        : {
            here: () => void here.push(`here ${i}`),
            elsewhere: async (threads) => void here.push(`${threads} threads ${i}`),
          };
    }
    return total;
  }

  it("comes to the same in one go and with pauses; tasks are done here or elsewhere", async () => {
    const [one, other]: [string[], string[]] = [[], []];
    expect(inOneGo(sum(5, one))).toBe(10);
    expect(await withPauses(sum(5, other), { threads: 3 })).toBe(10);
    expect(one).toEqual(["here 1", "here 3"]);
    expect(other).toEqual(["3 threads 1", "3 threads 3"]);
  });

  it("lets others run between two stretches", async () => {
    let ran = 0;
    const timer = setInterval(() => ran++, 1);
    await withPauses(
      (function* (): Steps<void> {
        for (let i = 0; i < 10; i++) {
          hold(25);
          yield;
        }
      })(),
      {},
    );
    clearInterval(timer);
    expect(ran).toBeGreaterThanOrEqual(5);
  });

  it("lets others run between tasks that end at once", async () => {
    let ran = 0;
    const timer = setInterval(() => ran++, 1);
    await withPauses(
      (function* (): Steps<void> {
        for (let i = 0; i < 40; i++) yield { here: () => {}, elsewhere: async () => hold(8) };
      })(),
      {},
    );
    clearInterval(timer);
    expect(ran).toBeGreaterThanOrEqual(5);
  });

  it("stops when the signal aborts, and what it holds is given back", async () => {
    const controller = new AbortController();
    let steps = 0;
    let closed = false;
    function* endless(): Steps<never> {
      try {
        for (;;) {
          if (++steps === 3) controller.abort();
          hold(21);
          yield;
        }
      } finally {
        closed = true;
      }
    }
    await expect(withPauses(endless(), { signal: controller.signal })).rejects.toThrow(InterruptedError);
    expect({ steps, closed }).toEqual({ steps: 3, closed: true });
    await expect(withPauses(endless(), { signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
    expect(steps).toBe(3);
  });

  it("passes on what a task throws, as the task's own where nothing was aborted", async () => {
    const failing = function* (): Steps<void> {
      yield { here: () => {}, elsewhere: () => Promise.reject(new RangeError("no room")) };
    };
    await expect(withPauses(failing(), {})).rejects.toThrow(new RangeError("no room"));
  });
});
