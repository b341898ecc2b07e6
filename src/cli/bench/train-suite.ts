import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Matrix, solve } from "ml-matrix";
import { fit } from "../../training/fit.js";
import { fitCsv } from "../../training/fit-csv.js";
import { count } from "../render/numbers.js";
import { csvText, repeatRows } from "./batches.js";
import { scratchFolder } from "./scratch-folder.js";
import type { BenchContext, BenchGroup, BenchSuite } from "./suite.js";

/** Rows of the data repeated to about this many values, beside the data as they are. */
const LARGE_VALUES = 1_000_000;

/** Training, in memory and from a CSV, against the normal equation by ml-matrix. */
export const trainSuite: BenchSuite = (context) => {
  const { data, quick } = context;
  const large = Math.round(LARGE_VALUES / data.terms.length);
  const sizes = quick || large <= data.rows ? [data.rows] : [data.rows, large];
  return sizes.map((rows) => trainGroup(context, rows));
};

function trainGroup({ data }: BenchContext, rows: number): BenchGroup {
  return {
    name: `train ${count(rows)} rows`,
    rows,
    values: rows * data.terms.length,
    async open() {
      const { X, y } = repeatRows(data, rows);
      const k = data.terms.length;
      const design = new Matrix(rows, k + 1);
      for (let i = 0; i < rows; i++) {
        design.set(i, 0, 1);
        for (let j = 0; j < k; j++) design.set(i, j + 1, X[i * k + j]!);
      }
      const target = Matrix.columnVector(y);
      const { folder, remove } = scratchFolder();
      const path = join(folder, "input.csv");
      const fd = openSync(path, "w");
      for (const text of csvText(data, rows)) writeSync(fd, text);
      closeSync(fd);
      return {
        bytes: statSync(path).size,
        cases: [
          { name: "ml-matrix", async: false, run: () => normalEquation(design, target) },
          { name: "in memory", against: "ml-matrix", async: false, run: () => fit(X, y) },
          {
            name: "from CSV",
            against: "ml-matrix",
            async: true,
            run: () => fitCsv(path, { callerWorks: true }),
          },
        ],
        async check() {
          const { coefficients } = fit(X, y);
          const { model } = await fitCsv(path);
          const at = coefficients.findIndex((value, i) => {
            const other = model.coefficients[i]!;
            // In memory and from a file rows fall into different blocks: the sums differ in their last bits.
            return Math.abs(value - other) > 1e-9 * Math.abs(value) + 1e-12;
          });
          if (at >= 0) throw new Error(`train ${rows} rows: coefficient ${at} differs from the one from CSV`);
        },
        async close() {
          remove();
        },
      };
    },
  };
}

/** θ = (XᵀX)⁻¹Xᵀy in plain double precision, as ml-matrix has it. */
function normalEquation(X: Matrix, y: Matrix): Matrix | undefined {
  const transposed = X.transpose();
  try {
    return solve(transposed.mmul(X), transposed.mmul(y));
  } catch {
    // Singular: the work was done, and it is only the yardstick.
    return undefined;
  }
}
