import { levelsOf } from "../csv/levels.js";
import { findRow, locateTyped } from "../csv/locate.js";
import { type Table, tablesOf } from "../csv/table.js";
import { undefinedCount } from "../dataset/formula/undefined-rows.js";
import { cellReaders } from "../dataset/number-format.js";
import { IDENTIFIER_ROWS } from "../dataset/schema.js";
import { DataError, quoteCell } from "../errors.js";
import { blockOrder, layoutIn, type RowLayout } from "../scan/row-layout.js";
import { option, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { ScannedMoments } from "./moments-result.js";
import { emptyPart } from "./scan-moments.js";

/** Refuses missing cells under `na: "fail"`, and rows of which none is complete. */
export async function checkRows(
  table: Table,
  layout: RowLayout,
  total: ScannedMoments,
  options: Pick<FitCsvOptions, "na">,
): Promise<void> {
  if (options.na === "fail" && total.firstDropped >= 0) throw await missingCell(table, layout, total);
  if (total.groups?.hasRows ?? total.folds.some((fold) => fold.n > 0)) return;
  const { rows, dropped, heldOut } = total;
  const place = { file: table.source.name };
  if (rows === 0 && total.excluded === 0) throw emptyPart(table);
  if (rows === 0)
    throw new DataError(
      `no row is left to fit: all ${total.excluded} are left out by the condition on rows`,
      {
        place,
        hint: wording`see ${option("where")}`,
      },
    );
  const nowhere = table.lagged?.find(({ values }) => values.every(Number.isNaN));
  if (dropped === rows && nowhere !== undefined)
    throw new DataError(`no row is complete: ${nowhere.name} has a value in none of ${rows}`, {
      place,
      hint: wording`rows are looked up by ${option("time")} within ${option("unit")}: see whether these are the columns, and how far apart times are`,
    });
  const none = undefinedCount(total.undefinedRows);
  if (dropped === rows && none > 0)
    throw new DataError(
      `no row is left to fit: of ${rows}, ${rows - none} have a missing cell in a column used, and in ${none} ` +
        `${total.undefinedRows.map(({ label }) => label).join(", ")} has no value`,
      { place, hint: "use a function that has values there, such as log1p" },
    );
  if (dropped === rows)
    throw new DataError(`no row is complete: each of ${rows} has a missing cell in a column used`, {
      place,
      hint: wording`leave sparse columns out with ${option("exclude")}`,
    });
  if (heldOut === rows - dropped)
    throw new DataError(`no row is left to fit: all ${heldOut} complete rows are held out`, {
      place,
      hint: wording`hold out fewer with ${option("testSize")}`,
    });
  throw new DataError(`no row is left to fit: all ${rows - dropped - heldOut} have weight 0`, {
    place,
    hint: wording`choose another column with ${option("weights")}`,
  });
}

/** Refuses factors that look like identifiers. */
export function checkFactors(table: Table, total: ScannedMoments): void {
  for (const [label, names] of Object.entries(total.levels))
    if (names.length === total.rows - total.dropped && names.length >= IDENTIFIER_ROWS)
      throw new DataError(
        `the factor has ${names.length} levels in as many rows: it looks like an identifier`,
        {
          place: { file: table.source.name, column: label },
          hint: wording`leave the column out with ${option("exclude")}`,
        },
      );
}

/** The same, of typed columns. */
async function missingValue(table: Table, layout: RowLayout, number: number): Promise<DataError> {
  const place = { ...locateTyped(table, number) };
  const hint = wording`rows with missing cells are dropped with ${option("na", "omit")}`;
  let before = 0;
  for (const part of tablesOf(table)) {
    const skipped = part.part?.before.firstRow ?? 0;
    const passed = skipped > 0 ? skipped : (part.typed?.rows ?? 0);
    if (skipped > 0 || (passed > 0 && number >= before + passed)) {
      before += passed;
      continue;
    }
    if (part.typed === undefined) break;
    const { choice } = blockOrder(part === table ? layout : layoutIn(part, table, layout));
    for await (const { firstRow, rows, numeric, codes } of part.typed.blocks(
      choice,
      levelsOf(part, choice),
    )) {
      const at = number - before - firstRow;
      if (at >= rows) continue;
      const gap = numeric.findIndex((column) => Number.isNaN(column[at]!));
      const code = codes.findIndex((column) => column[at]! < 0);
      const column = gap >= 0 ? choice.numeric[gap] : choice.factors[code];
      if (column === undefined) break;
      const wanted = gap >= 0 ? "a number" : "a level";
      return new DataError(`expected ${wanted}, found none`, {
        place: { ...place, column: part.columns[column]!.name },
        hint,
      });
    }
    break;
  }
  return new DataError("an expression of the formula has no value in this row", { place, hint });
}

/** The error for a row with a missing cell where `na: "fail"` refuses them. */
async function missingCell(
  table: Table,
  layout: RowLayout,
  { firstDropped: number, undefinedRows }: ScannedMoments,
): Promise<DataError> {
  if (table.typed !== undefined) return missingValue(table, layout, number);
  const row = await findRow(table, number);
  const file = row?.file ?? table.source.name;
  const { choice } = blockOrder(layout);
  const read = [...choice.numeric, ...choice.factors];
  const readerOf = cellReaders(table.format);
  const at = read.find((column) => readerOf(table.columns[column]!.name).isMissing(row?.cells[column] ?? ""));
  const place = { file, row: number, line: row?.line };
  const hint = wording`rows with missing cells are dropped with ${option("na", "omit")}`;
  if (row === undefined || at === undefined) {
    const none = undefinedRows.find(({ first }) => first === number);
    const where = none?.values.map(([column, value]) => `${column} is ${value}`).join(", ");
    const what = none === undefined ? "an expression of the formula" : none.label;
    return new DataError(`${what} has no value in this row${where ? `: ${where}` : ""}`, { place, hint });
  }
  const cell = row.cells[at]!;
  const wanted = choice.numeric.includes(at) ? "a number" : "a level";
  return new DataError(
    `expected ${wanted}, found ${cell.trim() === "" ? "an empty cell" : quoteCell(cell)}`,
    {
      place: { ...place, column: table.columns[at]!.name, cell },
      hint,
    },
  );
}
