import { readSync } from "node:fs";
import { sampleRecords } from "./sample.js";
import type { Table } from "./table.js";

const PIECES = 16;
const PIECE_BYTES = 1 << 13;

/**
 * Rows from 16 places of a file behind its head, the last one its end: what its head does not show, for judgement and not for
 * values. They are cut at line ends, so that within a quoted cell of several lines they may be none; those of another
 * number of cells are left out. None of what is no plain file.
 */
export function scatteredRows({
  source,
  dialect,
  columns,
  dataStart,
  whole,
  typed,
}: Pick<Table, "source" | "dialect" | "columns" | "dataStart" | "whole" | "typed">): string[][] {
  if (source.plain === undefined || whole || typed !== undefined) return [];
  const { fd, size } = source.plain;
  const buffer = Buffer.alloc(PIECE_BYTES);
  const step = Math.max(0, size - PIECE_BYTES - dataStart) / PIECES;
  return Array.from({ length: PIECES }, (_, i) => {
    const from = Math.floor(dataStart + step * (i + 1));
    const text = buffer.toString("utf8", 0, readSync(fd, buffer, 0, PIECE_BYTES, from));
    const start = text.indexOf(dialect.newline) + 1;
    const end = from + PIECE_BYTES >= size ? text.length : text.lastIndexOf(dialect.newline) + 1;
    if (start === 0 || end <= start) return [];
    const { records } = sampleRecords(text.slice(start, end), dialect.delimiter, dialect.newline, true);
    return records.map(({ cells }) => cells).filter((cells) => cells.length === columns.length);
  }).flat();
}
