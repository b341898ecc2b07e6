import type { Levels } from "../csv/levels.js";
import type { ValueReader, Values } from "./column-values.js";

/** Some rows of a column as they come: a page, a batch. */
export interface Piece {
  readonly rows: number;
  /** 1 for each row that has a value, 0 for one that has none; undefined where all have one. */
  readonly mask: Uint8Array | undefined;
  /** The values of the rows that have one, in their order; or a dictionary of values. */
  readonly values: Values;
  /** Where there is a dictionary: the place in it of the value of each row that has one. */
  readonly indices: Int32Array | undefined;
}

/** Rows `from` to `to` − 1 of a piece. */
export function cutPiece(piece: Piece, from: number, to: number): Piece {
  if (from === 0 && to === piece.rows) return piece;
  const { mask } = piece;
  const [start, end] = mask === undefined ? [from, to] : [countOnes(mask, 0, from), countOnes(mask, 0, to)];
  return {
    rows: to - from,
    mask: mask?.subarray(from, to),
    values: piece.indices === undefined ? cutValues(piece.values, start, end) : piece.values,
    indices: piece.indices?.subarray(start, end),
  };
}

function cutValues(values: Values, start: number, end: number): Values {
  return ArrayBuffer.isView(values)
    ? (values as Float64Array).subarray(start, end)
    : (values as readonly string[]).slice(start, end);
}

function countOnes(mask: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) count += mask[i]!;
  return count;
}

/** What to throw for a value that cannot be what it is read as. */
export type Refuse = (value: string | bigint | number, row: number) => Error;

/**
 * Puts the pieces of a column together as doubles, NaN where there is no value. Doubles that need nothing done to them are
 * copied without a look: that none is infinite is for whoever has them all.
 */
export class NumberGatherer {
  readonly out: Float64Array;
  readonly #reader: ValueReader;
  readonly #refuse: Refuse;
  #filled = 0;
  #dense = new Float64Array(0);
  #dictionary: { values: Values; numbers: Float64Array; bad: ReadonlySet<number> } | undefined;

  /** @param out where they go, as many as there are rows */
  constructor(reader: ValueReader, out: Float64Array, refuse: Refuse) {
    this.out = out;
    this.#reader = reader;
    this.#refuse = refuse;
  }

  add({ rows, mask, values, indices }: Piece): void {
    const { out } = this;
    const at = this.#filled;
    this.#filled += rows;
    if (indices !== undefined) {
      const { numbers, bad } = this.#numbersOf(values);
      for (let r = 0, i = 0; r < rows; r++) {
        if (mask !== undefined && mask[r] === 0) {
          out[at + r] = Number.NaN;
          continue;
        }
        const index = indices[i++]!;
        if (index >= numbers.length) throw new RangeError("an index lies outside of its dictionary");
        if (bad.size > 0 && bad.has(index)) throw this.#refuse(values[index]!, at + r);
        out[at + r] = numbers[index]!;
      }
      return;
    }
    if (mask === undefined && this.#reader.takesAsTheyStand(values)) {
      out.set(values, at);
      return;
    }
    if (mask === undefined) {
      const bad = this.#reader.numbers(values, out, at);
      if (bad >= 0) throw this.#refuse(values[bad]!, at + bad);
      return;
    }
    if (this.#dense.length < values.length) this.#dense = new Float64Array(values.length);
    const bad = this.#reader.numbers(values, this.#dense, 0);
    if (bad >= 0) throw this.#refuse(values[bad]!, at + rowOf(mask, bad));
    for (let r = 0, i = 0; r < rows; r++) out[at + r] = mask[r] === 0 ? Number.NaN : this.#dense[i++]!;
  }

  /** A dictionary's values as numbers, and the places of those that are none, which matter only where they are used. */
  #numbersOf(values: Values): { numbers: Float64Array; bad: ReadonlySet<number> } {
    if (this.#dictionary?.values === values) return this.#dictionary;
    const numbers = new Float64Array(values.length);
    const bad = new Set<number>();
    for (let from = 0; from < values.length; ) {
      const at = this.#reader.numbers(cutValues(values, from, values.length), numbers, from);
      if (at < 0) break;
      bad.add(from + at);
      from += at + 1;
    }
    this.#dictionary = { values, numbers, bad };
    return this.#dictionary;
  }
}

/** The row of the value number `index`. */
function rowOf(mask: Uint8Array, index: number): number {
  let left = index;
  for (let r = 0; r < mask.length; r++) if (mask[r] === 1 && left-- === 0) return r;
  return mask.length;
}

/** Puts the pieces of a column together as codes of levels, −1 where there is no value. */
export class CodeGatherer {
  readonly out: Int32Array;
  readonly #reader: ValueReader;
  readonly #levels: Levels;
  readonly #firstRow: number;
  #filled = 0;
  #dictionary: { values: Values; codes: Int32Array } | undefined;

  /** @param firstRow the number of the first row, by which levels are put in order */
  constructor(reader: ValueReader, rows: number, levels: Levels, firstRow: number) {
    this.out = new Int32Array(rows);
    this.#reader = reader;
    this.#levels = levels;
    this.#firstRow = firstRow;
  }

  add({ rows, mask, values, indices }: Piece): void {
    const { out } = this;
    const at = this.#filled;
    this.#filled += rows;
    const row = this.#firstRow + at;
    if (indices === undefined) {
      for (let r = 0, i = 0; r < rows; r++)
        out[at + r] = mask !== undefined && mask[r] === 0 ? -1 : this.#code(values[i++]!, row + r);
      return;
    }
    if (this.#dictionary?.values !== values)
      this.#dictionary = { values, codes: new Int32Array(values.length).fill(UNKNOWN) };
    const { codes } = this.#dictionary;
    for (let r = 0, i = 0; r < rows; r++) {
      if (mask !== undefined && mask[r] === 0) {
        out[at + r] = -1;
        continue;
      }
      const index = indices[i++]!;
      if (index >= codes.length) throw new RangeError("an index lies outside of its dictionary");
      // A level counts from the row in which it is first used: not all of a dictionary need be.
      if (codes[index] === UNKNOWN) codes[index] = this.#code(values[index]!, row + r);
      out[at + r] = codes[index]!;
    }
  }

  #code(value: string | bigint | number, row: number): number {
    return this.#levels.code(this.#reader.text(value), row) ?? -1;
  }
}

const UNKNOWN = -2;

/** Puts the pieces of a column together as texts, undefined where there is no value. */
export class TextGatherer {
  readonly out: (string | undefined)[] = [];
  readonly #reader: ValueReader;

  constructor(reader: ValueReader) {
    this.#reader = reader;
  }

  add({ rows, mask, values, indices }: Piece): void {
    for (let r = 0, i = 0; r < rows; r++) {
      if (mask !== undefined && mask[r] === 0) this.out.push(undefined);
      else {
        const at = indices === undefined ? i++ : indices[i++]!;
        this.out.push(this.#reader.text(values[at]!));
      }
    }
  }
}
