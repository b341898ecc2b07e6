import { DataError, UsageError } from "../errors.js";
import type { Bytes } from "./bytes.js";

const [LF, CR, QUOTE, SPACE, TAB] = [10, 13, 34, 32, 9];

/** Text in another encoding as UTF-8. */
export function decoded(encoding: string, file: string): (bytes: Bytes) => Bytes {
  return async function* (bytes) {
    const decoder = decoderOf(encoding);
    const encoder = new TextEncoder();
    try {
      for await (const piece of bytes) yield encoder.encode(decoder.decode(piece, { stream: true }));
      const rest = decoder.decode();
      if (rest !== "") yield encoder.encode(rest);
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new DataError(`the text is not valid ${encoding}`, { place: { file }, cause });
    }
  };
}

/** @throws UsageError for an encoding that is not known */
function decoderOf(encoding: string): {
  decode(bytes?: Uint8Array, options?: { stream: boolean }): string;
} {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (cause) {
    throw new UsageError(`there is no encoding ${JSON.stringify(encoding)}`, {
      hint: "for example utf-8, latin1, windows-1252, windows-1251, utf-16, shift_jis, gb18030",
      cause,
    });
  }
}

/**
 * Text without comments: from `sign` outside of quotes to the end of its line. A line that held nothing else becomes an
 * empty one, so that lines keep their numbers.
 */
export function withoutComments(sign: string): (bytes: Bytes) => Bytes {
  const mark = sign.charCodeAt(0);
  return rewritten(() => {
    let quoted = false;
    let comment = false;
    return (byte, out) => {
      if (comment) {
        if (byte !== LF && byte !== CR) return;
        comment = false;
      } else if (byte === QUOTE) quoted = !quoted;
      else if (byte === mark && !quoted) {
        comment = true;
        return;
      }
      out(byte);
    };
  });
}

/** Text whose lines end in a line feed, whether they ended in CR, CR LF, CR CR LF or LF. */
export const lineFeeds: (bytes: Bytes) => Bytes = rewritten(() => {
  let quoted = false;
  let returned = false;
  return (byte, out) => {
    if (byte === QUOTE) quoted = !quoted;
    if (returned && !quoted && byte === CR) return;
    if (returned && byte !== LF) out(LF);
    returned = byte === CR && !quoted;
    if (!returned) out(byte);
  };
});

/** Text with runs of blanks between cells as tabs, and none before the first cell or after the last. */
export const tabsForBlanks: (bytes: Bytes) => Bytes = rewritten(() => {
  let quoted = false;
  let blanks = false;
  let started = false;
  return (byte, out) => {
    if (!quoted && (byte === SPACE || byte === TAB)) {
      blanks = true;
      return;
    }
    if (byte === QUOTE) quoted = !quoted;
    if (blanks && started && byte !== LF && byte !== CR) out(TAB);
    blanks = false;
    started = quoted || (byte !== LF && byte !== CR);
    out(byte);
  };
});

/** A stage that looks at one byte after the other and writes none, one or two for each. */
function rewritten(
  start: () => (byte: number, out: (byte: number) => void) => void,
): (bytes: Bytes) => Bytes {
  return async function* (bytes) {
    const step = start();
    let written = new Uint8Array(0);
    let length = 0;
    const out = (byte: number) => {
      written[length++] = byte;
    };
    for await (const piece of bytes) {
      written = new Uint8Array(2 * piece.length + 2);
      length = 0;
      for (let i = 0; i < piece.length; i++) step(piece[i]!, out);
      if (length > 0) yield written.subarray(0, length);
    }
  };
}
