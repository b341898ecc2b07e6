import type { Output } from "../../csv/write.js";
import { GROUP_ROWS, WaitingRows, type WrittenColumn, type WrittenRows } from "../written-rows.js";
import { type FlatFields, flatBuffer } from "./flatbuffer-writer.js";

/** The fifth version of the metadata, from 0. */
const VERSION = 4;
const MAGIC = "ARROW1";
/** By their numbers among types, and among headers of messages. */
const [FLOATING_POINT, UTF8] = [3, 5];
const [SCHEMA, BATCH] = [1, 3];
const DOUBLE = 2;
/** What stands before metadata: a mark and their length. */
const PREFIX = 8;
/** The most bytes of texts in a batch, whose places are integers of 32 bits. */
const MOST_TEXT = 2 ** 31 - 1;

/**
 * Writes rows to an output in Arrow's IPC format, a batch at a time: columns of doubles or UTF-8, of which any may be
 * missing. A file (Feather, version 2) has a footer, by which batches are found; a stream has none.
 */
export class ArrowOutput {
  readonly #output: Output;
  readonly #columns: readonly WrittenColumn[];
  readonly #form: "file" | "stream";
  readonly #waiting: WaitingRows;
  readonly #blocks: { at: number; metadata: number; body: number }[] = [];
  #written = 0;

  private constructor(output: Output, columns: readonly WrittenColumn[], form: "file" | "stream") {
    this.#output = output;
    this.#columns = columns;
    this.#form = form;
    this.#waiting = new WaitingRows(columns);
  }

  static async open(
    output: Output,
    columns: readonly WrittenColumn[],
    form: "file" | "stream",
  ): Promise<ArrowOutput> {
    const written = new ArrowOutput(output, columns, form);
    if (form === "file") await written.#put(Buffer.from(`${MAGIC}\0\0`));
    await written.#message(SCHEMA, schemaFields(columns), []);
    return written;
  }

  /** @returns false once nobody reads any more */
  async write(rows: WrittenRows, count: number): Promise<boolean> {
    return this.#waiting.add(rows, count) < GROUP_ROWS || this.#flush();
  }

  /** Writes what is left, the mark of the end and the footer; the output is then to be committed. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#put(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0));
    if (this.#form === "stream") return;
    const blocks = new DataView(new ArrayBuffer(24 * this.#blocks.length));
    this.#blocks.forEach(({ at, metadata, body }, i) => {
      blocks.setBigInt64(24 * i, BigInt(at), true);
      blocks.setInt32(24 * i + 8, metadata, true);
      blocks.setBigInt64(24 * i + 16, BigInt(body), true);
    });
    const footer = flatBuffer([
      { number: VERSION, bytes: 2 },
      { table: schemaFields(this.#columns) },
      { structs: new Uint8Array(0), size: 24 },
      { structs: new Uint8Array(blocks.buffer), size: 24 },
    ]);
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, footer.length, true);
    await this.#put(footer, new Uint8Array(length.buffer), Buffer.from(MAGIC));
  }

  async #flush(): Promise<boolean> {
    const { columns, rows } = this.#waiting.take();
    if (rows === 0) return true;
    const body = columns.map((values) => columnBuffers(values, rows));
    const nodes = new BigInt64Array(body.flatMap(({ nulls }) => [BigInt(rows), BigInt(nulls)]));
    const buffers = body.flatMap(({ buffers }) => buffers);
    let at = 0;
    const places = buffers.flatMap(({ length }) => {
      const place = [BigInt(at), BigInt(length)];
      at += filled(length);
      return place;
    });
    const header = [
      { number: rows, bytes: 8 as const },
      { structs: new Uint8Array(nodes.buffer), size: 16 },
      { structs: new Uint8Array(new BigInt64Array(places).buffer), size: 16 },
    ];
    const start = this.#written;
    const metadata = await this.#message(BATCH, header, buffers);
    this.#blocks.push({ at: start, metadata: metadata.length, body: at });
    return metadata.open;
  }

  async #message(
    kind: number,
    header: FlatFields,
    buffers: readonly Uint8Array[],
  ): Promise<{ length: number; open: boolean }> {
    const body = buffers.reduce((sum, { length }) => sum + filled(length), 0);
    const metadata = flatBuffer([
      { number: VERSION, bytes: 2 },
      { number: kind, bytes: 1 },
      { table: header },
      { number: body, bytes: 8 },
    ]);
    const prefix = new DataView(new ArrayBuffer(PREFIX));
    prefix.setUint32(0, 0xffffffff, true);
    prefix.setUint32(4, metadata.length, true);
    const parts = buffers.flatMap((bytes) => [bytes, new Uint8Array(filled(bytes.length) - bytes.length)]);
    const open = await this.#put(new Uint8Array(prefix.buffer), metadata, ...parts);
    return { length: PREFIX + metadata.length, open };
  }

  #put(...parts: readonly Uint8Array[]): Promise<boolean> {
    const bytes = Buffer.concat(parts);
    this.#written += bytes.length;
    return this.#output.write(bytes);
  }
}

function filled(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function schemaFields(columns: readonly WrittenColumn[]): FlatFields {
  const fields = columns.map(({ name, kind }): FlatFields => {
    const numbers = kind === "numbers";
    return [
      { text: name },
      { number: 1, bytes: 1 },
      { number: numbers ? FLOATING_POINT : UTF8, bytes: 1 },
      { table: numbers ? [{ number: DOUBLE, bytes: 2 }] : [] },
      undefined,
      { tables: [] },
    ];
  });
  return [{ number: 0, bytes: 2 }, { tables: fields }];
}

function columnBuffers(
  values: Float64Array | readonly string[],
  rows: number,
): { nulls: number; buffers: Uint8Array[] } {
  const none = new Uint8Array(0);
  if (values instanceof Float64Array) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const bits = new Uint8Array((rows + 7) >> 3);
    let nulls = 0;
    for (let r = 0; r < rows; r++) {
      if (Number.isNaN(values[r])) nulls += 1;
      else bits[r >> 3]! |= 1 << (r & 7);
    }
    return { nulls, buffers: [nulls === 0 ? none : bits, bytes] };
  }
  const texts = values.map((text) => Buffer.from(text));
  const ends = new Int32Array(rows + 1);
  let length = 0;
  texts.forEach((text, r) => {
    length += text.length;
    if (length > MOST_TEXT) throw new RangeError("the texts of a batch take more than 2 GB");
    ends[r + 1] = length;
  });
  return { nulls: 0, buffers: [none, new Uint8Array(ends.buffer), Buffer.concat(texts, length)] };
}
