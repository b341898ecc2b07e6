import type { RowCount } from "../kernels.js";

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** Offsets at which rows start in data[from, to) if `from` stands inside or outside quotes, byte by byte. */
export function rowStarts(data: Uint8Array, from: number, to: number, insideQuote: boolean): number[] {
  const starts: number[] = [];
  let inside = insideQuote;
  for (let i = from; i < to; i++) {
    const after = data[i + 1] ?? 0;
    const blank = data[i] === LF || (data[i] === CR && (after === LF || (after === 0 && i + 1 === to)));
    if (!inside && !blank && (i === 0 || data[i - 1] === LF)) starts.push(i);
    if (data[i] === QUOTE) inside = !inside;
  }
  return starts;
}

/** The twin of `Kernels.countRows`, over data[from, to). */
export function countRows(data: Uint8Array, from: number, to: number): RowCount {
  let lines = 0;
  let quotes = 0;
  let special = false;
  for (let i = from; i < to; i++) {
    if (data[i] === LF) lines++;
    if (data[i] === QUOTE) quotes++;
    if (data[i] === 0 || data[i]! >= 0x80) special = true;
  }
  return {
    rowsIfOutside: rowStarts(data, from, to, false).length,
    rowsIfInside: rowStarts(data, from, to, true).length,
    lines,
    quoteParity: quotes % 2,
    special,
  };
}
