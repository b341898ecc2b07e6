import { count, pValue, significant } from "../number-text.js";
import { EXACT_ROWS, type PlotSums, type PlottedRow } from "../prediction/plot-rows.js";
import type { Figure, Mark } from "./figure.js";
import { type Curve, cooksContour, POINT_ROWS, quantilePlot, scatter, smooths } from "./plot-data.js";

/** What the plots of rows are made of. */
export interface RowFigures {
  sums: PlotSums;
  target: string;
  /** p, for Cook's distance; undefined where the rows have no leverages. */
  parameters: number | undefined;
  /** p-values that go into words, where there are such tests. */
  breuschPagan?: number | undefined;
  normality?: number | undefined;
}

/** Rows that are named in a plot, as R's plot.lm names three. */
const NAMED = 3;

/** The plots of R's `plot(lm)`, and the observed values by the predicted ones. */
export function rowFigures(of: RowFigures): Figure[] {
  const smooth = smooths(of.sums);
  return [
    residualsFigure(of, smooth.residuals),
    quantileFigure(of),
    scaleFigure(of, smooth.scale),
    ...(of.parameters === undefined ? [] : [leverageFigure(of, of.parameters, smooth.leverage)]),
    observedFigure(of),
  ];
}

function nameOf({ name, row }: PlottedRow): string {
  return name === undefined || name === "" ? String(row) : name;
}

function farthestBy(rows: readonly PlottedRow[], size: (row: PlottedRow) => number): PlottedRow[] {
  return rows
    .filter((row) => size(row) > 0)
    .sort((a, b) => size(b) - size(a) || a.row - b.row)
    .slice(0, NAMED);
}

function labels(
  rows: readonly PlottedRow[],
  x: (row: PlottedRow) => number,
  y: (row: PlottedRow) => number,
): Mark[] {
  const at = { x: rows.map(x), y: rows.map(y) };
  return [
    { type: "points", ...at, tone: "other", large: true },
    { type: "labels", ...at, text: rows.map(nameOf) },
  ];
}

function smoothLine({ x, y }: Curve): Mark {
  return { type: "line", x, y, tone: "smooth" };
}

/** How rows are drawn, in words. */
function drawnAs({ n, exact }: PlotSums): string {
  if (n <= POINT_ROWS) return "";
  const smooth =
    exact === undefined
      ? `the smooth is fitted to the means of 256 bins, each counting as its rows, beyond ${count(EXACT_ROWS)} rows`
      : "the smooth is fitted to all of them";
  return ` ${count(n)} rows are drawn as bins, the darker the more rows are in one; ${smooth}.`;
}

const LOWESS = "The smooth is R’s lowess (f = 2/3, 3 robust iterations).";

/** A smooth at a few places, for those who read it. */
function smoothTable(label: string, { x, y }: Curve, more: string) {
  const n = x.length;
  const places = Math.min(n, 9);
  const at = Array.from({ length: places }, (_, k) => Math.round((k * (n - 1)) / Math.max(1, places - 1)));
  return {
    head: [label, more],
    rows: [...new Set(at)].map((i) => [significant(x[i]!, 4), significant(y[i]!, 4)]),
  };
}

function residualsFigure(of: RowFigures, smooth: Curve): Figure {
  const { sums, target, breuschPagan } = of;
  const far = farthestBy(sums.farthest, ({ residual }) => Math.abs(residual));
  return {
    kind: "residuals",
    title: "Residuals against fitted values",
    caption: `Where the model is right the smooth lies near zero everywhere. ${LOWESS}${drawnAs(sums)}`,
    description:
      `The smooth goes from ${significant(smooth.y[0] ?? Number.NaN, 3)} at the smallest fitted value to ` +
      `${significant(smooth.y.at(-1) ?? Number.NaN, 3)} at the largest` +
      (breuschPagan === undefined
        ? "."
        : `; Breusch–Pagan’s test of a constant spread has p ${pValue(breuschPagan)}.`) +
      namedRows(far),
    panels: [
      {
        x: { label: `fitted ${target}` },
        y: { label: "residual" },
        marks: [
          { type: "rule", axis: "y", at: 0, dashed: true },
          scatter(sums.exact && { x: sums.exact.fitted, y: sums.exact.residual }, sums.residuals),
          smoothLine(smooth),
          ...labels(
            far,
            ({ fitted }) => fitted,
            ({ residual }) => residual,
          ),
        ],
      },
    ],
    table: smoothTable(`fitted ${target}`, smooth, "smooth of the residuals"),
  };
}

