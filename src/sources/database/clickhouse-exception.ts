import type { Bytes } from "../../csv/bytes.js";

/** An exception's text, which begins anywhere in a line: with its code, and the C++ class of it. */
const EXCEPTION = /Code: \d+[.,](?: e\.displayText\(\) =)? DB::\w*Exception: /g;
/** So much of the end of an answer is held back until more comes: exceptions with their traces are shorter. */
const HELD = 1 << 15;
const QUOTE = 34;

/**
 * The bytes of an answer in CSV, or in JSON, without the exception that a server may write behind what it has sent already:
 * by then it has said 200. It stands outside of quotes, in which all texts of an answer are.
 *
 * @param refuse makes the error of the exception's text
 */
export async function* withoutExceptions(
  bytes: Bytes,
  refuse: (text: string) => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Buffer = Buffer.alloc(0);
  /** Whether what has been handed on ends within quotes. */
  let quoted = false;
  for await (const piece of bytes) {
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece]);
    if (held.length <= 2 * HELD) continue;
    const out = held.subarray(0, held.length - HELD);
    held = Buffer.from(held.subarray(held.length - HELD));
    quoted = quoted !== oddQuotes(out);
    yield out;
  }
  const text = held.toString("latin1");
  for (const { index } of text.matchAll(EXCEPTION))
    if (quoted === oddQuotes(held.subarray(0, index))) throw refuse(held.toString("utf8", index));
  if (held.length > 0) yield held;
}

function oddQuotes(bytes: Uint8Array): boolean {
  let odd = false;
  for (let at = bytes.indexOf(QUOTE); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) odd = !odd;
  return odd;
}
