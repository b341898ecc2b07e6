import { isMissing } from "../kernels/number.js";

/** The code of a missing cell. */
const MISSING_LEVEL = -1;

/**
 * The distinct texts of a factor column, numbered from 0 in the order in which they first appear.
 *
 * A cell's text is its content with surrounding white space trimmed, so that `"a "` and `a` are one level.
 */
export class Levels {
  readonly names: string[] = [];
  /** The row, from 0, on which each level was first seen: levels of several threads are put in file order by it. */
  readonly firstRows: number[] = [];
  readonly #codes = new Map<string, number>();

  /** The code of a cell's text, −1 if it is missing, a new one if it was not seen before. */
  code(cell: string, row: number): number {
    const name = cell.trim();
    const known = this.#codes.get(name);
    if (known !== undefined) return known;
    if (isMissing(name)) return MISSING_LEVEL;
    const code = this.names.length;
    this.names.push(name);
    this.firstRows.push(row);
    this.#codes.set(name, code);
    return code;
  }
}
