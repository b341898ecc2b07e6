import {
  type CellRecord,
  LOG_AT,
  meansAt,
  productCount,
  productsAt,
  ROWS_AT,
  WEIGHT_AT,
  WEIGHT_LOW_AT,
} from "../kernels/cell-record.js";
import type { GroupSums } from "../kernels/group-accumulator.js";
import { CellTable } from "./cell-table.js";
import type { CrossProducts } from "./cross-products.js";
import { ExtendedMoments } from "./extended-moments.js";
import type { LevelCodes } from "./level-codes.js";
import { Moments } from "./moments.js";

/** What the groups of a table have in common. */
export interface GroupKind {
  /** The names of the moments' columns. */
  readonly columns: readonly string[];
  readonly folds: number;
  readonly extended: boolean;
  readonly weighted: boolean;
}

/** Moments as plain parts, of the columns of a kind. */
interface Parts {
  n: number;
  sumW: number;
  sumLogW: number;
  mean: Float64Array;
  c: Float64Array;
  sumWLow?: number;
  meanLow?: Float64Array;
  cLow?: Float64Array;
}

/**
 * The moments of many groups' rows, fold by fold: a record for each that has rows, all in one list of numbers, so that
 * 100,000 groups cost neither objects nor time. They merge group by group (Chan, Golub & LeVeque 1983). Tables that
 * merge share their numbering of the groups.
 */
export class GroupTable {
  readonly kind: GroupKind;
  /** The groups by number; some may have no rows here. */
  readonly groups: LevelCodes;
  /** Cells by folds · group + fold. */
  readonly cells: CellTable;

  constructor(kind: GroupKind, groups: LevelCodes, cells = new CellTable(cellKind(kind))) {
    this.kind = kind;
    this.groups = groups;
    this.cells = cells;
  }

  get names(): readonly string[] {
    return this.groups.names;
  }

  /** Whether any group has rows. */
  get hasRows(): boolean {
    return this.cells.count > 0;
  }

  /** Merges later rows into these. */
  absorb(later: GroupTable): this {
    this.cells.absorb(later.cells);
    return this;
  }

  /** Merges moments into those of a group's fold. */
  add(group: number, fold: number, parts: Parts): void {
    const cell = this.cells.cell(Int32Array.of(group * this.kind.folds + fold));
    this.cells.add(cell, recordOf(this.cells.kind, parts), 0);
  }

  /** The cell of a group's fold, −1 where it has no rows. */
  cell(group: number, fold: number): number {
    this.#code[0] = group * this.kind.folds + fold;
    return this.cells.find(this.#code);
  }
  readonly #code = new Int32Array(1);

  /** The moments of each fold of a group; without rows where there are none. */
  foldsOf(name: string): CrossProducts[] {
    const group = this.groups.find(name);
    return Array.from({ length: this.kind.folds }, (_, fold) => this.moments(group, fold));
  }

  /** The moments of a group's fold. */
  moments(group: number, fold: number): Moments | ExtendedMoments {
    const { columns, extended } = this.kind;
    const cell = group < 0 ? -1 : this.cell(group, fold);
    if (cell < 0) return extended ? ExtendedMoments.empty(columns) : Moments.empty(columns);
    return momentsOf(columns, this.cells.kind, this.cells.records, cell * this.cells.stride);
  }
}

/** The kind of a table's cells. */
export function cellKind({ columns, extended, weighted }: GroupKind): CellTable["kind"] {
  return { factors: 1, columns: columns.length, products: columns.length, extended, logs: weighted };
}

/** Sums of groups, fold by fold, under common numbers: `common` has that of each of their own. */
export function groupTableOf(
  { records, more }: GroupSums,
  kind: GroupKind,
  groups: LevelCodes,
  common: readonly number[],
): GroupTable {
  const { folds } = kind;
  const cells = new CellTable(cellKind(kind));
  const { keys } = records;
  cells.codes = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const target = keys[i]!;
    const group = folds === 1 ? target : Math.floor(target / folds);
    cells.codes[i] = common[group]! * folds + (target - group * folds);
  }
  cells.records = records.records;
  cells.count = keys.length;
  const table = new GroupTable(kind, groups, cells);
  for (const { group: target, parts } of more)
    table.add(common[Math.floor(target / folds)]!, target % folds, parts);
  return table;
}

/** Σ ln w of a record that stands at `at`. */
export function sumLogAt({ logs }: CellRecord, records: Float64Array, at: number): number {
  const mantissa = logs ? records[at + LOG_AT]! : 0;
  return mantissa === 0 ? 0 : Math.log(mantissa) + records[at + LOG_AT + 1]! * Math.LN2;
}

/** The moments of the record at `at`, as numbers of their own. */
function momentsOf(
  columns: readonly string[],
  kind: CellRecord,
  records: Float64Array,
  at: number,
): Moments | ExtendedMoments {
  const list = (from: number, length: number) => records.slice(at + from, at + from + length);
  const [means, products, count] = [meansAt(kind), productsAt(kind), productCount(kind)];
  const parts = {
    columns,
    n: records[at + ROWS_AT]!,
    sumW: records[at + WEIGHT_AT]!,
    sumLogW: sumLogAt(kind, records, at),
    mean: list(means, kind.columns),
    c: list(products, count),
  };
  if (!kind.extended) return Moments.of(parts);
  return ExtendedMoments.of({
    ...parts,
    sumWLow: records[at + WEIGHT_LOW_AT]!,
    meanLow: list(means + kind.columns, kind.columns),
    cLow: list(products + count, count),
  });
}

/** The record of moments. */
function recordOf(kind: CellTable["kind"], parts: Parts): Float64Array {
  const record = new Float64Array(new CellTable(kind).stride);
  record[ROWS_AT] = parts.n;
  record[WEIGHT_AT] = parts.sumW;
  record[WEIGHT_LOW_AT] = parts.sumWLow ?? 0;
  if (kind.logs && parts.sumLogW !== 0) {
    const exponent = Math.floor(parts.sumLogW / Math.LN2);
    record[LOG_AT] = Math.exp(parts.sumLogW - exponent * Math.LN2);
    record[LOG_AT + 1] = exponent;
  }
  const [means, products] = [meansAt(kind), productsAt(kind)];
  record.set(parts.mean, means);
  record.set(parts.c, products);
  if (kind.extended) {
    record.set(parts.meanLow!, means + kind.columns);
    record.set(parts.cLow!, products + productCount(kind));
  }
  return record;
}
