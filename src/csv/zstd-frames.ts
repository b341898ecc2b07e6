import type { Bytes } from "./bytes.js";

/** What begins a frame, and what a frame that holds no data (RFC 8878, sections 3.1.1 and 3.1.2). */
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const [RAW_TYPES, RLE] = [4, 1];

/** Whether bytes start as zstd does. */
export function isZstd(head: Uint8Array): boolean {
  if (head.length < 4) return false;
  const magic = (head[0]! | (head[1]! << 8) | (head[2]! << 16) | (head[3]! << 24)) >>> 0;
  return magic === MAGIC || (magic & 0xfffffff0) >>> 0 === SKIPPABLE;
}

/** Bytes that are no zstd, or end early. */
export class ZstdError extends Error {
  constructor(readonly code: "ZSTD_END" | "ZSTD_DATA" | "ZSTD_WINDOW") {
    super(code);
  }
}

/**
 * Finds where frames end, by the lengths in their headers and in those of their blocks: Node's decompressor reads one frame,
 * and passes over what stands behind it without a word.
 */
export class ZstdFrames {
  /** What has not been looked at for the next header. */
  #head = new Uint8Array(0);
  /** Bytes of the frame that stand before the next header. */
  #left = 0;
  #state: "frame" | "block" | "end" | "skip" = "frame";
  #checksum = 0;

  /** Whether no frame has begun that has not ended. */
  get whole(): boolean {
    return this.#state === "frame" && this.#head.length === 0;
  }

  /**
   * Cuts a piece into parts, each of one frame, with whether the frame ends with it. Frames without data are left out.
   *
   * @throws ZstdError where no frame begins that should
   */
  *parts(piece: Uint8Array): Generator<{ bytes: Uint8Array; ends: boolean }, void, undefined> {
    let at = 0;
    while (at < piece.length || (this.#left === 0 && this.#state !== "frame" && this.#state !== "block")) {
      if (this.#left > 0) {
        const count = Math.min(this.#left, piece.length - at);
        this.#left -= count;
        const bytes = piece.subarray(at, at + count);
        at += count;
        const ends = this.#left === 0 && this.#state === "end";
        if (this.#state !== "skip") yield { bytes, ends };
        if (this.#left === 0 && (ends || this.#state === "skip")) this.#state = "frame";
        continue;
      }
      if (this.#state === "end" || this.#state === "skip") {
        // Nothing stands behind the last block.
        if (this.#state === "end") yield { bytes: piece.subarray(at, at), ends: true };
        this.#state = "frame";
        continue;
      }
      const before = this.#head.length;
      const head = Buffer.concat([this.#head, piece.subarray(at, at + LONGEST_HEADER - before)]);
      const size = this.#state === "frame" ? frameHeader(head) : BLOCK_HEADER;
      if (size === undefined || head.length < size) {
        this.#head = head;
        at += head.length - before;
        continue;
      }
      const header = head.subarray(0, size);
      this.#head = new Uint8Array(0);
      at += size - before;
      if (this.#state === "frame" && header.readUInt32LE(0) !== MAGIC) {
        this.#state = "skip";
        this.#left = header.readUInt32LE(4);
        continue;
      }
      if (this.#state === "frame") {
        this.#checksum = (header[4]! & 4) === 0 ? 0 : 4;
        this.#state = "block";
      } else {
        const block = header.readUIntLE(0, 3);
        const type = (block >> 1) % RAW_TYPES;
        if (type === 3) throw new ZstdError("ZSTD_DATA");
        this.#left = type === RLE ? 1 : block >> 3;
        if (block % 2 === 1) {
          this.#left += this.#checksum;
          this.#state = "end";
        }
      }
      yield { bytes: header, ends: false };
    }
  }
}

const BLOCK_HEADER = 3;
/** Mark, descriptor, window, dictionary, size of the content. */
const LONGEST_HEADER = 18;

/** The length of a frame's header (section 3.1.1.1); undefined where it takes more bytes to tell. */
function frameHeader(head: Buffer): number | undefined {
  if (head.length < 5) {
    if (head.length >= 4 && !isZstd(head)) throw new ZstdError("ZSTD_DATA");
    return undefined;
  }
  if (!isZstd(head)) throw new ZstdError("ZSTD_DATA");
  if (head.readUInt32LE(0) !== MAGIC) return 8;
  const descriptor = head[4]!;
  const single = (descriptor >> 5) & 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const content = [single, 2, 4, 8][descriptor >> 6]!;
  return 5 + (1 - single) + dictionary + content;
}

/** Bytes in pieces of at most so many. */
export async function* inPieces(bytes: Bytes, most: number): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of bytes)
    for (let from = 0; from < piece.length; from += most) yield piece.subarray(from, from + most);
}
