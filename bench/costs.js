// What each part of a model's specification costs: CPU and wall of `goml train` on 1,000,000 rows, against the plain
// numeric fit in the same round: `node bench/costs.js [--rows 1000000] [--rounds 5]`.
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { againstFirst } from "./against-first.js";
import { generateFactors } from "./generate.js";
import { run } from "./run.js";

const { values: flags } = parseArgs({
  options: { rows: { type: "string", default: "1000000" }, rounds: { type: "string", default: "5" } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const rows = Number(flags.rows);
mkdirSync(here("data"), { recursive: true });
const path = here(`data/factors-${rows}.csv`);
if (!existsSync(path)) generateFactors(rows, path);
run(["cat", path]);

const plain = ["-f", "x1,x2,x3,x4,x5"];
const cases = [
  ["five numeric columns, 10 folds", plain],
  ["without folds", [...plain, "--folds", "1"]],
  ["with 50 folds", [...plain, "--folds", "50"]],
  ["with weights", ["-f", "x1,x2,x3,x5", "--weights", "x4"]],
  ["as a formula with two functions", ["--formula", "y ~ x1 + x2 + I(x3^2) + log(x4) + x5"]],
  ["with a polynomial of degree 4", ["--formula", "y ~ x1 + x2 + poly(x3, 4, raw = TRUE) + x4 + x5"]],
  ["with a text factor of 8 levels", ["-f", "x1,x2,x3,x4,x5,region"]],
  ["with a numeric factor of 10 levels", ["--formula", "y ~ x1 + x2 + x3 + x4 + x5 + C(year)"]],
  ["with an interaction of 8 levels", ["--formula", "y ~ x1 * region + x2 + x3 + x4 + x5"]],
  ["by 8 groups", [...plain, "--group-by", "region"]],
  ["with ridge, λ by cross-validation", [...plain, "--lambda", "path"]],
  ["in double-double", [...plain, "--solver", "extended"]],
].map(([name, options]) => [
  name,
  [process.execPath, here("../bin/goml.js"), "train", path, "-q", "-m", here("data/costs.json"), ...options],
]);

againstFirst(cases, Number(flags.rounds), `${rows} rows`);
