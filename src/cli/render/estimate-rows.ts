import type { EstimateRow } from "../../linear/hypotheses/estimable.js";
import { moreLines, shownOf } from "./long-list.js";
import { alignedDecimals, pValue, significant, stars, tValue } from "./numbers.js";
import { type Align, renderTable } from "./table.js";

/** A table of estimates that are tested, or not, with their intervals; columns of names stand before them. */
export function renderEstimateRows(
  names: readonly string[],
  named: readonly (readonly string[])[],
  rows: readonly EstimateRow[],
  { title, level, tests }: { title: string; level: number; tests: boolean },
): string {
  const numbers = (read: (row: EstimateRow) => number) => alignedDecimals(rows.map(read));
  const tail = (100 * (1 - level)) / 2;
  const [estimates, errors] = [numbers(({ estimate }) => estimate), numbers(({ stdError }) => stdError)];
  const [lower, upper] = [numbers((row) => row.lower), numbers((row) => row.upper)];
  const table = rows.map((row, i) => [
    ...named[i]!,
    estimates[i]!,
    errors[i]!,
    ...(tests ? [tValue(row.t, 3), pValue(row.p, row.pBelow), stars(row.p, row.pBelow)] : []),
    lower[i]!,
    upper[i]!,
  ]);
  const head = [...names, title, "Std. Error", ...(tests ? ["t value", "p", ""] : [])];
  const titles = [...head, `${significant(tail, 4)} %`, `${significant(100 - tail, 4)} %`];
  const align = titles.map((text, j): Align => (j < names.length || text === "" ? "left" : "right"));
  const shown = shownOf(table);
  return [renderTable({ titles, rows: shown, align }), ...moreLines(table.length - shown.length)].join("\n");
}
