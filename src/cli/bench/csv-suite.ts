import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";
import { predictCsv } from "../../prediction/predict-csv.js";
import { fit } from "../../training/fit.js";
import { count } from "../render/numbers.js";
import { batchRows, csvText } from "./batches.js";
import { scratchFolder } from "./scratch-folder.js";
import type { BenchCase, BenchGroup, BenchSuite } from "./suite.js";

/**
 * Predicting from CSV to CSV, as `goml predict` does, threads started anew each time: what `--concurrent auto`
 * decides by.
 */
export const csvSuite: BenchSuite = ({ data, threads, quick }) => {
  const model = fit(data.X, data.y, { terms: data.terms, target: data.target });
  return batchRows(data, quick).map((rows): BenchGroup => {
    const name = `CSV ${count(rows)} ${rows === 1 ? "row" : "rows"}`;
    return {
      name,
      rows,
      values: rows * data.terms.length,
      async open() {
        const { folder, remove } = scratchFolder();
        const path = join(folder, "input.csv");
        const fd = openSync(path, "w");
        for (const text of csvText(data, rows)) writeSync(fd, text);
        closeSync(fd);
        const { weights } = model;
        const cases: BenchCase[] = [
          { name: "plain split", async: false, run: () => plainPredictCsv(path, weights, devNull) },
          {
            name: "serial",
            against: "plain split",
            async: true,
            run: () => predictCsv(model, path, { output: devNull, callerWorks: true }),
          },
          ...threads.map((n) => ({
            name: n === 1 ? "1 thread" : `${n} threads`,
            against: "serial",
            threads: n,
            async: true,
            run: () => predictCsv(model, path, { output: devNull, threads: n, callerWorks: true }),
          })),
        ];
        return {
          cases,
          bytes: statSync(path).size,
          async check() {
            const output = async (n: number) => {
              const file = join(folder, `${n}.csv`);
              await predictCsv(model, path, { output: file, threads: n, callerWorks: true });
              return readFileSync(file);
            };
            const serial = await output(0);
            for (const n of threads)
              if (!serial.equals(await output(n))) throw new Error(`${name}: serial and ${n} threads differ`);
          },
          async close() {
            remove();
          },
        };
      },
    };
  });
};

/** The same by `split` and `Number`, the way it is written in a hurry; no check, no quotes, columns by position. */
function plainPredictCsv(path: string, weights: Float64Array, output: string): void {
  const text = readFileSync(path, "utf8");
  const fd = openSync(output, "w");
  const k = weights.length - 1;
  let lines: string[] = ["prediction"];
  let from = text.indexOf("\n") + 1;
  while (from < text.length) {
    const end = text.indexOf("\n", from);
    const cells = text.slice(from, end).split(",");
    let sum = weights[0]!;
    for (let j = 0; j < k; j++) sum += Number(cells[j]) * weights[j + 1]!;
    lines.push(String(sum));
    if (lines.length === 10_000) {
      writeSync(fd, `${lines.join("\n")}\n`);
      lines = [];
    }
    from = end + 1;
  }
  writeSync(fd, `${lines.join("\n")}\n`);
  closeSync(fd);
}
