import { conformalWidth, guaranteedCoverage } from "../../linear/conformal/conformal.js";
import type { LinearModel } from "../../linear/model/model.js";
import type { Coverage } from "../../training/calibrate.js";
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
  if (coverage === undefined) return lines;
  const { n: held, covered, width: mean, unbounded } = coverage;
  lines.push(
    `${(100 * (covered / held)).toFixed(1)} % of ${count(held)} held-out rows are covered, mean width ${significant(mean)}` +
      `${unbounded > 0 ? `, ${count(unbounded)} unbounded` : ""}`,
  );
  if (coverage.groups !== undefined) {
    const shown = shownOf(coverage.groups);
    const shares = alignedDecimals(shown.map((group) => group.covered / group.n));
    const rows = shown.map((group, i) => [group.name, count(group.n), shares[i]!]);
    lines.push(
      "",
      renderTable({ titles: [by!, "held out", "covered"], rows, align: ["left", "right", "right"] }, columns),
      ...moreLines(coverage.groups.length - shown.length, "groups"),
      "",
    );
  }
  return lines;
}
