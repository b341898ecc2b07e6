import type { DatabaseValue } from "../sources/database/rowset.js";
import type { Asked } from "./asked.js";
import { completeSql, type RowSql } from "./row-sql.js";

/** How the values of one number lie. */
export interface Spread {
  readonly n: number;
  readonly mean: number;
  /** √(Σ(x − x̄)²/n), or about that. */
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
  /** The mean of its products with the weights, where there are any. */
  readonly weighted?: number | undefined;
}

/** The first pass: how each number of the moments lies over the complete rows. */
export async function spreads(asked: Asked, row: RowSql): Promise<Spread[]> {
  return (await spreadsAndCounts(asked, row, { inner: [], entries: [] })).spreads;
}

/**
 * The same, and other aggregates over complete rows in the same pass.
 *
 * @param where which rows those are
 * @returns beside the spreads the other entries, leaf by leaf
 */
export async function spreadsAndCounts(
  asked: Asked,
  row: RowSql,
  others: { readonly inner: readonly string[]; readonly entries: readonly string[] },
  where = `\n WHERE ${completeSql(row)}`,
): Promise<{ spreads: Spread[]; parts: DatabaseValue[][] }> {
  const { dialect } = asked;
  const weighted = row.weight !== undefined;
  const values = row.values.map((value, i) => `${value} AS goml_v${i}`);
  const inner = [...values, ...(weighted ? [`${row.weight} AS goml_w`] : []), ...others.inner].join(",\n  ");
  const from = (source: string) => `FROM (SELECT ${inner}\n FROM ${source}${where}) AS complete`;
  const per = 3 + (weighted ? 1 : 0) + (dialect.deviation === undefined ? 0 : 1);
  const entries = row.values.flatMap((_, i) => [
    `avg(goml_v${i})`,
    `min(goml_v${i})`,
    `max(goml_v${i})`,
    ...(weighted ? [`avg(goml_w * goml_v${i})`] : []),
    ...(dialect.deviation === undefined ? [] : [dialect.deviation(`goml_v${i}`)]),
  ]);
  const answer = await asked.sums(["count(*)", ...entries, ...others.entries], from, [], 1);
  const parts = answer.filter(([n]) => Number(n) > 0);
  const means = row.values.map((_, i) => meanOf(parts, 1 + per * i));
  // Without a deviation its size is that of the mean distance from the mean, which takes another query.
  const distances =
    dialect.deviation === undefined && parts.length > 0
      ? await asked.sums(
          ["count(*)", ...means.map((mean, i) => `avg(abs(goml_v${i} - ${dialect.literal(mean)}))`)],
          from,
          [],
          1,
        )
      : undefined;
  const found = row.values.map((_, i) => {
    const at = 1 + per * i;
    const n = parts.reduce((sum, part) => sum + Number(part[0]), 0);
    const mean = means[i]!;
    const within =
      distances === undefined
        ? parts.reduce((sum, part) => {
            const [d, m] = [Number(part[at + per - 1]), Number(part[at])];
            return sum + (Number(part[0]) / n) * (d * d + (m - mean) ** 2);
          }, 0)
        : meanOf(distances, 1 + i) ** 2;
    return {
      n,
      mean,
      deviation: Math.sqrt(within),
      least: Math.min(...parts.map((part) => Number(part[at + 1]))),
      most: Math.max(...parts.map((part) => Number(part[at + 2]))),
      weighted: weighted ? meanOf(parts, at + 3) : undefined,
    };
  });
  return { spreads: found, parts: parts.map((part) => part.slice(1 + entries.length)) };
}

function meanOf(parts: readonly (readonly unknown[])[], at: number): number {
  const n = parts.reduce((sum, part) => sum + Number(part[0]), 0);
  return parts.reduce((sum, part) => sum + (Number(part[0]) / n) * Number(part[at] ?? 0), 0);
}

/**
 * The shift a of a number: its mean as the nearest multiple of q = 2^⌊log₂(σ/4)⌋, so that x − a has no more digits than x
 * has beyond q, and is exact for nearly all doubles; the number itself where it is constant.
 */
export function dyadicShift({ n, mean, deviation, least, most }: Spread): number {
  if (n === 0) return 0;
  if (least === most) return least;
  const q = 2 ** Math.floor(Math.log2(deviation / 4));
  const a = q * Math.round(mean / q);
  return Number.isFinite(a) && q > 0 ? a : mean;
}
