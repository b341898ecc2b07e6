import type { Steps } from "../parallel/steps.js";

/** Rows between two pauses. */
const STRETCH = 1 << 16;

/**
 * Rows by unit and time, for finding the row of another time: a hash table with open addressing over the numbers of rows, whose
 * keys are the two arrays that it is made of. It takes 8 to 16 bytes a row beside them.
 */
export class TimeTable {
  readonly #units: Int32Array;
  readonly #times: Float64Array;
  readonly #slots: Int32Array;

  private constructor(units: Int32Array, times: Float64Array) {
    this.#units = units;
    this.#times = times;
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * times.length + 2))).fill(-1);
  }

  /**
   * The table of all rows that have a unit and a time, and the first row that has those of an earlier one, with that one.
   *
   * @param units by row, −1 where it is missing
   * @param times by row, whole numbers, NaN where it is missing
   */
  static *of(
    units: Int32Array,
    times: Float64Array,
  ): Steps<{ table: TimeTable; twice: [number, number] | undefined }> {
    const table = new TimeTable(units, times);
    for (let row = 0; row < times.length; row++) {
      if (row % STRETCH === 0) yield;
      const unit = units[row]!;
      const time = times[row]!;
      if (unit < 0 || Number.isNaN(time)) continue;
      const at = table.#place(unit, time);
      const earlier = table.#slots[at]!;
      if (earlier >= 0) return { table, twice: [earlier, row] };
      table.#slots[at] = row;
    }
    return { table, twice: undefined };
  }

  /**
   * Writes what each row's unit has `by` earlier.
   *
   * @param values by row
   * @param out by row: NaN where there is no such row
   * @returns how many rows have no such row
   */
  *lag(values: Float64Array, by: number, out: Float64Array): Steps<number> {
    const [units, times] = [this.#units, this.#times];
    let without = 0;
    // Where rows are in order, most have theirs as far away as the row before had its own: that spares the table.
    let ahead = 0;
    for (let row = 0; row < out.length; row++) {
      if (row % STRETCH === 0) yield;
      const unit = units[row]!;
      const time = times[row]! - by;
      let found = row + ahead;
      if (unit < 0 || Number.isNaN(time)) found = -1;
      else if (units[found] !== unit || times[found] !== time) found = this.#slots[this.#place(unit, time)]!;
      if (found < 0) without++;
      else ahead = found - row;
      out[row] = found < 0 ? Number.NaN : values[found]!;
    }
    return without;
  }

  /** Where a unit's time is, or would be. */
  #place(unit: number, time: number): number {
    const mask = this.#slots.length - 1;
    // Low and high words of the time, mixed as MurmurHash3 finishes (Appleby 2011).
    let h = Math.imul(unit, 0x9e3779b1) ^ (time | 0) ^ Math.imul(Math.floor(time / 2 ** 32), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    let at = (h ^ (h >>> 16)) & mask;
    for (;;) {
      const row = this.#slots[at]!;
      if (row < 0 || (this.#units[row] === unit && this.#times[row] === time)) return at;
      at = (at + 1) & mask;
    }
  }
}
