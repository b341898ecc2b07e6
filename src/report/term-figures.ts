import { shorten } from "../display-width.js";
import { significant } from "../number-text.js";
import type { PlotSums } from "../prediction/plot-rows.js";
import type { PlottedTerm } from "../prediction/plotted-terms.js";
import type { Figure, Panel } from "./figure.js";
import { panelSmooth, scatter } from "./plot-data.js";

/** Partial residuals of the terms that move predictions most, a panel each: R's `termplot(partial.resid = TRUE)`. */
export function termFigure(
  { panels }: Pick<PlotSums, "panels">,
  terms: readonly PlottedTerm[],
  { of, within }: { of: number; within: boolean },
): Figure {
  return {
    kind: "terms",
    title: "Partial residuals by term",
    caption:
      "What a term adds to the prediction, about its mean (straight), and the same with the residuals (points), against the " +
      `term’s own values${within ? ", about the absorbed effects" : ""}; the smooth bends away from it where the term’s form is wrong.` +
      (of > terms.length
        ? ` ${terms.length} of ${of} terms are drawn, those that move predictions most.`
        : ""),
    description: terms
      .map(({ label, levels, coefficients }) =>
        levels === undefined
          ? `${label}: slope ${significant(coefficients[0]!, 3)}.`
          : `${label}: a factor of ${levels.length} levels.`,
      )
      .join(" "),
    panels: terms.map((term, t): Panel => {
      const rows = panels[t]!;
      const { label, levels } = term;
      const own = ownLine(term, rows.means?.axes[0]);
      return {
        title: label,
        x:
          levels === undefined ? { label } : { label, categories: levels.map((level) => shorten(level, 12)) },
        y: { label: "partial residual" },
        marks: [
          scatter(rows.points, rows.grid),
          { type: "line", ...own, tone: "guide" },
          ...(levels === undefined ? [{ type: "line", ...panelSmooth(rows), tone: "smooth" } as const] : []),
        ],
      };
    }),
    table: {
      head: ["term", "at", "adds to the prediction"],
      rows: terms.flatMap((term, t) => {
        const { x, y } = ownLine(term, panels[t]!.means?.axes[0]);
        const at = term.levels === undefined ? [0, x.length - 1] : x.map((_, i) => i);
        return at.map((i) => [term.label, term.levels?.[i] ?? significant(x[i]!, 4), significant(y[i]!, 4)]);
      }),
    },
  };
}

/** What a term adds, over its values. */
function ownLine(
  { coefficients, centre, levels, codes }: PlottedTerm,
  range: { least: number; most: number } | undefined,
): { x: number[]; y: number[] } {
  if (levels !== undefined && codes !== undefined) {
    const x = levels.map((_, i) => i);
    return {
      x,
      y: codes.map((code) => code.reduce((sum, value, i) => sum + coefficients[i]! * value, 0) - centre),
    };
  }
  const { least, most } = range ?? { least: 0, most: 1 };
  const steps = coefficients.length === 1 ? 1 : 40;
  const x = Array.from({ length: steps + 1 }, (_, i) => least + ((most - least) * i) / steps);
  return { x, y: x.map((value) => coefficients.reduce((sum, b, i) => sum + b * value ** (i + 1), -centre)) };
}
