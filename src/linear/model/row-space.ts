import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import type { Relation } from "../solve/relations.js";

/**
 * How far, in standard deviations, an aliased column may be from what it was on the rows of the fit: R's `tol` of
 * `predict.lm` (4.3 and later).
 */
export const TOLERANCE = 1e-6;

/** The rounding of a sum of columns that cancel, as a share of the size of what is added. */
const ROUNDING = 1e-13;

/** How often the column is looked for that takes a row out of the row space: names for a remark, not for every row. */
const MOST_LOOKS = 20;

/** A relation as it is checked: Σ weights x = 0 with the intercept's first, of k + 1; plain data. */
interface RowSpaceRelation {
  at: readonly number[];
  values: readonly number[];
  spread: number;
  /** The aliased column's name. */
  name: string;
}

/** The relations that hold on the rows of a fit of deficient rank; plain data, and JSON. */
export interface RowSpacePlan {
  /** Columns that are zero in every row, by their place among k + 1, and their names. */
  zero: readonly { at: number; name: string }[];
  relations: readonly RowSpaceRelation[];
}

/** A row outside the row space of the fit: complete, but without a prediction. */
export interface OutsideRow {
  row: number;
  /** The name of an aliased column that takes it out. */
  term: string;
}

/** How many rows lie outside, and which aliased columns take them out; plain data. */
export interface OutsideCount {
  rows: number;
  terms: readonly string[];
}

/** Counts the rows that lie outside the row space of a fit. */
export class OutsideRows {
  rows = 0;
  readonly #terms = new Set<string>();

  /** Adds the rows of a block, or those that count. */
  add(outside: readonly OutsideRow[], counts: (row: number) => boolean = () => true): void {
    for (const { row, term } of outside) {
      if (!counts(row)) continue;
      this.rows++;
      this.#terms.add(term);
    }
  }

  absorb({ rows, terms }: OutsideCount): void {
    this.rows += rows;
    for (const term of terms) this.#terms.add(term);
  }

  /** What was counted since the last call. */
  take(): OutsideCount {
    const count = { rows: this.rows, terms: [...this.#terms] };
    this.rows = 0;
    this.#terms.clear();
    return count;
  }

  /** A remark that names the columns; none where no row lies outside. */
  notes(): string[] {
    if (this.rows === 0) return [];
    const names = [...this.#terms].sort();
    const shown = names.length > 10 ? `${names.slice(0, 10).join(", ")} and others` : names.join(", ");
    const rows = this.rows === 1 ? "1 row has" : `${this.rows} rows have`;
    const one = names.length === 1;
    return [
      `${rows} no prediction (NA): in the training data ${shown} ${one ? "depends" : "depend"} on other terms, in a ` +
        "way that does not hold there, so that they do not tell what the prediction should be",
    ];
  }
}

/** The plan of a fit's relations; `names` are those of the columns. */
export function rowSpacePlan(
  relations: readonly Relation[],
  names: readonly string[],
): RowSpacePlan | undefined {
  if (relations.length === 0) return undefined;
  const zero = relations.filter((one) => one.zero);
  const others = relations.filter((one) => !one.zero);
  return {
    zero: zero.map(({ column }) => ({ at: column + 1, name: names[column]! })),
    relations: others.map(({ column, constant, at, values, spread }) => ({
      at: [0, column + 1, ...at.map((j) => j + 1)],
      values: [-constant, 1, ...values.map((v) => -v)],
      spread,
      name: names[column]!,
    })),
  };
}

/** Columns of up to 128 rows, as a check of their relations sees them. */
export interface CombinedColumns {
  /** Writes w₀ + Σ_j w_j x_j for each row, or Σ |w_j x_j| with |w₀|; NaN where a value is missing. */
  combine(weights: Float64Array, out: Float64Array, rows: number, absolute: boolean): void;
  /** Column j of X, from 0 on. */
  column(j: number): Float64Array;
}

/** Finds the rows that lie outside the row space of a fit, up to 128 at a time. */
export class RowSpace {
  readonly #zero: { weights: Float64Array; columns: RowSpacePlan["zero"] } | undefined;
  readonly #relations: { weights: Float64Array; spread: number; name: string }[];
  readonly #sum = new Float64Array(BLOCK_ROWS);
  readonly #size = new Float64Array(BLOCK_ROWS);
  #looks = 0;

  /** For k columns. */
  constructor({ zero, relations }: RowSpacePlan, k: number) {
    if (zero.length > 0) {
      const weights = new Float64Array(k + 1);
      for (const { at } of zero) weights[at] = 1;
      this.#zero = { weights, columns: zero };
    }
    this.#relations = relations.map(({ at, values, spread, name }) => {
      const weights = new Float64Array(k + 1);
      at.forEach((place, i) => {
        weights[place]! += values[i]!;
      });
      return { weights, spread, name };
    });
  }

  /** The rows outside, in order. */
  outside(columns: CombinedColumns, rows: number): OutsideRow[] {
    const found = new Map<number, string>();
    if (this.#zero !== undefined) {
      columns.combine(this.#zero.weights, this.#sum, rows, true);
      for (let r = 0; r < rows; r++) if (this.#sum[r]! > 0) found.set(r, this.#nameOf(columns, r));
    }
    for (const { weights, spread, name } of this.#relations) {
      columns.combine(weights, this.#sum, rows, false);
      let sized = false;
      for (let r = 0; r < rows; r++) {
        const off = Math.abs(this.#sum[r]!);
        if (!(off > TOLERANCE * spread) || found.has(r)) continue;
        if (!sized) columns.combine(weights, this.#size, rows, true);
        sized = true;
        if (off > ROUNDING * this.#size[r]!) found.set(r, name);
      }
    }
    return [...found].sort(([a], [b]) => a - b).map(([row, term]) => ({ row, term }));
  }

  #nameOf(columns: CombinedColumns, r: number): string {
    const { columns: zero } = this.#zero!;
    const known = zero[0]!.name;
    if (zero.length === 1 || this.#looks >= MOST_LOOKS) return known;
    this.#looks++;
    return zero.find(({ at }) => columns.column(at - 1)[r] !== 0)?.name ?? known;
  }
}

/** The same for rows in memory, X n × k row-major: their predictions become NaN. */
export function maskOutside(plan: RowSpacePlan, X: Float64Array, k: number, out: Float64Array): void {
  const space = new RowSpace(plan, k);
  const columns = new Float64Array(k * BLOCK_ROWS);
  const column = (j: number) => columns.subarray(j * BLOCK_ROWS, (j + 1) * BLOCK_ROWS);
  const combine: CombinedColumns["combine"] = (weights, sum, rows, absolute) => {
    sum.fill(absolute ? Math.abs(weights[0]!) : weights[0]!, 0, rows);
    for (let j = 0; j < k; j++) {
      const weight = weights[j + 1]!;
      if (weight === 0) continue;
      const at = j * BLOCK_ROWS;
      for (let r = 0; r < rows; r++) {
        const value = columns[at + r]! * weight;
        sum[r]! += absolute ? Math.abs(value) : value;
      }
    }
  };
  for (let from = 0; from < out.length; from += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, out.length - from);
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < k; j++) columns[j * BLOCK_ROWS + r] = X[(from + r) * k + j]!;
    for (const { row } of space.outside({ combine, column }, rows)) out[from + row] = Number.NaN;
  }
}
