import {
  foldOfKey,
  heldOutBelow,
  type KeyCoefficients,
  keyCoefficients,
  keyHash,
} from "../dataset/key-draw.js";
import { firstOf, rowHash, rowHashes } from "../dataset/row-hash.js";
import { DataError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { option, wording } from "../wording.js";

/** What makes a row's fold independent of whether it is held out. */
const FOLD_SALT = 1;

/**
 * A row's place in [0, 1), from its number (0-based, blank lines and the header not counted) and a seed: the same on
 * every machine, for any number of threads, and without knowing how many rows there are. `salt` makes independent
 * draws for the same row.
 */
export function rowDraw(row: number, seed: number, salt = 0): number {
  return rowHash(row, seed, salt) / 2 ** 32;
}

/** Whether a row is held out, when `share` of the rows are to be. */
export function isHeldOut(row: number, seed: number, share: number): boolean {
  return share > 0 && rowDraw(row, seed, 0) < share;
}

/** The cross-validation fold of a row, 0 to folds − 1. */
export function foldOf(row: number, seed: number, folds: number): number {
  return foldOfHash(rowHash(row, seed, FOLD_SALT), folds);
}

function foldOfHash(hash: number, folds: number): number {
  return Math.floor((hash / 2 ** 32) * folds);
}

/** How rows are held out and put into folds; plain data. */
export interface DrawPlan {
  /** The share of rows held out, 0 for none. */
  readonly testSize: number;
  /** The seed of the hold-out and the folds. */
  readonly seed: number;
  /** The seed of the folds alone, where it is another one. */
  readonly foldSeed?: number | undefined;
  /** What the number of the first row is for both: not 0 in a shard of more data. */
  readonly firstRow: number;
  /** The column whose whole numbers rows are drawn by, instead of their own numbers, where there is one. */
  readonly foldBy?: string | undefined;
}

/** The rows of a block, by their places in it. */
interface DrawnRows {
  rowNumber(r: number): number;
  /** The value in the layout's column `foldBy`; NaN where it is missing. */
  key(r: number): number;
}

/** Which rows of blocks are held out, and in which fold the others are: by their numbers, or by their keys. */
export class RowDraw {
  readonly #rows: DrawnRows;
  readonly #plan: DrawPlan;
  readonly #fold: KeyCoefficients;
  readonly #holdOut: KeyCoefficients;
  readonly #below: number;
  readonly #hashes = new Uint32Array(BLOCK_ROWS);

  constructor(rows: DrawnRows, plan: DrawPlan) {
    this.#rows = rows;
    this.#plan = plan;
    this.#fold = keyCoefficients(plan.foldSeed ?? plan.seed, "fold");
    this.#holdOut = keyCoefficients(plan.seed, "holdOut");
    this.#below = heldOutBelow(plan.testSize);
  }

  /** @throws DataError for a key that is no whole number of up to 53 bits */
  isHeldOut(r: number): boolean {
    const { testSize, seed, firstRow, foldBy } = this.#plan;
    if (!(testSize > 0)) return false;
    if (foldBy === undefined) return isHeldOut(firstRow + this.#rows.rowNumber(r), seed, testSize);
    return keyHash(this.#key(r), this.#holdOut) < this.#below;
  }

  /**
   * The folds of a block's rows, at most 128: in place of each row's target, where that is not below 0, stands its fold then. What
   * `foldOf` says of each; a fit of a million rows asks nothing else of its draw.
   *
   * @throws DataError for a key that is no whole number of up to 53 bits
   */
  foldAll(targets: Int32Array, folds: number): void {
    const { firstRow, foldBy } = this.#plan;
    const seed = this.#plan.foldSeed ?? this.#plan.seed;
    const [rows, n] = [this.#rows, targets.length];
    if (foldBy !== undefined)
      for (let r = 0; r < n; r++) targets[r] = targets[r]! < 0 ? -1 : this.foldOf(r, folds);
    else if (n > 0 && rows.rowNumber(n - 1) - rows.rowNumber(0) === n - 1) {
      const hashes = this.#hashes.subarray(0, n);
      rowHashes(firstRow + rows.rowNumber(0), seed, FOLD_SALT, hashes);
      for (let r = 0; r < n; r++) if (targets[r]! >= 0) targets[r] = foldOfHash(hashes[r]!, folds);
    } else
      for (let r = 0; r < n; r++)
        if (targets[r]! >= 0) targets[r] = foldOf(firstRow + rows.rowNumber(r), seed, folds);
  }

  /** What hashes of rows begin with that are put into folds by their numbers alone; undefined where they are not. */
  get foldStart(): number | undefined {
    const { seed, foldSeed = seed, foldBy } = this.#plan;
    return foldBy === undefined ? firstOf(foldSeed, FOLD_SALT) : undefined;
  }

  /** @throws DataError for a key that is no whole number of up to 53 bits */
  foldOf(r: number, folds: number): number {
    const { firstRow, foldBy } = this.#plan;
    const seed = this.#plan.foldSeed ?? this.#plan.seed;
    if (foldBy === undefined) return foldOf(firstRow + this.#rows.rowNumber(r), seed, folds);
    return foldOfKey(this.#key(r), this.#fold, folds);
  }

  #key(r: number): number {
    const key = this.#rows.key(r);
    if (Number.isSafeInteger(key)) return key;
    const found = Number.isNaN(key) ? "a missing cell" : String(key);
    throw new DataError(`expected a whole number of up to 53 bits as the key of folds, found ${found}`, {
      place: { row: this.#rows.rowNumber(r), column: this.#plan.foldBy },
      hint: wording`fill it in, leave such rows out with ${option("where")}, or name another column with ${option("foldBy")}`,
    });
  }
}
