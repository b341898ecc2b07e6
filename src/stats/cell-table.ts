import { UsageError } from "../errors.js";
import {
  type CellRecord,
  LOG_AT,
  meansAt,
  productCount,
  productIndex,
  productsAt,
  ROWS_AT,
  recordLength,
  WEIGHT_AT,
  WEIGHT_LOW_AT,
} from "../kernels/cell-record.js";
import { cellOrder } from "./cell-order.js";
import { addAt, addProductAt, DoubleDouble } from "./double-double.js";
import { ended } from "./pauses.js";

/** What the tables of a kind have in common; plain data. */
export interface CellKind extends CellRecord {
  /** How many factors make a cell. */
  readonly factors: number;
}

/** Cells that are merged between two pauses. */
const STRETCH = 1 << 14;

/**
 * Cells by the codes of their factors' levels, each with a record: rows, Σw, means and some centred cross-products (see
 * `CellRecord`). What no row had is not there. Tables of the same kind merge cell by cell as two samples do
 * (Chan, Golub & LeVeque 1983): no cell's bits depend on another's.
 */
export class CellTable {
  readonly kind: CellKind;
  count = 0;
  /** Per cell, its factors' codes. */
  codes: Int32Array;
  /** Per cell, its record. */
  records: Float64Array;
  /** The length of a record. */
  readonly stride: number;
  /** Open addressing: cell + 1, or 0; at least half empty. Made when a cell is first looked up. */
  #slots: Int32Array | undefined;

  constructor(kind: CellKind, room = 0) {
    this.kind = kind;
    this.stride = recordLength(kind);
    this.codes = new Int32Array(kind.factors * room);
    this.records = new Float64Array(this.stride * room);
  }

  /** Rows of positive weight in a cell. */
  rows(cell: number): number {
    return this.records[cell * this.stride + ROWS_AT]!;
  }

  /** Σw of a cell. */
  weight(cell: number): number {
    return this.records[cell * this.stride + WEIGHT_AT]!;
  }

  /** The mean of column j in a cell. */
  mean(cell: number, j: number): number {
    return this.records[cell * this.stride + meansAt(this.kind) + j]!;
  }

  /** The centred cross-product of columns i and j in a cell, one of them among those that have any. */
  product(cell: number, i: number, j: number): number {
    return this.records[cell * this.stride + productsAt(this.kind) + productIndex(this.kind, i, j)]!;
  }

  /** `weight`, `mean` and `product` in double-double. */
  extendedWeight(cell: number): DoubleDouble {
    return new DoubleDouble(this.weight(cell), this.records[cell * this.stride + WEIGHT_LOW_AT]!);
  }

  extendedMean(cell: number, j: number): DoubleDouble {
    const at = cell * this.stride + meansAt(this.kind) + j;
    return new DoubleDouble(
      this.records[at]!,
      this.kind.extended ? this.records[at + this.kind.columns]! : 0,
    );
  }

  extendedProduct(cell: number, i: number, j: number): DoubleDouble {
    const at = cell * this.stride + productsAt(this.kind) + productIndex(this.kind, i, j);
    return new DoubleDouble(
      this.records[at]!,
      this.kind.extended ? this.records[at + productCount(this.kind)]! : 0,
    );
  }

  /** The cell of these codes, which stand in `codes` from `from` on; −1 where no row had them. */
  find(codes: Int32Array, from = 0): number {
    if (this.kind.factors === 1) return (this.cellsByCode()[codes[from]!] ?? 0) - 1;
    const slot = this.#slotOf(codes, from);
    return this.#slots![slot]! - 1;
  }

  /** The cell of these codes, appended with an empty record where no row had them. */
  cell(codes: Int32Array, from = 0): number {
    if (this.kind.factors === 1) return this.#cellOf(codes[from]!);
    const slot = this.#slotOf(codes, from);
    const found = this.#slots![slot]! - 1;
    if (found >= 0) return found;
    return this.#append(codes, from, slot);
  }

