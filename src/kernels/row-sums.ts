import { BLOCK_ROWS } from "./block-rows.js";
import type { ExtendedAccumulator } from "./extended.js";
import type { GroupedMoments } from "./grouped.js";
import type { Kernels } from "./kernels.js";
import type { MomentsAccumulator } from "./moments.js";
import { RowSink } from "./row-sink.js";

/** Places of its own fields (assembly/sums.ts), i32 each; `number` has two. */
const Field = { number: 4, groups: 6, columns: 7, folds: 8, start: 9 } as const;
const RECORD_BYTES = 10 * 4;

/** Floating-point operations after which the kernel comes back, so that others may run: some milliseconds. */
const OPERATIONS = 1 << 23;

/** Adds rows to the moments of their folds, with the bits that they have block by block. */
export class RowSums extends RowSink {
  readonly #firstNumber: number;

  /**
   * @param moments one group for each fold
   * @param start h₀ of the hashes that rows are put into folds by
   * @param firstNumber what is added to a row's number
   */
  constructor(
    kernels: Kernels,
    { columns, groups, records }: GroupedMoments<MomentsAccumulator | ExtendedAccumulator>,
    { start, firstNumber }: { start: number; firstNumber: number },
  ) {
    super(
      kernels,
      RECORD_BYTES,
      Math.max(1, Math.floor(OPERATIONS / (BLOCK_ROWS * columns * (columns + 8)))),
    );
    this.#firstNumber = firstNumber;
    this.set(Field.groups, records);
    this.set(Field.columns, columns);
    this.set(Field.folds, groups.length);
    this.set(Field.start, start);
  }

  parse(request: number): void {
    this.kernels.exports.sumRows(request, this.address);
  }

  override begin(row: number, known: number): void {
    super.begin(row, known);
    const number = this.#firstNumber + row;
    this.set(Field.number, number);
    this.set(Field.number + 1, Math.floor(number / 2 ** 32));
  }
}
