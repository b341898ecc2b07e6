// The two CSV lanes on one generated file: `node bench/lanes.js [ROWS]`. Both must give the same sums first.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSource } from "../dist/csv/open-source.js";
import { readColumns } from "../dist/csv/read-columns.js";
import { readTable } from "../dist/csv/table.js";
import { median } from "../dist/stats/quantile.js";
import { generate } from "./generate.js";

const rows = Number(process.argv[2] ?? 200_000);
const folder = mkdtempSync(join(tmpdir(), "goml-lanes-"));
const path = join(folder, "data.csv");
generate(rows, 13, path, 1);
const { size } = statSync(path);

async function read(lane) {
  const source = await openSource(path);
  const table = await readTable(source);
  const numeric = table.columns.map((_, j) => j);
  const start = performance.now();
  let sum = 0;
  for await (const block of readColumns(table, { numeric, factors: [] }, { lane }))
    for (const column of block.numeric) for (const x of column) sum += x;
  const ms = performance.now() - start;
  await source.close();
  return { sum, ms };
}

try {
  const times = { fast: [], reference: [] };
  for (let round = 0; round < 5; round++) {
    const sums = [];
    for (const lane of ["fast", "reference"]) {
      const { sum, ms } = await read(lane);
      sums.push(sum);
      times[lane].push(ms);
    }
    if (sums[0] !== sums[1]) throw new Error(`the lanes disagree: ${sums.join(" and ")}`);
  }
  const [fast, reference] = [median(times.fast), median(times.reference)];
  for (const [name, ms] of [
    ["fast lane", fast],
    ["csv-parse lane", reference],
  ])
    console.log(`${name.padEnd(16)}${(size / 1e3 / ms).toFixed(0).padStart(6)} MB/s`);
  console.log(
    `${rows.toLocaleString("en-US")} × 14, one thread: the fast lane is ${(reference / fast).toFixed(0)} times as fast`,
  );
} finally {
  rmSync(folder, { recursive: true });
}
