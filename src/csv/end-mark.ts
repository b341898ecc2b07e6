/** Ctrl-Z, with which DOS ends a text. */
export const CTRL_Z = 0x1a;

/** A text without the end mark of DOS. */
export function withoutEndMark(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === CTRL_Z) end--;
  return text.slice(0, end);
}
