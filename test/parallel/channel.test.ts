import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { Channel, ChannelClosedError, EMPTY } from "../../src/parallel/channel.js";
import { select } from "../../src/parallel/select.js";

describe("Channel", () => {
  test("delivers every value once, in order, for any capacity and interleaving", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer(), { maxLength: 60 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
        async (capacity, values, pauses) => {
          const channel = new Channel<number>(capacity);
          const pause = async (i: number) => {
            for (let k = pauses[i % pauses.length]!; k > 0; k--) await null;
          };
          const producer = (async () => {
            for (let i = 0; i < values.length; i++) {
              await pause(i);
              await channel.send(values[i]!);
              expect(channel.length).toBeLessThanOrEqual(capacity);
            }
            channel.close();
          })();
          const got: number[] = [];
          for await (const value of channel) {
            got.push(value);
            await pause(got.length + 7);
          }
          await producer;
          expect(got).toEqual(values);
          expect(channel.waiting).toBe(0);
        },
      ),
    );
  });

  test("back-pressure: a producer is never more than capacity ahead (plus the value it holds)", async () => {
    const channel = new Channel<number>(3);
    let sent = 0;
    const producer = (async () => {
      for (let i = 0; i < 50; i++) {
        await channel.send(i);
        sent++;
      }
    })();
    for (let i = 0; i < 50; i++) {
      for (let k = 0; k < 10; k++) await null;
      expect(sent).toBeLessThanOrEqual(i + 3);
      expect(await channel.receive()).toBe(i);
    }
    await producer;
  });

  test("an uncontended hop takes at most one microtask", async () => {
    const channel = new Channel<string>(1);
    const ticksUntil = async (promise: Promise<unknown>): Promise<number> => {
      let done = false;
      promise.then(() => {
        done = true;
      });
      let ticks = 0;
      for (; !done && ticks < 100; ticks++) await null;
      return ticks;
    };
    expect(await ticksUntil(channel.send("a"))).toBe(1);
    expect(await ticksUntil(channel.receive())).toBe(1);
    // A receiver that already waits is woken by the send, one microtask later.
    const parked = channel.receive();
    expect(channel.trySend("b")).toBe(true);
    expect(await ticksUntil(parked)).toBe(1);
    expect(channel.tryReceive()).toBe(EMPTY);
  });

  test("several senders and receivers are served in the order in which they came", async () => {
    const channel = new Channel<number>(1);
    const sends = [1, 2, 3, 4].map((v) => channel.send(v));
    expect(channel.waiting).toBe(3);
    const received = await Promise.all([1, 2, 3, 4].map(() => channel.receive()));
    expect(received).toEqual([1, 2, 3, 4]);
    await Promise.all(sends);
    const receives = [0, 1, 2].map(() => channel.receive());
    for (const v of [7, 8, 9]) expect(channel.trySend(v)).toBe(true);
    expect(await Promise.all(receives)).toEqual([7, 8, 9]);
  });

  test("undefined travels like any value", async () => {
    const channel = new Channel<undefined>(1);
    await channel.send(undefined);
    expect(channel.tryReceive()).toBeUndefined();
    expect(channel.tryReceive()).toBe(EMPTY);
  });

  test("close: what is under way is still received, then both ends fail with ChannelClosedError", async () => {
    const channel = new Channel<number>(2);
    await channel.send(1);
    await channel.send(2);
    const late = channel.send(3);
    channel.close();
    channel.close();
    await expect(late).rejects.toBeInstanceOf(ChannelClosedError);
    await expect(channel.send(4)).rejects.toBeInstanceOf(ChannelClosedError);
    expect(await channel.receive()).toBe(1);
    expect(await channel.receive()).toBe(2);
    await expect(channel.receive()).rejects.toBeInstanceOf(ChannelClosedError);
    expect(channel.waiting).toBe(0);
  });

  test("close wakes every waiting receiver", async () => {
    const channel = new Channel<number>(1);
    const waiting = Promise.allSettled([channel.receive(), channel.receive(), channel.receive()]);
    expect(channel.waiting).toBe(3);
    channel.close();
    for (const outcome of await waiting) {
      expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(ChannelClosedError);
    }
    expect(channel.waiting).toBe(0);
  });

  test("abort: values are dropped, every waiter and every later call fails with the reason", async () => {
    const reason = new Error("enough");
    const full = new Channel<number>(1);
    await full.send(1);
    const blocked = Promise.allSettled([full.send(2), full.send(3)]);
    full.abort(reason);
    for (const outcome of await blocked) expect(outcome).toEqual({ status: "rejected", reason });
    await expect(full.receive()).rejects.toBe(reason);
    await expect(full.send(4)).rejects.toBe(reason);
    await expect(
      (async () => {
        for await (const _ of full) throw new Error("nothing may come");
      })(),
    ).rejects.toBe(reason);
    expect([full.length, full.waiting]).toEqual([0, 0]);
  });

  test("a signal takes one waiter away and leaves the values to the others", async () => {
    const channel = new Channel<number>(1);
    const stop = new AbortController();
    const left = channel.receive(stop.signal);
    const stays = channel.receive();
    stop.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    await channel.send(5);
    expect(await stays).toBe(5);
    await expect(channel.receive(stop.signal)).rejects.toThrow("left");
    await channel.send(6);
    const sendStop = new AbortController();
    const unsent = channel.send(7, sendStop.signal);
    sendStop.abort(new Error("not sent"));
    await expect(unsent).rejects.toThrow("not sent");
    expect(channel.tryReceive()).toBe(6);
    expect(channel.tryReceive()).toBe(EMPTY);
  });

  test("leaving a for await loop leaves the channel open", async () => {
    const channel = new Channel<number>(4);
    for (const v of [1, 2, 3]) await channel.send(v);
    for await (const v of channel) if (v === 2) break;
    expect(channel.closed).toBe(false);
    expect(await channel.receive()).toBe(3);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("capacity %s is refused", (capacity) => {
    expect(() => new Channel(capacity)).toThrow(UsageError);
  });
});

