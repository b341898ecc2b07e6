import { ftruncateSync, write } from "node:fs";
import { promisify } from "node:util";
import type { Bytes } from "./bytes.js";
import { type openSpool, spoolError } from "./spool.js";

const writeAt = promisify(write);

/** A file elsewhere, any bytes of which can be had. */
export interface RangedBytes {
  readonly size: number;
  /** Its path there, in which folders may say `name=value`. */
  readonly path: string;
  /** The bytes [from, to). */
  bytes(from: number, to: number): Bytes;
}

/** Bytes [from, to) of a file. */
export type Range = readonly [from: number, to: number];

/** Fetches ranges of bytes. */
export type Need = (ranges: readonly Range[]) => Promise<void>;

/** What lies between two ranges is fetched with them where it is no more than this: a request costs as much time. */
const GAP = 1 << 18;
/** The most bytes of one request, so that several connections share a long range. */
const LARGEST = 1 << 23;
const CONNECTIONS = 4;

/**
 * A temporary file of the size of one elsewhere, which has those of its bytes that somebody needed, at their places. The
 * rest takes no room on the disk.
 */
export class PartialCopy {
  readonly fd: number;
  readonly size: number;
  readonly #ranged: RangedBytes;
  readonly #folder: string;
  /** The ranges that are there, in order, apart from each other. */
  #there: Range[] = [];

  constructor(ranged: RangedBytes, file: ReturnType<typeof openSpool>) {
    this.fd = file.fd;
    this.size = ranged.size;
    this.#ranged = ranged;
    this.#folder = file.folder;
    // Who reads past what was fetched, to look for a row's end, finds as many bytes as the file has.
    ftruncateSync(this.fd, this.size);
  }

  /** Fetches what is not there of some ranges, over a few connections. */
  async need(ranges: readonly Range[]): Promise<void> {
    const missing = united(ranges, GAP).flatMap((range) => without(range, this.#there));
    const requests = missing.flatMap(([from, to]) =>
      Array.from(
        { length: Math.ceil((to - from) / LARGEST) },
        (_, i): Range => [from + i * LARGEST, Math.min(to, from + (i + 1) * LARGEST)],
      ),
    );
    let next = 0;
    const connection = async () => {
      while (next < requests.length) {
        const [from, to] = requests[next++]!;
        let at = from;
        for await (const piece of this.#ranged.bytes(from, to)) {
          for (let done = 0; done < piece.length; ) {
            const rest = piece.length - done;
            const { bytesWritten } = await writeAt(this.fd, piece, done, rest, at).catch((error: unknown) => {
              throw spoolError(this.#folder, error);
            });
            done += bytesWritten;
            at += bytesWritten;
          }
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONNECTIONS, requests.length) }, connection));
    this.#there = united([...this.#there, ...missing], 0);
  }
}

/** Ranges in order, those that are no more than `gap` apart as one. */
function united(ranges: readonly Range[], gap: number): Range[] {
  const out: Range[] = [];
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const last = out.at(-1);
    if (last !== undefined && from <= last[1] + gap) out[out.length - 1] = [last[0], Math.max(last[1], to)];
    else if (to > from) out.push([from, to]);
  }
  return out;
}

/** What is left of a range without those of a list in order. */
function without([from, to]: Range, there: readonly Range[]): Range[] {
  const out: Range[] = [];
  let at = from;
  for (const [a, b] of there) {
    if (b <= at || a >= to) continue;
    if (a > at) out.push([at, a]);
    at = b;
  }
  if (at < to) out.push([at, to]);
  return out;
}
