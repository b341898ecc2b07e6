import { truthWords } from "../dataset/record-cells.js";
import { TextCodes } from "../dataset/text-codes.js";
import { badRequest, listed, quoted } from "./request-error.js";
import type { InputColumn } from "./served.js";

/** Numbers of a request, read where they lie as they are needed. */
export interface Numbers {
  readonly at: (i: number) => number;
  /** The same as an array, where they are one. */
  readonly array: Float64Array | undefined;
  /** Whether they are truth values, 1 and 0. */
  readonly bool: boolean;
}

/** One input column of a request, by name: numbers, or texts, null being a missing cell. */
export type ColumnValues = Numbers | readonly (string | null)[];

/** Texts by number: row i has `names[codes[i]]`, or none where its code is −1. */
export interface CodedTexts {
  readonly codes: Int32Array;
  readonly names: readonly string[];
}

/** The rows of a request as columns of the model, whatever the dialect they came in. */
export interface Batch {
  readonly rows: number;
  /** The number of the first row in the request, for messages. */
  readonly firstRow: number;
  /** The numeric input columns of rows `from` to `to` − 1, row-major; the next call may overwrite them. */
  readonly numbers: (from: number, to: number) => Float64Array;
  /** The text input columns, in the model's order. */
  readonly texts: readonly CodedTexts[];
  /** The column by whose groups intervals are calibrated, where it is no input and the request has it. */
  readonly aside?: Batch | undefined;
}

/** What a model asks for in a batch. */
export interface BatchShape {
  readonly inputs: readonly InputColumn[];
  /** The number of numeric inputs. */
  readonly width: number;
  /** A column that only conformal intervals ask for. */
  readonly aside?: InputColumn | undefined;
}

/** An array as numbers. */
export function numbersOf(array: Float64Array, bool = false): Numbers {
  return { array, bool, at: (i) => array[i]! };
}

/** Whether values are numbers and not texts. */
export function isNumbers(values: ColumnValues): values is Numbers {
  return !Array.isArray(values);
}

/**
 * A batch from columns by name; columns that the model does not ask for are not looked at.
 *
 * @throws RequestError (400) that names the columns missing
 */
export function batchOf(
  model: BatchShape,
  rows: number,
  column: (input: InputColumn) => ColumnValues | CodedTexts | undefined,
  firstRow = 0,
): Batch {
  const numeric: Numbers[] = [];
  const texts: CodedTexts[] = [];
  const missing: string[] = [];
  for (const input of model.inputs) {
    const values = column(input);
    if (values === undefined) missing.push(input.name);
    else if ("codes" in values) texts.push(values);
    else if (input.datatype === "FP64") numeric.push(values as Numbers);
    else texts.push(coded(isNumbers(values) ? truths(values, rows, input) : values, input));
  }
  if (missing.length > 0)
    throw badRequest(
      `the request lacks ${missing.length === 1 ? "an input" : "inputs"} of the model: ${listed(missing)}`,
    );
  return { rows, firstRow, texts, numbers: stripes(numeric) };
}

/** Columns, interleaved a stripe at a time into a buffer that is used again. */
function stripes(columns: readonly Numbers[]): Batch["numbers"] {
  const [first] = columns;
  const whole = columns.length === 1 ? first!.array : undefined;
  if (whole !== undefined) return (from, to) => whole.subarray(from, to);
  const width = columns.length;
  let buffer = new Float64Array(0);
  return (from, to) => {
    const size = (to - from) * width;
    if (buffer.length < size) buffer = new Float64Array(size);
    columns.forEach(({ array, at }, j) => {
      if (array === undefined) for (let i = from, k = j; i < to; i++, k += width) buffer[k] = at(i);
      else for (let i = from, k = j; i < to; i++, k += width) buffer[k] = array[i]!;
    });
    return buffer.subarray(0, size);
  };
}

/** A matrix of numbers, row-major, of `width` columns. */
export function matrixStripes(values: Numbers, width: number): Batch["numbers"] {
  const { array, at } = values;
  if (array !== undefined) return (from, to) => array.subarray(from * width, to * width);
  let buffer = new Float64Array(0);
  return (from, to) => {
    const size = (to - from) * width;
    if (buffer.length < size) buffer = new Float64Array(size);
    for (let k = 0, i = from * width; k < size; k++, i++) buffer[k] = at(i);
    return buffer.subarray(0, size);
  };
}

function coded(texts: readonly (string | null)[], { levels }: InputColumn): CodedTexts {
  const known = new TextCodes(levels);
  return { codes: Int32Array.from(texts, (text) => known.code(text)), names: known.names };
}

function truths({ at }: Numbers, rows: number, { levels = [] }: InputColumn): string[] {
  const words = truthWords(levels);
  return Array.from({ length: rows }, (_, i) => words[at(i) === 0 ? 0 : 1]);
}

/** Refuses a column that is there twice: which of the two is meant, nobody knows. */
export function checkDistinct(names: readonly unknown[], what: string): void {
  const seen = new Set<unknown>();
  for (const name of names) {
    if (seen.has(name)) throw badRequest(`${what} ${quoted(name)} is there twice`);
    seen.add(name);
  }
}
