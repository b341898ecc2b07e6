import { type ChunkPlan, type ChunkStart, firstChunk } from "../csv/chunks.js";
import { InterruptedError } from "../errors.js";

const NEXT = 0;
const END = 1;
const FAILED = 2;
const HEADER = 4;
/** How long a worker sleeps before it looks whether the scan has failed meanwhile, in milliseconds. */
const PATIENCE_MS = 50;

/**
 * What the workers of a scan share: the counter from which they take chunks, and the running totals that say where
 * in the file each chunk starts (its first row's number, lines, whether within quotes).
 *
 * The total of chunk k + 1 is published by whoever counts chunk k, before parsing it: a decoupled look-back (Merrill &
 * Garland 2016). Chunks are taken in order, so the one before is never far behind.
 */
export class LookBack {
  /** The shared memory; hand it to workers and make a LookBack of it there. */
  readonly buffer: SharedArrayBuffer;
  readonly #chunks: number;
  readonly #header: Int32Array;
  /** Per chunk: 0 unknown, 1 starts outside quotes, 2 within. */
  readonly #known: Int32Array;
  /** Per chunk: first row, lines. */
  readonly #totals: Float64Array;

  constructor(plan: Pick<ChunkPlan, "chunks" | "firstRow" | "part">, buffer?: SharedArrayBuffer) {
    const { chunks } = plan;
    const doubles = 2 * (chunks + 1);
    this.buffer = buffer ?? new SharedArrayBuffer(8 * doubles + 4 * (HEADER + chunks + 1));
    this.#chunks = chunks;
    this.#totals = new Float64Array(this.buffer, 0, doubles);
    this.#header = new Int32Array(this.buffer, 8 * doubles, HEADER);
    this.#known = new Int32Array(this.buffer, 8 * doubles + 4 * HEADER, chunks + 1);
    if (buffer === undefined) {
      this.#header[END] = chunks;
      this.publish(0, firstChunk(plan));
    }
  }

  /** Takes the next chunk below `limit`; −1 where there is none, now or any more (`done`). */
  take(limit: number): number {
    for (;;) {
      const chunk = Atomics.load(this.#header, NEXT);
      if (chunk >= limit || chunk >= Atomics.load(this.#header, END)) return -1;
      if (Atomics.compareExchange(this.#header, NEXT, chunk, chunk + 1) === chunk) return chunk;
    }
  }

  /** Whether all chunks are taken. */
  get done(): boolean {
    return Atomics.load(this.#header, NEXT) >= Atomics.load(this.#header, END);
  }

  /** Takes no chunk from `chunk` on: another lane will read them. */
  stopAt(chunk: number): void {
    let end = Atomics.load(this.#header, END);
    while (chunk < end) {
      const seen = Atomics.compareExchange(this.#header, END, end, chunk);
      if (seen === end) return;
      end = seen;
    }
  }

  /** Whether the scan has failed. */
  get failed(): boolean {
    return Atomics.load(this.#header, FAILED) !== 0;
  }

  /** Publishes where a chunk starts. */
  publish(chunk: number, start: ChunkStart): void {
    if (chunk > this.#chunks) return;
    this.#totals[2 * chunk] = start.firstRow;
    this.#totals[2 * chunk + 1] = start.lines;
    Atomics.store(this.#known, chunk, start.insideQuote ? 2 : 1);
    Atomics.notify(this.#known, chunk);
  }

  /** Where a chunk starts, if that is known yet. */
  peek(chunk: number): ChunkStart | undefined {
    const known = Atomics.load(this.#known, chunk);
    if (known === 0) return undefined;
    const [firstRow, lines] = this.#totals.subarray(2 * chunk);
    return { firstRow: firstRow!, lines: lines!, insideQuote: known === 2 };
  }

  /** Where a chunk starts; blocks until that is known. Throws InterruptedError once the scan has failed. */
  start(chunk: number): ChunkStart {
    for (;;) {
      const start = this.peek(chunk);
      if (start !== undefined) return start;
      if (Atomics.load(this.#header, FAILED) !== 0)
        throw new InterruptedError("the scan has failed elsewhere");
      Atomics.wait(this.#known, chunk, 0, PATIENCE_MS);
    }
  }

  /** Wakes and ends all who wait: what they wait for will not come. */
  fail(): void {
    Atomics.store(this.#header, FAILED, 1);
    Atomics.store(this.#header, END, 0);
  }
}
