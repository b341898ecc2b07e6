import type { CellTable } from "./cell-table.js";
import { DoubleDouble } from "./double-double.js";
import { ExtendedMoments } from "./extended-moments.js";
import { Moments } from "./moments.js";
import { packedIndex } from "./packed.js";
import type { Found, SparseShape } from "./sparse-shape.js";

/** What columns of moments with factors are made of; `SparseMoments` has it. */
interface SparseParts {
  readonly shape: SparseShape;
  readonly base: Moments | ExtendedMoments;
  readonly tables: readonly CellTable[];
  find(key: string): Found | undefined;
  union(s: number, t: number): number;
  projection(from: number, to: number): (cell: number) => number;
}

/** Where columns that were asked for stand: numbers, and per family the place of each cell, −1 for none. */
interface Places {
  numbers: { at: number; number: number }[];
  families: { family: number; places: Int32Array }[];
}

/** `SparseMoments.over`: the moments over some columns as if all of them had been columns of numbers. */
export function overColumns(parts: SparseParts, keys: readonly string[]): Moments | ExtendedMoments {
  const places = placesOf(parts, keys);
  return parts.base instanceof ExtendedMoments
    ? overExtended(parts, keys, parts.base, places)
    : overDouble(parts, keys, parts.base, places);
}

/** Where the columns of some keys stand. */
function placesOf(parts: SparseParts, keys: readonly string[]): Places {
  const numbers: { at: number; number: number }[] = [];
  const cells = new Map<number, Int32Array>();
  keys.forEach((key, at) => {
    const found = parts.find(key);
    if (found === undefined) return;
    if ("number" in found) numbers.push({ at, number: found.number });
    else {
      let places = cells.get(found.family);
      if (places === undefined) {
        places = new Int32Array(parts.tables[parts.shape.families[found.family]!.table]!.count).fill(-1);
        cells.set(found.family, places);
      }
      places[found.cell] = at;
    }
  });
  return { numbers, families: [...cells].map(([family, places]) => ({ family, places })) };
}

function overDouble(
  parts: SparseParts,
  keys: readonly string[],
  base: Moments,
  { numbers, families }: Places,
): Moments {
  const out = Moments.empty(keys);
  out.n = base.n;
  out.sumW = base.sumW;
  out.sumLogW = base.sumLogW;
  const { mean, c } = out;
  const W = base.sumW;
  if (base.n === 0) return out;
  for (const { at, number } of numbers) {
    mean[at] = base.mean[number]!;
    for (const other of numbers)
      if (other.at <= at) c[packedIndex(at, other.at)] = base.c[packedIndex(number, other.number)]!;
  }
  for (const { family, places } of families) {
    const { table: t, number } = parts.shape.families[family]!;
    const { columns } = parts.shape.tables[t]!;
    const table = parts.tables[t]!;
    const m = columns.indexOf(number);
    for (let cell = 0; cell < table.count; cell++) {
      const at = places[cell]!;
      if (at < 0) continue;
      const weight = table.weight(cell);
      const own = m < 0 ? 1 : table.mean(cell, m);
      mean[at] = (weight / W) * own;
      for (const { at: other, number: d } of numbers) {
        const j = columns.indexOf(d);
        let sum = weight * own * (table.mean(cell, j) - base.mean[d]!);
        if (m >= 0) sum += table.product(cell, m, j);
        c[packedIndex(at, other)] = sum;
      }
    }
  }
  const sparse = families.flatMap(({ places }) => [...places].filter((at) => at >= 0));
  for (const i of sparse) {
    const scaled = W * mean[i]!;
    for (const j of sparse) if (j <= i) c[packedIndex(i, j)] = -scaled * mean[j]!;
  }
  visitPairs(parts, families, (i, j, table, cell, a, b) => {
    const weight = table.weight(cell);
    let sum = weight * (a < 0 ? 1 : table.mean(cell, a)) * (b < 0 ? 1 : table.mean(cell, b));
    if (a >= 0 && b >= 0) sum += table.product(cell, a, b);
    c[packedIndex(i, j)]! += sum;
  });
  return out;
}

