import { conformalWidth, guaranteedCoverage } from "../../linear/conformal/conformal.js";
import type { Coverage } from "../../linear/conformal/coverage.js";
import type { LinearModel } from "../../linear/model/model.js";
import { moreLines, shownOf } from "./long-list.js";
import { alignedDecimals, count, significant } from "./numbers.js";
import { renderTable } from "./table.js";

/** What conformal intervals a model has, and how often they cover rows that were held out. */
export function renderConformal(
  model: LinearModel,
  coverage: Coverage | undefined,
  level: number,
  columns: number,
): string[] {
  const { conformal } = model;
  if (conformal === undefined) return [];
  const { method, by, n, groups } = conformal;
  const width = conformalWidth(conformal, level);
  const lines = [
    `Conformal intervals (${method}${by === undefined ? "" : ` by ${by}`}): ${count(n)} calibration rows` +
      `${by === undefined ? "" : ` in ${count(groups.length)} groups`}` +
      `${width === undefined ? "" : `, ± ${significant(width)} of level ${level}`}; guaranteed to cover ${significant(guaranteedCoverage(conformal, level), 3)} of rows drawn as these`,
  ];
  return coverage === undefined
    ? lines
    : [...lines, ...renderCoverage(coverage, "held-out rows are covered", by, columns)];
}

/**
 * How often intervals cover the target.
 *
 * @param what of which rows that is said, with the verb
 * @param by the column of the groups, where there are groups
 */
export function renderCoverage(
  { n, covered, width, unbounded, groups }: Coverage,
  what: string,
  by: string | undefined,
  columns: number,
): string[] {
  const lines = [
    `${(100 * (covered / n)).toFixed(1)} % of ${count(n)} ${what}` +
      `${unbounded < n ? `, mean width ${significant(width)}` : ""}` +
      `${unbounded > 0 ? `, ${count(unbounded)} unbounded` : ""}`,
  ];
  if (groups === undefined) return lines;
  const shown = shownOf(groups);
  const shares = alignedDecimals(shown.map((group) => group.covered / group.n));
  const rows = shown.map((group, i) => [group.name, count(group.n), shares[i]!]);
  return [
    ...lines,
    "",
    renderTable({ titles: [by!, "rows", "covered"], rows, align: ["left", "right", "right"] }, columns),
    ...moreLines(groups.length - shown.length, "groups"),
    "",
  ];
}
