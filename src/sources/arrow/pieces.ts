import { isAscii, isUtf8 } from "node:buffer";
import type { Values } from "../column-values.js";
import type { Piece } from "../gather.js";
import { half } from "../half-precision.js";
import type { BatchPart, Buffer as Place } from "./batch.js";
import type { BodyReader } from "./body.js";
import type { ArrowColumn, Layout, NumberKind } from "./schema.js";

/**
 * A column's rows `from` to `to` − 1 of some batches, one behind the other.
 *
 * @throws RangeError where a batch is damaged
 */
export function* piecesOf(
  fd: number,
  parts: readonly BatchPart[],
  { layout, dictionary }: ArrowColumn,
  { from, to }: { from: number; to: number },
  body: BodyReader,
): Generator<Piece, void, undefined> {
  let before = 0;
  for (const part of parts) {
    const rows: Rows = { from: Math.max(0, from - before), to: Math.min(part.rows, to - before) };
    before += part.rows;
    if (rows.from >= rows.to) continue;
    const reader = new PartReader(fd, part, rows, body);
    const mask = layout.of === "nothing" ? new Uint8Array(rows.to - rows.from) : reader.mask();
    if (dictionary === undefined) yield pieceOf(reader.values(layout, mask), rows, mask);
    else yield inDictionary(reader, dictionary.indices, layout, rows, mask);
  }
}

/** Rows of a batch. */
interface Rows {
  readonly from: number;
  readonly to: number;
}

function pieceOf(values: Values, { from, to }: Rows, mask: Uint8Array | undefined): Piece {
  return { rows: to - from, mask, values, indices: undefined };
}

/** A dictionary's values, and which of them there are. */
interface Dictionary {
  readonly values: Values;
  readonly mask: Uint8Array | undefined;
}

const dictionaries = new WeakMap<readonly BatchPart[], Dictionary>();

function inDictionary(
  reader: PartReader,
  kind: NumberKind,
  layout: Layout,
  rows: Rows,
  mask: Uint8Array | undefined,
): Piece {
  const { values, mask: known } = reader.dictionary(layout);
  const indices = Int32Array.from(reader.values({ of: "numbers", kind }, mask) as Int32Array, Number);
  const length = known?.length ?? values.length;
  for (const index of indices)
    if (!(index >= 0 && index < length)) throw new RangeError("an index lies outside of its dictionary");
  if (known === undefined) return { rows: rows.to - rows.from, mask, values, indices };
  // Rows whose value is one that the dictionary has not are missing too.
  const place = new Int32Array(known.length);
  for (let i = 0, at = 0; i < known.length; i++) place[i] = known[i] === 1 ? at++ : -1;
  const both = new Uint8Array(rows.to - rows.from);
  for (let r = 0, i = 0; r < both.length; r++)
    both[r] = (mask === undefined || mask[r] === 1) && known[indices[i++]!] === 1 ? 1 : 0;
  return {
    rows: both.length,
    mask: both,
    values,
    indices: indices.map((index) => place[index]!).filter((index) => index >= 0),
  };
}

/** Reads rows of one column of a batch. */
class PartReader {
  readonly #fd: number;
  readonly #part: BatchPart;
  readonly #rows: Rows;
  readonly #body: BodyReader;

  constructor(fd: number, part: BatchPart, rows: Rows, body: BodyReader) {
    this.#fd = fd;
    this.#part = part;
    this.#rows = rows;
    this.#body = body;
  }

  /** 1 for each row that has a value; undefined where all have one. */
  mask(): Uint8Array | undefined {
    const { from, to } = this.#rows;
    let mask: Uint8Array | undefined;
    for (const place of this.#part.validity) {
      // Without its bytes all rows have a value.
      if (place.length === 0) continue;
      const bits = this.#bits(place);
      if (!bits.includes(0)) continue;
      if (mask === undefined) mask = bits;
      else for (let r = 0; r < to - from; r++) mask[r]! &= bits[r]!;
    }
    return mask;
  }

