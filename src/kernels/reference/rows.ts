import { parseNumber } from "../number.js";

/** How one row reads: its cells, or why it cannot be read. */
export type ReferenceRow = { start: number; cells: ReferenceCell[] } | { start: number; stop: "stray" };

interface ReferenceCell {
  /** The content as text, `""` undone. */
  text: string;
  /** `parseNumber` of the content as it stands in the file. */
  value: number | undefined;
}

/**
 * The twin of `RowParser`, one character at a time over a whole text: rows until the first that has a quote or a
 * lone CR where there may be none.
 */
export function readRows(data: string, delimiter = ","): ReferenceRow[] {
  const rows: ReferenceRow[] = [];
  let at = 0;
  const lineEnd = (i: number) => {
    if (i >= data.length || data[i] === "\n") return 1;
    return data[i] === "\r" && (i + 1 >= data.length || data[i + 1] === "\n") ? 2 : 0;
  };
  while (at < data.length) {
    const blank = lineEnd(at);
    if (blank > 0) {
      at += blank;
      continue;
    }
    const row = { start: at, cells: [] as ReferenceCell[] };
    for (;;) {
      const cell = readCell(at);
      if (cell === undefined) return [...rows, { start: row.start, stop: "stray" }];
      const { end, ...read } = cell;
      row.cells.push(read);
      at = end;
      const width = lineEnd(at);
      if (width > 0) {
        at += width;
        break;
      }
      at++; // the delimiter
    }
    rows.push(row);
  }
  return rows;

  function readCell(from: number): (ReferenceCell & { end: number }) | undefined {
    let content = "";
    let i = from;
    const quoted = data[i] === '"';
    if (quoted) {
      for (i++; data[i] !== '"' || data[i + 1] === '"'; i++) {
        if (i >= data.length) return undefined;
        if (data[i] === '"') i++;
        content += data[i];
      }
      i++;
      if (data[i] !== delimiter && lineEnd(i) === 0) return undefined;
    } else {
      for (; data[i] !== delimiter && lineEnd(i) === 0; i++) {
        if (data[i] === '"' || data[i] === "\r") return undefined;
        content += data[i];
      }
    }
    return { text: content, value: parseNumber(content), end: i };
  }
}
