import { DyadicGrid, type GridParts } from "../stats/dyadic-grid.js";

/** Rows up to which plots have every row's numbers; beyond they have bins, and the rows farthest out. */
export const EXACT_ROWS = 10_000;
/** Rows up to which the panels of terms and groups have every point. */
const PANEL_POINTS = 1000;
/** Rows that are kept as they are for the size of their studentised residuals, and for their Cook's distance. */
const [FARTHEST, INFLUENTIAL] = [100, 3];

/** Bins of the scatter plots, of a panel's, of the histogram of residuals, and of the means that smooths go through. */
const SCATTER = [64, 48] as const;
const PANEL = [32, 32] as const;
const HISTOGRAM = [4096, 1] as const;
const MEANS = [256, 1] as const;
const PANEL_MEANS = [64, 1] as const;

/** A row in plots; leverage and Cook's distance are NaN where the fit has none. */
export interface PlottedRow {
  /** The row's number, from 1, and its name where rows have names. */
  row: number;
  name?: string | undefined;
  observed: number;
  fitted: number;
  residual: number;
  leverage: number;
  /** √w e over its standard error, or over the residuals' root mean square where there are no leverages. */
  rstandard: number;
  cooks: number;
}

/** Rows by what plots draw of them, number by number. */
export interface ExactRows {
  row: number[];
  fitted: number[];
  observed: number[];
  residual: number[];
  leverage: number[];
  rstandard: number[];
}

/** A panel of small multiples: of a term x and partial residual, of a group fitted value and studentised residual. */
export interface PanelRows {
  n: number;
  /** Every point; undefined past `PANEL_POINTS`. */
  points: { x: number[]; y: number[] } | undefined;
  grid: GridParts | undefined;
  /** Means of x and of y in bins of x. */
  means: GridParts | undefined;
}

/** What plots are made of: bins of all rows, and rows. Plain data. */
export interface PlotSums {
  /** Rows with a residual. */
  n: number;
  /** Every row; undefined past `EXACT_ROWS`. */
  exact: ExactRows | undefined;
  /** Residuals, √|rstandard| and observed values by fitted value; rstandard by leverage. */
  residuals: GridParts | undefined;
  scale: GridParts | undefined;
  observed: GridParts | undefined;
  leverage: GridParts | undefined;
  /** The values of rstandard. */
  histogram: GridParts | undefined;
  /** Means of x and of residual and √|rstandard| in bins of the fitted value; of x and rstandard in bins of the leverage. */
  byFitted: GridParts | undefined;
  byLeverage: GridParts | undefined;
  /** The rows of the largest |rstandard|, in falling order, and of the largest Cook's distance. */
  farthest: PlottedRow[];
  influential: PlottedRow[];
  panels: PanelRows[];
}

/**
 * Gathers what plots draw of rows, in memory that does not grow with them: all rows as long as they are few, and counts and
 * means in bins. Chunks gather for themselves, and merge in their order, so that threads do not show.
 */
