import type { ColumnFile } from "../column-file.js";
import type { OpenedFile } from "../file-table.js";
import { readInto } from "../read-at.js";
import { type ArrowBatch, arrowBatch, type BatchPart, dictionaryPart, partOf } from "./batch.js";
import { damaged } from "./chunks.js";
import { FlatTable } from "./flatbuffer.js";
import { type Message, readMessage } from "./messages.js";
import { type ArrowColumn, type ArrowSchema, arrowSchema } from "./schema.js";

/** A batch with the dictionaries that hold for it, by their numbers. */
export interface PlacedBatch extends ArrowBatch {
  readonly dictionaries: ReadonlyMap<number, readonly BatchPart[]>;
}

/** An Arrow file or stream as its messages describe it. */
export interface ArrowFile extends ColumnFile<ArrowColumn> {
  readonly batches: readonly PlacedBatch[];
}

const MAGIC = "ARROW1";
/** The mark, and what fills it up to 8 bytes. */
const START = 8;
/** The length of the footer, and the mark. */
const END = 10;
/** So much of the end of a file that lies elsewhere is fetched at once. */
const FETCHED_END = 1 << 16;

/**
 * Reads the metadata of an Arrow file (Feather, version 2) by its footer, or of a stream from message to message.
 *
 * @throws DataError where it is damaged or ends too early
 */
export async function openArrow(file: OpenedFile): Promise<ArrowFile> {
  const { name, path, fd, size, need } = file;
  try {
    await need?.([[0, START]]);
    const start = Buffer.from(readInto(new Uint8Array(Math.min(size, START)), fd, 0));
    const stream = start.toString("latin1", 0, 6) !== MAGIC;
    // A stream is known by going through it.
    if (stream) await need?.([[0, size]]);
    const { schema, batches, notes } = stream ? readStream(fd, size) : await readFile(file);
    // Whoever cuts chunks may take it that all columns are there.
    for (const batch of batches)
      for (const column of schema.columns) partOf(batch, column, batch.dictionaries);
    return { name, path, fd, need, columns: schema.columns, others: schema.others, batches, notes };
  } catch (error) {
    throw damaged(error, name);
  }
}

interface Opened {
  readonly schema: ArrowSchema;
  readonly batches: readonly PlacedBatch[];
  readonly notes: readonly string[];
}

async function readFile({ fd, size, need }: OpenedFile): Promise<Opened> {
  await need?.([[Math.max(0, size - FETCHED_END), size]]);
  const end = new Uint8Array(END);
  if (size < START + END) throw new RangeError("it ends too early");
  readInto(end, fd, size - END);
  if (Buffer.from(end).toString("latin1", 4) !== MAGIC) throw new RangeError("there is no footer at its end");
  const length = new DataView(end.buffer).getUint32(0, true);
  const start = size - END - length;
  if (start < START) throw new RangeError("the footer is longer than the file");
  await need?.([[start, size]]);
  const footer = FlatTable.root(readInto(new Uint8Array(length), fd, start));
  const schemaTable = footer.table(1);
  if (schemaTable === undefined) throw new RangeError("the footer has no schema");
  const schema = arrowSchema(schemaTable, footer.short(0));
  const dictionaryBlocks = blocksOf(footer, 2);
  const batchBlocks = blocksOf(footer, 3);
  await need?.([...dictionaryBlocks, ...batchBlocks].map(({ at, length }) => [at, at + length]));
  const read = ({ at }: { at: number }, kind: Message["kind"]): Message => {
    const message = readMessage(fd, at, start);
    if (message?.kind !== kind) throw new RangeError("the footer names a message that is none");
    return message;
  };
  const dictionaries = new Dictionaries(schema);
  for (const block of dictionaryBlocks) dictionaries.take(read(block, "dictionary"));
  const { known } = dictionaries;
  const batches = batchBlocks.map((block) => {
    const message = read(block, "batch");
    return { ...arrowBatch(message.header, message), dictionaries: known };
  });
  return { schema, batches, notes: [] };
}

/** Where messages lie, as a footer lists them. */
function blocksOf(footer: FlatTable, field: number): { at: number; length: number }[] {
  const { view, count } = footer.structs(field, 24);
  return Array.from({ length: count }, (_, i) => ({
    at: Number(view.getBigInt64(24 * i, true)),
    length: view.getInt32(24 * i + 8, true),
  }));
}

function readStream(fd: number, size: number): Opened {
  const first = readMessage(fd, 0, size);
  if (first?.kind !== "schema") throw new RangeError("it does not begin with a schema");
  const schema = arrowSchema(first.header, first.version);
  const dictionaries = new Dictionaries(schema);
  const batches: PlacedBatch[] = [];
  let at = first.body + first.bodyLength;
  let ended = false;
  while (at < size && !ended) {
    const message = readMessage(fd, at, size);
    ended = message === undefined;
    if (message === undefined) break;
    if (message.kind === "dictionary") dictionaries.take(message);
    else if (message.kind === "batch")
      batches.push({ ...arrowBatch(message.header, message), dictionaries: dictionaries.known });
    else throw new RangeError("there is a message of an unknown kind");
    at = message.body + message.bodyLength;
  }
  // The format allows it to be left out.
  const notes = ended ? [] : ["the Arrow stream has no end mark: if rows are missing, it was cut off"];
  return { schema, batches, notes };
}

/** The dictionaries that hold at a point of the messages. */
class Dictionaries {
  #known: ReadonlyMap<number, readonly BatchPart[]> = new Map();
  readonly #layouts: ArrowSchema["dictionaries"];

  constructor({ dictionaries }: ArrowSchema) {
    this.#layouts = dictionaries;
  }

  get known(): ReadonlyMap<number, readonly BatchPart[]> {
    return this.#known;
  }

  /** Takes a dictionary's values: all of them, or more of them. */
  take(message: Message): void {
    const { header } = message;
    const id = header.long(0);
    const data = header.table(1);
    const layout = this.#layouts.get(id);
    // One of a column that is left out.
    if (data === undefined || layout === undefined) return;
    const part = dictionaryPart(arrowBatch(data, message), layout);
    const before = header.byte(2) !== 0 ? (this.#known.get(id) ?? []) : [];
    this.#known = new Map([...this.#known, [id, [...before, part]]]);
  }
}
