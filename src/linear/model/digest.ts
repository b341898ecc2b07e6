import { Sha256 } from "../../kernels/sha256.js";

/** What stands before a digest in a file, and after. */
const BEFORE = ',"digest":"';
const LAST = /,"digest":"([0-9a-f]{64})"\}\s*$/;
/** How far from the end of a file its digest begins at most, white space not counted. */
export const REACH = BEFORE.length + 66 + 4096;

/**
 * The digest of a model's document: SHA-256 of its JSON as goml writes it, without white space, up to the digest, which is
 * the last that it has.
 */
export function newDigest(): Sha256 {
  return new Sha256();
}

/** The end of a document that began with bytes of this digest. */
export function digestEnd(digest: Sha256): string {
  return `${BEFORE}${digest.digest()}"}`;
}

/** The digest at the end of a text, and where it begins; undefined where there is none. */
export function endOfDocument(tail: string): { at: number; digest: string } | undefined {
  const end = LAST.exec(tail);
  return end === null ? undefined : { at: end.index, digest: end[1]! };
}

/** Whether a text is, byte for byte, what its digest says. */
export function isAsWritten(text: string): boolean {
  const tail = text.slice(-REACH);
  const end = endOfDocument(tail);
  if (end === undefined) return false;
  const body = text.slice(0, text.length - tail.length + end.at);
  return newDigest().update(body).digest() === end.digest;
}

/**
 * Whether a document is what its digest says, in whatever way its JSON is laid out. True where it has none, as those that
 * `JSON.stringify` wrote, and of schema 1, which knows of none.
 *
 * @param text the file's
 * @param document the same, parsed
 */
export function matchesDigest(text: string, document: unknown): boolean {
  if (typeof document !== "object" || document === null || !("digest" in document)) return true;
  const { digest, ...rest } = document;
  if ("schema" in document && document.schema === 1) return true;
  if (isAsWritten(text)) return true;
  return newDigest().update(JSON.stringify(rest).slice(0, -1)).digest() === digest;
}
