import { readSync } from "node:fs";
import { setImmediate as nextTick } from "node:timers/promises";
import { milliseconds } from "../clock.js";
import { Kernels } from "../kernels/kernels.js";
import { Sha256 } from "../kernels/sha256.js";
import { Xxh128 } from "../kernels/xxh128.js";
import type { Bytes } from "./bytes.js";

const PIECE = 1 << 20;
/** How long pieces are read at a stretch before others run, in milliseconds: some 10 MB of a file that is in memory. */
const STRETCH_MS = 2;

/** Up to so many bytes a content is known by its SHA-256, which takes 3 ms of them; beyond by XXH128, a sixth of the time. */
export const SHA256_BYTES = 1 << 22;

/** What a source holds, told by its bytes and by nothing else: neither its name nor when it was written. */
export interface Content {
  /** How many bytes, decompressed where they were gzip. */
  readonly bytes: number;
  /** Their SHA-256, as sha256sum prints it: of up to 4 MiB, and where it is asked for. */
  readonly sha256?: string;
  /** Their XXH128, as xxh128sum prints it: of more. */
  readonly xxh128?: string;
}

/** The hashes that a content is known by, of bytes in order. */
class ContentHash {
  /** Both until it is known that there are more bytes than SHA-256 is for. */
  #slow: Sha256 | undefined;
  readonly #fast: Xxh128 | undefined;
  readonly #always: boolean;
  #bytes = 0;

  /** @param size how many bytes there will be at most */
  constructor({ always, size }: { always: boolean; size: number }) {
    this.#always = always;
    if (always || size === Number.POSITIVE_INFINITY || size <= SHA256_BYTES) this.#slow = new Sha256();
    if (size > SHA256_BYTES) this.#fast = new Xxh128(new Kernels(), PIECE);
  }

  /** Where the next piece goes, good until the next `add`; undefined where it is all the same. */
  get room(): Uint8Array<ArrayBuffer> | undefined {
    return this.#fast?.room;
  }

  /** Adds a piece, which stands in `room` where there is one. */
  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > SHA256_BYTES && !this.#always) this.#slow = undefined;
    this.#slow?.update(piece);
    this.#fast?.add(piece.length);
  }

  update(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; from += PIECE) {
      const piece = bytes.subarray(from, from + PIECE);
      this.room?.set(piece);
      this.add(piece);
    }
  }

  get content(): Content {
    const long = this.#bytes > SHA256_BYTES;
    return {
      bytes: this.#bytes,
      ...(this.#slow === undefined ? {} : { sha256: this.#slow.digest() }),
      ...(long ? { xxh128: this.#fast!.digest() } : {}),
    };
  }
}

/**
 * Hashes bytes on their way through, each time that all of them go by, once it is asked to. So a stream, which can be read
 * once, is known by its content too.
 */
export class ContentReader {
  #asked: { always: boolean } | undefined;
  #content: Content | undefined;

  /** The content, where all bytes have gone by since this was asked for. */
  get content(): Content | undefined {
    return this.#content;
  }

  /** @param always whether SHA-256 is wanted of any number of bytes */
  ask(always: boolean): void {
    this.#asked = { always };
  }

  async *through(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
    let hash: ContentHash | undefined;
    let count = 0;
    for await (const piece of bytes) {
      if (this.#content === undefined && this.#asked && (hash !== undefined || count === 0)) {
        hash ??= new ContentHash({ ...this.#asked, size: Number.POSITIVE_INFINITY });
        hash.update(piece);
      }
      count += piece.length;
      yield piece;
    }
    if (hash !== undefined) this.#content ??= hash.content;
  }
}

/**
 * The content of an open file of so many bytes, read a few milliseconds at a time beside whatever else this thread does. Not by
 * Node's threads: a piece that another core has read takes three times as long, and one piece comes for each turn of the event
 * loop, of which a scan makes few.
 *
 * @param always whether SHA-256 is wanted of any number of bytes
 * @param goOn asked before each piece: false gives it up
 */
export async function fileContent(
  fd: number,
  { size, always }: { size: number; always: boolean },
  goOn: () => boolean,
): Promise<Content | undefined> {
  const hash = new ContentHash({ always, size });
  const own =
    hash.room === undefined ? Buffer.allocUnsafeSlow(Math.max(1, Math.min(PIECE, size))) : undefined;
  let position = 0;
  let since = milliseconds();
  while (position < size) {
    if (milliseconds() - since >= STRETCH_MS) {
      await nextTick();
      since = milliseconds();
    }
    if (!goOn()) return undefined;
    const room = own ?? hash.room!;
    const bytesRead = readSync(fd, room, 0, Math.min(PIECE, size - position), position);
    // A file that was cut meanwhile: whoever reads it says so.
    if (bytesRead === 0) return undefined;
    hash.add(bytesRead === room.length ? room : room.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.content;
}
