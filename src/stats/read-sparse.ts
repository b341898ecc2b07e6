import { UsageError } from "../errors.js";
import {
  meansAt,
  productCount,
  productsAt,
  ROWS_AT,
  WEIGHT_AT,
  WEIGHT_LOW_AT,
} from "../kernels/cell-record.js";
import { CellTable } from "./cell-table.js";
import { ExtendedMoments } from "./extended-moments.js";
import { LevelCodes } from "./level-codes.js";
import { Moments } from "./moments.js";
import { SparseMoments } from "./sparse-moments.js";
import type { SparseMomentsJson, SparseTableJson } from "./sparse-schema.js";

/** Cells that are looked at between two pauses. */
const STRETCH = 1 << 14;

/**
 * Reads what `sparseToJSON` wrote, with pauses; throws UsageError where parts do not fit together or a number is not
 * finite.
 */
export function* sparseSteps(json: SparseMomentsJson): Generator<undefined, SparseMoments, void> {
  const base = yield* "cLow" in json.base
    ? ExtendedMoments.fromJsonSteps(json.base)
    : Moments.fromJsonSteps(json.base);
  const levels = json.factors.map((factor) => new LevelCodes(factor.levels));
  checkShape(json, base.columns.length);
  yield;
  const tables: CellTable[] = [];
  for (const table of json.tables) tables.push(yield* tableSteps(table, base.extended));
  for (const [t, { factors, codes }] of json.tables.entries()) {
    const table = tables[t]!;
    if (!codes.every((code, i) => within(code, levels[factors[i % factors.length]!]!.names.length)))
      throw wrong("a level is not there");
    yield;
    for (let cell = 0; cell < table.count; cell++) {
      if (table.find(table.codes, cell * factors.length) !== cell) throw wrong("a cell is there twice");
      if (!(table.rows(cell) > 0 && table.weight(cell) > 0)) throw wrong("a cell has no rows");
    }
  }
  const shape = {
    numbers: base.columns,
    dense: json.dense,
    factors: json.factors.map(({ key }) => key),
    families: json.families,
    ...(json.absorbed === undefined ? {} : { absorbed: json.absorbed }),
    tables: json.tables.map(({ factors, columns, products }) => ({ factors, columns, products })),
  };
  return new SparseMoments(shape, { base, levels, tables, columns: json.columns });
}

function wrong(what: string): UsageError {
  return new UsageError(`the tables of the moments do not fit together: ${what}`);
}

function within(i: number, length: number): boolean {
  return Number.isInteger(i) && i >= 0 && i < length;
}

/** Checks that every part that another names is there, with all that products of columns are made of. */
function checkShape(
  { dense, factors, families, absorbed = [], tables }: SparseMomentsJson,
  numbers: number,
): void {
  for (const { key, levels } of factors)
    if (new Set(levels).size !== levels.length) throw wrong(`a level of ${key} is there twice`);
  if (!dense.every((number) => within(number, numbers))) throw wrong("a number is not there");
  if (!absorbed.every((f) => within(f, families.length) && families[f]!.number < 0))
    throw wrong("what is absorbed is no family of indicators");
  for (const { factors: own, columns, products } of tables) {
    if (!own.every((f, i) => within(f, factors.length) && (i === 0 || f > own[i - 1]!)))
      throw wrong("a factor is not there");
    const known = columns.every((column) => within(column, numbers));
    if (!known || new Set(columns).size !== columns.length || !within(products, columns.length + 1))
      throw wrong("a number is not there");
  }
  for (const { parts, table: t, number } of families) {
    const table = tables[t];
    const own = [...new Set(parts.filter((part) => typeof part === "number"))].sort((a, b) => a - b);
    if (table === undefined || own.length === 0 || own.join() !== table.factors.join())
      throw wrong("a family of columns has no table of its factors");
    if (table.columns.length !== numbers) throw wrong("a family's table lacks a number");
    if (number >= 0 && !table.columns.slice(0, table.products).includes(number))
      throw wrong("a family's table lacks its products");
  }
  families.forEach((first, i) => {
    for (const second of families.slice(i + 1)) {
      const union = [...new Set([...tables[first.table]!.factors, ...tables[second.table]!.factors])];
      const key = union.sort((a, b) => a - b).join();
      const shared = tables.find((table) => table.factors.join() === key);
      const needed = [first.number, second.number].filter((number) => number >= 0);
      const has = shared?.columns.slice(0, needed.length < 2 ? undefined : shared.products);
      if (has === undefined || !needed.every((number) => has.includes(number)))
        throw wrong("two families of columns have no table of what they share");
    }
  });
}

function* tableSteps(json: SparseTableJson, extended: boolean): Generator<undefined, CellTable, void> {
  const count = json.rows.length;
  const kind = {
    factors: json.factors.length,
    columns: json.columns.length,
    products: json.products,
    extended,
    logs: false,
  };
  const table = new CellTable(kind, count);
  const products = productCount(kind);
  table.count = count;
  const put = function* (from: number, length: number, values: readonly number[] | undefined) {
    if (values === undefined) return;
    if (values.length !== count * length || !values.every(Number.isFinite))
      throw wrong(`${count} cells have lists of another length, or a number is not finite`);
    for (let cell = 0; cell < count; cell++) {
      for (let i = 0; i < length; i++)
        table.records[cell * table.stride + from + i] = values[cell * length + i]!;
      if (cell % STRETCH === STRETCH - 1) yield;
    }
    yield;
  };
  if (json.codes.length !== count * kind.factors)
    throw wrong(`${count} cells have ${json.codes.length} codes`);
  table.codes.set(json.codes);
  yield* put(ROWS_AT, 1, json.rows);
  yield* put(WEIGHT_AT, 1, json.weights ?? json.rows);
  if (extended) yield* put(WEIGHT_LOW_AT, 1, json.weightsLow);
  yield* put(meansAt(kind), kind.columns, json.means);
  yield* put(productsAt(kind), products, json.c);
  if (extended) {
    yield* put(meansAt(kind) + kind.columns, kind.columns, json.meansLow ?? []);
    yield* put(productsAt(kind) + products, products, json.cLow ?? []);
  }
  return table;
}
