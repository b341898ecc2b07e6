import { GomlError, UsageError } from "../errors.js";
import { type Waiter, Waiters } from "./waiters.js";

/** What `tryReceive` gives when nothing is there yet; a symbol, because any value may travel. */
export const EMPTY: unique symbol = Symbol("empty");

/** A send on a closed channel, or a receive from one that is closed and drained. */
export class ChannelClosedError extends GomlError {
  constructor() {
    super("internal", "the channel is closed");
  }
}

/** One who waits to receive. `end` tells of the close; all three are called at most once between them. */
export interface Receiver<T> extends Waiter {
  take(value: T): void;
  end(): void;
  fail(reason: unknown): void;
}

/** One who waits to send `value`. */
export interface Sender<T> extends Waiter {
  readonly value: T;
  taken(): void;
  fail(reason: unknown): void;
}

const SENT: Promise<void> = Promise.resolve();
const OPEN = 0;
const CLOSED = 1;
const ABORTED = 2;

/**
 * A bounded first-in, first-out channel between asynchronous tasks, as Go's buffered channels.
 *
 * `send` waits while `capacity` values are under way; `receive` waits while there are none. A value goes from hand
 * to hand through at most one microtask and never through a timer; `trySend` and `tryReceive` do without even that.
 * Unbuffered channels (capacity 0) are refused: with room for one value on every edge a graph of tasks cannot
 * deadlock, with rendezvous it can.
 *
 * Two invariants hold between calls: receivers wait only while the buffer is empty, senders only while it is full.
 */
export class Channel<T> {
  readonly capacity: number;
  private state = OPEN;
  private reason: unknown = undefined;
  // A ring: small channels, of which a graph has one per edge, start with just the slots that they need.
  private ring: (T | undefined)[];
  private head = 0;
  private count = 0;
  private receivers: Waiters<Receiver<T>> | undefined = undefined;
  private senders: Waiters<Sender<T>> | undefined = undefined;

  /** @throws UsageError when `capacity` is not an integer of 1 or more. */
  constructor(capacity = 1) {
    if (!(capacity >= 1) || !Number.isInteger(capacity)) {
      throw new UsageError(`a channel's capacity is an integer of 1 or more, got ${capacity}`);
    }
    this.capacity = capacity;
    this.ring = new Array(Math.min(capacity, 8));
  }

  /** The number of values under way. */
  get length(): number {
    return this.count;
  }

  /** True once `close` or `abort` was called; values may still be under way after `close`. */
  get closed(): boolean {
    return this.state !== OPEN;
  }

  /** The number of receivers and senders that wait. */
  get waiting(): number {
    return (this.receivers?.length ?? 0) + (this.senders?.length ?? 0);
  }

  /**
   * Sends `value` if that needs no waiting, and says whether it did.
   *
   * @throws ChannelClosedError after `close`; the reason of the abort after `abort`.
   */
  trySend(value: T): boolean {
    if (this.state !== OPEN) throw this.failure();
    const receiver = this.receivers?.shift();
    if (receiver !== undefined) {
      receiver.take(value);
      return true;
    }
    if (this.count === this.capacity) return false;
    this.put(value);
    return true;
  }

  /**
   * Takes the oldest value if there is one, else gives `EMPTY`.
   *
   * @throws ChannelClosedError when closed and drained; the reason of the abort after `abort`.
   */
  tryReceive(): T | typeof EMPTY {
    if (this.count === 0) {
      if (this.state !== OPEN) throw this.failure();
      return EMPTY;
    }
    const value = this.ring[this.head] as T;
    this.ring[this.head] = undefined;
    this.head = this.head + 1 === this.ring.length ? 0 : this.head + 1;
    this.count--;
    const sender = this.senders?.shift();
    if (sender !== undefined) {
      this.put(sender.value);
      sender.taken();
    }
    return value;
  }

