import { DataError } from "../errors.js";

/** Ctrl-Z, with which DOS ends a text. */
export const CTRL_Z = 0x1a;
const [LF, CR] = [0x0a, 0x0d];

/** A text without the end mark of DOS, and line ends behind it. */
export function withoutEndMark(text: string): string {
  let mark = text.length;
  for (let at = text.length - 1; at >= 0; at--) {
    const code = text.charCodeAt(at);
    if (code === CTRL_Z) mark = at;
    else if (code !== LF && code !== CR) break;
  }
  return text.slice(0, mark);
}

/** Where a text's first end mark is, if the text goes on after it. */
export function earlyEndMark(text: string): number | undefined {
  const mark = text.indexOf(String.fromCharCode(CTRL_Z));
  if (mark < 0) return undefined;
  for (let at = mark + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== CTRL_Z && code !== LF && code !== CR) return mark;
  }
  return undefined;
}

/** The error for a text that goes on after the end mark of DOS; `line` is that of the mark. */
export function endMarkError(file: string, line: number): DataError {
  return new DataError("a Ctrl-Z, with which DOS ends a text, and more after it", {
    place: { file, line },
    hint: "if what follows belongs to the table, take the mark out (tr -d '\\032'), else cut the text there",
  });
}
