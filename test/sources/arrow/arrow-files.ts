import { writeFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  Bool,
  type DataType,
  DateDay,
  Dictionary,
  Float64,
  Int8,
  Int32,
  Table,
  TimestampMillisecond,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { manyKinds } from "../duckdb.js";

const TYPES: Record<string, DataType> = {
  i: new Int32(),
  tiny: new Int8(),
  epoch: new Float64(),
  gap: new Float64(),
  hole: new Float64(),
  price: new Float64(),
  color: new Dictionary(new Utf8(), new Int32()),
  group: new Utf8(),
  flag: new Bool(),
  same: new Int32(),
  day: new DateDay(),
  moment: new TimestampMillisecond(),
  w: new Float64(),
  y: new Float64(),
};

/** The rows of `manyKinds`, which are the same each time, as columns of Arrow's own implementation. */
export async function arrowTable(rows: number): Promise<Table> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    for (const statement of ["SET threads = 1", "SELECT setseed(0.25)", manyKinds(rows)])
      await connection.run(statement);
    const read = await connection.runAndReadAll(
      `SELECT * REPLACE (price::DOUBLE AS price, epoch_ms(day)::DOUBLE AS day, epoch_ms(moment)::DOUBLE AS moment) FROM t`,
    );
    const columns = read.getColumnsJS();
    return new Table(
      Object.fromEntries(
        read.columnNames().map((name, j) => {
          const type = TYPES[name]!;
          const values =
            type instanceof DateDay ? columns[j]!.map((ms) => new Date(ms as number)) : columns[j]!;
          return [name, vectorFromArray(values as unknown[], type)];
        }),
      ),
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Writes columns of a table as an Arrow file, or a stream, in batches of so many rows. */
export function writeArrow(
  path: string,
  table: Table,
  batchRows: number,
  options: { columns?: readonly string[]; from?: number; to?: number; form?: "file" | "stream" } = {},
): void {
  const { columns, from = 0, to = table.numRows, form = "file" } = options;
  const chosen = columns === undefined ? table : table.select([...columns]);
  const batches = [];
  for (let at = from; at < to; at += batchRows)
    batches.push(...chosen.slice(at, Math.min(to, at + batchRows)).batches);
  writeFileSync(path, tableToIPC(new Table(chosen.schema, batches), form));
}
