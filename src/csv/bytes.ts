import { read, readSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { changedError } from "./read-error.js";

/** Bytes in pieces of any size, in order. */
export type Bytes = AsyncIterable<Uint8Array>;

const READ_SIZE = 1 << 20;
const readAt = promisify(read);

/** Whether bytes start as gzip does (RFC 1952, section 2.3.1). */
export function isGzip(head: Uint8Array): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * The bytes [from, size) of an open file, in pieces of 1 MiB, each its own buffer.
 *
 * @throws DataError where the file ends earlier: it was cut while being read
 */
export async function* fileBytes(
  name: string,
  fd: number,
  counter: { read: number },
  { size }: { size: number },
  from = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  let position = from;
  while (position < size) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, size - position));
    const { bytesRead } = await readAt(fd, buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw changedError(name, size, position);
    position += bytesRead;
    counter.read = position;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * The first bytes of an open file, `size` of them where there are so many. Read at once: they are few, and pieces of 1 MiB that
 * nobody else reads cost more than what is looked for in them.
 */
export function fileHead(fd: number, size: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(size);
  let have = 0;
  while (have < size) {
    const got = readSync(fd, buffer, have, size - have, have);
    if (got === 0) break;
    have += got;
  }
  return buffer.subarray(0, have);
}

/** The decompressed content of gzip bytes, of one member or several. */
export async function* gunzipped(packed: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  // Loaded when it is needed: it would take a twentieth of the time of a small fit.
  const { createGunzip } = await import("node:zlib");
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  // The pipeline ends both streams on an error of either, and on an early return of this generator.
  const done = pipeline(Readable.from(packed, { objectMode: false }), gunzip);
  done.catch(() => {});
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array;
    await done;
  } finally {
    gunzip.destroy();
  }
}

/** Bytes without their first `count`. */
export async function* skipBytes(bytes: Bytes, count: number): AsyncGenerator<Uint8Array, void, undefined> {
  let skip = count;
  for await (const chunk of bytes) {
    const from = Math.min(skip, chunk.length);
    skip -= from;
    if (from < chunk.length) yield from === 0 ? chunk : chunk.subarray(from);
  }
}
