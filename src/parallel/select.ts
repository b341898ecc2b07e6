import { UsageError } from "../errors.js";
import { type Channel, ChannelClosedError, EMPTY, type Receiver, type Sender } from "./channel.js";

/** One arm of a `select`: receive from a channel, or send a value on one. */
export type Arm<T> = { readonly receive: Channel<T> } | { readonly send: Channel<T>; readonly value: T };

/** Which arm went ahead; `done` when it received from a channel that is closed and drained. */
export interface Selected<T> {
  readonly index: number;
  readonly done: boolean;
  readonly value: T | undefined;
}

/**
 * Waits until one of `arms` can go ahead, does that one and no other, and says which.
 *
 * When several are ready the first of them in the order given goes ahead, so that a run can be repeated; Go draws
 * by lot. A closed and drained channel counts as ready to receive, with `done`. The promise rejects with
 * ChannelClosedError when an arm would send on a closed channel, with the reason of the abort when a channel or
 * `signal` is aborted. No arm leaves a waiter behind.
 *
 * @throws UsageError when `arms` is empty and could never go ahead.
 * @example
 * ```js
 * import { Channel, select } from "goml/machine";
 *
 * const [quick, slow] = [new Channel(1), new Channel(1)];
 * await quick.send("here");
 * console.log((await select([{ receive: slow }, { receive: quick }])).value); // here
 * ```
 */
export async function select<T>(arms: readonly Arm<T>[], signal?: AbortSignal): Promise<Selected<T>> {
  if (arms.length === 0) throw new UsageError("select needs at least one channel");
  signal?.throwIfAborted();
  for (let index = 0; index < arms.length; index++) {
    const ready = attempt(arms[index]!, index);
    if (ready !== undefined) return ready;
  }
  return new Promise((resolve, reject) => {
    const leave: (() => void)[] = [];
    const settle = (action: () => void) => {
      for (const step of leave) step();
      action();
    };
    const fail = (reason: unknown) => settle(() => reject(reason));
    for (let index = 0; index < arms.length; index++) {
      const arm = arms[index]!;
      const place = { previous: undefined, next: undefined, queue: undefined, fail };
      if ("receive" in arm) {
        const receiver: Receiver<T> = {
          ...place,
          take: (value) => settle(() => resolve({ index, done: false, value })),
          end: () => settle(() => resolve({ index, done: true, value: undefined })),
        };
        arm.receive.waitToReceive(receiver);
        leave.push(() => receiver.queue?.remove(receiver));
      } else {
        const sender: Sender<T> = {
          ...place,
          value: arm.value,
          taken: () => settle(() => resolve({ index, done: false, value: undefined })),
        };
        arm.send.waitToSend(sender);
        leave.push(() => sender.queue?.remove(sender));
      }
    }
    if (signal !== undefined) {
      const onAbort = () => fail(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      leave.push(() => signal.removeEventListener("abort", onAbort));
    }
  });
}

function attempt<T>(arm: Arm<T>, index: number): Selected<T> | undefined {
  if ("send" in arm) {
    return arm.send.trySend(arm.value) ? { index, done: false, value: undefined } : undefined;
  }
  try {
    const value = arm.receive.tryReceive();
    return value === EMPTY ? undefined : { index, done: false, value };
  } catch (error) {
    if (error instanceof ChannelClosedError) return { index, done: true, value: undefined };
    throw error;
  }
}
