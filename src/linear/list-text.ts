import { setImmediate as nextTick } from "node:timers/promises";
import { Kernels } from "../kernels/kernels.js";
import { NumberWriter } from "../kernels/number-writer.js";
import { WorkerPool } from "../parallel/worker-pool.js";

/** Lists of numbers whose type says that there is nothing else in them. */
export type NumberList = Float64Array | Int32Array;

/** Numbers that are written at a time. */
const NUMBERS = 1 << 13;
/** Numbers that another thread writes at a time: some 5 ms. */
const SHARE = 1 << 16;
/** Numbers of a list that are shared out at once: the text of half of them, some 10 MB, waits for its turn. */
const SEGMENT = 1 << 20;
/** Shorter lists are written by one thread: another is asked, answers and, once, starts in some 30 ms. */
const SHARED = 1 << 18;

/** Lists of numbers by the kernel that writes CSV: a row of them is what stands between the brackets. */
export class ListText {
  /** Made with the first list: many documents have none that is long. */
  #kernels: { kernels: Kernels; writer: NumberWriter; values: number } | undefined;

  /** The text between the brackets, in pieces of which each is overwritten by the next. */
  *pieces(list: readonly (number | null)[] | NumberList): Generator<Uint8Array, void, void> {
    if (this.#kernels === undefined) {
      const kernels = new Kernels();
      this.#kernels = { kernels, writer: new NumberWriter(kernels), values: kernels.alloc(8 * NUMBERS) };
    }
    const { kernels, writer, values: address } = this.#kernels;
    for (let from = 0; from < list.length; from += NUMBERS) {
      const count = Math.min(NUMBERS, list.length - from);
      const values = kernels.doublesAt(address, count);
      const finite =
        list instanceof Float64Array || list instanceof Int32Array
          ? takeNumbers(values, list.subarray(from, from + count))
          : takeList(values, list, from);
      if (from > 0) yield COMMA;
      if (!finite) yield Buffer.from(JSON.stringify(Array.from(list.slice(from, from + count))).slice(1, -1));
      // The row's LF is left out.
      else yield writer.rows(address, 1, count, { stride: 1 }).subarray(0, -1);
    }
  }
}

/**
 * The same with other threads: they take shares of a list from its end while this one writes from its start, until they
 * meet. The text does not depend on how many there are.
 */
export class SharedListText {
  readonly #own: ListText;
  readonly #others: number;
  #pool: WorkerPool<NumberList, Uint8Array<ArrayBuffer>> | undefined;

  /** @param threads this one among them */
  constructor(own: ListText, threads: number) {
    this.#own = own;
    this.#others = threads - 1;
  }

  /** As `ListText.pieces`. */
  async *pieces(list: NumberList): AsyncGenerator<Uint8Array, void, void> {
    if (this.#others < 1 || list.length < SHARED) {
      yield* this.#own.pieces(list);
      return;
    }
    for (let from = 0; from < list.length; from += SEGMENT) {
      if (from > 0) yield COMMA;
      yield* this.#shared(list.subarray(from, from + SEGMENT));
    }
  }

  async *#shared(list: NumberList): AsyncGenerator<Uint8Array, void, void> {
    this.#pool ??= new WorkerPool(new URL("../../dist/bundle/list-text-worker.js", import.meta.url), {
      threads: this.#others,
    });
    const pool = this.#pool;
    /** Where this thread is, and where what others have taken begins. */
    let at = 0;
    let taken = list.length;
    const texts: Promise<Uint8Array>[] = [];
    const take = async (): Promise<void> => {
      while (taken - at > SHARE) {
        const end = taken;
        taken = Math.max(at + NUMBERS, end - SHARE);
        const text = pool.run(list.slice(taken, end));
        texts.push(text);
        await text;
      }
    };
    const taking = Array.from({ length: this.#others }, take);
    // What is thrown is met where the text is waited for.
    for (const one of taking) one.catch(() => {});
    for (; at < taken; at = Math.min(taken, at + NUMBERS)) {
      if (at > 0) yield COMMA;
      const end = Math.min(taken, at + NUMBERS);
      yield* this.#own.pieces(list.subarray(at, end));
      // Other threads' answers are heard in turns of the event loop, and they are given more in answer.
      await nextTick();
    }
    for (const text of texts.reverse()) {
      yield COMMA;
      yield await text;
    }
  }

  /** Ends the other threads. */
  async close(): Promise<void> {
    await this.#pool?.close();
  }
}

/** A worker's answer: the text of its share. */
export function listText(list: NumberList): Uint8Array<ArrayBuffer> {
  own ??= new ListText();
  const pieces = Array.from(own.pieces(list), (piece) => piece.slice());
  const text = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    text.set(piece, at);
    at += piece.length;
  }
  return text;
}
let own: ListText | undefined;

/** Copies numbers; whether all are finite. */
function takeNumbers(values: Float64Array, list: NumberList): boolean {
  values.set(list);
  if (list instanceof Int32Array) return true;
  // Infinity less itself is NaN, and what NaN is added to.
  let sum = 0;
  for (let i = 0; i < list.length; i++) sum += list[i]! - list[i]!;
  return sum === 0;
}

/** The same of a list that may have null. */
function takeList(values: Float64Array, list: readonly (number | null)[], from: number): boolean {
  let finite = true;
  for (let i = 0; i < values.length; i++) {
    const x = list[from + i]!;
    finite &&= x !== null && Number.isFinite(x);
    values[i] = x;
  }
  return finite;
}

const COMMA = Buffer.from(",");
