// goml as a library, in one process: `node bench/peers/goml_library.js fit` prints what a fit of data/boston.csv (506 × 13) takes beside
// ml-matrix's normal equation, and what the summary and double-double arithmetic (the default for so few rows) are of it; `predict ROWS COLUMNS` what predicting from a
// SharedArrayBuffer takes beside an ArrayBuffer. Medians in milliseconds, as JSON.
import { readFileSync } from "node:fs";
import { inverse, Matrix } from "ml-matrix";
import { fit } from "../../dist/index.js";
import { median } from "../../dist/stats/quantile.js";
import { normal } from "../generate.js";

/** Medians of ways to do the same, in turn. */
function times(ways, rounds, each = 1) {
  const all = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = -rounds; round < rounds; round++)
    for (const [name, way] of Object.entries(ways)) {
      const start = performance.now();
      for (let i = 0; i < each; i++) way();
      // The first half makes V8 compile what there is to compile.
      if (round >= 0) all[name].push((performance.now() - start) / each);
    }
  return Object.fromEntries(Object.entries(all).map(([name, list]) => [name, median(list)]));
}

function fits() {
  const lines = readFileSync(new URL("../../data/boston.csv", import.meta.url), "utf8")
    .trim()
    .split("\n");
  const rows = lines.slice(1).map((line) => line.split(",").map(Number));
  const columns = rows[0].length - 1;
  const X = Float64Array.from(rows.flatMap((row) => row.slice(0, columns)));
  const y = Float64Array.from(rows, (row) => row[columns]);
  const design = rows.map((row) => [1, ...row.slice(0, columns)]);
  const normalEquation = () => {
    const A = new Matrix(design);
    const At = A.transpose();
    return inverse(At.mmul(A)).mmul(At).mmul(Matrix.columnVector(y)).to1DArray();
  };
  const model = fit(X, y);
  const theirs = normalEquation();
  model.coefficients.forEach((b, i) => {
    if (Math.abs(b - theirs[i]) > 1e-6 * Math.abs(b)) throw new Error(`coefficient ${i}: ${b}, ${theirs[i]}`);
  });
  return times(
    {
      fit: () => fit(X, y),
      "fit in double": () => fit(X, y, { solver: "normal" }),
      "fit and summary": () => fit(X, y).summary(),
      "ml-matrix": normalEquation,
    },
    11,
    // So many that each pays for its own garbage.
    50,
  );
}

function predictions(rows, columns) {
  const next = normal(1);
  const X = Float64Array.from({ length: rows * columns }, next);
  const shared = new Float64Array(new SharedArrayBuffer(X.byteLength));
  shared.set(X);
  const y = Float64Array.from({ length: 1000 }, next);
  const model = fit(X.subarray(0, 1000 * columns), y);
  const out = new Float64Array(rows);
  return times(
    { ArrayBuffer: () => model.predict(X, out), SharedArrayBuffer: () => model.predict(shared, out) },
    21,
  );
}

const [what, ...size] = process.argv.slice(2);
console.log(JSON.stringify(what === "fit" ? fits() : predictions(...size.map(Number))));
