import type { CompressionCodec, Encoding, PageHeader } from "hyparquet";
import type { Need } from "../../csv/partial-copy.js";
import type { Values } from "../column-values.js";
import { cutPiece, type Piece } from "../gather.js";
import { readInto } from "../read-at.js";
import { readDefined, readHybrid } from "./hybrid.js";
import { oneValue, readPlain } from "./plain.js";
import type { LeafColumn } from "./schema.js";
import type { ParquetTools } from "./tools.js";

/** Where the pages of one column lie in a row group; plain data. */
export interface ColumnPart {
  readonly offset: number;
  readonly bytes: number;
  readonly codec: CompressionCodec;
}

/** A page header is some dozens of bytes; with long texts as its statistics more. */
const HEADER_BYTES = 4096;

/**
 * The pages of a column in a row group, cut to its rows `from` to `to` − 1. Pages before these are passed over by their
 * headers alone. A page's values may lie in memory that the next page takes.
 *
 * @throws Error of any kind where the file is damaged, or has what this does not know
 */
export function* pagesOf(
  fd: number,
  part: ColumnPart,
  column: LeafColumn,
  rows: { from: number; to: number },
  tools: ParquetTools,
): Generator<Piece, void, undefined> {
  const end = part.offset + part.bytes;
  let at = part.offset;
  let row = 0;
  let dictionary: Values | undefined;
  while (row < rows.to) {
    // Also where a damaged header leaves no number.
    if (!(at < end)) throw new RangeError(`there are ${row} values where the row group has more rows`);
    const { header, size } = readHeader(fd, at, end, tools);
    const compressed = header.compressed_page_size;
    at += size;
    if (at + compressed > end) throw new RangeError("a page goes beyond its column's bytes");
    const count = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0;
    if (header.type === "DICTIONARY_PAGE") {
      const page = readInto(tools.pages.input(compressed), fd, at);
      const bytes = decompressed(page, 0, header.uncompressed_page_size, part.codec, tools);
      // It outlives the page's memory.
      dictionary = kept(readPlain(bytes, 0, column, header.dictionary_page_header!.num_values));
    } else if (header.type !== "INDEX_PAGE") {
      if (row + count > rows.from) {
        const piece = readPage(readInto(tools.pages.input(compressed), fd, at), header, {
          part,
          column,
          dictionary,
          tools,
        });
        yield cutPiece(piece, Math.max(0, rows.from - row), Math.min(count, rows.to - row));
      }
      row += count;
    }
    at += compressed;
  }
}

/** So much of a page is fetched to see its header. */
const FETCHED_HEADER = 1 << 16;

/** Fetches the pages of a column's first `rows` rows, of a file that lies elsewhere. */
export async function needFirstPages(
  { fd, need }: { fd: number; need: Need },
  part: ColumnPart,
  rows: number,
  tools: ParquetTools,
): Promise<void> {
  const end = part.offset + part.bytes;
  let at = part.offset;
  for (let row = 0; row < rows && at < end; ) {
    await need([[at, Math.min(end, at + FETCHED_HEADER)]]);
    let page: { header: PageHeader; size: number };
    try {
      page = readHeader(fd, at, Math.min(end, at + FETCHED_HEADER), tools);
    } catch {
      // A header of very long statistics, or damage: whoever reads the pages says which.
      await need([[at, end]]);
      return;
    }
    const { header, size } = page;
    const next = at + size + header.compressed_page_size;
    await need([[at, Math.min(end, next)]]);
    at = next;
    row += header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0;
  }
}

function readHeader(
  fd: number,
  at: number,
  end: number,
  tools: ParquetTools,
): { header: PageHeader; size: number } {
  for (let size = HEADER_BYTES; ; size *= 16) {
    const bytes = readInto(new Uint8Array(Math.min(size, end - at)), fd, at);
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
    try {
      const header = tools.header(reader);
      if (!(header.compressed_page_size >= 0)) throw new RangeError("a page has no size");
      return { header, size: reader.offset };
    } catch (error) {
      if (size >= end - at) throw error;
    }
  }
}

/** Values in memory of their own. */
function kept(values: Values): Values {
  return ArrayBuffer.isView(values) ? (values as Float64Array).slice() : values;
}

interface PageContext {
  readonly part: ColumnPart;
  readonly column: LeafColumn;
  readonly dictionary: Values | undefined;
  readonly tools: ParquetTools;
}