  /** Merges `other` into this one; `recode[f]` gives this one's codes for the other's of factor f, where they differ. */
  absorb(other: CellTable, recode?: readonly (Int32Array | undefined)[]): this {
    ended(this.absorbSteps(other, recode));
    return this;
  }

  /** `absorb` with pauses: of a million cells it takes a second. */
  *absorbSteps(
    other: CellTable,
    recode?: readonly (Int32Array | undefined)[],
  ): Generator<undefined, void, void> {
    const { factors } = this.kind;
    const codes = new Int32Array(factors);
    this.reserve(Math.max(this.count, other.count));
    if (factors === 1 && recode === undefined) {
      for (let cell = 0; cell < other.count; cell++) {
        if (cell % STRETCH === STRETCH - 1) yield;
        this.add(this.#cellOf(other.codes[cell]!), other.records, cell * this.stride);
      }
      return;
    }
    for (let cell = 0; cell < other.count; cell++) {
      if (cell % STRETCH === STRETCH - 1) yield;
      for (let f = 0; f < factors; f++) {
        const code = other.codes[cell * factors + f]!;
        codes[f] = recode?.[f]?.[code] ?? code;
      }
      this.add(this.cell(codes), other.records, cell * this.stride);
    }
  }

  /** Makes room for so many cells. */
  reserve(room: number): void {
    const { factors } = this.kind;
    if (room * this.stride <= this.records.length) return;
    const larger = Math.max(room, 2 * this.count, 16);
    const codes = new Int32Array(factors * larger);
    const records = new Float64Array(this.stride * larger);
    codes.set(this.codes.subarray(0, this.count * factors));
    records.set(this.records.subarray(0, this.count * this.stride));
    this.codes = codes;
    this.records = records;
  }

  /** Merges a record, which stands in `records` from `from` on, into a cell. */
  add(cell: number, records: Float64Array, from: number): void {
    const to = cell * this.stride;
    if (records[from + WEIGHT_AT] === 0) return;
    if (this.records[to + WEIGHT_AT] === 0) {
      for (let i = 0; i < this.stride; i++) this.records[to + i] = records[from + i]!;
      return;
    }
    if (this.kind.logs) this.#addLogs(to, records, from);
    this.records[to + ROWS_AT]! += records[from + ROWS_AT]!;
    if (this.kind.extended) this.#mergeExtended(to, records, from, 1);
    else this.#mergeDouble(to, records, from);
  }

  /**
   * Takes the rows of `other` away: the inverse of `absorb`. Cells that lose all rows are left out.
   *
   * @throws UsageError where `other` has rows that are not here
   */
  subtract(other: CellTable, recode?: readonly (Int32Array | undefined)[]): CellTable {
    const { factors } = this.kind;
    const left = this.clone();
    const codes = new Int32Array(factors);
    for (let cell = 0; cell < other.count; cell++) {
      for (let f = 0; f < factors; f++) {
        const code = other.codes[cell * factors + f]!;
        codes[f] = recode?.[f]?.[code] ?? code;
      }
      const own = left.find(codes);
      if (own < 0 || left.rows(own) < other.rows(cell))
        throw new UsageError("there are rows to take away that are not there");
      left.#take(own, other.records, cell * this.stride);
    }
    return left.filter((cell) => left.rows(cell) > 0);
  }

  /** The cells for which `keep` holds, in order. */
  filter(keep: (cell: number) => boolean): CellTable {
    const kept = new CellTable(this.kind, this.count);
    const { factors } = this.kind;
    for (let cell = 0; cell < this.count; cell++) {
      if (!keep(cell)) continue;
      const to = kept.count++;
      for (let f = 0; f < factors; f++) kept.codes[to * factors + f] = this.codes[cell * factors + f]!;
      kept.records.set(this.records.subarray(cell * this.stride, (cell + 1) * this.stride), to * this.stride);
    }
    kept.#trim();
    return kept;
  }

  /** The same cells under other codes, in ascending order of them, the first factor's first. */
  recoded(recode: readonly Int32Array[]): CellTable {
    const { factors } = this.kind;
    const codes = this.codes.slice(0, this.count * factors);
    for (let i = 0; i < codes.length; i++) codes[i] = recode[i % factors]![codes[i]!]!;
    const order = cellOrder(codes, this.count, factors);
    const sorted = new CellTable(this.kind, this.count);
    sorted.count = this.count;
    for (let to = 0; to < this.count; to++) {
      const cell = order[to]!;
      for (let f = 0; f < factors; f++) sorted.codes[to * factors + f] = codes[cell * factors + f]!;
      sorted.records.set(
        this.records.subarray(cell * this.stride, (cell + 1) * this.stride),
        to * this.stride,
      );
    }
    return sorted;
  }

  /** The same cells with some of the columns, by position, ascending. */
  ofColumns(kept: readonly number[]): CellTable {
    const { kind } = this;
    if (kept.length === kind.columns) return this;
    const products = kept.filter((j) => j < kind.products).length;
    const table = new CellTable({ ...kind, columns: kept.length, products }, this.count);
    table.count = this.count;
    table.codes.set(this.codes.subarray(0, this.count * kind.factors));
    const lows = kind.extended ? [0, 1] : [0];
    for (let cell = 0; cell < this.count; cell++) {
      const [from, to] = [cell * this.stride, cell * table.stride];
      for (let i = 0; i < meansAt(kind); i++) table.records[to + i] = this.records[from + i]!;
      for (const low of lows) {
        const [means, own] = [
          from + meansAt(kind) + low * kind.columns,
          to + meansAt(kind) + low * kept.length,
        ];
        kept.forEach((j, i) => {
          table.records[own + i] = this.records[means + j]!;
        });
        const source = from + productsAt(kind) + low * productCount(kind);
        const target = to + productsAt(table.kind) + low * productCount(table.kind);
        for (let i = 0; i < products; i++)
          for (let j = 0; j < kept.length; j++)
            if (j <= i || j >= products)
              table.records[target + productIndex(table.kind, i, j)] =
                this.records[source + productIndex(kind, kept[i]!, kept[j]!)]!;
      }
    }
    return table;
  }

  /** The same cells rounded to double. */
  toDouble(): CellTable {
    return this.#as(false);
  }

  /** The same cells in double-double, the low parts zero. */
  toExtended(): CellTable {
    return this.#as(true);
  }

  #as(extended: boolean): CellTable {
    if (this.kind.extended === extended) return this;
    const table = new CellTable({ ...this.kind, extended }, this.count);
    table.count = this.count;
    table.codes.set(this.codes.subarray(0, this.count * this.kind.factors));
    const { columns } = this.kind;
    const means = meansAt(this.kind);
    const products = productCount(this.kind);
    for (let cell = 0; cell < this.count; cell++) {
      const [from, to] = [cell * this.stride, cell * table.stride];
      for (let i = 0; i < means + columns; i++) table.records[to + i] = this.records[from + i]!;
      if (!extended) table.records[to + WEIGHT_LOW_AT] = 0;
      const [source, target] = [from + productsAt(this.kind), to + productsAt(table.kind)];
      for (let k = 0; k < products; k++) table.records[target + k] = this.records[source + k]!;
    }
    return table;
  }

