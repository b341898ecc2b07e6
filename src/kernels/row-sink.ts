import type { Kernels } from "./kernels.js";

/** Places of the fields that begin a sink's record (assembly/plain.ts), i32 each. */
const Field = { known: 0, most: 1, taken: 2 } as const;

/**
 * What takes rows from a `RowParser` in the kernels, where all of a block's are plain, so that nobody has to ask for each block: a
 * million rows are eight thousand of them. What it leaves comes as blocks do.
 */
export abstract class RowSink {
  protected readonly kernels: Kernels;
  /** Where its record lies. */
  protected readonly address: number;
  #rows = 0;

  /** @param most how many blocks are taken at a time */
  constructor(kernels: Kernels, recordBytes: number, most: number) {
    this.kernels = kernels;
    this.address = kernels.allocZeroed(recordBytes);
    this.set(Field.most, most);
  }

  /** Parses by the request at this address, and takes what it can. */
  abstract parse(request: number): void;

  /** Before a block that starts with the row of this number; bytes up to `known` are text of ASCII for sure. */
  begin(_row: number, known: number): void {
    this.set(Field.known, known);
  }

  /** How many rows the last parse has taken; before anything else is done with the block. */
  taken(): number {
    const rows = this.get(Field.taken);
    this.#rows += rows;
    return rows;
  }

  /** How many rows were taken since the last call. */
  takeRows(): number {
    const rows = this.#rows;
    this.#rows = 0;
    return rows;
  }

  protected get(field: number): number {
    return this.kernels.ints[this.address / 4 + field]!;
  }

  protected set(field: number, value: number): void {
    this.kernels.ints[this.address / 4 + field] = value;
  }
}
