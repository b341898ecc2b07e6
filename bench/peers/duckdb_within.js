// Cross-products about two factors' effects in SQL: `node duckdb_within.js FILE FEATURES`. Columns are demeaned by one
// factor and the other in turn (Gaure 2013) until the means have vanished, then summed up; prints the coefficients.
import { DuckDBInstance } from "@duckdb/node-api";
import { CholeskyDecomposition, Matrix } from "ml-matrix";

const [file, features] = process.argv.slice(2);
const xs = Array.from({ length: Number(features) }, (_, j) => `x${j + 1}`);
const columns = [...xs, "y"];
const db = await (await DuckDBInstance.create(":memory:")).connect();
const path = file.replaceAll("'", "''");
await db.run(
  `CREATE TABLE t AS SELECT g1, g2, ${columns.map((c) => `${c}::DOUBLE AS ${c}`).join(", ")} FROM read_csv('${path}')`,
);
for (let round = 0; round < 20; round++) {
  let left = 0;
  for (const g of ["g1", "g2"]) {
    const means = columns.map((c) => `avg(${c}) AS m_${c}`).join(", ");
    await db.run(`CREATE OR REPLACE TEMP TABLE m AS SELECT ${g}, ${means} FROM t GROUP BY ${g}`);
    const rest = columns.map((c) => `${c} - m_${c} AS ${c}`).join(", ");
    await db.run(`CREATE OR REPLACE TABLE t AS SELECT g1, g2, ${rest} FROM t JOIN m USING (${g})`);
    const reader = await db.runAndReadAll(
      `SELECT ${columns.map((c) => `max(abs(m_${c}))`).join(", ")} FROM m`,
    );
    left = Math.max(...reader.getRows()[0].map(Number));
  }
  if (left < 1e-9) break;
}
const pairs = columns.flatMap((a, i) => columns.slice(0, i + 1).map((b) => `sum(${a} * ${b})`));
const sums = (await db.runAndReadAll(`SELECT ${pairs.join(", ")} FROM t`)).getRows()[0].map(Number);
const product = (i, j) => (i >= j ? sums[(i * (i + 1)) / 2 + j] : product(j, i));
const k = xs.length;
const A = new Matrix(xs.map((_, i) => xs.map((__, j) => product(i, j))));
const b = Matrix.columnVector(xs.map((_, i) => product(k, i)));
process.stdout.write(JSON.stringify(new CholeskyDecomposition(A).solve(b).to1DArray()));