  /** A copy that shares nothing but the kind. */
  clone(): CellTable {
    return this.filter(() => true);
  }

  #slotOf(codes: Int32Array, from: number): number {
    const slots = this.#index();
    const { factors } = this.kind;
    const mask = slots.length - 1;
    let hash = 0x9e3779b1;
    for (let f = 0; f < factors; f++) {
      hash = Math.imul(hash ^ codes[from + f]!, 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    for (let i = (hash ^ (hash >>> 16)) & mask; ; i = (i + 1) & mask) {
      const found = slots[i]! - 1;
      if (found < 0) return i;
      let f = 0;
      while (f < factors && this.codes[found * factors + f] === codes[from + f]) f++;
      if (f === factors) return i;
    }
  }

  #index(): Int32Array {
    if (this.#slots !== undefined && this.#slots.length >= 2 * (this.count + 1)) return this.#slots;
    let size = 16;
    while (size < 4 * (this.count + 1)) size *= 2;
    this.#slots = new Int32Array(size);
    for (let cell = 0; cell < this.count; cell++)
      this.#slots[this.#slotOf(this.codes, cell * this.kind.factors)] = cell + 1;
    return this.#slots;
  }

  /** By code of a table of one factor, whose codes are dense: cell + 1, or 0. Until a cell is added. */
  cellsByCode(): Int32Array {
    if (this.#slots !== undefined) return this.#slots;
    let most = 0;
    for (let cell = 0; cell < this.count; cell++) most = Math.max(most, this.codes[cell]!);
    this.#slots = new Int32Array(most + 1);
    for (let cell = 0; cell < this.count; cell++) this.#slots[this.codes[cell]!] = cell + 1;
    return this.#slots;
  }

  /** `cell` of a table of one factor. */
  #cellOf(code: number): number {
    let slots = this.cellsByCode();
    const found = (slots[code] ?? 0) - 1;
    if (found >= 0) return found;
    if (code >= slots.length) {
      const larger = new Int32Array(Math.max(code + 1, 2 * slots.length));
      larger.set(slots);
      slots = larger;
      this.#slots = larger;
    }
    this.reserve(this.count + 1);
    const cell = this.count++;
    this.codes[cell] = code;
    slots[code] = cell + 1;
    return cell;
  }

  #append(codes: Int32Array, from: number, slot: number): number {
    const { factors } = this.kind;
    this.reserve(this.count + 1);
    const cell = this.count++;
    for (let f = 0; f < factors; f++) this.codes[cell * factors + f] = codes[from + f]!;
    this.#slots![slot] = cell + 1;
    return cell;
  }