function overExtended(
  parts: SparseParts,
  keys: readonly string[],
  base: ExtendedMoments,
  { numbers, families }: Places,
): ExtendedMoments {
  const out = ExtendedMoments.empty(keys);
  out.n = base.n;
  out.sumW = base.sumW;
  out.sumWLow = base.sumWLow;
  out.sumLogW = base.sumLogW;
  if (base.n === 0) return out;
  const W = new DoubleDouble(base.sumW, base.sumWLow);
  const setMean = (at: number, { hi, lo }: DoubleDouble) => {
    out.mean[at] = hi;
    out.meanLow[at] = lo;
  };
  const setProduct = (i: number, j: number, { hi, lo }: DoubleDouble) => {
    const at = packedIndex(i, j);
    out.c[at] = hi;
    out.cLow[at] = lo;
  };
  const meanOf = (at: number) => new DoubleDouble(out.mean[at]!, out.meanLow[at]!);
  const baseMean = (j: number) => new DoubleDouble(base.mean[j]!, base.meanLow[j]!);
  for (const { at, number } of numbers) {
    setMean(at, baseMean(number));
    for (const other of numbers) {
      if (other.at > at) continue;
      const from = packedIndex(number, other.number);
      setProduct(at, other.at, new DoubleDouble(base.c[from]!, base.cLow[from]!));
    }
  }
  for (const { family, places } of families) {
    const { table: t, number } = parts.shape.families[family]!;
    const { columns } = parts.shape.tables[t]!;
    const table = parts.tables[t]!;
    const m = columns.indexOf(number);
    for (let cell = 0; cell < table.count; cell++) {
      const at = places[cell]!;
      if (at < 0) continue;
      const weight = table.extendedWeight(cell);
      const total = m < 0 ? weight : weight.mul(table.extendedMean(cell, m));
      setMean(at, total.div(W));
      for (const { at: other, number: d } of numbers) {
        const j = columns.indexOf(d);
        const sum = total.mul(table.extendedMean(cell, j).sub(baseMean(d)));
        setProduct(at, other, m < 0 ? sum : sum.add(table.extendedProduct(cell, m, j)));
      }
    }
  }
  const sparse = families.flatMap(({ places }) => [...places].filter((at) => at >= 0));
  for (const i of sparse) {
    const scaled = W.mul(meanOf(i)).negate();
    for (const j of sparse) if (j <= i) setProduct(i, j, scaled.mul(meanOf(j)));
  }
  visitPairs(parts, families, (i, j, table, cell, a, b) => {
    let sum = table.extendedWeight(cell);
    if (a >= 0) sum = sum.mul(table.extendedMean(cell, a));
    if (b >= 0) sum = sum.mul(table.extendedMean(cell, b));
    if (a >= 0 && b >= 0) sum = sum.add(table.extendedProduct(cell, a, b));
    const at = packedIndex(i, j);
    setProduct(i, j, new DoubleDouble(out.c[at]!, out.cLow[at]!).add(sum));
  });
  return out;
}

/**
 * Goes through the cells in which two columns of families meet: `add` gets the columns' places, the cell, and where
 * in its table the columns' numbers have their means, −1 for a 1.
 */
function visitPairs(
  parts: SparseParts,
  families: Places["families"],
  add: (i: number, j: number, table: CellTable, cell: number, a: number, b: number) => void,
): void {
  families.forEach((first, x) => {
    for (const second of families.slice(x)) {
      const [f, g] = [first, second].map(({ family }) => parts.shape.families[family]!);
      const t = parts.union(f!.table, g!.table);
      const shape = parts.shape.tables[t]!;
      const table = parts.tables[t]!;
      const [a, b] = [f!, g!].map(({ number }) => shape.columns.indexOf(number));
      const ofFirst = parts.projection(t, f!.table);
      const ofSecond = parts.projection(t, g!.table);
      for (let cell = 0; cell < table.count; cell++) {
        const i = first.places[ofFirst(cell)] ?? -1;
        const j = second.places[ofSecond(cell)] ?? -1;
        if (i >= 0 && j >= 0) add(i, j, table, cell, a!, b!);
      }
    }
  });
}
