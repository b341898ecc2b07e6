import { readInto } from "../read-at.js";
import { FlatTable } from "./flatbuffer.js";

/** What a message of Arrow's IPC format holds (Message.fbs). */
export interface Message {
  readonly kind: "schema" | "dictionary" | "batch" | "other";
  /** Of the metadata, from 0. */
  readonly version: number;
  readonly header: FlatTable;
  /** Where in the file its body lies. */
  readonly body: number;
  readonly bodyLength: number;
}

const KINDS = [undefined, "schema", "dictionary", "batch"] as const;
/** What stands before the length of a message's metadata. */
const CONTINUATION = 0xffffffff;
/** The fourth version of the metadata, from 0: those before it are of 2016 and earlier. */
const OLDEST = 3;

/**
 * Reads the message that begins at a byte of an open file.
 *
 * @param limit where the file, or what may be read of it, ends
 * @returns undefined for the mark of the end
 * @throws RangeError where it goes beyond `limit`, or is none
 */
export function readMessage(fd: number, at: number, limit: number): Message | undefined {
  if (at + 4 > limit) throw new RangeError("it ends within a message");
  const prefix = new DataView(new ArrayBuffer(8));
  const bytes = new Uint8Array(prefix.buffer);
  readInto(bytes.subarray(0, Math.min(8, limit - at)), fd, at);
  const marked = prefix.getUint32(0, true) === CONTINUATION;
  const length = prefix.getUint32(marked ? 4 : 0, true);
  if (length === 0) return undefined;
  const start = at + (marked ? 8 : 4);
  if (start + length > limit) throw new RangeError("it ends within a message");
  const message = FlatTable.root(readInto(new Uint8Array(length), fd, start));
  const version = message.short(0);
  if (version < OLDEST) throw new RangeError("it is of a version of 2016 or earlier");
  const body = start + length;
  const bodyLength = message.long(3);
  if (!(bodyLength >= 0 && body + bodyLength <= limit)) throw new RangeError("it ends within a message");
  const header = message.table(2);
  if (header === undefined) throw new RangeError("a message has no header");
  return { kind: KINDS[message.byte(1)] ?? "other", version, header, body, bodyLength };
}
