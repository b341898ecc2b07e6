import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { Channel } from "../../src/parallel/channel.js";
import { TaskGroup } from "../../src/parallel/task-group.js";

const ticks = async (n: number) => {
  for (let i = 0; i < n; i++) await null;
};

describe("TaskGroup", () => {
  test("joins every task, and never runs more than limit at a time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(6), { maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        async (lengths, limit) => {
          const group = new TaskGroup({ limit });
          let active = 0;
          let ended = 0;
          for (const length of lengths) {
            group.go(async () => {
              active++;
              expect(active).toBeLessThanOrEqual(limit);
              await ticks(length);
              active--;
              ended++;
            });
          }
          await group.wait();
          expect([active, ended, group.running]).toEqual([0, lengths.length, 0]);
        },
      ),
    );
  });

  test("the first error wins, the others are cancelled and joined before wait ends, the queued never start", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(8), fc.integer({ min: 2, max: 5 }), fc.nat(5), async (others, limit, when) => {
        const first = new Error("first");
        const group = new TaskGroup({ limit });
        let active = 0;
        let startedLate = 0;
        group.go(async () => {
          await ticks(when);
          throw first;
        });
        for (let i = 0; i < others; i++) {
          group.go(async () => {
            if (group.cancelled) startedLate++;
            active++;
            await new Promise<void>((resolve) => group.signal.addEventListener("abort", () => resolve()));
            await ticks(i + 1);
            active--;
            throw new Error("echo");
          });
        }
        await expect(group.wait()).rejects.toBe(first);
        expect([active, startedLate, group.running]).toEqual([0, 0, 0]);
        expect(group.signal.reason).toBe(first);
      }),
    );
  });

  test("a task may return nothing, may throw at once, and may start other tasks", async () => {
    const group = new TaskGroup({ limit: 1 });
    const order: number[] = [];
    group.go(() => {
      order.push(1);
      group.go(() => {
        order.push(2);
        group.go(async () => {
          await ticks(2);
          order.push(3);
        });
      });
    });
    await group.wait();
    expect(order).toEqual([1, 2, 3]);

    const failing = new TaskGroup();
    failing.go(() => {
      throw new Error("at once");
    });
    let ran = false;
    failing.go(() => {
      ran = true;
    });
    await expect(failing.wait()).rejects.toThrow("at once");
    expect(ran).toBe(false);
  });

  test("100,000 queued tasks that end at once need no deep stack", async () => {
    const group = new TaskGroup({ limit: 1 });
    let ended = 0;
    group.go(() => ticks(1));
    for (let i = 0; i < 100_000; i++)
      group.go(() => {
        ended++;
      });
    await group.wait();
    expect(ended).toBe(100_000);
  });

  test("onCancel closes what the tasks wait for, once, with the first error", async () => {
    const channel = new Channel<number>(1);
    const reasons: unknown[] = [];
    const group = new TaskGroup({
      onCancel: (reason) => {
        reasons.push(reason);
        channel.abort(reason);
      },
    });
    const first = new Error("first");
    for (let i = 0; i < 3; i++)
      group.go(async () => {
        await channel.receive();
      });
    group.go(async () => {
      await ticks(1);
      throw first;
    });
    await expect(group.wait()).rejects.toBe(first);
    expect(reasons).toEqual([first]);
    expect(channel.waiting).toBe(0);
  });

  test("the parent signal cancels with its reason and is let go of afterwards", async () => {
    const outside = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = outside.signal;
    outside.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(outside.signal, args);
    };
    outside.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(outside.signal, args);
    };
    const calm = new TaskGroup({ signal: outside.signal });
    calm.go(() => ticks(3));
    calm.go(() => ticks(1));
    await calm.wait();
    expect(listeners).toBe(0);

    const stopped = new TaskGroup({ signal: outside.signal });
    stopped.go(
      () =>
        new Promise((resolve) => stopped.signal.addEventListener("abort", () => resolve(), { once: true })),
    );
    outside.abort(new Error("outside"));
    await expect(stopped.wait()).rejects.toThrow("outside");
    expect(listeners).toBe(0);

    const tooLate = new TaskGroup({ signal: outside.signal });
    tooLate.go(() => {
      throw new Error("may not start");
    });
    await expect(tooLate.wait()).rejects.toThrow("outside");
  });

  test("an empty group ends at once; a task after the end is refused, and so is a limit below 1", async () => {
    const group = new TaskGroup();
    await group.wait();
    expect(() => group.go(() => {})).toThrow(UsageError);
    expect(() => new TaskGroup({ limit: 0 })).toThrow(UsageError);
    expect(() => new TaskGroup({ limit: 1.5 })).toThrow(UsageError);
  });
});
