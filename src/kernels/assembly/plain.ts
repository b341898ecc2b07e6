// Blocks of rows of which there is nothing to tell the host.
import { hasSpecial } from "./count";
import { LIMIT, parseRows, Request } from "./parse";

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
