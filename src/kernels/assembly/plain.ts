// Blocks of rows of which there is nothing to tell the host.
import { hasSpecial } from "./count";
import { LIMIT, parseRows, Request } from "./parse";

/** How the record of what takes such blocks begins, shared with the host (src/kernels/row-sink.ts). */
@unmanaged
export class RowSink {
  /** Up to here bytes are known to be plain text. */
  known: usize;
  /** How many blocks are taken at a time. */
  most: i32;
  /** Answer: how many rows were taken. */
  taken: i32;
}

/**
 * `parseRows`, and whether the block that came of it is plain: it ends as it should, no number is missing or left undecided, and
 * all is text of ASCII. Up to `known` the bytes are known to be.
 */
export function parsePlain(r: Request, known: usize): bool {
  const from = r.from;
  parseRows(r);
  if (r.status > LIMIT || r.rows == 0 || r.missing || r.listed) return false;
  return r.next <= known || !hasSpecial(from > known ? from : known, r.next);
}
