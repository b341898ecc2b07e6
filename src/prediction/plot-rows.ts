import { DyadicGrid, type GridParts } from "../stats/dyadic-grid.js";

/** Rows up to which plots have every row's numbers; beyond they have bins, and the rows farthest out. */
export const EXACT_ROWS = 10_000;
/** Rows up to which the panels of terms and groups have every point. */
const PANEL_POINTS = 1000;
/** Rows that are kept as they are for the size of their studentised residuals, and for their Cook's distance. */
const [FARTHEST, INFLUENTIAL] = [100, 3];

/** Rows that are put into bins at once. */
const WAITING = 256;

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
  /** Rows that are not in the bins yet: many at once take a fraction of the time. */
  readonly #waiting = {
    fitted: new Float64Array(WAITING),
    observed: new Float64Array(WAITING),
    residual: new Float64Array(WAITING),
    leverage: new Float64Array(WAITING),
    rstandard: new Float64Array(WAITING),
    root: new Float64Array(WAITING),
    none: new Float64Array(WAITING),
  };
  #filled = 0;
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
    const waiting = this.#waiting;
    const at = this.#filled++;
    waiting.fitted[at] = fitted;
    waiting.observed[at] = observed;
    waiting.residual[at] = residual;
    waiting.leverage[at] = leverage;
    waiting.rstandard[at] = rstandard;
    waiting.root[at] = Math.sqrt(Math.abs(rstandard));
    // 0, or NaN where the row is to be passed over.
    waiting.none[at] = rstandard * 0;
    if (this.#filled === WAITING) this.#fill();
    if (this.#n > EXACT_ROWS) this.#exact = undefined;
    else if (this.#exact !== undefined) for (const name of EXACT_COLUMNS) this.#exact[name].push(row[name]);
    if (this.#isFar(Math.abs(rstandard))) this.#keepFar([named(row, nameOf)]);
    if (cooks > (this.#influential[INFLUENTIAL - 1]?.cooks ?? 0)) this.#keepInfluential([named(row, nameOf)]);
  }

  /** Puts the rows that wait into the bins. */
  #fill(): void {
    const { fitted, observed, residual, leverage, rstandard, root, none } = this.#waiting;
    const grids = this.#grids;
    const n = this.#filled;
    this.#filled = 0;
    grids.residuals.addAll(n, fitted, residual);
    grids.scale.addAll(n, fitted, root);
    grids.observed.addAll(n, fitted, observed);
    grids.leverage.addAll(n, leverage, rstandard);
    grids.histogram.addAll(n, rstandard, none);
    grids.byFitted.addAll(n, fitted, none, [fitted, residual, root]);
    grids.byLeverage.addAll(n, leverage, none, [leverage, rstandard]);
  }

  /** Adds a point to a panel. */
  addTo(panel: number, x: number, y: number): void {
    this.#panels[panel]!.add(x, y);
  }

  /** Adds what a later chunk gathered. */
  merge(sums: PlotSums): void {
    this.#fill();
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
    this.#fill();
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

const NONE = new Float64Array(WAITING);

/** The points of one small multiple. */
class Panel {
  #n = 0;
  #points: PanelRows["points"] = { x: [], y: [] };
  readonly #grid = new DyadicGrid(PANEL);
  readonly #means = new DyadicGrid(PANEL_MEANS, 2);
  readonly #x = new Float64Array(WAITING);
  readonly #y = new Float64Array(WAITING);
  #filled = 0;

  add(x: number, y: number): void {
    if (x * 0 + y * 0 !== 0) return;
    this.#n++;
    this.#x[this.#filled] = x;
    this.#y[this.#filled++] = y;
    if (this.#filled === WAITING) this.#fill();
    if (this.#n > PANEL_POINTS) this.#points = undefined;
    this.#points?.x.push(x);
    this.#points?.y.push(y);
  }

  #fill(): void {
    this.#grid.addAll(this.#filled, this.#x, this.#y);
    this.#means.addAll(this.#filled, this.#x, NONE, [this.#x, this.#y]);
    this.#filled = 0;
  }

  merge({ n, points, grid, means }: PanelRows): void {
    this.#fill();
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
    this.#fill();
    const taken = { n: this.#n, points: this.#points, grid: this.#grid.take(), means: this.#means.take() };
    this.#n = 0;
    this.#points = { x: [], y: [] };
    return taken;
  }
}
