import { DataError, UsageError } from "../errors.js";
import type { Bytes } from "./bytes.js";
import { CTRL_Z } from "./end-mark.js";
import { SHEET_ERRORS } from "./sheet-errors.js";

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
 * empty one, so that lines keep their numbers. `#N/A` and the other errors of spreadsheets are cells and no comments
 * where a delimiter, a quote or the line's end follows.
 */
export function withoutComments(sign: string): (bytes: Bytes) => Bytes {
  const mark = sign.charCodeAt(0);
  const cells = sign === "#" ? SHEET_ERRORS.map((error) => Buffer.from(`#${error}`)) : [];
  return rewritten(() => {
    let quoted = false;
    let comment = false;
    // What may become the error of a spreadsheet.
    const held: number[] = [];
    const begins = (cell: Uint8Array) => held.every((byte, i) => upperCase(byte) === cell[i]);
    const isCell = () => cells.some((cell) => cell.length === held.length && begins(cell));
    const step: Step = (byte, out) => {
      if (held.length > 0) {
        if (AFTER_CELL.has(byte) && isCell()) for (const one of held) out(one);
        else {
          held.push(byte);
          if (cells.some(begins)) return;
          comment = true;
        }
        held.length = 0;
      }
      if (comment) {
        if (byte !== LF && byte !== CR) return;
        comment = false;
      } else if (byte === QUOTE) quoted = !quoted;
      else if (byte === mark && !quoted) {
        if (cells.length > 0) held.push(byte);
        else comment = true;
        return;
      }
      out(byte);
    };
    const end = (out: (byte: number) => void) => {
      if (isCell()) for (const one of held) out(one);
    };
    return [step, end];
  });
}

/** What may stand right behind a cell: a delimiter, a quote, the end of the line or of a file of DOS. */
const AFTER_CELL = new Set([...Buffer.from(',;\t|"\n\r'), CTRL_Z]);

function upperCase(byte: number): number {
  return byte >= 97 && byte <= 122 ? byte - 32 : byte;
}

/** Text whose lines end in a line feed, whether they ended in CR, CR LF, CR CR LF or LF. */
export const lineFeeds: (bytes: Bytes) => Bytes = rewritten(() => {
  let quoted = false;
  let returned = false;
  const step: Step = (byte, out) => {
    if (byte === QUOTE) quoted = !quoted;
    if (returned && !quoted && byte === CR) return;
    if (returned && byte !== LF) out(LF);
    returned = byte === CR && !quoted;
    if (!returned) out(byte);
  };
  return [step];
});

/** Text with runs of blanks between cells as tabs, and none before the first cell or after the last. */
export const tabsForBlanks: (bytes: Bytes) => Bytes = rewritten(() => {
  let quoted = false;
  let blanks = false;
  let started = false;
  const step: Step = (byte, out) => {
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
  return [step];
});

/** What a stage does with a byte: it writes with `out`. */
type Step = (byte: number, out: (byte: number) => void) => void;

/** The most bytes that a stage holds back. */
const HELD = 16;

/** A stage that looks at one byte after the other and writes as many, or up to twice, and at the end what it held back. */
function rewritten(
  start: () => [step: Step, end?: (out: (byte: number) => void) => void],
): (bytes: Bytes) => Bytes {
  return async function* (bytes) {
    const [step, end] = start();
    let written = new Uint8Array(0);
    let length = 0;
    const out = (byte: number) => {
      written[length++] = byte;
    };
    for await (const piece of bytes) {
      written = new Uint8Array(2 * piece.length + HELD);
      length = 0;
      for (let i = 0; i < piece.length; i++) step(piece[i]!, out);
      if (length > 0) yield written.subarray(0, length);
    }
    written = new Uint8Array(HELD);
    length = 0;
    end?.(out);
    if (length > 0) yield written.subarray(0, length);
  };
}
