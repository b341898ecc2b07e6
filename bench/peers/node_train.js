// The plain Node way: csv-parse reads, ml-matrix solves the normal equation.
import { createReadStream } from "node:fs";
import { parse } from "csv-parse";
import { Matrix, solve } from "ml-matrix";

const rows = [];
const parser = createReadStream(process.argv[2]).pipe(parse({ from_line: 2, cast: Number }));
for await (const row of parser) rows.push(row);
const p = rows[0].length;
const X = new Matrix(rows.map((row) => [1, ...row.slice(0, -1)]));
const y = Matrix.columnVector(rows.map((row) => row[p - 1]));
const Xt = X.transpose();
console.log(JSON.stringify(solve(Xt.mmul(X), Xt.mmul(y)).to1DArray()));
