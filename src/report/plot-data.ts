import type { PanelRows, PlotSums } from "../prediction/plot-rows.js";
import { normalQuantile } from "../stats/distributions.js";
import { cellsOf, type GridParts, gridQuantiles } from "../stats/dyadic-grid.js";
import { binnedLowess, lowess } from "../stats/lowess.js";
import { orderBand, plottingPosition, quartileLine } from "../stats/normal-quantiles.js";
import { quantilesOf } from "../stats/quantile.js";
import type { Mark } from "./figure.js";

/** Rows up to which every one of them is a point; beyond, points are shades of bins. */
export const POINT_ROWS = 2000;

/** Values in order of x. */
export interface Curve {
  x: number[];
  y: number[];
}

/** Two lists by rising x, those that are not finite left out. */
function inOrder(x: readonly number[], y: readonly number[]): { x: Float64Array; y: Float64Array } {
  const order = x.map((_, i) => i).filter((i) => x[i]! * 0 + y[i]! * 0 === 0);
  order.sort((a, b) => x[a]! - x[b]! || a - b);
  return { x: Float64Array.from(order, (i) => x[i]!), y: Float64Array.from(order, (i) => y[i]!) };
}

/** The smooth of points: R's `lowess(x, y)`, as `panel.smooth` draws it. */
export function smoothOfPoints(x: readonly number[], y: readonly number[]): Curve {
  const ordered = inOrder(x, y);
  return { x: [...ordered.x], y: [...lowess(ordered.x, ordered.y)] };
}

/** The smooth of rows by the means of bins: the first value that bins sum up is x, `which` the one smoothed. */
function smoothOfBins(means: GridParts | undefined, which: number): Curve {
  const cells = means === undefined ? [] : cellsOf(means).cells;
  const x = Float64Array.from(cells, (cell) => cell.means[0]!);
  const y = Float64Array.from(cells, (cell) => cell.means[which]!);
  const rows = Float64Array.from(cells, ({ count }) => count);
  return { x: [...x], y: [...binnedLowess(x, y, rows)] };
}

/** The smooths of the plots of rows: exact for up to `EXACT_ROWS` rows, from 256 bins beyond. */
export function smooths({
  exact,
  byFitted,
  byLeverage,
}: PlotSums): Record<"residuals" | "scale" | "leverage", Curve> {
  if (exact === undefined)
    return {
      residuals: smoothOfBins(byFitted, 1),
      scale: smoothOfBins(byFitted, 2),
      leverage: smoothOfBins(byLeverage, 1),
    };
  const { fitted, residual, rstandard, leverage } = exact;
  const finite = (values: readonly number[]) =>
    values.map((value, i) => (Number.isNaN(rstandard[i]!) ? Number.NaN : value));
  return {
    residuals: smoothOfPoints(fitted, residual),
    scale: smoothOfPoints(
      fitted,
      rstandard.map((value) => Math.sqrt(Math.abs(value))),
    ),
    leverage: smoothOfPoints(finite(leverage), rstandard),
  };
}

/** The smooth of a panel. */
export function panelSmooth({ points, means }: PanelRows): Curve {
  return points === undefined ? smoothOfBins(means, 1) : smoothOfPoints(points.x, points.y);
}

/** The mark of points, or of the bins that stand for them. */
export function scatter(
  points: { x: readonly number[]; y: readonly number[] } | undefined,
  grid: GridParts | undefined,
): Mark {
  if (points !== undefined && points.x.length <= POINT_ROWS) return { type: "points", ...points };
  const { cells, width, height } = grid === undefined ? { cells: [], width: 1, height: 1 } : cellsOf(grid);
  return { type: "cells", cells, width, height };
}

/** A normal quantile plot. */
export interface QuantilePlot {
  /** Normal quantiles and values, in order: of every value, or of some between the outermost. */
  points: Curve;
  line: { intercept: number; slope: number };
  /** Where the values would lie with a probability of 0.95 each, were they normal along the line. */
  band: { x: number[]; lower: number[]; upper: number[] };
  n: number;
}