describe("select", () => {
  test("merges channels without losing, doubling or reordering the values of each", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer(), { maxLength: 15 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 9 }),
        async (streams, pauses) => {
          const channels = streams.map(() => new Channel<number>(1));
          const producers = streams.map(async (values, i) => {
            for (let k = 0; k < values.length; k++) {
              for (let t = pauses[(i + k) % pauses.length]!; t > 0; t--) await null;
              await channels[i]!.send(values[k]!);
            }
            channels[i]!.close();
          });
          const got: number[][] = streams.map(() => []);
          const open = streams.map((_, i) => i);
          while (open.length > 0) {
            const { index, done, value } = await select(open.map((i) => ({ receive: channels[i]! })));
            if (done) open.splice(index, 1);
            else got[open[index]!]!.push(value!);
          }
          await Promise.all(producers);
          expect(got).toEqual(streams);
          for (const channel of channels) expect(channel.waiting).toBe(0);
        },
      ),
    );
  });

  test("of several ready arms the first goes ahead, and only that one", async () => {
    const [a, b] = [new Channel<number>(1), new Channel<number>(1)];
    await a.send(1);
    expect(await select([{ send: b, value: 2 }, { receive: a }])).toEqual({
      index: 0,
      done: false,
      value: undefined,
    });
    expect([a.length, b.length]).toEqual([1, 1]);
    expect(await select([{ send: b, value: 3 }, { receive: a }])).toEqual({
      index: 1,
      done: false,
      value: 1,
    });
  });

  test("a waiting select sends when room comes, and leaves no waiter on a silent channel", async () => {
    const [full, silent] = [new Channel<number>(1), new Channel<number>(1)];
    for (let i = 0; i < 1000; i++) {
      await full.send(i);
      const selected = select<number>([{ receive: silent }, { send: full, value: -i }]);
      await null;
      expect(await full.receive()).toBe(i);
      expect((await selected).index).toBe(1);
      expect(await full.receive()).toBe(-i);
      expect(silent.waiting).toBe(0);
    }
  });

  test("abort of a channel or of the signal, and a send on a closed channel, reject it", async () => {
    const [a, b] = [new Channel<number>(1), new Channel<number>(1)];
    const stop = new AbortController();
    const stopped = select([{ receive: a }, { receive: b }], stop.signal);
    await null;
    stop.abort(new Error("stop"));
    await expect(stopped).rejects.toThrow("stop");
    const aborted = select([{ receive: a }, { receive: b }]);
    await null;
    b.abort(new Error("broken"));
    await expect(aborted).rejects.toThrow("broken");
    expect(a.waiting + b.waiting).toBe(0);
    a.close();
    await expect(select([{ send: a, value: 1 }])).rejects.toBeInstanceOf(ChannelClosedError);
    await expect(select([])).rejects.toBeInstanceOf(UsageError);
  });
});
