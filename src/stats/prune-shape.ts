import type { SparseShape } from "./sparse-shape.js";

/** A shape with what some columns need, and where each part of it was before. */
export interface PrunedShape {
  shape: SparseShape;
  /** For each number, factor and table that is kept, its index before. */
  numbers: number[];
  factors: number[];
  tables: number[];
}

/**
 * The part of a shape that some columns need: their numbers, families and factors, and the tables of these families and
 * of every two of them.
 *
 * @param dense the numbers that are kept as columns of their own, by index
 * @param families those that are kept, by index
 */
export function pruneShape(
  shape: SparseShape,
  dense: ReadonlySet<number>,
  families: ReadonlySet<number>,
): PrunedShape {
  const order = shape.families.map((_, f) => f).filter((f) => families.has(f));
  const kept = order.map((f) => shape.families[f]!);
  const numbers = shape.numbers
    .map((_, i) => i)
    .filter((i) => dense.has(i) || kept.some(({ number }) => number === i));
  const factorsOf = (table: number) => shape.tables[table]!.factors;
  const factors = shape.factors
    .map((_, f) => f)
    .filter((f) => kept.some(({ table }) => factorsOf(table).includes(f)));
  const needed = new Set(
    kept.flatMap((first) =>
      kept.map((second) =>
        [...new Set([...factorsOf(first.table), ...factorsOf(second.table)])].sort((a, b) => a - b).join(),
      ),
    ),
  );
  const tables = shape.tables.map((_, t) => t).filter((t) => needed.has(factorsOf(t).join()));
  return {
    shape: {
      numbers: numbers.map((i) => shape.numbers[i]!),
      dense: shape.dense.filter((i) => dense.has(i)).map((i) => numbers.indexOf(i)),
      factors: factors.map((f) => shape.factors[f]!),
      families: kept.map(({ parts, table, number }) => ({
        parts: parts.map((part) => (typeof part === "number" ? factors.indexOf(part) : part)),
        table: tables.indexOf(table),
        number: number < 0 ? -1 : numbers.indexOf(number),
      })),
      ...(shape.absorbed === undefined ? {} : { absorbed: shape.absorbed.map((f) => order.indexOf(f)) }),
      tables: tables.map((t) => {
        const { factors: own, columns, products } = shape.tables[t]!;
        return {
          factors: own.map((f) => factors.indexOf(f)),
          columns: columns.filter((i) => numbers.includes(i)).map((i) => numbers.indexOf(i)),
          products: columns.slice(0, products).filter((i) => numbers.includes(i)).length,
        };
      }),
    },
    numbers,
    factors,
    tables,
  };
}