/** Values between the outermost that a plot of many has, and places of the band. */
const [BETWEEN, BAND] = [400, 60];

/**
 * The normal quantile plot of the studentised residuals: R's `qqnorm` and `qqline`. Every value up to 2,000 rows. Beyond,
 * the 100 farthest out are exact, as are 400 between them up to `EXACT_ROWS` rows; past those, these come from a histogram
 * and are off by a bin's width, 1/2048 of the range, at most.
 */
export function quantilePlot({ exact, farthest, histogram }: PlotSums): QuantilePlot {
  const all = exact && Float64Array.from(exact.rstandard.filter((value) => value * 0 === 0)).sort();
  const n =
    all?.length ??
    (histogram === undefined ? 0 : cellsOf(histogram).cells.reduce((sum, { count }) => sum + count, 0));
  const quantile = all ? quantilesOf(all) : histogram ? gridQuantiles(histogram) : () => Number.NaN;
  const line = quartileLine(quantile);
  const low = farthest.filter(({ rstandard }) => rstandard < 0).map(({ rstandard }) => rstandard);
  const high = farthest.filter(({ rstandard }) => rstandard >= 0).map(({ rstandard }) => rstandard);
  const value = (i: number) => {
    if (all !== undefined) return all[i]!;
    if (i < low.length) return low[i]!;
    return n - 1 - i < high.length ? high[n - 1 - i]! : quantile((i + 0.5) / n);
  };
  const ranks =
    n <= POINT_ROWS ? Array.from({ length: n }, (_, i) => i) : ranksOf(n, low.length, high.length);
  const z = (i: number) => normalQuantile(plottingPosition(i, n));
  const band = { x: [] as number[], lower: [] as number[], upper: [] as number[] };
  for (const i of bandRanks(n)) {
    const [lower, upper] = orderBand(i, n, 0.95);
    band.x.push(z(i));
    band.lower.push(line.intercept + line.slope * lower);
    band.upper.push(line.intercept + line.slope * upper);
  }
  return { points: { x: ranks.map(z), y: ranks.map(value) }, line, band, n };
}

function ranksOf(n: number, low: number, high: number): number[] {
  const ranks = new Set<number>();
  for (let i = 0; i < low; i++) ranks.add(i);
  // Equally far apart on the normal axis would crowd the tails, which are there already.
  for (let k = 0; k <= BETWEEN; k++) ranks.add(low + Math.round((k * (n - 1 - high - low)) / BETWEEN));
  for (let i = n - high; i < n; i++) ranks.add(i);
  return [...ranks].filter((i) => i >= 0 && i < n).sort((a, b) => a - b);
}

/** All of few ranks; of many those that lie evenly on the normal axis. */
function bandRanks(n: number): number[] {
  if (n <= BAND) return Array.from({ length: n }, (_, i) => i);
  const ranks = new Set<number>([0, n - 1]);
  const far = Math.abs(normalQuantile(plottingPosition(0, n)));
  for (let k = 1; k < BAND; k++) {
    const z = far * ((2 * k) / BAND - 1);
    // Φ(z) by the logistic's approximation is near enough to choose a rank by.
    ranks.add(Math.min(n - 1, Math.max(0, Math.round(n / (1 + Math.exp(-1.5976 * z - 0.070565 * z ** 3))))));
  }
  return [...ranks].sort((a, b) => a - b);
}

/**
 * Where studentised residuals have a given Cook's distance D = r² h/((1 − h) p): r = √(D p (1 − h)/h), for leverages up to
 * `most`.
 */
export function cooksContour(distance: number, parameters: number, most: number): Curve {
  const x = Array.from({ length: 80 }, (_, i) => Math.min(most, 0.9999) * ((i + 1) / 80) ** 2);
  return { x, y: x.map((h) => Math.sqrt((distance * parameters * (1 - h)) / h)) };
}