function readPage(bytes: Uint8Array, header: PageHeader, context: PageContext): Piece {
  const { part, column, tools } = context;
  const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size: size } = header;
  if (v1 !== undefined) {
    const page = decompressed(bytes, 0, size, part.codec, tools);
    let at = 0;
    let mask: Uint8Array | undefined;
    if (column.defined > 0) {
      if (v1.definition_level_encoding !== "RLE")
        throw new RangeError(`levels of definition are in ${v1.definition_level_encoding}`);
      const view = new DataView(page.buffer, page.byteOffset, page.length);
      mask = readDefined(page.subarray(0, 4 + view.getUint32(0, true)), 4, column.defined, v1.num_values);
      at = 4 + view.getUint32(0, true);
    }
    return { rows: v1.num_values, mask, ...readValues(page, at, v1.encoding, v1.num_values, mask, context) };
  }
  if (v2 === undefined) throw new RangeError(`a page is of the unknown type ${header.type}`);
  const levels = v2.repetition_levels_byte_length + v2.definition_levels_byte_length;
  const mask =
    column.defined > 0 && v2.num_nulls > 0
      ? readDefined(
          bytes.subarray(0, levels),
          v2.repetition_levels_byte_length,
          column.defined,
          v2.num_values,
        )
      : undefined;
  const page =
    v2.is_compressed === false || size === levels
      ? bytes.subarray(levels)
      : decompressed(bytes, levels, size - levels, part.codec, tools);
  return { rows: v2.num_values, mask, ...readValues(page, 0, v2.encoding, v2.num_values, mask, context) };
}

function readValues(
  page: Uint8Array,
  at: number,
  encoding: Encoding,
  rows: number,
  mask: Uint8Array | undefined,
  { column, dictionary, tools }: PageContext,
): { values: Values; indices: Int32Array | undefined } {
  let count = rows;
  if (mask !== undefined) for (let r = 0; r < rows; r++) count -= 1 - mask[r]!;
  switch (encoding) {
    case "PLAIN":
      return { values: readPlain(page, at, column, count), indices: undefined };
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY": {
      if (dictionary === undefined) throw new RangeError("a page has indices, and there is no dictionary");
      const indices = new Int32Array(count);
      if (count > 0 && page[at]! > 0) readHybrid(page, at + 1, page[at]!, indices, count);
      return { values: dictionary, indices };
    }
    case "RLE": {
      // Of truth values, behind the length of their bytes.
      const bits = new Int32Array(count);
      readHybrid(page, at + 4, 1, bits, count);
      return { values: Uint8Array.from(bits), indices: undefined };
    }
    default:
      return { values: readRare(page, at, encoding, count, column, tools), indices: undefined };
  }
}

/** What few files have is left to hyparquet. */
function readRare(
  page: Uint8Array,
  at: number,
  encoding: Encoding,
  count: number,
  column: LeafColumn,
  { delta, split }: ParquetTools,
): Values {
  const reader = { view: new DataView(page.buffer, page.byteOffset, page.length), offset: at };
  if (count === 0) return [];
  const { physical, length } = column;
  switch (encoding) {
    case "DELTA_BINARY_PACKED": {
      const values = physical === "INT32" ? new Int32Array(count) : new BigInt64Array(count);
      delta.deltaBinaryUnpack(reader, count, values);
      return signed(values, column);
    }
    case "DELTA_LENGTH_BYTE_ARRAY":
    case "DELTA_BYTE_ARRAY": {
      const pieces: Uint8Array[] = new Array(count);
      if (encoding === "DELTA_BYTE_ARRAY") delta.deltaByteArray(reader, count, pieces);
      else delta.deltaLengthByteArray(reader, count, pieces);
      return pieces.map((piece) => oneValue(piece, column));
    }
    case "BYTE_STREAM_SPLIT": {
      const values = split(reader, count, physical, length);
      if (physical === "FIXED_LEN_BYTE_ARRAY")
        return (values as Uint8Array[]).map((piece) => oneValue(piece, column));
      return signed(values as Float64Array | Float32Array | Int32Array | BigInt64Array, column);
    }
    default:
      throw new RangeError(`values are in the encoding ${encoding}, which goml does not read`);
  }
}

/** Integers as those that are never below 0, where they are. */
function signed(
  values: Float64Array | Float32Array | Int32Array | BigInt64Array,
  column: LeafColumn,
): Values {
  if (values instanceof Int32Array && column.unsigned) return new Uint32Array(values.buffer);
  const { type } = column;
  if (values instanceof BigInt64Array && type.of === "integer" && type.unsigned)
    return new BigUint64Array(values.buffer);
  return values;
}

/** The page that was read last, from byte `from` on, decompressed. */
function decompressed(
  page: Uint8Array,
  from: number,
  size: number,
  codec: CompressionCodec,
  tools: ParquetTools,
): Uint8Array {
  if (codec === "SNAPPY") return tools.pages.snappy(from, page.length - from, size);
  if (codec === "LZ4_RAW")
    return tools.pages.lz4([{ from, length: page.length - from, stored: false }], size);
  const out = tools.decompress(codec, page.subarray(from), size);
  if (out === undefined) throw new RangeError(`pages are compressed by ${codec}`);
  if (out.length !== size) throw new RangeError(`a page has ${out.length} bytes where ${size} are announced`);
  return out;
}