  #trim(): void {
    this.codes = this.codes.slice(0, this.count * this.kind.factors);
    this.records = this.records.slice(0, this.count * this.stride);
  }

  #addLogs(to: number, records: Float64Array, from: number): void {
    const mantissa = this.records[to + LOG_AT]! * (records[from + LOG_AT]! || 1);
    const carry = mantissa >= 2 ? 1 : 0;
    this.records[to + LOG_AT] = carry === 1 ? mantissa / 2 : mantissa;
    this.records[to + LOG_AT + 1]! += records[from + LOG_AT + 1]! + carry;
  }

  /** x̄ += δ W_b/W and C += C_b + δδᵀ W_a W_b/W with δ = x̄_b − x̄_a. */
  #mergeDouble(to: number, records: Float64Array, from: number): void {
    const own = this.records;
    const { columns, products } = this.kind;
    const [before, added] = [own[to + WEIGHT_AT]!, records[from + WEIGHT_AT]!];
    const share = added / (before + added);
    const factor = before * share;
    own[to + WEIGHT_AT] = before + added;
    const mean = meansAt(this.kind);
    const delta = deltas(columns);
    for (let j = 0; j < columns; j++) {
      delta[j] = records[from + mean + j]! - own[to + mean + j]!;
      own[to + mean + j]! += delta[j]! * share;
    }
    if (products === 0) return;
    let k = to + mean + columns;
    let l = from + mean + columns;
    for (let i = 0; i < products; i++) {
      const scaled = factor * delta[i]!;
      for (let j = 0; j <= i; j++, k++, l++) own[k]! += records[l]! + scaled * delta[j]!;
    }
    for (let i = 0; i < products; i++) {
      const scaled = factor * delta[i]!;
      for (let j = products; j < columns; j++, k++, l++) own[k]! += records[l]! + scaled * delta[j]!;
    }
  }

  /** `#mergeDouble` in double-double, or with `sign` −1 its inverse. */
  #mergeExtended(to: number, records: Float64Array, from: number, sign: 1 | -1): void {
    const own = this.records;
    const { columns, products } = this.kind;
    const before = new DoubleDouble(own[to + WEIGHT_AT]!, own[to + WEIGHT_LOW_AT]!);
    const other = new DoubleDouble(records[from + WEIGHT_AT]!, records[from + WEIGHT_LOW_AT]!);
    const after = sign > 0 ? before.add(other) : before.sub(other);
    // Taking away is merging a negative weight: x̄ += δ(−W_b)/W and C −= C_b + δδᵀ W_a W_b/W.
    const share = other.div(after);
    const factor = before.mul(share);
    own[to + WEIGHT_AT] = after.hi;
    own[to + WEIGHT_LOW_AT] = after.lo;
    const mean = meansAt(this.kind);
    const meansLow = own.subarray(columns);
    const delta = Array.from({ length: columns }, (_, j) => {
      const difference = new DoubleDouble(records[from + mean + j]!, records[from + mean + columns + j]!).sub(
        new DoubleDouble(own[to + mean + j]!, own[to + mean + columns + j]!),
      );
      const step = difference.mul(share);
      addAt(own, meansLow, to + mean + j, sign * step.hi, sign * step.lo);
      return difference;
    });
    const first = productsAt(this.kind);
    const low = productCount(this.kind);
    const productsLow = own.subarray(low);
    let k = first;
    const entry = (i: number, j: number) => {
      addAt(own, productsLow, to + k, sign * records[from + k]!, sign * records[from + k + low]!);
      const { hi, lo } = factor.mul(delta[i]!);
      addProductAt(own, productsLow, to + k, sign * hi, sign * lo, delta[j]!.hi, delta[j]!.lo);
      k++;
    };
    for (let i = 0; i < products; i++) for (let j = 0; j <= i; j++) entry(i, j);
    for (let i = 0; i < products; i++) for (let j = products; j < columns; j++) entry(i, j);
  }

  #take(cell: number, records: Float64Array, from: number): void {
    const to = cell * this.stride;
    const own = this.records;
    own[to + ROWS_AT]! -= records[from + ROWS_AT]!;
    if (own[to + ROWS_AT] === 0) {
      own.fill(0, to, to + this.stride);
      return;
    }
    if (this.kind.logs) {
      const mantissa = own[to + LOG_AT]! / (records[from + LOG_AT]! || 1);
      const borrow = mantissa < 1 ? 1 : 0;
      own[to + LOG_AT] = borrow === 1 ? 2 * mantissa : mantissa;
      own[to + LOG_AT + 1]! -= records[from + LOG_AT + 1]! + borrow;
    }
    if (this.kind.extended) {
      this.#mergeExtended(to, records, from, -1);
      return;
    }
    const { columns, products } = this.kind;
    const [before, taken] = [own[to + WEIGHT_AT]!, records[from + WEIGHT_AT]!];
    const after = before - taken;
    const share = taken / after;
    const factor = before * share;
    own[to + WEIGHT_AT] = after;
    const mean = meansAt(this.kind);
    const delta = deltas(columns);
    for (let j = 0; j < columns; j++) {
      delta[j] = own[to + mean + j]! - records[from + mean + j]!;
      own[to + mean + j]! += delta[j]! * share;
    }
    let k = mean + columns;
    const entry = (i: number, j: number) => {
      own[to + k]! -= records[from + k]! + factor * delta[i]! * delta[j]!;
      k++;
    };
    for (let i = 0; i < products; i++) for (let j = 0; j <= i; j++) entry(i, j);
    for (let i = 0; i < products; i++) for (let j = products; j < columns; j++) entry(i, j);
  }
}

let scratch = new Float64Array(16);

function deltas(columns: number): Float64Array {
  if (scratch.length < columns) scratch = new Float64Array(2 * columns);
  return scratch;
}
