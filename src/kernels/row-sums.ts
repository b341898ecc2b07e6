import { BLOCK_ROWS } from "./block-rows.js";
import type { ExtendedAccumulator } from "./extended.js";
import type { GroupedMoments } from "./grouped.js";
import type { Kernels } from "./kernels.js";
import type { MomentsAccumulator } from "./moments.js";
import type { RowSink } from "./row-sink.js";

/** Places of the record's fields (assembly/sums.ts), i32 each; `number` has two. */
const Field = { known: 0, most: 1, number: 2, groups: 4, columns: 5, folds: 6, start: 7, taken: 8 } as const;
const RECORD_BYTES = 9 * 4;

/** Floating-point operations after which the kernel comes back, so that others may run: some milliseconds. */
const OPERATIONS = 1 << 23;

/** Adds rows to the moments of their folds, with the bits that they have block by block. */
export class RowSums implements RowSink {
  readonly #kernels: Kernels;
  readonly #address: number;
  readonly #firstNumber: number;
  #rows = 0;

  /**
   * @param moments one group for each fold
   * @param start h₀ of the hashes that rows are put into folds by
   * @param firstNumber what is added to a row's number
   */
  constructor(
    kernels: Kernels,
    moments: GroupedMoments<MomentsAccumulator | ExtendedAccumulator>,
    { start, firstNumber }: { start: number; firstNumber: number },
  ) {
    this.#kernels = kernels;
    this.#firstNumber = firstNumber;
    this.#address = kernels.alloc(RECORD_BYTES);
    const { columns, groups, records } = moments;
    this.#set(Field.most, Math.max(1, Math.floor(OPERATIONS / (BLOCK_ROWS * columns * (columns + 8)))));
    this.#set(Field.groups, records);
    this.#set(Field.columns, columns);
    this.#set(Field.folds, groups.length);
    this.#set(Field.start, start);
  }

  parse(request: number): void {
    this.#kernels.exports.sumRows(request, this.#address);
  }

  begin(row: number, known: number): void {
    const number = this.#firstNumber + row;
    this.#set(Field.known, known);
    this.#set(Field.number, number);
    this.#set(Field.number + 1, Math.floor(number / 2 ** 32));
  }

  taken(): number {
    const rows = this.#kernels.ints[this.#address / 4 + Field.taken]!;
    this.#rows += rows;
    return rows;
  }

  /** How many rows were taken since the last call. */
  takeRows(): number {
    const rows = this.#rows;
    this.#rows = 0;
    return rows;
  }

  #set(field: number, value: number): void {
    this.#kernels.ints[this.#address / 4 + field] = value;
  }
}
