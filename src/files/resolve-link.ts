import { lstatSync, readlinkSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40;

/**
 * The path that a path's links lead to, whether there is a file at their end or not: writing beside and renaming to it
 * leaves the links as they are.
 *
 * @throws ELOOP where links lead to each other
 */
export function throughLinks(path: string): string {
  let at = path;
  for (let i = 0; i <= MOST_LINKS; i++) {
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (!stats?.isSymbolicLink()) return at;
    const to = readlinkSync(at);
    at = isAbsolute(to) ? to : join(dirname(at), to);
  }
  throw Object.assign(new Error("links lead to each other"), { code: "ELOOP" });
}
