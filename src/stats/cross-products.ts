import type { DoubleDouble } from "./double-double.js";
import type { ExtendedMomentsJson, MomentsJson } from "./moments-schema.js";
import type { CrossProductsJson } from "./sparse-schema.js";

export type { CrossProductsJson, ExtendedMomentsJson, MomentsJson };

/**
 * The first two moments of named columns, as solving and merging see them, however they are held: `Moments` in double,
 * `ExtendedMoments` in double-double, `SparseMoments` with factors by the cells of their levels in either.
 *
 * n rows of weight above 0, W = Σw, the weighted means x̄ = Σwx / W, and the centred cross-products
 * C = Σ w (x − x̄)(x − x̄)ᵀ, which are asked for one by one: how they lie in memory is the implementation's own, and
 * columns that are mostly zero need not be held as others are. Column −1 is one that these moments do not have: it is
 * zero in every row.
 *
 * What merges or subtracts takes moments of the same arithmetic (`extended`) and throws UsageError for others; see
 * `alike`, which brings them together.
 */
export interface CrossProducts {
  /** The columns' names, unique. The list is replaced, never changed. */
  readonly columns: readonly string[];
  /** Rows of positive weight. */
  readonly n: number;
  /** W; n without weights. */
  readonly sumW: number;
  /** Σ ln w, which the likelihood of a weighted fit needs; 0 without weights. */
  readonly sumLogW: number;
  /** x̄, in the order of `columns`. */
  readonly mean: Float64Array;
  /** Whether these are summed, and should be solved, in double-double arithmetic. */
  readonly extended: boolean;

  /** Where a column lies; −1 where there is none of that name. */
  index(name: string): number;
  /** C_ij; about zero instead of the means, Σ w x_i x_j = C_ij + W x̄_i x̄_j, where not `centred` (default: it is). */
  product(i: number, j: number, centred?: boolean): number;

  /** W as double-double; its low part is 0 where these are in double, as in all that follow. */
  readonly extendedSumW: DoubleDouble;
  /** x̄_i as double-double. */
  extendedMean(i: number): DoubleDouble;
  /** `product` in double-double arithmetic. */
  extendedProduct(i: number, j: number, centred?: boolean): DoubleDouble;

  /** Whether a row counts in column i: it has the column's levels, or, in a column of numbers, is not zero. */
  occurs(i: number): boolean;
  /**
   * Moments in which the entries of these columns, at least, are at hand: what asks for all of them asks these first.
   */
  over(columns: readonly string[]): CrossProducts;

  /** Merges the moments of further rows into these; columns that only `other` has are appended, in its order. */
  absorb(other: CrossProducts): this;
  /** The moments of both sets of rows, as new ones. */
  merge(other: CrossProducts): CrossProducts;
  /**
   * The moments of the rows of this that are not among those of `other`: the inverse of `merge`. Throws UsageError
   * where `other` has rows or columns that this has not.
   */
  subtract(other: CrossProducts): CrossProducts;
  /** The moments of the columns at `indices`, in that order. */
  select(indices: readonly number[]): CrossProducts;
  /** Appends columns, which are zero in every row so far. */
  widen(names: readonly string[]): this;
  /** A copy that shares nothing but the names. */
  clone(): CrossProducts;
  /** These moments in double: themselves where they are, else rounded. */
  toMoments(): CrossProducts;
  /** Plain JSON numbers, which `readMoments` reads back to the same doubles. */
  toJSON(): CrossProductsJson;
  /** The same with typed arrays in the place of long lists, which `writeJson` writes alike. */
  toLists(): object;
}
