import { openSource } from "../../csv/open-source.js";
import { readTable } from "../../csv/table.js";
import { DataError } from "../../errors.js";
import { readRows } from "../../scan/read-rows.js";
import { layoutOf } from "../../scan/row-layout.js";
import { type ColumnOptions, chooseColumns } from "../../training/choose-columns.js";
import { type ReadingFlags, readingOptions } from "../program/reading-options.js";
import type { BenchData } from "./suite.js";

/** Reads the numeric columns of a CSV for a benchmark; rows with missing cells are left out. */
export async function loadData(
  path: string,
  options: ReadingFlags & Omit<ColumnOptions, "id">,
): Promise<BenchData> {
  const source = await openSource(path);
  try {
    const table = await readTable(source, readingOptions(options));
    const columns = table.columns.filter(({ kind }) => kind === "numeric");
    const { spec } = chooseColumns({ columns, sample: [] }, options, source.name);
    const [target, ...terms] = spec.numeric as [string, ...string[]];
    const { where } = options;
    const layout = layoutOf(table, { numeric: [...terms, target], factors: [], where });
    const X: number[] = [];
    const y: number[] = [];
    for await (const { block } of readRows(table, layout))
      for (let r = 0; r < block.rows; r++) {
        const row = block.numeric.slice(0, terms.length + 1).map((column) => column[r]!);
        if (row.some(Number.isNaN)) continue;
        y.push(row.pop()!);
        for (const x of row) X.push(x);
      }
    if (y.length === 0) throw new DataError("no row is complete", { place: { file: source.name } });
    return { path, terms, target, rows: y.length, X: Float64Array.from(X), y: Float64Array.from(y) };
  } finally {
    await source.close();
  }
}
