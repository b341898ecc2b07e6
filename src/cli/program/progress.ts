import { milliseconds } from "../../clock.js";
import { forTerminal } from "../../files/terminal-text.js";

/** How far reading has come: bytes, of a total where it is known. */
export interface Progress {
  read: number;
  total: number | undefined;
}

const SHOW_AFTER_MS = 1000;
const REDRAW_MS = 100;

/**
 * A progress line on standard error, for work of more than a second and on a terminal only: share, bytes, rate and
 * time left. `end` wipes it.
 */
export function progressBar(what: string): { update: (progress: Progress) => void; end: () => void } {
  const started = milliseconds();
  const { stderr } = process;
  let drawn = 0;
  const update = ({ read, total }: Progress) => {
    const now = milliseconds();
    if (!stderr.isTTY || now - started < SHOW_AFTER_MS || now - drawn < REDRAW_MS) return;
    drawn = now;
    stderr.write(`\r\u001b[K${progressLine(what, { read, total }, now - started, stderr.columns ?? 80)}`);
  };
  const end = () => {
    if (drawn > 0) stderr.write("\r\u001b[K");
  };
  return { update, end };
}

/** The line itself, cut to the terminal's width. */
export function progressLine(
  what: string,
  { read, total }: Progress,
  elapsedMs: number,
  columns: number,
): string {
  const rate = read / (elapsedMs / 1000);
  const parts = [what];
  if (total !== undefined && total > 0) {
    const share = Math.min(1, read / total);
    const width = Math.max(0, Math.min(30, columns - 60));
    const full = Math.round(share * width);
    if (width > 0) parts.push(`${"█".repeat(full)}${"░".repeat(width - full)}`);
    parts.push(`${Math.floor(share * 100)}%`, `${bytes(read)} of ${bytes(total)}`, `${bytes(rate)}/s`);
    parts.push(`${Math.ceil((total - read) / Math.max(rate, 1))} s left`);
  } else parts.push(bytes(read), `${bytes(rate)}/s`);
  return forTerminal(parts.join("  ")).slice(0, Math.max(0, columns - 1));
}

/** Bytes for reading, in decimal units: 999 B, 12.3 MB. */
export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = n;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value.toFixed(0) : value.toPrecision(3)} ${units[unit]}`;
}
