import type { Data } from "../tensor.js";
import type { CutEdge } from "./cut-edge.js";

/** The bytes of a piece in which values cross, 1 MiB. */
export const CHUNK_BYTES = 1 << 20;

/** A value that comes in pieces. */
interface Slot {
  bytes: Uint8Array;
  filled: number;
  complete: boolean;
  /** Set while the graph waits for it. */
  waiting: { done(): void; failed(reason: unknown): void; edge: CutEdge } | undefined;
}

/**
 * Where the values of a machine's incoming edges arrive, by edge and run.
 *
 * A value that the graph waits for goes straight to its place in the frame; one that comes before is kept here, for as
 * many runs as may be under way. Of a later run nothing is taken, which holds up the stream and so who sends. That cannot
 * deadlock: a site sends nothing of run r before its own run r − capacity has ended, and so everything of that run has been
 * sent, earlier in the stream.
 */
export class Mailbox {
  private readonly slots = new Map<string, Slot>();
  private readonly ended = new Set<number>();
  private readonly waiters: { readonly run: number; readonly go: () => void }[] = [];
  private readonly listeners = new Set<() => void>();
  private readonly capacity: number;
  private oldest = 1;
  private failure: { readonly reason: unknown } | undefined = undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The bytes that lie here, unread. */
  get heldBytes(): number {
    let sum = 0;
    for (const { waiting, bytes } of this.slots.values()) if (waiting === undefined) sum += bytes.length;
    return sum;
  }

  /** The edge of a value that the graph waits for from a site, the oldest. */
  awaitedFrom(site: number): CutEdge | undefined {
    for (const { waiting } of this.slots.values()) if (waiting?.edge.from === site) return waiting.edge;
    return undefined;
  }

  /** Whether there is room for values of a run. */
  takes(run: number): boolean {
    return this.failure !== undefined || run < this.oldest + this.capacity;
  }

  /** Calls `listener` whenever a run has ended, until what this gives is called. */
  whenRoom(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A run of this site has ended. */
  end(run: number): void {
    this.ended.add(run);
    while (this.ended.delete(this.oldest)) this.oldest++;
    for (let i = this.waiters.length - 1; i >= 0; i--)
      if (this.takes(this.waiters[i]!.run)) this.waiters.splice(i, 1)[0]!.go();
    for (const listener of [...this.listeners]) listener();
  }

  /** Resolves once this site may send values of a run; undefined where it may at once. */
  turnOf(run: number): Promise<void> | undefined {
    if (this.takes(run)) return undefined;
    return new Promise((go) => this.waiters.push({ run, go }));
  }

  /** Takes a piece of a value. @throws RangeError where it does not belong to the value */
  deliver(edge: CutEdge, run: number, sequence: number, piece: Uint8Array): void {
    if (this.failure !== undefined) return;
    const key = `${run}/${edge.number}`;
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = { bytes: new Uint8Array(edge.bytes), filled: 0, complete: false, waiting: undefined };
      this.slots.set(key, slot);
    }
    const at = sequence * CHUNK_BYTES;
    if (slot.complete || run < this.oldest || at + piece.length > edge.bytes)
      throw new RangeError(
        `piece ${sequence} of run ${run}: ${piece.length} bytes, of a value of ${edge.bytes}`,
      );
    slot.bytes.set(piece, at);
    slot.filled += piece.length;
    if (slot.filled < edge.bytes) return;
    slot.complete = true;
    if (slot.waiting === undefined) return;
    this.slots.delete(key);
    slot.waiting.done();
  }

  /** Puts the value of an edge into `into`: at once, or when it has come. */
  receive(edge: CutEdge, run: number, into: Data): Promise<void> | undefined {
    if (this.failure !== undefined) throw this.failure.reason;
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    const key = `${run}/${edge.number}`;
    const early = this.slots.get(key);
    if (early !== undefined) bytes.set(early.bytes);
    if (early?.complete) {
      this.slots.delete(key);
      return undefined;
    }
    return new Promise((done, failed) => {
      const waiting = { done, failed, edge };
      this.slots.set(key, { bytes, filled: early?.filled ?? 0, complete: false, waiting });
    });
  }

  /** Nothing comes any more: whoever waits fails. */
  fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { reason };
    const slots = [...this.slots.values()];
    this.slots.clear();
    for (const { waiting } of slots) waiting?.failed(reason);
    for (const { go } of this.waiters.splice(0)) go();
    for (const listener of [...this.listeners]) listener();
  }
}
