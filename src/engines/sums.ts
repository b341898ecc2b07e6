import type { DatabaseValue } from "../sources/database/rowset.js";
import type { Asked } from "./asked.js";
import type { SqlDialect } from "./dialect.js";
import { completeSql, type RowSql } from "./row-sql.js";

/** The integers of the exact rung: round((x − a) 2^s), of at most `bits` bits; one s for each number. */
export interface IntegerScale {
  readonly bits: number;
  readonly scales: readonly number[];
}

/** What to sum up in each cell. */
export interface SumChoice {
  /** The factors whose levels make a cell, by index. */
  readonly factors: readonly number[];
  /** The numbers that are summed up, by index. */
  readonly columns: readonly number[];
  /** The products, by the indices of their numbers. */
  readonly pairs: readonly (readonly [number, number])[];
  /** The shift of each number. */
  readonly shifts: readonly number[];
  /** Where the sums are to be exact. */
  readonly integers?: IntegerScale | undefined;
}

/** A row of the answer: the sums over one cell of one leaf. */
export interface CellSums {
  /** As the database has it; null where there are no groups. */
  readonly group: DatabaseValue;
  readonly fold: number;
  /** Levels as the database has them. */
  readonly levels: readonly DatabaseValue[];
  /** Rows, and those of positive weight. */
  readonly rows: number;
  readonly n: number;
  readonly weight: DatabaseValue;
  readonly logWeight: number;
  /** Σ w (x − a), per column, and Σ w (x − a)(z − b), per pair. */
  readonly b: readonly DatabaseValue[];
  readonly c: readonly DatabaseValue[];
}

/** What is summed up, with shifts and scales in SQL. */
export interface SumTexts extends Pick<SumChoice, "factors" | "columns" | "pairs"> {
  /** The shift of a number; undefined where it is 0. */
  shift(i: number): string | undefined;
  /** Where the sums are to be exact: what x − a is multiplied by, and how many bits a product may have. */
  readonly integers?: { readonly bits: number; scale(i: number): string } | undefined;
}

/** The second pass as a query over a leaf, and what its rows mean. */
export interface CellQuery {
  /** Expressions over a row, each with a name: SELECT these FROM the rows. */
  readonly inner: readonly string[];
  /** The names of those that a cell's rows have in common. */
  readonly keys: readonly string[];
  /** Aggregates over a cell's rows, of which the first `common` are the numbers of rows and weights, and the first moments. */
  readonly entries: readonly string[];
  readonly common: number;
  /** The sums of a row of the answer: keys, then entries; undefined where there are no rows. */
  read(values: readonly DatabaseValue[]): CellSums | undefined;
}

/** Writes the second pass: sums of shifted products per fold and levels. */
export function cellQuery(dialect: SqlDialect, row: RowSql, texts: SumTexts): CellQuery {
  const { factors, columns, pairs, shift, integers } = texts;
  const weighted = row.weight !== undefined;
  const inner: string[] = [];
  const keys: string[] = [];
  if (row.group !== undefined) {
    inner.push(`${row.group.sql} AS goml_group`);
    keys.push("goml_group");
  }
  if (row.fold !== undefined) {
    inner.push(`${row.fold} AS goml_fold`);
    keys.push("goml_fold");
  }
  for (const f of factors) {
    inner.push(`${row.keys[f]!.sql} AS goml_k${f}`);
    keys.push(`goml_k${f}`);
  }
  if (weighted) inner.push(`${row.weight} AS goml_w`);
  for (const i of columns) {
    const a = shift(i);
    const difference = a === undefined ? `(${row.values[i]})` : `(${row.values[i]} - ${a})`;
    if (integers === undefined) {
      inner.push(`${difference} AS goml_d${i}`);
      if (weighted) inner.push(`${row.weight} * ${difference} AS goml_wd${i}`);
      continue;
    }
    const scaled = `round(${difference} * ${integers.scale(i)})`;
    inner.push(`${dialect.integer(scaled)} AS goml_d${i}`);
    // Of weights that are whole numbers the product with an integer is one.
    if (weighted) inner.push(`${dialect.integer(row.weight!)} * ${dialect.integer(scaled)} AS goml_wd${i}`);
  }
  const times = weighted ? "goml_wd" : "goml_d";
  const product = (i: number, j: number) =>
    integers === undefined
      ? `${times}${i} * goml_d${j}`
      : dialect.integerProduct!(`${times}${i}`, `goml_d${j}`, integers.bits);
  const weight =
    integers === undefined ? dialect.sum("goml_w") : `sum(${dialect.wide(dialect.integer("goml_w"))})`;
  const sums = [
    "count(*)",
    ...(weighted
      ? [
          "sum(CASE WHEN goml_w > 0e0 THEN 1 ELSE 0 END)",
          weight,
          dialect.sum("CASE WHEN goml_w > 0e0 THEN ln(goml_w) ELSE 0e0 END"),
        ]
      : []),
  ];
  const entries = [
    ...sums,
    ...columns.map((i) =>
      integers === undefined ? dialect.sum(`${times}${i}`) : `sum(${dialect.wide(`${times}${i}`)})`,
    ),
    ...pairs.map(([i, j]) => (integers === undefined ? dialect.sum(product(i, j)) : `sum(${product(i, j)})`)),
  ];
  const grouped = row.group === undefined ? 0 : 1;
  const folded = row.fold === undefined ? 0 : 1;
  return {
    inner,
    keys,
    entries,
    common: sums.length + columns.length,
    read(values) {
      const at = keys.length;
      const count = Number(values[at]);
      if (count === 0) return undefined;
      const behind = at + sums.length;
      return {
        group: grouped === 1 ? values[0]! : null,
        fold: folded === 1 ? Number(values[grouped]) : 0,
        levels: values.slice(grouped + folded, at),
        rows: count,
        n: weighted ? Number(values[at + 1]) : count,
        weight: weighted ? values[at + 2]! : values[at]!,
        logWeight: weighted ? Number(values[at + 3]) : 0,
        b: values.slice(behind, behind + columns.length),
        c: values.slice(behind + columns.length),
      };
    },
  };
}

/** The second pass: sums of shifted products per leaf, fold and levels. */
export async function cellSums(asked: Asked, row: RowSql, choice: SumChoice): Promise<CellSums[]> {
  const { dialect } = asked;
  const { shifts, integers } = choice;
  const { inner, keys, entries, common, read } = cellQuery(dialect, row, {
    ...choice,
    shift: (i) => (shifts[i] === 0 ? undefined : dialect.literal(shifts[i]!)),
    integers: integers && {
      bits: integers.bits,
      scale: (i) => dialect.literal(2 ** integers.scales[i]!),
    },
  });
  const group = keys.length === 0 ? "" : `\nGROUP BY ${keys.join(", ")}`;
  const select = inner.length === 0 ? "1 AS goml_one" : inner.join(",\n  ");
  const from = (source: string) =>
    `FROM (SELECT ${select}\n FROM ${source}\n WHERE ${completeSql(row)}) AS shifted${group}`;
  const rows = await asked.sums(entries, from, keys, common);
  return rows.map(read).filter((sums) => sums !== undefined);
}