  /** The values of the rows that have one. */
  values(layout: Layout, mask: Uint8Array | undefined): Values {
    const [first] = this.#part.buffers as [Place];
    switch (layout.of) {
      case "nothing":
        return [];
      case "bits":
        return chosen(this.#bits(first), mask);
      case "numbers":
        return chosen(this.#numbers(first, KINDS[layout.kind]), mask);
      case "half":
        return Float64Array.from(chosen(this.#numbers(first, Uint16Array), mask), half);
      case "days":
        return Int32Array.from(chosen(this.#numbers(first, BigInt64Array), mask), (ms) =>
          Math.floor(Number(ms) / DAY_MS),
        );
      case "long":
        return this.#long(first, layout.bytes, mask);
      case "text":
        return this.#texts(layout.large, mask);
      case "views":
        return this.#views(mask);
    }
  }

  /** The dictionary of the values. */
  dictionary(layout: Layout): Dictionary {
    const parts = this.#part.dictionary!;
    let known = dictionaries.get(parts);
    if (known === undefined) {
      const pieces = parts.map((part) => {
        const rows = { from: 0, to: part.rows };
        const reader = new PartReader(this.#fd, part, rows, this.#body);
        const mask = layout.of === "nothing" ? new Uint8Array(part.rows) : reader.mask();
        return { values: reader.values(layout, mask), mask, rows: part.rows };
      });
      const [one] = pieces;
      known =
        pieces.length === 1
          ? one!
          : {
              values: pieces.flatMap(({ values }) => [...(values as readonly string[])]),
              mask: pieces.every(({ mask }) => mask === undefined)
                ? undefined
                : Uint8Array.from(
                    pieces.flatMap(({ mask, rows }) => [...(mask ?? new Uint8Array(rows).fill(1))]),
                  ),
            };
      dictionaries.set(parts, known);
    }
    return known;
  }

  /** Whether other rows of the batch are read another time. */
  get #again(): boolean {
    return this.#rows.to - this.#rows.from < this.#part.rows;
  }

  #bytes(place: Place, from: number, to: number): Uint8Array {
    return this.#body.bytes(this.#fd, this.#part, place, from, to, this.#again);
  }

  #bits(place: Place): Uint8Array {
    const { from, to } = this.#rows;
    const first = from >> 3;
    const bytes = this.#bytes(place, first, (to + 7) >> 3);
    const out = new Uint8Array(to - from);
    for (let r = 0, bit = from - 8 * first; r < out.length; r++, bit++)
      out[r] = (bytes[bit >> 3]! >> (bit & 7)) & 1;
    return out;
  }

  #numbers<Numbers>(
    place: Place,
    kind: {
      new (buffer: ArrayBufferLike, offset: number, length: number): Numbers;
      BYTES_PER_ELEMENT: number;
    },
    perRow = 1,
  ): Numbers {
    const { from, to } = this.#rows;
    const size = kind.BYTES_PER_ELEMENT * perRow;
    const bytes = this.#bytes(place, from * size, to * size);
    const aligned = bytes.byteOffset % kind.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
    return new kind(aligned.buffer, aligned.byteOffset, (to - from) * perRow);
  }

  /** Integers of 128 or 256 bits; of 64 where they are no longer, which most are. */
  #long(place: Place, size: number, mask: Uint8Array | undefined): Values {
    const words = size / 8;
    const parts = this.#numbers(place, BigInt64Array, words);
    const rows = parts.length / words;
    const low = new BigInt64Array(rows);
    let fits = true;
    for (let r = 0; r < rows; r++) {
      const value = parts[r * words]!;
      const sign = value < 0n ? -1n : 0n;
      for (let w = 1; w < words; w++) if (parts[r * words + w] !== sign) fits = fits && mask?.[r] === 0;
      low[r] = value;
    }
    if (fits) return chosen(low, mask);
    const values: bigint[] = [];
    for (let r = 0; r < rows; r++) {
      if (mask?.[r] === 0) continue;
      let value = parts[(r + 1) * words - 1]!;
      for (let w = words - 2; w >= 0; w--) value = (value << 64n) | BigInt.asUintN(64, parts[r * words + w]!);
      values.push(value);
    }
    return values;
  }

  #texts(large: boolean, mask: Uint8Array | undefined): string[] {
    const [places, data] = this.#part.buffers as [Place, Place];
    const { from, to } = this.#rows;
    const rows = to - from;
    const size = large ? 8 : 4;
    const raw = this.#bytes(places, from * size, (to + 1) * size);
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    const ends = Float64Array.from({ length: rows + 1 }, (_, r) =>
      large ? Number(view.getBigInt64(8 * r, true)) : view.getInt32(4 * r, true),
    );
    const start = ends[0]!;
    if (!(start >= 0 && ends[rows]! >= start)) throw new RangeError("the places of texts are out of order");
    const text = new TextReader(this.#bytes(data, start, ends[rows]!));
    const out: string[] = [];
    for (let r = 0; r < rows; r++) {
      if (ends[r + 1]! < ends[r]! || ends[r + 1]! > ends[rows]!)
        throw new RangeError("the places of texts are out of order");
      if (mask === undefined || mask[r] === 1) out.push(text.at(ends[r]! - start, ends[r + 1]! - start));
    }
    return out;
  }

  #views(mask: Uint8Array | undefined): string[] {
    const [places, ...data] = this.#part.buffers as [Place, ...Place[]];
    const raw = this.#numbers(places, Uint8Array, 16);
    const view = new DataView(raw.buffer, raw.byteOffset, raw.length);
    const own = new TextReader(raw);
    const others: TextReader[] = [];
    const out: string[] = [];
    for (let at = 0, r = 0; at < raw.length; at += 16, r++) {
      if (mask !== undefined && mask[r] === 0) continue;
      const length = view.getInt32(at, true);
      if (length < 0) throw new RangeError("a text has no length");
      if (length <= IN_PLACE) {
        out.push(own.at(at + 4, at + 4 + length));
        continue;
      }
      const which = view.getInt32(at + 8, true);
      const place = data[which];
      if (place === undefined) throw new RangeError("a text lies in no buffer");
      others[which] ??= new TextReader(this.#body.whole(this.#fd, this.#part, place, this.#again));
      const start = view.getInt32(at + 12, true);
      out.push(others[which].at(start, start + length));
    }
    return out;
  }
}

const DAY_MS = 86_400_000;
/** The longest text that a view holds itself. */
const IN_PLACE = 12;

/** Makes strings of bytes. */
class TextReader {
  readonly #bytes: Buffer;
  readonly #plain: boolean;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#plain = isAscii(bytes);
  }

  at(from: number, to: number): string {
    if (!(from >= 0 && to <= this.#bytes.length)) throw new RangeError("a text lies outside of its buffer");
    if (this.#plain) return this.#bytes.toString("latin1", from, to);
    const text = this.#bytes.toString("utf8", from, to);
    if (text.includes("\uFFFD") && !isUtf8(this.#bytes.subarray(from, to)))
      throw new RangeError("a text is not valid UTF-8");
    return text;
  }
}

const KINDS = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
} as unknown as Record<NumberKind, typeof Float64Array>;

/** The elements at which there is a 1, moved to the front of their memory. */
function chosen<Numbers extends Exclude<Values, readonly unknown[]>>(
  values: Numbers,
  mask: Uint8Array | undefined,
): Numbers {
  if (mask === undefined) return values;
  const all = values as Float64Array;
  // What is decompressed may be read another time.
  const kept = all.slice();
  let count = 0;
  for (let r = 0; r < mask.length; r++) if (mask[r] === 1) kept[count++] = all[r]!;
  return kept.subarray(0, count) as Numbers;
}
