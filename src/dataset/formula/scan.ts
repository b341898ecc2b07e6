import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { multiply } from "./arithmetic.js";
import type { Values } from "./evaluate.js";
import { type MomentsShape, momentsShape, type NumberProduct } from "./moments-shape.js";
import { type RawBlock, rowNumber } from "./raw-block.js";
import { columnsOf, fittedTarget, type ModelSpec } from "./spec.js";
import type { UndefinedRows } from "./undefined-rows.js";
import { VariableBlock } from "./variables.js";

/** A block of what moments are summed over, of complete rows. */
export interface DesignBlock {
  rows: number;
  /** For each row, its place in the raw block. */
  kept: Int32Array;
  /** Columns of numbers, column-major, column j at j·128. */
  values: Float64Array;
  /** The low parts of `values`, where the scan is extended. */
  low: Float64Array | undefined;
  /** The factors' codes, factor f's at f·128. */
  codes: Int32Array;
  /** The rows' weights, where the raw block has them. */
  weights: Float64Array | undefined;
}

/**
 * Turns raw columns into what moments are summed over (see `momentsShape`): columns of numbers, the target's first, and
 * for every factor the code of its level. Indicators are not made: which level is the reference, and which terms there
 * are, is chosen when the rows have gone by (see `codedTerms`).
 *
 * Rows with a missing value in any column used, or where an expression has no finite one (log of 0 or −1), are left out
 * and counted.
 */
export class FormulaScan {
  readonly spec: ModelSpec;
  readonly shape: MomentsShape;
  /** Rows left out so far. */
  dropped = 0;
  /** Those among them that would be complete for some of several targets, if not for the others. */
  lackingTargets = 0;
  /** Those among them in which no cell was missing, by the expression that had no value. */
  undefinedRows: UndefinedRows[] = [];
  readonly #variables: VariableBlock;
  readonly #check = new Float64Array(BLOCK_ROWS);
  readonly #kept = new Int32Array(BLOCK_ROWS);
  readonly #weights = new Float64Array(BLOCK_ROWS);
  readonly #extended: boolean;
  readonly #values: Float64Array;
  readonly #low: Float64Array | undefined;
  readonly #codes: Int32Array;
  /** For products of several numbers: the product of the first, of the first two, … */
  readonly #buffers: Values[];

