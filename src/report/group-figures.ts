import type { FactorEffects } from "../linear/model/absorbed-effects.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import { count, significant } from "../number-text.js";
import type { PlotSums } from "../prediction/plot-rows.js";
import type { Figure, Panel } from "./figure.js";
import { panelSmooth, scatter } from "./plot-data.js";

/** Levels and groups that a panel has room for, and panels of coefficients. */
const [MOST_LEVELS, MOST_PANELS] = [30, 6];

/** The effects of absorbed factors, in order of size: the outermost of each, where there are many. */
export function effectsFigure(factors: readonly FactorEffects[], target: string): Figure | undefined {
  if (factors.length === 0) return undefined;
  const panels = factors.map(({ factor, levels, effects }) => {
    const order = levels.map((_, i) => i).filter((i) => effects[i]! * 0 === 0);
    order.sort((a, b) => effects[a]! - effects[b]! || a - b);
    const half = MOST_LEVELS / 2;
    const shown = order.length <= MOST_LEVELS ? order : [...order.slice(0, half), ...order.slice(-half)];
    return { factor, known: order.length, shown, levels, effects };
  });
  return {
    kind: "effects",
    title: "Absorbed effects",
    caption:
      `What each level adds to ${target}; of several factors each is known up to a constant that another takes up.` +
      (panels.some(({ known }) => known > MOST_LEVELS)
        ? ` Of many levels the ${MOST_LEVELS} outermost are drawn.`
        : ""),
    description: panels
      .map(({ factor, known, shown, effects }) => {
        const [low, high] = [effects[shown[0]!]!, effects[shown.at(-1)!]!];
        return `${factor}: ${count(known)} levels, from ${significant(low, 4)} to ${significant(high, 4)}.`;
      })
      .join(" "),
    panels: panels.map(
      ({ factor, shown, levels, effects }): Panel => ({
        title: factor,
        x: { label: `effect on ${target}` },
        y: { label: "", categories: shown.map((i) => levels[i]!) },
        marks: [
          { type: "rule", axis: "x", at: 0 },
          { type: "intervals", at: shown.map((_, i) => i), value: shown.map((i) => effects[i]!) },
        ],
      }),
    ),
    table: {
      head: ["factor", "level", "effect"],
      rows: panels.flatMap(({ factor, shown, levels, effects }) =>
        [...shown].reverse().map((i) => [factor, levels[i]!, significant(effects[i]!, 5)]),
      ),
    },
  };
}

/** The coefficients of the largest groups with their intervals, a panel for each coefficient. */
export function groupsFigure(models: ModelGroup, largest: readonly string[], level = 0.95): Figure {
  const all = largest.map((name) => ({ name, model: models.models.get(name) as LinearModel }));
  const summaries = all.map(({ model }) => model.summary(level).coefficients);
  const names = [...new Set(summaries.flatMap((rows) => rows.map(({ term }) => term)))];
  const shown = names.slice(0, MOST_PANELS);
  const of = (term: string) => summaries.map((rows) => rows.find((row) => row.term === term));
  const value = (term: string, field: "estimate" | "lower" | "upper") =>
    of(term).map((row) => row?.[field] ?? Number.NaN);
  const at = all.map((_, i) => all.length - 1 - i);
  return {
    kind: "groups",
    title: `Coefficients by ${models.groupBy}`,
    caption:
      `Of each group’s own model, with intervals of ${Number((100 * level).toPrecision(6))} %.` +
      (models.models.size > all.length
        ? ` ${all.length} of ${count(models.models.size)} groups are drawn, those of the most rows.`
        : "") +
      (names.length > shown.length ? ` ${shown.length} of ${names.length} coefficients are drawn.` : ""),
    description: shown
      .map((term) => {
        const known = value(term, "estimate").filter((one) => one * 0 === 0);
        return `${term}: from ${significant(Math.min(...known), 4)} to ${significant(Math.max(...known), 4)}.`;
      })
      .join(" "),
    panels: shown.map((term): Panel => {
      const estimates = value(term, "estimate");
      return {
        title: term,
        x: { label: "estimate", include: [0] },
        y: { label: "", categories: all.map(({ name }) => name).reverse() },
        marks: [
          { type: "rule", axis: "x", at: 0 },
          {
            type: "intervals",
            at,
            value: estimates,
            lower: value(term, "lower"),
            upper: value(term, "upper"),
          },
        ],
      };
    }),
    table: {
      head: [models.groupBy, "rows", ...shown],
      rows: all.map(({ name, model }, i) => [
        name,
        count(model.n),
        ...shown.map((term) =>
          significant(summaries[i]!.find((row) => row.term === term)?.estimate ?? Number.NaN, 4),
        ),
      ]),
    },
  };
}

/** Studentised residuals against fitted values, a panel for each of the largest groups. */
export function groupResidualsFigure(
  { panels }: PlotSums,
  groups: readonly string[],
  groupBy: string,
): Figure {
  return {
    kind: "terms",
    title: `Residuals by ${groupBy}`,
    caption:
      "Studentised residuals against fitted values, each row by the model of its group, with R’s lowess.",
    description: groups.map((name, i) => `${name}: ${count(panels[i]!.n)} rows.`).join(" "),
    panels: groups.map((name, i): Panel => {
      const rows = panels[i]!;
      return {
        title: name,
        x: { label: "fitted" },
        y: { label: "studentised residual" },
        marks: [
          { type: "rule", axis: "y", at: 0, dashed: true },
          scatter(rows.points, rows.grid),
          { type: "line", ...panelSmooth(rows), tone: "smooth" },
        ],
      };
    }),
  };
}