export class PlotRows {
  #n = 0;
  #exact: ExactRows | undefined = noRows();
  readonly #grids = {
    residuals: new DyadicGrid(SCATTER),
    scale: new DyadicGrid(SCATTER),
    observed: new DyadicGrid(SCATTER),
    leverage: new DyadicGrid(SCATTER),
    histogram: new DyadicGrid(HISTOGRAM),
    byFitted: new DyadicGrid(MEANS, 3),
    byLeverage: new DyadicGrid(MEANS, 2),
  };
  #farthest: PlottedRow[] = [];
  #influential: PlottedRow[] = [];
  readonly #panels: Panel[];

  /** @param panels how many small multiples there are */
  constructor(panels: number) {
    this.#panels = Array.from({ length: panels }, () => new Panel());
  }

  /** Adds a row; `nameOf` gives its name, for the few that keep it. */
  add(row: Readonly<PlottedRow>, nameOf?: () => string | undefined): void {
    const { fitted, observed, residual, leverage, rstandard, cooks } = row;
    this.#n++;
    const grids = this.#grids;
    const root = Math.sqrt(Math.abs(rstandard));
    grids.residuals.add(fitted, residual);
    grids.scale.add(fitted, root);
    grids.observed.add(fitted, observed);
    grids.leverage.add(leverage, rstandard);
    grids.histogram.add(rstandard);
    grids.byFitted.add(fitted, root * 0, [fitted, residual, root]);
    grids.byLeverage.add(leverage, rstandard * 0, [leverage, rstandard]);
    if (this.#n > EXACT_ROWS) this.#exact = undefined;
    else if (this.#exact !== undefined) for (const name of EXACT_COLUMNS) this.#exact[name].push(row[name]);
    if (this.#isFar(Math.abs(rstandard))) this.#keepFar([named(row, nameOf)]);
    if (cooks > (this.#influential[INFLUENTIAL - 1]?.cooks ?? 0)) this.#keepInfluential([named(row, nameOf)]);
  }

  /** Adds a point to a panel. */
  addTo(panel: number, x: number, y: number): void {
    this.#panels[panel]!.add(x, y);
  }

  /** Adds what a later chunk gathered. */
  merge(sums: PlotSums): void {
    this.#n += sums.n;
    if (this.#n > EXACT_ROWS || sums.exact === undefined) this.#exact = undefined;
    else if (this.#exact !== undefined)
      for (const name of EXACT_COLUMNS) for (const value of sums.exact[name]) this.#exact[name].push(value);
    for (const name of GRIDS) {
      const own = sums[name];
      if (own !== undefined) this.#grids[name].merge(own);
    }
    this.#keepFar(sums.farthest);
    this.#keepInfluential(sums.influential);
    sums.panels.forEach((panel, i) => {
      this.#panels[i]!.merge(panel);
    });
  }

  /** What there is, to begin anew. */
  take(): PlotSums {
    const grids = Object.fromEntries(GRIDS.map((name) => [name, this.#grids[name].take()]));
    const taken = {
      n: this.#n,
      exact: this.#exact,
      ...(grids as Record<(typeof GRIDS)[number], GridParts | undefined>),
      farthest: this.#farthest,
      influential: this.#influential,
      panels: this.#panels.map((panel) => panel.take()),
    };
    this.#n = 0;
    this.#exact = noRows();
    this.#farthest = [];
    this.#influential = [];
    return taken;
  }

  #isFar(size: number): boolean {
    return this.#farthest.length < FARTHEST ? size >= 0 : size > Math.abs(this.#farthest.at(-1)!.rstandard);
  }

  #keepFar(rows: readonly PlottedRow[]): void {
    this.#farthest.push(...rows);
    this.#farthest
      .sort((a, b) => Math.abs(b.rstandard) - Math.abs(a.rstandard) || a.row - b.row)
      .splice(FARTHEST);
  }

  #keepInfluential(rows: readonly PlottedRow[]): void {
    this.#influential.push(...rows);
    this.#influential.sort((a, b) => b.cooks - a.cooks || a.row - b.row).splice(INFLUENTIAL);
  }
}

const EXACT_COLUMNS = ["row", "fitted", "observed", "residual", "leverage", "rstandard"] as const;
const GRIDS = ["residuals", "scale", "observed", "leverage", "histogram", "byFitted", "byLeverage"] as const;

function noRows(): ExactRows {
  return { row: [], fitted: [], observed: [], residual: [], leverage: [], rstandard: [] };
}

function named(row: Readonly<PlottedRow>, nameOf: (() => string | undefined) | undefined): PlottedRow {
  return nameOf === undefined ? { ...row } : { ...row, name: nameOf() };
}

/** The points of one small multiple. */
class Panel {
  #n = 0;
  #points: PanelRows["points"] = { x: [], y: [] };
  readonly #grid = new DyadicGrid(PANEL);
  readonly #means = new DyadicGrid(PANEL_MEANS, 2);

  add(x: number, y: number): void {
    if (x * 0 + y * 0 !== 0) return;
    this.#n++;
    this.#grid.add(x, y);
    this.#means.add(x, 0, [x, y]);
    if (this.#n > PANEL_POINTS) this.#points = undefined;
    this.#points?.x.push(x);
    this.#points?.y.push(y);
  }

  merge({ n, points, grid, means }: PanelRows): void {
    this.#n += n;
    if (grid !== undefined) this.#grid.merge(grid);
    if (means !== undefined) this.#means.merge(means);
    if (this.#n > PANEL_POINTS || points === undefined) this.#points = undefined;
    else if (this.#points !== undefined) {
      this.#points.x.push(...points.x);
      this.#points.y.push(...points.y);
    }
  }

  take(): PanelRows {
    const taken = { n: this.#n, points: this.#points, grid: this.#grid.take(), means: this.#means.take() };
    this.#n = 0;
    this.#points = { x: [], y: [] };
    return taken;
  }
}
