import { BLOCK_ROWS } from "./block-rows.js";
import type { Kernels } from "./kernels.js";

/** The longest String(x), -1.2345678901234567e-300, and a delimiter. */
export const NUMBER_BYTES = 25;
/** What the kernel may write past the end. */
export const WRITE_SLACK = 64;

/**
 * Writes numbers as the shortest decimals that read back to the same doubles, exactly as JavaScript's `String(x)`,
 * as rows of CSV.
 */
export class NumberWriter {
  readonly #kernels: Kernels;
  readonly #delimiter: number;
  #out = 0;
  #room = 0;

  /** `delimiter` is the byte between cells; default a comma. */
  constructor(kernels: Kernels, delimiter = 0x2c) {
    this.#kernels = kernels;
    this.#delimiter = delimiter;
  }

  /**
   * The bytes of `rows` rows of `columns` numbers each, column j, row r at values + 8(stride·j + r), as CSV with
   * LF after each row. `spans`, where not 0, is the address of two addresses (u32) per row, as `RowParser.spans`
   * has them: the text between them begins the row. The bytes returned are overwritten by the next call.
   */
  rows(values: number, rows: number, columns = 1, { stride = BLOCK_ROWS, spans = 0 } = {}): Uint8Array {
    let room = rows * (NUMBER_BYTES * columns + 1) + WRITE_SLACK;
    const { ints } = this.#kernels;
    if (spans !== 0)
      for (let at = spans / 4; at < spans / 4 + 2 * rows; at += 2) room += ints[at + 1]! - ints[at]!;
    if (room > this.#room) {
      this.#room = 2 * room;
      this.#out = this.#kernels.alloc(this.#room);
    }
    const { exports, bytes } = this.#kernels;
    const end = exports.formatRows(values, rows, columns, 8 * stride, spans, this.#delimiter, this.#out);
    return bytes.subarray(this.#out, end >>> 0);
  }
}
