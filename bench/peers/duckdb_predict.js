// DuckDB: COPY of the model's expression, CSV to CSV.
import { readFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";

const [file, coefficients, output] = process.argv.slice(2);
const [intercept, ...slopes] = JSON.parse(readFileSync(coefficients, "utf8"));
const connection = await (await DuckDBInstance.create()).connect();
const sum = slopes.map((b, j) => `${b}::DOUBLE * x${j + 1}`).join(" + ");
await connection.run(
  `COPY (SELECT ${intercept}::DOUBLE + ${sum} AS prediction FROM read_csv('${file}')) TO '${output}' (HEADER)`,
);
