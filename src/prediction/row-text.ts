import { excelSafeField, excelSafeRow } from "../csv/excel-safe.js";
import { quoteField } from "../csv/write.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { Kernels } from "../kernels/kernels.js";
import { NumberWriter } from "../kernels/number-writer.js";
import type { BlockSource } from "../scan/block-source.js";
import type { BlockView } from "../scan/block-view.js";

const NONE = new ArrayBuffer(0);

/** The names of a block's first `rows` rows. */
export function rowNames(view: BlockView, rows: number): string[] {
  return Array.from({ length: rows }, (_, r) => view.rowName(r) ?? "");
}

/**
 * Collects the CSV text of a chunk's rows, numbers as the shortest decimals that read back to the same doubles and
 * NaN as NA, behind the rows' own bytes where those are to be kept.
 */
export class RowText {
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #delimiter: string;
  readonly #append: boolean;
  readonly #excelSafe: boolean;
  readonly #writer: NumberWriter;
  /** Where the columns lie for the writer. */
  readonly #block: number;
  #text = Buffer.allocUnsafeSlow(1 << 18);
  #spare = NONE;
  #length = 0;

  /**
   * `columns` numbers per row; with `append`, the rows' own bytes come first, with `excelSafe` without what spreadsheets
   * would compute.
   */
  constructor(
    { kernels, source }: BlockView,
    options: { columns: number; delimiter: string; append: boolean; excelSafe?: boolean | undefined },
  ) {
    this.#kernels = kernels;
    this.#source = source;
    this.#delimiter = options.delimiter;
    this.#append = options.append;
    this.#excelSafe = options.excelSafe ?? false;
    this.#writer = new NumberWriter(kernels, options.delimiter.charCodeAt(0));
    this.#block = kernels.alloc(8 * BLOCK_ROWS * options.columns);
  }

  /** Adds the source's first `rows` rows, with these columns of numbers, and before them the rows' names if given. */
  add(columns: readonly Float64Array[], rows: number, names?: readonly string[]): void {
    const { spans } = this.#source;
    if (names !== undefined) {
      this.#addSingly(columns, rows, names);
      return;
    }
    const whole = columns.every((column) => !column.subarray(0, rows).includes(Number.NaN));
    if (!whole || (this.#append && (spans === 0 || this.#excelSafe))) {
      this.#addSingly(columns, rows);
      return;
    }
    columns.forEach((column, j) => {
      this.#kernels.doublesAt(this.#block + 8 * BLOCK_ROWS * j, rows).set(column.subarray(0, rows));
    });
    this.push(this.#writer.rows(this.#block, rows, columns.length, { spans: this.#append ? spans : 0 }));
  }

  /** Row by row, for blocks with missing values and for the csv-parse lane. */
  #addSingly(columns: readonly Float64Array[], rows: number, names?: readonly string[]): void {
    for (let r = 0; r < rows; r++) {
      if (this.#append) {
        const bytes = this.#source.rowBytes(r);
        this.push(
          this.#excelSafe ? Buffer.from(excelSafeRow(Buffer.from(bytes).toString(), this.#delimiter)) : bytes,
        );
        this.push(Buffer.from(this.#delimiter));
      }
      if (names) {
        const field = this.#excelSafe ? excelSafeField : quoteField;
        this.push(Buffer.from(field(names[r]!, this.#delimiter) + this.#delimiter));
      }
      const cells = columns.map((column) => (Number.isNaN(column[r]!) ? "NA" : String(column[r]!)));
      this.push(Buffer.from(`${cells.join(this.#delimiter)}\n`));
    }
  }

  /** The text since the last call. */
  take(): Uint8Array<ArrayBuffer> {
    const text = this.#text.subarray(0, this.#length);
    this.#length = 0;
    if (this.#spare.byteLength < text.length) return new Uint8Array(text);
    const copy = new Uint8Array(this.#spare, 0, text.length);
    this.#spare = NONE;
    copy.set(text);
    return copy;
  }

  /** Takes a text back that was written, whose memory another is put into: that of each would wait for the collector. */
  release({ buffer }: Uint8Array<ArrayBuffer>): void {
    this.#spare = buffer;
  }

  /** Adds text of rows as it is to stand. */
  push(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#text.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#text.length, length));
      larger.set(this.#text.subarray(0, this.#length));
      this.#text = larger;
    }
    this.#text.set(bytes, this.#length);
    this.#length = length;
  }
}
