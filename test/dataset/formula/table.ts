import type { RawBlock } from "../../../src/dataset/formula/raw-block.js";
import type { ModelSpec } from "../../../src/dataset/formula/spec.js";
import type { Column } from "../../../src/dataset/schema.js";

/** A small table in memory, for tests: numbers or texts by column, null for a missing cell. */
export type Table = Record<string, (number | string | null)[]>;

export function columnsOf(table: Table): Column[] {
  return Object.entries(table).map(([name, cells]) => ({
    name,
    kind: cells.some((cell) => typeof cell === "string") ? "text" : "numeric",
  }));
}

/** The table's rows as a spec wants them, levels numbered in order of appearance. */
export function rawBlock(table: Table, spec: ModelSpec): RawBlock {
  const numeric = spec.numeric.map((name) =>
    Float64Array.from(table[name]!, (cell) => (cell === null ? Number.NaN : Number(cell))),
  );
  const levels = spec.text.map((name) =>
    [...new Set(table[name]!)].filter((cell) => cell !== null).map(String),
  );
  const codes = spec.text.map((name, j) =>
    Int32Array.from(table[name]!, (cell) => (cell === null ? -1 : levels[j]!.indexOf(String(cell)))),
  );
  return { numeric, codes, levels };
}
