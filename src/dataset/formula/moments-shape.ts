import type { ColumnFamily, SparseShape, TableShape } from "../../stats/sparse-shape.js";
import { levelKey, targetKey, variableKey } from "./column-key.js";
import { type ModelSpec, numbersOf } from "./spec.js";

/** A product of a spec's variables of numbers: for each its index, and the power of a polynomial, or which column of a basis. */
export type NumberProduct = readonly { variable: number; power: number }[];

/** The columns that moments of a spec are summed over. */
export interface MomentsShape extends SparseShape {
  /** What each column of numbers is, the target's left out: `products[j]` is that of `numbers[j + 1]`. */
  readonly products: readonly NumberProduct[];
  /** The spec's variables that are factors, in the order of `factors`. */
  readonly variables: readonly number[];
}

/**
 * Lays out the moments of a spec: a column for each target and for each product of numbers, a family of columns for each
 * product within a term's factors, and tables of cells for the factors of families and of pairs of families, with the
 * means and cross-products that the families' columns need.
 */
export function momentsShape(spec: ModelSpec): MomentsShape {
  const numbers = [targetKey(spec.target)];
  const places = new Map([[numbers[0]!, 0]]);
  const products: NumberProduct[] = [];
  const numberOf = (key: string, product: NumberProduct) => {
    const known = places.get(key);
    if (known !== undefined) return known;
    products.push(product);
    const place = numbers.push(key) - 1;
    places.set(key, place);
    return place;
  };
  const variables = spec.variables.map((_, v) => v).filter((v) => spec.variables[v]!.kind === "factor");
  const factorOf = new Map(variables.map((v, f) => [v, f]));
  const factors = variables.map((v) => variableKey(spec.variables[v]!));
  const families: (Omit<ColumnFamily, "table"> & { factors: number[] })[] = [];
  const dense = new Set<number>([0]);
  for (const v of spec.targets ?? [])
    dense.add(numberOf(variableKey(spec.variables[v]!), [{ variable: v, power: 1 }]));
  for (const term of spec.terms) {
    const own = term.variables.filter((v) => !factorOf.has(v));
    const within = term.variables.flatMap((v) => factorOf.get(v) ?? []);
    for (const product of productsOf(spec, own)) {
      const part = (v: number) => partOf(spec, v, product);
      const number = product.length === 0 ? -1 : numberOf(own.map(part).join(":"), product);
      if (within.length === 0) dense.add(number);
      else
        families.push({
          parts: term.variables.map((v) => factorOf.get(v) ?? part(v)),
          factors: [...within].sort((a, b) => a - b),
          number,
        });
    }
  }
  const { absorbed = [] } = spec;
  const hidden = absorbed.map((v) => {
    const f = variables.indexOf(v);
    return families.push({ parts: [f], factors: [f], number: -1 }) - 1;
  });
  const tables = tablesOf(families, numbers.length);
  const tableOf = (list: readonly number[]) =>
    tables.findIndex((table) => table.factors.join() === list.join());
  return {
    numbers,
    products,
    variables,
    dense: [...dense].sort((a, b) => a - b),
    factors,
    families: families.map(({ parts, factors: list, number }) => ({ parts, number, table: tableOf(list) })),
    ...(hidden.length === 0 ? {} : { absorbed: hidden }),
    tables,
  };
}

/** The products of some variables of numbers: one, or one for every combination of powers, the first fastest. */
function productsOf(spec: ModelSpec, own: readonly number[]): NumberProduct[] {
  return own.reduce<NumberProduct[]>(
    (list, v) => {
      return Array.from({ length: numbersOf(spec.variables[v]!) }, (_, k) => k + 1).flatMap((power) =>
        list.map((product) => [...product, { variable: v, power }]),
      );
    },
    [[]],
  );
}

function partOf(spec: ModelSpec, v: number, product: NumberProduct): string {
  const variable = spec.variables[v]!;
  const power = product.find((factor) => factor.variable === v)?.power ?? 1;
  return variable.kind === "numeric" ? variableKey(variable) : levelKey(variable, power);
}

/**
 * A table for each set of factors that families have: means of all numbers, for their products with columns of numbers,
 * and cross-products of the families' own. And one for each union of two such sets: what columns of both share.
 */
function tablesOf(families: readonly { factors: number[]; number: number }[], width: number): TableShape[] {
  const sets = new Map<string, { factors: number[]; own: Set<number> }>();
  for (const { factors, number } of families) {
    const set = sets.get(factors.join()) ?? { factors, own: new Set<number>() };
    if (number >= 0) set.own.add(number);
    sets.set(factors.join(), set);
  }
  const needs = new Map<string, { factors: number[]; means: Set<number>; products: Set<number> }>();
  const need = (factors: number[], means: Iterable<number>, products: Iterable<number>) => {
    const key = factors.join();
    const known = needs.get(key) ?? { factors, means: new Set<number>(), products: new Set<number>() };
    for (const number of means) known.means.add(number);
    for (const number of products) known.products.add(number);
    needs.set(key, known);
  };
  const all = [...sets.values()];
  for (const { factors, own } of all) need(factors, Array(width).keys(), own);
  all.forEach((first, i) => {
    for (const second of all.slice(i + 1)) {
      const union = [...new Set([...first.factors, ...second.factors])].sort((a, b) => a - b);
      const both = first.own.size > 0 && second.own.size > 0;
      const numbers = new Set([...first.own, ...second.own]);
      need(union, numbers, both ? numbers : []);
    }
  });
  return [...needs.values()].map(({ factors, means, products }) => {
    const first = [...products].sort((a, b) => a - b);
    const behind = [...means].filter((number) => !products.has(number)).sort((a, b) => a - b);
    return { factors, columns: [...first, ...behind], products: first.length };
  });
}
