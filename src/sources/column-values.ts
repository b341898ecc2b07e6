import { CellReader, type NumberFormat } from "../dataset/number-format.js";
import type { TruthWords } from "../dataset/record-cells.js";
import { DataError, quoteCell } from "../errors.js";
import { option, type Wording, wording } from "../wording.js";
import { textOfValue } from "./value-text.js";
import { isNumeric, type ValueType } from "./value-type.js";

/** Values of one column, none of them missing. Booleans are 0 and 1. */
export type Values =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | readonly (string | bigint | number)[];

/** A column of a typed source; plain data. */
export interface TypedColumn {
  readonly name: string;
  readonly type: ValueType;
  /** How its true and false are written among levels. */
  readonly words: TruthWords;
}

/** 2⁵³: from there on not every integer is a double. */
const EXACT = 2 ** 53;
/** 10^22 is the largest power of ten that is a double, so that dividing by it rounds once. */
const EXACT_POWER = 22;

/** Reads the values of one column as numbers or as texts, and says what is wrong with one. */
export class ValueReader {
  readonly #column: TypedColumn;
  readonly #cells: CellReader;

  constructor(column: TypedColumn, format: NumberFormat) {
    this.#column = column;
    this.#cells = new CellReader(format, column.name);
  }

  /**
   * Writes values as doubles to `out` from `at` on; NaN is a missing one, as is a number that the user says means one.
   *
   * @returns the index of the first value that is no finite number a double holds; −1 where all are
   */
  numbers(values: Values, out: Float64Array, at: number): number {
    const bad = this.#numbers(values, out, at);
    const { missingNumbers } = this.#cells;
    if (missingNumbers.length > 0)
      for (let i = at; i < at + values.length; i++) if (missingNumbers.includes(out[i]!)) out[i] = Number.NaN;
    return bad;
  }

  /** Whether `numbers` would change nothing of values, as long as they are finite. */
  takesAsTheyStand(values: Values): values is Float64Array {
    const { type } = this.#column;
    return type.of === "number" && values instanceof Float64Array && this.#cells.missingNumbers.length === 0;
  }

  #numbers(values: Values, out: Float64Array, at: number): number {
    const { type } = this.#column;
    if (type.of === "decimal") return decimals(values, type.scale, out, at);
    if (type.of !== "number" && type.of !== "integer" && type.of !== "boolean")
      return this.#parsed(values, out, at);
    if (values instanceof BigInt64Array) return integers(values, out, at);
    if (values instanceof BigUint64Array || Array.isArray(values)) {
      for (let i = 0; i < values.length; i++) {
        const value = values[i]! as bigint | number | string;
        // A database without strict types has texts in columns of numbers.
        const number = typeof value === "string" ? this.#cells.number(value) : Number(value);
        if (number === undefined) return i;
        if (
          typeof value === "bigint" ? BigInt(number) !== value : Math.abs(number) === Number.POSITIVE_INFINITY
        )
          return i;
        out[at + i] = number;
      }
      return -1;
    }
    if (!(values instanceof Float64Array || values instanceof Float32Array)) {
      out.set(values as Int32Array, at);
      return -1;
    }
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      // NaN is a missing value; what is no number less itself otherwise is infinite.
      if (value - value !== 0 && !Number.isNaN(value)) return i;
      out[at + i] = value;
    }
    return -1;
  }

  /** Texts that a model knows as numbers. */
  #parsed(values: Values, out: Float64Array, at: number): number {
    for (let i = 0; i < values.length; i++) {
      const value = this.#cells.number(this.text(values[i]!));
      if (value === undefined) return i;
      out[at + i] = value;
    }
    return -1;
  }

  /** A value as the text of a level. */
  text(value: string | bigint | number): string {
    const { type, words } = this.#column;
    // A number's text is that of its double, so that 0.1 of a REAL is what it is as a number.
    return textOfValue(value, type, words);
  }

  /** The error for a value that `numbers` does not take. */
  error(value: string | bigint | number, file: string, row: number): DataError {
    const { name, type } = this.#column;
    const cell = this.text(value);
    const place = { file, row, column: name, cell };
    if (type.of === "integer" || type.of === "decimal" || typeof value === "bigint")
      return new DataError(`${cell} has more digits than a double`, {
        place,
        hint: wording`cast the column to double where it comes from, if the nearest one will do; to take it as text: ${option("text", [name])}`,
      });
    if (isNumeric(type) && typeof value !== "string")
      return new DataError(`expected a finite number, found ${cell}`, {
        place,
        hint: "make it NULL where the data come from, if it means a missing value",
      });
    const as: Wording = wording`to take the column as text: ${option("text", [name])}`;
    return new DataError(`expected a number, found ${quoteCell(cell)}`, { place, hint: as });
  }
}

/** Integers of 64 bits by their halves, which is many times faster than one by one as bigints. */
function integers(values: BigInt64Array, out: Float64Array, at: number): number {
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const high = halves[2 * i + 1]!;
    const value = high * 2 ** 32 + (halves[2 * i]! >>> 0);
    if (value >= EXACT || value <= -EXACT) {
      if (BigInt(Number(values[i]!)) !== values[i]!) return i;
    }
    out[at + i] = value;
  }
  return -1;
}

/** Each the double nearest to the decimal: a quotient of two doubles that are exact is rounded once. */
function decimals(values: Values, scale: number, out: Float64Array, at: number): number {
  const power = 10 ** Math.abs(scale);
  for (let i = 0; i < values.length; i++) {
    const unscaled = Number(values[i]!);
    if (Math.abs(unscaled) <= EXACT && Math.abs(scale) <= EXACT_POWER)
      out[at + i] = scale >= 0 ? unscaled / power : unscaled * power;
    else {
      const value = longDecimal(BigInt(values[i]!), scale);
      if (value === undefined) return i;
      out[at + i] = value;
    }
  }
  return -1;
}

/** A decimal of many digits, of which those behind may all be 0; undefined where they are not. */
function longDecimal(unscaled: bigint, scale: number): number | undefined {
  let digits = unscaled;
  let places = scale;
  for (; digits !== 0n && digits % 10n === 0n; places--) digits /= 10n;
  if (digits > BigInt(EXACT) || -digits > BigInt(EXACT)) return undefined;
  return Number(`${digits}e${-places}`);
}
