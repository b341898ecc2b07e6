import type { Hash } from "node:crypto";
import { read } from "node:fs";
import { promisify } from "node:util";
import type { Bytes } from "./bytes.js";

const readAt = promisify(read);
const PIECE = 1 << 20;

/** What a source holds, told by its bytes and by nothing else: neither its name nor when it was written. */
export interface Content {
  /** How many bytes, decompressed where they were gzip. */
  readonly bytes: number;
  /** Their SHA-256, as sha256sum prints it. */
  readonly sha256: string;
}

/**
 * Hashes bytes on their way through, each time that all of them go by, once it is asked to. So a stream, which can be read
 * once, is known by its content too.
 */
export class ContentReader {
  #asked = false;
  #content: Content | undefined;

  /** The content, where all bytes have gone by since this was asked for. */
  get content(): Content | undefined {
    return this.#content;
  }

  ask(): void {
    this.#asked = true;
  }

  async *through(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
    let hash: Hash | undefined;
    let count = 0;
    for await (const piece of bytes) {
      if (this.#content === undefined && this.#asked && (hash !== undefined || count === 0)) {
        hash ??= await sha256();
        hash.update(piece);
      }
      count += piece.length;
      yield piece;
    }
    if (hash !== undefined) this.#content ??= { bytes: count, sha256: hash.digest("hex") };
  }
}

/**
 * The content of an open file of so many bytes.
 *
 * @param goOn asked before each piece: false gives it up
 */
export async function fileContent(
  fd: number,
  size: number,
  goOn: () => boolean,
): Promise<Content | undefined> {
  const hash = await sha256();
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(PIECE, size)));
  let position = 0;
  while (position < size) {
    if (!goOn()) return undefined;
    const { bytesRead } = await readAt(fd, buffer, 0, Math.min(PIECE, size - position), position);
    // A file that was cut meanwhile: whoever reads it says so.
    if (bytesRead === 0) return undefined;
    hash.update(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return { bytes: size, sha256: hash.digest("hex") };
}

/** Loaded when it is needed: it takes 2 ms. */
async function sha256(): Promise<Hash> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256");
}