  /**
   * Sends `value`; the promise resolves when the channel has taken it.
   *
   * It rejects with ChannelClosedError when the channel is or gets closed first, with the reason of the abort when
   * the channel or `signal` is or gets aborted first; the value is then not sent.
   */
  send(value: T, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    try {
      if (this.trySend(value)) return SENT;
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const sender: Sender<T> = {
        previous: undefined,
        next: undefined,
        queue: undefined,
        value,
        taken: resolve,
        fail: reject,
      };
      this.waitToSend(sender);
      if (signal !== undefined) leaveOnAbort(sender, signal);
    });
  }

  /**
   * Receives the oldest value, waiting for it if need be.
   *
   * The promise rejects with ChannelClosedError when the channel is closed and drained, with the reason of the abort
   * when the channel or `signal` is or gets aborted first; no value is lost then.
   */
  receive(signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    try {
      const value = this.tryReceive();
      if (value !== EMPTY) return Promise.resolve(value);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const receiver: Receiver<T> = {
        previous: undefined,
        next: undefined,
        queue: undefined,
        take: resolve,
        end: () => reject(new ChannelClosedError()),
        fail: reject,
      };
      this.waitToReceive(receiver);
      if (signal !== undefined) leaveOnAbort(receiver, signal);
    });
  }

  /** Ends the channel: what is under way can still be received, all who wait are woken. Again: no effect. */
  close(): void {
    if (this.state !== OPEN) return;
    this.state = CLOSED;
    for (let r = this.receivers?.shift(); r !== undefined; r = this.receivers?.shift()) r.end();
    for (let s = this.senders?.shift(); s !== undefined; s = this.senders?.shift()) {
      s.fail(new ChannelClosedError());
    }
  }

  /** Ends the channel at once: what is under way is dropped, all who wait, now or later, fail with `reason`. */
  abort(reason: unknown): void {
    if (this.state === ABORTED) return;
    this.state = ABORTED;
    this.reason = reason;
    this.ring = [];
    this.count = 0;
    for (let r = this.receivers?.shift(); r !== undefined; r = this.receivers?.shift()) r.fail(reason);
    for (let s = this.senders?.shift(); s !== undefined; s = this.senders?.shift()) s.fail(reason);
  }

  /** The values in order until the channel is closed and drained; leaving the loop early leaves it open. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return {
      next: async (): Promise<IteratorResult<T, undefined>> => {
        try {
          return { done: false, value: await this.receive() };
        } catch (error) {
          if (this.state === CLOSED && error instanceof ChannelClosedError)
            return { done: true, value: undefined };
          throw error;
        }
      },
      return: async () => ({ done: true, value: undefined }),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Queues one who waits for a value; for `select`. The channel must have none. */
  waitToReceive(receiver: Receiver<T>): void {
    this.receivers ??= new Waiters();
    this.receivers.push(receiver);
  }

  /** Queues one who waits for room; for `select`. The channel must be full. */
  waitToSend(sender: Sender<T>): void {
    this.senders ??= new Waiters();
    this.senders.push(sender);
  }

  private put(value: T): void {
    const { ring } = this;
    if (this.count === ring.length) this.grow();
    const at = this.head + this.count;
    this.ring[at >= this.ring.length ? at - this.ring.length : at] = value;
    this.count++;
  }

  private grow(): void {
    const { ring, head } = this;
    const wider: (T | undefined)[] = ring.slice(head).concat(ring.slice(0, head));
    wider.length = Math.min(ring.length * 2, this.capacity);
    this.ring = wider;
    this.head = 0;
  }

  private failure(): unknown {
    return this.state === ABORTED ? this.reason : new ChannelClosedError();
  }
}

/** Lets a waiter leave its queue and fail when `signal` aborts, and takes the listener back once it is served. */
function leaveOnAbort<T>(waiter: Receiver<T> | Sender<T>, signal: AbortSignal): void {
  const { fail } = waiter;
  const onAbort = () => {
    (waiter.queue as Waiters<Waiter> | undefined)?.remove(waiter);
    fail(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  const served = () => signal.removeEventListener("abort", onAbort);
  waiter.fail = (reason) => {
    served();
    fail(reason);
  };
  if ("take" in waiter) {
    const { take, end } = waiter;
    waiter.take = (value) => {
      served();
      take(value);
    };
    waiter.end = () => {
      served();
      end();
    };
  } else {
    const { taken } = waiter;
    waiter.taken = () => {
      served();
      taken();
    };
  }
}