function namedRows(rows: readonly PlottedRow[]): string {
  if (rows.length === 0) return "";
  return ` Farthest out: ${rows.map((row) => `row ${nameOf(row)}`).join(", ")}.`;
}

function quantileFigure({ sums, parameters, normality }: RowFigures): Figure {
  const { points, line, band, n } = quantilePlot(sums);
  const outside = pointsOutside(points, band);
  const far = sums.farthest.slice(0, NAMED).filter(({ rstandard }) => rstandard * 0 === 0);
  // Of equal residuals each has a rank of its own.
  const used = new Set<number>();
  const places = far.map(({ rstandard }) => {
    const i = points.y.findIndex((value, at) => value === rstandard && !used.has(at));
    used.add(i);
    return points.x[i] ?? Number.NaN;
  });
  const what = parameters === undefined ? "residuals by their root mean square" : "studentised residuals";
  const [lowest, highest] = [points.x[0] ?? -1, points.x.at(-1) ?? 1];
  const shown = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1].map((p) =>
    Math.round(p * (points.x.length - 1)),
  );
  return {
    kind: "qq",
    title: "Normal quantiles of the residuals",
    caption:
      "The line goes through the quartiles; were the errors normal, each point would lie in the band with a probability " +
      `of 95 % (that of its order statistic).${
        n > POINT_ROWS
          ? ` Of ${count(n)} rows the 100 farthest out are drawn, and 400 quantiles between them${sums.exact ? "" : ", from a histogram of 4,096 bins"}.`
          : ""
      }`,
    description:
      `${count(outside)} of the ${count(points.x.length)} points drawn lie outside of the band` +
      (normality === undefined ? "." : `; Jarque–Bera’s test of normal errors has p ${pValue(normality)}.`) +
      namedRows(far),
    panels: [
      {
        x: { label: "normal quantile" },
        y: { label: what },
        marks: [
          { type: "band", ...band },
          {
            type: "line",
            x: [lowest, highest],
            y: [lowest, highest].map((z) => line.intercept + line.slope * z),
            tone: "guide",
            beyond: true,
          },
          { type: "points", ...points },
          { type: "points", x: places, y: far.map(({ rstandard }) => rstandard), tone: "other", large: true },
          { type: "labels", x: places, y: far.map(({ rstandard }) => rstandard), text: far.map(nameOf) },
        ],
      },
    ],
    table: {
      head: ["normal quantile", what],
      rows: [...new Set(shown)]
        .filter((i) => i >= 0)
        .map((i) => [significant(points.x[i]!, 4), significant(points.y[i]!, 4)]),
    },
  };
}

/** How many points lie outside of the band. */
function pointsOutside({ x, y }: Curve, band: { x: number[]; lower: number[]; upper: number[] }): number {
  let outside = 0;
  let at = 0;
  x.forEach((z, i) => {
    while (at < band.x.length - 2 && band.x[at + 1]! < z) at++;
    const next = Math.min(at + 1, band.x.length - 1);
    const share = next === at ? 0 : (z - band.x[at]!) / (band.x[next]! - band.x[at]!);
    const between = (list: number[]) => list[at]! + share * (list[next]! - list[at]!);
    if (y[i]! < between(band.lower) || y[i]! > between(band.upper)) outside++;
  });
  return outside;
}

function scaleFigure({ sums, target, parameters }: RowFigures, smooth: Curve): Figure {
  const far = farthestBy(sums.farthest, ({ rstandard }) => Math.abs(rstandard));
  const root = ({ rstandard }: PlottedRow) => Math.sqrt(Math.abs(rstandard));
  const points = sums.exact && {
    x: sums.exact.fitted,
    y: sums.exact.rstandard.map((value) => Math.sqrt(Math.abs(value))),
  };
  return {
    kind: "scale",
    title: "Spread of the residuals",
    caption: `Where errors have one variance the smooth is level. ${LOWESS}${drawnAs(sums)}`,
    description:
      `The smooth goes from ${significant(smooth.y[0] ?? Number.NaN, 3)} at the smallest fitted value to ` +
      `${significant(smooth.y.at(-1) ?? Number.NaN, 3)} at the largest.${namedRows(far)}`,
    panels: [
      {
        x: { label: `fitted ${target}` },
        y: { label: parameters === undefined ? "√|residual/RMS|" : "√|studentised residual|" },
        marks: [
          scatter(points, sums.scale),
          smoothLine(smooth),
          ...labels(far, ({ fitted }) => fitted, root),
        ],
      },
    ],
    table: smoothTable(`fitted ${target}`, smooth, "smooth of the root"),
  };
}

