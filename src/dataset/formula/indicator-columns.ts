import { type CodedTerm, indicatorsOf } from "./coding.js";

/** A term by the levels of its factors, whatever contrasts code it. */
interface IndicatorColumns {
  /** The combinations of levels (and powers) that any of the term's columns is not zero in. */
  columns: { parts: readonly (string | number | undefined)[] }[];
  /** For each of them the term's columns, by place, and their numbers there: T. */
  shares: (readonly { column: number; weight: number }[])[];
  /**
   * T β, the coefficients of the combinations, from those of the term's columns; Σ |T_ij β_j| if `absolute`. Undefined where
   * the term has no contrasts: the combinations are its columns.
   */
  combine: ((coefficients: ArrayLike<number>, absolute?: boolean) => Float64Array) | undefined;
}

/**
 * What a term adds to a prediction depends on its factors' levels alone: it is f = T β, an effect for each combination of
 * levels, T having the numbers of the contrasts. Predictions, other formats and questions about levels go by these.
 */
export function indicatorColumns({ columns }: CodedTerm): IndicatorColumns {
  if (columns.every(({ contrasts }) => contrasts === undefined))
    return {
      columns,
      shares: columns.map((_, column) => [{ column, weight: 1 }]),
      combine: undefined,
    };
  const found = new Map<string, { parts: readonly (string | number | undefined)[]; shares: Share[] }>();
  columns.forEach((column, j) => {
    for (const { parts, weight } of indicatorsOf(column)) {
      const key = JSON.stringify(parts);
      const own = found.get(key) ?? { parts, shares: [] };
      found.set(key, own);
      own.shares.push({ column: j, weight });
    }
  });
  const all = [...found.values()];
  const combine = (coefficients: ArrayLike<number>, absolute = false): Float64Array =>
    Float64Array.from(all, ({ shares }) =>
      shares.reduce((sum, { column, weight }) => {
        const part = weight * coefficients[column]!;
        return sum + (absolute ? Math.abs(part) : part);
      }, 0),
    );
  return { columns: all, shares: all.map(({ shares }) => shares), combine };
}

interface Share {
  column: number;
  weight: number;
}