  constructor(spec: ModelSpec, options: { extended?: boolean } = {}) {
    this.spec = spec;
    this.shape = momentsShape(spec);
    this.#extended = options.extended ?? false;
    this.#variables = new VariableBlock(
      { ...spec, target: { label: spec.target.label, expression: fittedTarget(spec.target) } },
      { extended: this.#extended, target: true },
    );
    const { numbers, factors, products } = this.shape;
    this.#values = new Float64Array(numbers.length * BLOCK_ROWS);
    this.#low = this.#extended ? new Float64Array(numbers.length * BLOCK_ROWS) : undefined;
    this.#codes = new Int32Array(factors.length * BLOCK_ROWS);
    const most = Math.max(0, ...products.map((product) => product.length - 1));
    this.#buffers = Array.from({ length: most }, () => ({
      hi: new Float64Array(BLOCK_ROWS),
      lo: this.#extended ? new Float64Array(BLOCK_ROWS) : undefined,
    }));
  }

  /** The names of a factor's levels by their codes; the list grows with the blocks. */
  levels(factor: number): readonly string[] {
    return this.#variables.factors[this.shape.variables[factor]!]?.names() ?? [];
  }

  /**
   * What rows `start` to `start + rows` − 1 of a raw block, at most 128, add to moments; it is overwritten by the next.
   */
  fill(raw: RawBlock, start: number, rows: number): DesignBlock {
    this.#variables.load(raw, start, rows);
    const count = this.#keepRows(raw, start, rows);
    const whole = count === rows;
    this.#store(0, this.#variables.target, count, whole);
    this.shape.products.forEach((product, j) => {
      this.#store(j + 1, this.#product(product, rows), count, whole);
    });
    this.shape.variables.forEach((v, f) => {
      const { codes } = this.#variables.factors[v]!;
      const at = f * BLOCK_ROWS;
      for (let i = 0; i < count; i++) this.#codes[at + i] = codes[this.#kept[i]!]!;
    });
    let weights: Float64Array | undefined;
    if (raw.weights) {
      weights = this.#weights;
      for (let i = 0; i < count; i++) weights[i] = raw.weights[start + this.#kept[i]!]!;
    }
    return {
      rows: count,
      kept: this.#kept,
      values: this.#values,
      low: this.#low,
      codes: this.#codes,
      weights,
    };
  }

  /** Lists the rows that have a value in every column used. */
  #keepRows(raw: RawBlock, start: number, rows: number): number {
    const { values, factors, target } = this.#variables;
    // A row's check is 0 unless a value of it is NaN or infinite.
    const check = this.#check;
    for (let r = 0; r < rows; r++) check[r] = target.hi[r]! * 0;
    for (const columns of values)
      for (const { hi } of columns) for (let r = 0; r < rows; r++) check[r]! += hi[r]! * 0;
    for (const factor of factors)
      if (factor !== undefined)
        for (let r = 0; r < rows; r++) if (factor.codes[r]! < 0) check[r] = Number.NaN;
    if (raw.weights) for (let r = 0; r < rows; r++) check[r]! += raw.weights[start + r]! * 0;
    let count = 0;
    for (let r = 0; r < rows; r++)
      if (check[r] === 0) this.#kept[count++] = r;
      else this.#drop(raw, start, r);
    return count;
  }

  #drop(raw: RawBlock, start: number, r: number): void {
    this.dropped++;
    if (this.spec.targets !== undefined && this.#lacksTargets(raw, start, r, this.spec.targets))
      this.lackingTargets++;
    const missing =
      raw.numeric.some((column) => Number.isNaN(column[start + r]!)) ||
      raw.codes.some((codes) => codes[start + r]! < 0) ||
      Number.isNaN(raw.weights?.[start + r]);
    if (missing) return;
    const { target, variables, numeric } = this.spec;
    const at = [[this.#variables.target], ...this.#variables.values].findIndex((columns) =>
      columns.some(({ hi }) => !Number.isFinite(hi[r]!)),
    );
    // A value that is none of a factor's levels counts as missing.
    if (at < 0) return;
    const { label, ...of } = at === 0 ? target : variables[at - 1]!;
    const known = this.undefinedRows.find((some) => some.label === label);
    if (known !== undefined) {
      known.rows++;
      return;
    }
    const columns = "expression" in of ? columnsOf(of.expression) : [];
    this.undefinedRows.push({
      label,
      rows: 1,
      first: rowNumber(raw, start + r),
      values: columns.map((column) => [column, raw.numeric[numeric.indexOf(column)]![start + r]!]),
    });
  }

  /** Whether what a row lacks is some of the targets, and nothing else. */
  #lacksTargets(raw: RawBlock, start: number, r: number, further: readonly number[]): boolean {
    const { values, factors, target } = this.#variables;
    let known = Number.isFinite(target.hi[r]!) ? 1 : 0;
    for (const v of further) if (Number.isFinite(values[v]![0]!.hi[r]!)) known++;
    if (known === 0 || known > further.length) return false;
    const whole = values.every(
      (columns, v) => further.includes(v) || columns.every(({ hi }) => Number.isFinite(hi[r]!)),
    );
    const weight = raw.weights?.[start + r] ?? 0;
    return (
      whole && Number.isFinite(weight) && factors.every((own) => own === undefined || own.codes[r]! >= 0)
    );
  }

  #product(product: NumberProduct, rows: number): Values {
    const value = ({ variable, power }: NumberProduct[number]) =>
      this.#variables.values[variable]![power - 1]!;
    let result = value(product[0]!);
    for (let i = 1; i < product.length; i++) {
      const { hi, lo } = this.#buffers[i - 1]!;
      multiply(result, value(product[i]!), rows, hi, lo);
      result = { hi, lo };
    }
    return result;
  }

  #store(column: number, { hi, lo }: Values, count: number, whole: boolean): void {
    const at = column * BLOCK_ROWS;
    if (whole) {
      for (let r = 0; r < count; r++) this.#values[at + r] = hi[r]!;
      if (this.#low) for (let r = 0; r < count; r++) this.#low[at + r] = lo?.[r] ?? 0;
      return;
    }
    for (let i = 0; i < count; i++) this.#values[at + i] = hi[this.#kept[i]!]!;
    if (this.#low) for (let i = 0; i < count; i++) this.#low[at + i] = lo?.[this.#kept[i]!] ?? 0;
  }
}
