import { Moments } from "./moments.js";
import { packedLength } from "./packed.js";

/**
 * Moments of many sets of rows in the same p columns, in double, side by side in lists of numbers: set i has n[i] rows,
 * Σw, Σ ln w, p means from p·i on and the packed cross-products from p(p + 1)/2 · i on.
 */
export class MomentsTable {
  readonly columns: readonly string[];
  readonly n: Float64Array;
  readonly sumW: Float64Array;
  readonly sumLogW: Float64Array;
  readonly mean: Float64Array;
  readonly c: Float64Array;

  constructor(columns: readonly string[], lists: MomentsLists) {
    this.columns = columns;
    this.n = lists.n;
    this.sumW = lists.sumW;
    this.sumLogW = lists.sumLogW;
    this.mean = lists.mean;
    this.c = lists.c;
  }

  /** A table of sets without rows. */
  static empty(columns: readonly string[], sets: number): MomentsTable {
    const p = columns.length;
    const zeros = (length: number) => new Float64Array(sets * length);
    const [n, sumW, sumLogW] = [zeros(1), zeros(1), zeros(1)];
    return new MomentsTable(columns, { n, sumW, sumLogW, mean: zeros(p), c: zeros(packedLength(p)) });
  }

  /** How many sets there are. */
  get length(): number {
    return this.n.length;
  }

  /** The moments of set i, which shares nothing with the table. */
  at(i: number): Moments {
    const p = this.columns.length;
    const entries = packedLength(p);
    return Moments.of({
      columns: this.columns,
      n: this.n[i]!,
      sumW: this.sumW[i]!,
      sumLogW: this.sumLogW[i]!,
      mean: this.mean.slice(p * i, p * (i + 1)),
      c: this.c.slice(entries * i, entries * (i + 1)),
    });
  }

  /** Puts moments, which are of the table's columns, in the place of set i. */
  set(i: number, { n, sumW, sumLogW, mean, c }: MomentsOf): void {
    this.n[i] = n;
    this.sumW[i] = sumW;
    this.sumLogW[i] = sumLogW;
    this.mean.set(mean, i * this.columns.length);
    this.c.set(c, i * packedLength(this.columns.length));
  }

  /** The first `sets` sets. */
  first(sets: number): MomentsTable {
    const p = this.columns.length;
    return new MomentsTable(this.columns, {
      n: this.n.slice(0, sets),
      sumW: this.sumW.slice(0, sets),
      sumLogW: this.sumLogW.slice(0, sets),
      mean: this.mean.slice(0, p * sets),
      c: this.c.slice(0, packedLength(p) * sets),
    });
  }
}

/** The lists of a table. */
export interface MomentsLists {
  n: Float64Array;
  sumW: Float64Array;
  sumLogW: Float64Array;
  mean: Float64Array;
  c: Float64Array;
}

/** One set's moments. */
type MomentsOf = { n: number; sumW: number; sumLogW: number; mean: Float64Array; c: Float64Array };
