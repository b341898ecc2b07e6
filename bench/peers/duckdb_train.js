// DuckDB: all pairs of covar_pop and all means in one SQL query over the CSV; the small system is solved after it.
import { DuckDBInstance } from "@duckdb/node-api";
import { Matrix, solve } from "ml-matrix";

const file = process.argv[2];
const connection = await (await DuckDBInstance.create()).connect();
const columns = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_csv('${file}')`))
  .getRows()
  .map((row) => row[0]);
const pairs = columns.flatMap((a, i) => columns.slice(i).map((b) => `covar_pop(${a}, ${b})`));
const means = columns.map((name) => `avg(${name})`);
const query = `SELECT ${[...pairs, ...means].join(", ")} FROM read_csv('${file}')`;
const row = (await connection.runAndReadAll(query)).getRows()[0].map(Number);
const p = columns.length;
const C = Matrix.zeros(p, p);
for (let i = 0, at = 0; i < p; i++)
  for (let j = i; j < p; j++, at++) {
    C.set(i, j, row[at]);
    C.set(j, i, row[at]);
  }
const mean = row.slice(pairs.length);
const slopes = solve(C.subMatrix(0, p - 2, 0, p - 2), C.subMatrix(0, p - 2, p - 1, p - 1)).to1DArray();
const intercept = mean[p - 1] - slopes.reduce((sum, b, j) => sum + b * mean[j], 0);
console.log(JSON.stringify([intercept, ...slopes]));
