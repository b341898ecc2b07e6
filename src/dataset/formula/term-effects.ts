import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { multiply } from "./arithmetic.js";
import type { CodedTerm } from "./coding.js";
import type { Values } from "./evaluate.js";
import { indicatorColumns } from "./indicator-columns.js";
import type { ModelSpec } from "./spec.js";

/** A factor's levels by name, numbered. */
type LevelNumbers = ReadonlyMap<string, number>;

/**
 * What a term adds to predictions: for each row the coefficients of the columns of its levels, times the row's numbers.
 */
export class TermEffects {
  readonly #factors: readonly number[];
  readonly #numbers: readonly number[];
  /** The powers of its numbers that columns have, in the order of a level's columns, and the columns' places. */
  readonly #products: { powers: readonly number[]; places: Places }[] = [];
  readonly #buffer: Values = { hi: new Float64Array(BLOCK_ROWS), lo: undefined };
  readonly #place = new Int32Array(BLOCK_ROWS);
  readonly #first: number;
  readonly #combine: ReturnType<typeof indicatorColumns>["combine"];
  #known: { given: Float64Array; absolute: boolean; weights: Float64Array } | undefined;

  /**
   * @param levels for each of the spec's variables, a factor's levels
   * @param first how many columns stand before the term's
   */
  constructor(
    term: CodedTerm,
    spec: ModelSpec,
    levels: readonly (LevelNumbers | undefined)[],
    first: number,
  ) {
    const isFactor = (v: number) => spec.variables[v]!.kind === "factor";
    this.#factors = term.variables.filter(isFactor);
    this.#numbers = term.variables.filter((v) => !isFactor(v));
    const { columns, combine } = indicatorColumns(term);
    this.#first = first;
    this.#combine = combine;
    columns.forEach(({ parts }, j) => {
      const powers: number[] = [];
      const codes: number[] = [];
      term.variables.forEach((v, i) => {
        if (isFactor(v)) codes.push(levels[v]!.get(parts[i] as string)!);
        else powers.push((parts[i] as number | undefined) ?? 1);
      });
      let product = this.#products.find((known) => known.powers.join() === powers.join());
      if (product === undefined) {
        product = { powers, places: new Places(this.#factors.map((v) => levels[v]!.size)) };
        this.#products.push(product);
      }
      product.places.set(codes, (combine === undefined ? first : 0) + j + 1);
    });
  }

  /**
   * Adds the term to `out` for each row. `given` are the coefficients, the intercept's first; `values` the variables'
   * numbers, `codes` the factors' levels, −1 for one that is not known. With `absolute` what is added counts by its size.
   */
  addTo(
    out: Float64Array,
    given: Float64Array,
    rows: number,
    values: readonly (readonly Values[])[],
    codes: readonly Int32Array[],
    absolute = false,
  ): void {
    const own = this.#factors.map((v) => codes[v]!);
    const weights = this.#combine === undefined ? given : this.#combinedOf(given, absolute);
    for (const { powers, places } of this.#products) {
      const product = this.#product(powers, values, rows);
      places.find(own, rows, this.#place);
      for (let r = 0; r < rows; r++) {
        const place = this.#place[r]!;
        if (place <= 0) continue;
        const value = product === undefined ? weights[place]! : product[r]! * weights[place]!;
        out[r]! += absolute ? Math.abs(value) : value;
      }
    }
  }

  /** The coefficients of the levels that those of contrasts come to; with `absolute` Σ |x_j β_j| instead. */
  #combinedOf(given: Float64Array, absolute: boolean): Float64Array {
    const known = this.#known;
    if (known?.given === given && known.absolute === absolute) return known.weights;
    const weights = Float64Array.of(0, ...this.#combine!(given.subarray(this.#first + 1), absolute));
    this.#known = { given, absolute, weights };
    return weights;
  }

  /** The product of the term's numbers, in their order; undefined for none. */
  #product(
    powers: readonly number[],
    values: readonly (readonly Values[])[],
    rows: number,
  ): Float64Array | undefined {
    let product: Values | undefined;
    this.#numbers.forEach((v, i) => {
      const value = values[v]![powers[i]! - 1]!;
      if (product === undefined) product = value;
      else {
        multiply(product, value, rows, this.#buffer.hi, undefined);
        product = this.#buffer;
      }
    });
    return product?.hi;
  }
}

/** The places of columns by the levels of their factors; 0 where there is no column, as for a reference. */
class Places {
  /** By the code of the first factor: its column for one factor, else a number that stands for it. */
  readonly #first: Int32Array;
  /** For further factors, by what stands for those before (≥ 1) and the code. */
  readonly #further: readonly Map<number, number>[];

  constructor(sizes: readonly number[]) {
    this.#first = new Int32Array(sizes[0] ?? 1);
    this.#further = sizes.slice(1).map(() => new Map<number, number>());
  }

  set(codes: readonly number[], place: number): void {
    const last = this.#further.length - 1;
    const first = codes[0] ?? 0;
    if (last < 0) {
      this.#first[first] = place;
      return;
    }
    let id = first + 1;
    this.#first[first] = id;
    this.#further.forEach((map, f) => {
      const key = id * 2 ** 26 + codes[f + 1]!;
      const next = f === last ? place : (map.get(key) ?? map.size + 1);
      map.set(key, next);
      id = next;
    });
  }

  /** Writes each row's place. */
  find(codes: readonly Int32Array[], rows: number, out: Int32Array): void {
    const [first] = codes;
    for (let r = 0; r < rows; r++)
      out[r] = first === undefined ? this.#first[0]! : (this.#first[first[r]!] ?? 0);
    this.#further.forEach((map, f) => {
      const own = codes[f + 1]!;
      for (let r = 0; r < rows; r++) out[r] = out[r] === 0 ? 0 : (map.get(out[r]! * 2 ** 26 + own[r]!) ?? 0);
    });
  }
}
