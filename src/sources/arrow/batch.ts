import type { FlatTable } from "./flatbuffer.js";
import type { Message } from "./messages.js";
import type { ArrowColumn, Layout } from "./schema.js";

export type BodyCodec = "lz4" | "zstd";

/** Bytes of the file. */
export interface Buffer {
  readonly at: number;
  readonly length: number;
}

/** A batch of rows, as its message describes it. */
export interface ArrowBatch {
  /** Where its body begins. */
  readonly at: number;
  readonly rows: number;
  readonly codec: BodyCodec | undefined;
  /** The rows without a value, by node. */
  readonly nulls: readonly number[];
  readonly buffers: readonly Buffer[];
  /** How many buffers each column of texts in views has beside those of all columns. */
  readonly views: readonly number[];
}

/** Where a column lies in one batch; plain data. */
export interface BatchPart {
  /** Where the batch's body begins. */
  readonly at: number;
  readonly rows: number;
  readonly codec: BodyCodec | undefined;
  /** Which rows have a value, a bit each; of the structs that the column is in, too. None where all have. */
  readonly validity: readonly Buffer[];
  /** Of the layout; where there is a dictionary, the places in it. */
  readonly buffers: readonly Buffer[];
  /** The batches whose values, one behind the other, are the dictionary. */
  readonly dictionary: readonly BatchPart[] | undefined;
}

const CODECS: readonly BodyCodec[] = ["lz4", "zstd"];

/**
 * What a message says of a batch (RecordBatch of Message.fbs).
 *
 * @throws RangeError where buffers lie outside of its body
 */
export function arrowBatch(header: FlatTable, { body, bodyLength }: Message): ArrowBatch {
  const rows = header.long(0);
  const nodes = header.structs(1, 16);
  const nulls = Array.from({ length: nodes.count }, (_, i) =>
    Number(nodes.view.getBigInt64(16 * i + 8, true)),
  );
  const places = header.structs(2, 16);
  const buffers = Array.from({ length: places.count }, (_, i) => {
    const at = Number(places.view.getBigInt64(16 * i, true));
    const length = Number(places.view.getBigInt64(16 * i + 8, true));
    if (!(at >= 0 && length >= 0 && at + length <= bodyLength))
      throw new RangeError("a column lies outside of its batch");
    return { at: body + at, length };
  });
  const counts = header.structs(4, 8);
  const views = Array.from({ length: counts.count }, (_, i) => Number(counts.view.getBigInt64(8 * i, true)));
  // A run of rows without any value takes no bytes, but nobody writes a billion of them in a small batch.
  if (!(rows >= 0 && rows <= (bodyLength + 64) * 2 ** 20))
    throw new RangeError(`a batch has ${rows} rows in ${bodyLength} bytes`);
  return { at: body, rows, codec: codecOf(header.table(3)), nulls, buffers, views };
}

function codecOf(compression: FlatTable | undefined): BodyCodec | undefined {
  if (compression === undefined) return undefined;
  const codec = CODECS[compression.byte(0)];
  if (codec === undefined || compression.byte(1) !== 0)
    throw new RangeError("its batches are compressed in a way that goml does not know");
  return codec;
}

/** Where a column lies in a batch. */
export function partOf(
  batch: ArrowBatch,
  { place, within, layout, dictionary }: ArrowColumn,
  dictionaries: ReadonlyMap<number, readonly BatchPart[]>,
): BatchPart {
  const buffer = (at: number): Buffer => {
    const found = batch.buffers[at];
    if (found === undefined) throw new RangeError("a batch lacks a column");
    return found;
  };
  // Every row may have a value though a count says otherwise, but not the other way round.
  const validity = [...(layout.of === "nothing" ? [] : [place]), ...within].flatMap((one) =>
    batch.nulls[one.node] === 0 ? [] : [buffer(one.buffer + sum(batch.views, one.views))],
  );
  const own = dictionary === undefined ? layout : INDICES;
  const first = place.buffer + sum(batch.views, place.views) + 1;
  const more = own.of === "views" ? (batch.views[place.views] ?? 0) : 0;
  const count = BUFFERS[own.of] + more;
  const buffers = Array.from({ length: count }, (_, i) => buffer(first + i));
  const { at, rows, codec } = batch;
  if (dictionary === undefined) return { at, rows, codec, validity, buffers, dictionary: undefined };
  const values = dictionaries.get(dictionary.id) ?? [];
  return { at, rows, codec, validity, buffers, dictionary: values };
}

/** The values of a dictionary, as the only column of their batch. */
export function dictionaryPart(batch: ArrowBatch, layout: Layout): BatchPart {
  const place = { node: 0, buffer: 0, views: 0 };
  const column = {
    name: "",
    type: { of: "text" },
    layout,
    place,
    within: [],
    dictionary: undefined,
  } as const;
  return partOf(batch, column, new Map());
}

const INDICES: Layout = { of: "numbers", kind: "i32" };

/** The buffers of a layout, that of which rows have a value apart. */
const BUFFERS = { bits: 1, numbers: 1, half: 1, long: 1, days: 1, text: 2, views: 1, nothing: 0 };

function sum(counts: readonly number[], before: number): number {
  let total = 0;
  for (let i = 0; i < before; i++) total += counts[i] ?? 0;
  return total;
}

/** All bytes that a part takes. */
export function buffersOf({ validity, buffers, dictionary }: BatchPart): Buffer[] {
  return [...validity, ...buffers, ...(dictionary ?? []).flatMap(buffersOf)];
}
