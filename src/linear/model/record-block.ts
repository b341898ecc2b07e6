import type { RawBlock } from "../../dataset/formula/raw-block.js";
import type { RawColumn } from "../../dataset/formula/raw-columns.js";
import { nearestName } from "../../dataset/nearest.js";
import { numberOf, textOf, truthWords } from "../../dataset/record-cells.js";
import { TextCodes } from "../../dataset/text-codes.js";
import { DataError, ModelError, quoteCell, UsageError } from "../../errors.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";

/** A row of data as an object: values by the names of raw columns. */
export type DataRecord = Readonly<Record<string, unknown>>;

/** Whether rows are records, and not numbers. */
export function areRecords(
  rows: Float64Array | readonly (readonly number[])[] | readonly DataRecord[],
): rows is readonly DataRecord[] {
  requireArray(rows);
  const first: unknown = rows[0];
  return typeof first === "object" && first !== null && !Array.isArray(first) && !ArrayBuffer.isView(first);
}

/** @throws UsageError for something else than an array; one record alone is most likely */
export function requireArray(rows: unknown): void {
  if (Array.isArray(rows) || ArrayBuffer.isView(rows)) return;
  const found = rows === null ? "null" : typeof rows === "object" ? "an object" : typeof rows;
  throw new UsageError(`expected an array of records, got ${found}`, {
    hint: "one record is an array of one: predict([record])",
  });
}

/** Records as blocks of raw columns, up to 128 rows at a time. */
export class RecordBlocks {
  readonly #records: readonly DataRecord[];
  readonly #numeric: { key: string; values: Float64Array }[];
  readonly #texts: TextColumn[];
  readonly #group: TextColumn | undefined;

  /**
   * @param numeric the raw columns of numbers, in a spec's order; `texts` those of texts
   * @param group the column that names each row's group
   * @throws ModelError where no record has one of the columns; DataError where a record is no object
   */
  constructor(
    records: readonly DataRecord[],
    numeric: readonly string[],
    texts: readonly RawColumn[],
    group?: RawColumn,
  ) {
    checkRecords(records);
    const columns = [
      ...numeric,
      ...texts.map(({ name }) => name),
      ...(group === undefined ? [] : [group.name]),
    ];
    const keys = keysOf(records, columns);
    this.#records = records;
    this.#numeric = numeric.map((name) => ({ key: keys.get(name)!, values: new Float64Array(BLOCK_ROWS) }));
    this.#texts = texts.map((column) => new TextColumn(keys.get(column.name)!, column.levels));
    this.#group = group && new TextColumn(keys.get(group.name)!, group.levels);
  }

  /** The records from `from` on, `rows` of them; the next block overwrites it. @throws DataError for a wrong value */
  read(from: number, rows: number): RawBlock {
    const records = this.#records;
    for (const { key, values } of this.#numeric)
      for (let r = 0; r < rows; r++) {
        const cell = ownValue(records[from + r]!, key);
        const value = numberOf(cell);
        if (value === undefined) throw wrongValue(cell, key, from + r, "a number");
        values[r] = value;
      }
    const coded = [...this.#texts, ...(this.#group === undefined ? [] : [this.#group])];
    for (const column of coded)
      for (let r = 0; r < rows; r++) column.read(ownValue(records[from + r]!, column.key), r, from + r);
    const group = this.#group;
    return {
      numeric: this.#numeric.map(({ values }) => values),
      codes: this.#texts.map(({ codes }) => codes),
      levels: this.#texts.map(({ names }) => names),
      group: group && { codes: group.codes, names: group.names },
      firstRow: from,
    };
  }
}

/** A column of texts, numbered. */
class TextColumn {
  readonly key: string;
  readonly codes = new Int32Array(BLOCK_ROWS);
  readonly #texts: TextCodes;
  readonly #truth: ReturnType<typeof truthWords>;

  constructor(key: string, levels: readonly string[] | undefined) {
    this.key = key;
    this.#texts = new TextCodes(levels);
    this.#truth = truthWords(levels ?? []);
  }

  get names(): readonly string[] {
    return this.#texts.names;
  }

  read(cell: unknown, r: number, row: number): void {
    const text = textOf(cell, this.#truth);
    if (text === undefined) throw wrongValue(cell, this.key, row, "a text");
    this.codes[r] = this.#texts.code(text);
  }
}

/** A value that the record itself has: not one that all objects have, such as `constructor`. */
function ownValue(record: DataRecord, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function checkRecords(records: readonly DataRecord[]): void {
  const wrong = records.findIndex((one) => typeof one !== "object" || one === null || Array.isArray(one));
  if (wrong >= 0)
    throw new DataError(`expected an object with a value for each column, found ${shown(records[wrong])}`, {
      place: { row: wrong },
    });
}

/**
 * The key by which records have each column: its name, or one that is the same in composed form.
 *
 * A record without a column has a missing cell there; a column that none has is a mistake.
 */
function keysOf(records: readonly DataRecord[], columns: readonly string[]): Map<string, string> {
  const keys = new Map(columns.map((name) => [name, name]));
  if (records.length === 0) return keys;
  const absent = columns.filter((name) => !records.some((record) => Object.hasOwn(record, name)));
  if (absent.length === 0) return keys;
  const present = new Map<string, string>();
  for (const record of records)
    for (const key of Object.keys(record))
      if (!present.has(key.normalize("NFC"))) present.set(key.normalize("NFC"), key);
  const missing = absent.filter((name) => {
    const key = present.get(name);
    if (key !== undefined) keys.set(name, key);
    return key === undefined;
  });
  if (missing.length === 0) return keys;
  const strangers = [...present.keys()].filter((key) => !keys.has(key));
  const nearest = nearestName(missing[0]!, strangers);
  const have = [...present.keys()].slice(0, 20).join(", ");
  throw new ModelError(`the records lack columns of the model: ${missing.join(", ")}`, {
    hint:
      nearest === undefined
        ? `they have ${have || "no columns"}`
        : `they have ${nearest}: is that ${missing[0]}?`,
  });
}

function wrongValue(cell: unknown, column: string, row: number, expected: string): DataError {
  return new DataError(`expected ${expected}, found ${shown(cell)}`, {
    place: { row, column, ...(typeof cell === "string" ? { cell } : {}) },
    hint:
      typeof cell === "string"
        ? "numbers of records are numbers, not texts; a missing value is null"
        : "a missing value is null, or left out",
  });
}

function shown(value: unknown): string {
  if (typeof value === "string") return quoteCell(value);
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
