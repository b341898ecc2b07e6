import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import type { Source } from "../csv/source.js";

const [ENDS, PLACES, PIECE] = [1 << 16, 14, 1 << 12];
/** So many pieces of a file elsewhere are asked for at a time. */
const REQUESTS = 4;

/** Bytes of a file at any place; fewer at its end. */
interface Bytes {
  readonly size: number;
  read(at: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/**
 * SHA-256 of files' sizes and of some of their bytes as they are stored: 64 KiB of each end, 4 KiB from 14 places between. It
 * tells whether shards are of one whole; a file with other bytes in other places only is not told from it.
 */
export async function fingerprint(sources: readonly Source[]): Promise<string> {
  const hash = createHash("sha256");
  for (const source of sources) {
    const { size, read } = bytesOf(source);
    hash.update(`${size}\n`);
    const step = Math.floor(size / (PLACES + 1));
    const inner = Array.from({ length: PLACES }, (_, i) => [step * (i + 1), PIECE] as const);
    const places = [[0, ENDS], ...inner, [Math.max(0, size - ENDS), ENDS]] as const;
    for (let i = 0; i < places.length; i += REQUESTS)
      for (const piece of await Promise.all(
        places.slice(i, i + REQUESTS).map(([at, length]) => read(at, length)),
      ))
        hash.update(piece);
  }
  return hash.digest("hex");
}

/** Whether a source's bytes can be read at any place without being fetched as a whole. */
export function hasPlaces({ stored, ranged, plain }: Source): boolean {
  return (stored ?? ranged ?? plain) !== undefined;
}

function bytesOf({ stored, ranged, plain }: Source): Bytes {
  if (stored === undefined && ranged !== undefined) {
    const { size } = ranged;
    const read = async (at: number, length: number) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of ranged.bytes(at, Math.min(size, at + length))) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    return { size, read };
  }
  const { fd, size } = (stored ?? plain)!;
  const read = (at: number, length: number) => {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(fd, buffer, 0, length, at));
  };
  return { size, read };
}