function leverageFigure({ sums }: RowFigures, parameters: number, smooth: Curve): Figure {
  const rows = sums.influential.filter(({ cooks }) => cooks > 0);
  const points = sums.exact && { x: sums.exact.leverage, y: sums.exact.rstandard };
  const most = points
    ? points.x.reduce((top, h, i) => (Number.isNaN(points.y[i]!) ? top : Math.max(top, h)), 0)
    : sums.leverage === undefined
      ? 0
      : sums.leverage.axes[0].most;
  const contours = [0.5, 1].map((distance) => cooksContour(distance, parameters, most * 1.04));
  const lines = contours.flatMap(({ x, y }): Mark[] => [
    { type: "line", x, y, tone: "guide", dashed: true, beyond: true },
    { type: "line", x, y: y.map((value) => -value), tone: "guide", dashed: true, beyond: true },
  ]);
  const [first] = rows;
  return {
    kind: "leverage",
    title: "Residuals against leverage",
    caption:
      "Rows beyond the dashed contours, of Cook’s distances 0.5 and 1, move the coefficients by themselves; where none is " +
      `drawn, all rows are far within. ${LOWESS}${drawnAs(sums)}`,
    description:
      first === undefined
        ? "No row has a Cook’s distance."
        : `The largest Cook’s distance is ${significant(first.cooks, 3)}, of row ${nameOf(first)}; the largest leverage ` +
          `${significant(most, 3)}.`,
    panels: [
      {
        x: { label: "leverage", include: [0] },
        y: { label: "studentised residual" },
        marks: [
          { type: "rule", axis: "y", at: 0, dashed: true },
          scatter(points, sums.leverage),
          ...lines,
          smoothLine(smooth),
          ...labels(
            rows,
            ({ leverage }) => leverage,
            ({ rstandard }) => rstandard,
          ),
        ],
        legend: [
          { tone: "smooth", text: "smooth" },
          { tone: "guide", text: "Cook’s distance 0.5 and 1" },
        ],
      },
    ],
    table: {
      head: ["row", "leverage", "studentised residual", "Cook’s distance"],
      rows: rows.map((row) => [
        nameOf(row),
        significant(row.leverage, 4),
        significant(row.rstandard, 4),
        significant(row.cooks, 4),
      ]),
    },
  };
}

function observedFigure({ sums, target }: RowFigures): Figure {
  const points = sums.exact && { x: sums.exact.fitted, y: sums.exact.observed };
  const far = farthestBy(sums.farthest, ({ residual }) => Math.abs(residual));
  const [least, most] = rangeOf(sums);
  return {
    kind: "observed",
    title: "Observed against predicted",
    caption: `On the line the prediction is the observed value.${drawnAs(sums).replace(/;.*/, ".")}`,
    description:
      `Predictions go from ${significant(least, 4)} to ${significant(most, 4)}, over ${count(sums.n)} rows.` +
      namedRows(far),
    panels: [
      {
        x: { label: `predicted ${target}` },
        y: { label: `observed ${target}` },
        marks: [
          { type: "line", x: [least, most], y: [least, most], tone: "guide" },
          scatter(points, sums.observed),
          ...labels(
            far,
            ({ fitted }) => fitted,
            ({ observed }) => observed,
          ),
        ],
      },
    ],
    table: {
      head: ["row", "observed", "predicted", "residual"],
      rows: far.map((row) => [
        nameOf(row),
        ...[row.observed, row.fitted, row.residual].map((value) => significant(value, 5)),
      ]),
    },
  };
}

function rangeOf({ observed }: PlotSums): [number, number] {
  if (observed === undefined) return [0, 1];
  const { least, most } = observed.axes[0];
  return [least, most];
}
