import type { FactorLevels } from "../dataset/formula/coding.js";
import { levelOrder } from "../dataset/formula/coding.js";
import type { MomentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import {
  meansAt,
  productCount,
  productIndex,
  productsAt,
  ROWS_AT,
  WEIGHT_AT,
  WEIGHT_LOW_AT,
} from "../kernels/cell-record.js";
import { CellTable } from "../stats/cell-table.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { DoubleDouble } from "../stats/double-double.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { LevelCodes } from "../stats/level-codes.js";
import { packedIndex } from "../stats/packed.js";
import { SparseMoments } from "../stats/sparse-moments.js";
import type { Quantities } from "./quantity.js";
import type { CellSums, SumChoice } from "./sums.js";

/** The answer to one choice of sums, levels by their names; undefined for a level that means a missing value. */
export interface Answer {
  readonly choice: SumChoice;
  readonly cells: readonly CellSums[];
  readonly names: readonly (readonly (string | undefined)[])[];
  /** The cells' groups, where there are groups; undefined for a value that means a missing one. */
  readonly groups?: readonly (string | undefined)[] | undefined;
}

/** Sums of the rows of cells put together. */
interface Total<Q> {
  rows: number;
  n: number;
  logWeight: number;
  weight: Q;
  b: Q[];
  c: Q[];
}

/** What sums come to. */
export interface CellMoments {
  readonly folds: CrossProducts[];
  readonly levels: FactorLevels;
  /** Rows that count, those of weight 0 too. */
  readonly rows: number;
}

/** How answers are put together. */
interface Making {
  readonly spec: ModelSpec;
  readonly shape: MomentsShape;
  /** How many there are. */
  readonly folds: number;
  /** Whether the moments are to be double-double. */
  readonly extended: boolean;
}

/** The moments of each group. */
export interface GroupsOfCells {
  readonly names: readonly string[];
  readonly hasRows: boolean;
  foldsOf(name: string): CrossProducts[];
}

/** The same of each group by itself: moments are made when they are asked for. */
export function groupsOfCells<Q>(
  answers: readonly Answer[],
  how: Making,
  quantities: Quantities<Q>,
): CellMoments & { groups: GroupsOfCells } {
  const orders = how.shape.variables.map((v, f) => levelsOf(answers, f, how.spec, v));
  const places = new Map<string, number[][]>();
  for (const [a, { groups }] of answers.entries())
    groups!.forEach((name, i) => {
      if (name === undefined) return;
      let of = places.get(name);
      if (of === undefined) {
        of = answers.map(() => []);
        places.set(name, of);
      }
      of[a]!.push(i);
    });
  const foldsOf = (name: string): CellMoments => {
    const of = places.get(name) ?? answers.map(() => []);
    const own = answers.map(({ choice, cells, names }, a) => ({
      choice,
      cells: of[a]!.map((i) => cells[i]!),
      names: of[a]!.map((i) => names[i]!),
    }));
    return momentsOfCells(own, how, quantities, orders);
  };
  const { cells, names } = answers[0]!;
  const counted = [...places.values()]
    .flatMap(([first]) => first!)
    .filter((i) => !names[i]!.includes(undefined));
  return {
    folds: [],
    levels: levelsByLabel(how, orders),
    rows: counted.reduce((sum, i) => sum + cells[i]!.rows, 0),
    groups: {
      names: [...places.keys()],
      hasRows: counted.some((i) => cells[i]!.n > 0),
      foldsOf: (name) => foldsOf(name).folds,
    },
  };
}

function levelsByLabel({ spec, shape }: Making, orders: readonly string[][]): FactorLevels {
  return Object.fromEntries(shape.variables.map((v, f) => [spec.variables[v]!.label, orders[f]!]));
}

/**
 * Makes moments of the answers: of all numbers from the first, and of each table of factors from the first answer that has
 * its factors. Cells are added in the order in which they are given.
 *
 * @param orders the levels of each factor in their order; by default those that rows have
 */
export function momentsOfCells<Q>(
  answers: readonly Answer[],
  how: Making,
  quantities: Quantities<Q>,
  orders: readonly string[][] = how.shape.variables.map((v, f) => levelsOf(answers, f, how.spec, v)),
): CellMoments {
  const { shape, folds, extended } = how;
  const codes = orders.map((names) => new Map(names.map((name, code) => [name, code])));
  const base = answers[0]!;
  const { numbers } = shape;
  const of = totals(base, [], codes, quantities);
  const bases = Array.from({ length: folds }, (_, fold) => {
    const total = of.get(String(fold));
    const moments =
      total === undefined ? ExtendedMoments.empty(numbers) : momentsOf(numbers, total, quantities);
    return extended ? moments : moments.toMoments();
  });
  const rows = [...of.values()].reduce((sum, total) => sum + total.rows, 0);
  const levels = levelsByLabel(how, orders);
  if (shape.tables.length === 0) return { folds: bases, levels, rows };
  const tables = shape.tables.map((table) => {
    const answer = answers.find(
      ({ choice }) =>
        table.factors.every((f) => choice.factors.includes(f)) &&
        table.columns.every((i) => choice.columns.includes(i)),
    )!;
    return { table, answer, of: totals(answer, table.factors, codes, quantities) };
  });
  return {
    levels,
    rows,
    folds: bases.map((moments, fold) => {
      const cells = tables.map(({ table, answer, of: all }) => {
        const kind = {
          factors: table.factors.length,
          columns: table.columns.length,
          products: table.products,
          extended,
          logs: false,
        };
        const found = [...all].flatMap(([key, total]) => {
          const [own, ...of] = key.split(",").map(Number) as [number, ...number[]];
          return own === fold && total.n > 0 ? [{ codes: of, total }] : [];
        });
        found.sort((a, b) => compared(a.codes, b.codes));
        const result = new CellTable(kind, found.length);
        for (const { codes: key, total } of found) {
          const cell = result.count++;
          result.codes.set(key, cell * kind.factors);
          record(result, cell, total, table.columns, answer.choice, quantities);
        }
        return result;
      });
      return new SparseMoments(shape, {
        base: moments,
        levels: orders.map((names) => new LevelCodes(names)),
        tables: cells,
      });
    }),
  };
}

/** The levels of a factor that rows have, in their order. */
function levelsOf(answers: readonly Answer[], f: number, spec: ModelSpec, v: number): string[] {
  const { choice, names, cells } = answers.find((answer) => answer.choice.factors.includes(f))!;
  const at = choice.factors.indexOf(f);
  const met = new Set<string>();
  names.forEach((of, i) => {
    if (of.every((name) => name !== undefined) && cells[i]!.n > 0) met.add(of[at]!);
  });
  const found = [...met];
  const variable = spec.variables[v]!;
  const order = levelOrder(found, variable.kind === "factor" ? variable.of : "text");
  return Array.from(order, (i) => found[i]!);
}

/** The sums of an answer's cells by fold and the codes of some of its factors. */
function totals<Q>(
  { choice, cells, names }: Answer,
  factors: readonly number[],
  codes: readonly ReadonlyMap<string, number>[],
  { read, add, zero }: Quantities<Q>,
): Map<string, Total<Q>> {
  const places = factors.map((f) => choice.factors.indexOf(f));
  const all = new Map<string, Total<Q>>();
  for (const [i, cell] of cells.entries()) {
    const of = names[i]!;
    if (of.some((name) => name === undefined)) continue;
    // A level that only rows of weight 0 have is none.
    const key = [cell.fold, ...places.map((at, j) => codes[factors[j]!]!.get(of[at]!) ?? -1)].join();
    let total = all.get(key);
    if (total === undefined) {
      const none = (list: readonly unknown[]) => list.map(() => zero);
      total = { rows: 0, n: 0, logWeight: 0, weight: zero, b: none(cell.b), c: none(cell.c) };
      all.set(key, total);
    }
    total.rows += cell.rows;
    total.n += cell.n;
    total.logWeight += cell.logWeight;
    total.weight = add(total.weight, read(cell.weight));
    for (let k = 0; k < cell.b.length; k++) total.b[k] = add(total.b[k]!, read(cell.b[k]!));
    for (let k = 0; k < cell.c.length; k++) total.c[k] = add(total.c[k]!, read(cell.c[k]!));
  }
  return all;
}

/** The moments of all numbers; products are those of the packed triangle, in its order. */
function momentsOf<Q>(
  numbers: readonly string[],
  { n, logWeight, weight, b, c }: Total<Q>,
  quantities: Quantities<Q>,
): ExtendedMoments {
  const moments = ExtendedMoments.empty(numbers);
  if (n === 0) return moments;
  const w = quantities.weight(weight);
  moments.n = n;
  moments.sumLogW = logWeight;
  [moments.sumW, moments.sumWLow] = [w.hi, w.lo];
  for (let i = 0; i < numbers.length; i++) {
    const mean = quantities.mean(b[i]!, weight, i);
    [moments.mean[i], moments.meanLow[i]] = [mean.hi, mean.lo];
    for (let j = 0; j <= i; j++) {
      const k = packedIndex(i, j);
      const product = atLeastZero(quantities.product(c[k]!, b[i]!, b[j]!, weight, i, j), i === j);
      [moments.c[k], moments.cLow[k]] = [product.hi, product.lo];
    }
  }
  return moments;
}

/** Writes a cell's record. */
function record<Q>(
  { kind, stride, records }: CellTable,
  cell: number,
  { n, weight, b, c }: Total<Q>,
  columns: readonly number[],
  choice: SumChoice,
  quantities: Quantities<Q>,
): void {
  const from = cell * stride;
  const w = quantities.weight(weight);
  records[from + ROWS_AT] = n;
  records[from + WEIGHT_AT] = kind.extended ? w.hi : w.toNumber();
  records[from + WEIGHT_LOW_AT] = kind.extended ? w.lo : 0;
  const put = (at: number, lows: number, value: DoubleDouble) => {
    records[at] = kind.extended ? value.hi : value.toNumber();
    if (kind.extended) records[at + lows] = value.lo;
  };
  const place = columns.map((i) => choice.columns.indexOf(i));
  columns.forEach((i, j) => {
    put(from + meansAt(kind) + j, kind.columns, quantities.mean(b[place[j]!]!, weight, i));
  });
  const pairAt = pairPlaces(choice);
  for (let i = 0; i < kind.products; i++)
    for (let j = 0; j < kind.columns; j++) {
      if (j > i && j < kind.products) continue;
      const [x, y] = [columns[i]!, columns[j]!];
      const at = pairAt.get(`${Math.max(x, y)},${Math.min(x, y)}`)!;
      const product = quantities.product(c[at]!, b[place[i]!]!, b[place[j]!]!, weight, x, y);
      put(
        from + productsAt(kind) + productIndex(kind, i, j),
        productCount(kind),
        atLeastZero(product, x === y),
      );
    }
}

const places = new WeakMap<SumChoice, Map<string, number>>();

/** Where the sum of a pair of numbers stands, by the larger index and the smaller. */
function pairPlaces(choice: SumChoice): Map<string, number> {
  let known = places.get(choice);
  if (known === undefined) {
    known = new Map(choice.pairs.map(([i, j], at) => [`${Math.max(i, j)},${Math.min(i, j)}`, at]));
    places.set(choice, known);
  }
  return known;
}

/** A sum of squares, of which rounding may have left less than nothing. */
function atLeastZero(product: DoubleDouble, square: boolean): DoubleDouble {
  return square && product.hi < 0 ? new DoubleDouble(0) : product;
}

function compared(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((code, i) => code !== b[i]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}
