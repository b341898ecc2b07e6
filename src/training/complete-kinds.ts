import { levelsOf } from "../csv/levels.js";
import { type Table, tablesOf } from "../csv/table.js";
import { cellShape } from "../dataset/cell-shape.js";
import { keepPlaces, placesOf } from "../dataset/column-places.js";
import { inferColumns } from "../dataset/schema.js";
import { InterruptedError } from "../errors.js";
import { readRows } from "../scan/read-rows.js";
import { keepStream } from "./keep-stream.js";

/** A table whose columns are judged by more than its head, and remarks on those. */
interface CompleteKinds {
  readonly table: Table;
  readonly notes: readonly string[];
}

/**
 * Looks further for the first values of columns that have none in the head of a file: they are empty only if the whole
 * file says so. A stream is kept for that.
 *
 * @param needed whether a column is to be used
 */
export async function completeKinds(
  table: Table,
  needed: (name: string) => boolean,
  control: { signal?: AbortSignal | undefined } = {},
): Promise<CompleteKinds> {
  const open = table.columns.flatMap(({ kind, name, unnamed }, j) =>
    kind === "empty" && !unnamed && needed(name) ? [j] : [],
  );
  if (table.whole || open.length === 0) return { table, notes: [] };
  for (const { source } of tablesOf(table)) if (!source.repeatable) await keepStream(source);
  const layout = { numeric: [], factors: open };
  const levels = levelsOf(table, layout);
  const firstRows: (number | undefined)[] = open.map(() => undefined);
  for await (const _ of readRows(table, layout, { levels })) {
    if (control.signal?.aborted) throw new InterruptedError();
    levels.forEach(({ names, firstRows: seen }, i) => {
      const at = names.findIndex((name) => cellShape(name).like !== "missing");
      if (at >= 0) firstRows[i] ??= seen[at];
    });
    if (firstRows.every((row) => row !== undefined)) break;
  }
  const found = open.map((j, i) => {
    const rows = levels[i]!.names.map((name) => [name]);
    const [column] = inferColumns([table.columns[j]!.name], rows, { format: table.format, whole: true });
    return [j, column!] as const;
  });
  const columns = [...table.columns];
  for (const [j, column] of found) columns[j] = column;
  keepPlaces(columns, placesOf(table.columns));
  const notes = found.flatMap(([, { name, kind }], i) =>
    kind === "empty" || firstRows[i] === undefined
      ? []
      : [
          `${name} has no value before row ${(firstRows[i]! + 1).toLocaleString("en-US")}; rows without one are left out`,
        ],
  );
  return { table: { ...table, columns }, notes };
}
