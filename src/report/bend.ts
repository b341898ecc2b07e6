import { quoteName } from "../dataset/formula/syntax.js";
import type { LinearModel } from "../linear/model/model.js";
import type { Diagnosis } from "../prediction/diagnose-csv.js";
import { cellsOf } from "../stats/dyadic-grid.js";

/**
 * The model's formula with a square of the column of numbers whose partial residuals are bent most: the most that a parabola
 * explains of their means in bins (of all points, where these are few) beyond a line. Undefined where no term is a column alone.
 */
export function bentFormula(model: LinearModel, plots: Diagnosis["plots"]): string | undefined {
  if (plots === undefined) return undefined;
  let most = 0;
  let bent: string | undefined;
  for (const [t, { label, levels, columns }] of plots.terms.entries()) {
    const { points, means } = plots.sums.panels[t]!;
    if (levels !== undefined || columns.length !== 1 || !isColumn(model, label)) continue;
    const found = points
      ? points.x.map((x, i) => ({ x, y: points.y[i]!, weight: 1 }))
      : cellsOf(means!).cells.map(({ count, means: [x, y] }) => ({ x: x!, y: y!, weight: count }));
    const gain = bend(found);
    if (gain > most) [most, bent] = [gain, label];
  }
  if (bent === undefined) return undefined;
  const { terms, target } = model.spec;
  const all = terms.map(({ label }) => {
    if (label === bent) return `poly(${quoteName(label)}, 2, raw = TRUE)`;
    return isColumn(model, label) ? quoteName(label) : label;
  });
  const left = "column" in target.expression ? quoteName(target.expression.column) : target.label;
  return `${left} ~ ${all.join(" + ")}${model.intercept ? "" : " - 1"}`;
}

/** Whether a term is a column as it stands. */
function isColumn({ spec }: LinearModel, label: string): boolean {
  return spec.variables.some(
    (variable) =>
      variable.kind === "numeric" && "column" in variable.expression && variable.expression.column === label,
  );
}

/** The squares that x² explains beyond 1 and x, by Gram and Schmidt: (Σ w q y)² / Σ w q², q = x² about its line. */
function bend(points: readonly { x: number; y: number; weight: number }[]): number {
  const sum = (of: (p: (typeof points)[number]) => number) =>
    points.reduce((total, p) => total + p.weight * of(p), 0);
  const n = sum(() => 1);
  const centre = sum(({ x }) => x) / n;
  const spread = sum(({ x }) => (x - centre) ** 2);
  if (!(spread > 0)) return 0;
  const square = sum(({ x }) => (x - centre) ** 2) / n;
  const slope = sum(({ x }) => (x - centre) ** 3) / spread;
  const q = (x: number) => (x - centre) ** 2 - square - slope * (x - centre);
  const size = sum(({ x }) => q(x) ** 2);
  return size > 1e-12 * spread * square ? sum(({ x, y }) => q(x) * y) ** 2 / size : 0;
}
