// What instruments cost beside least squares: `node bench/instruments.js [--rounds 5]`.
//
// 1,000,000 generated rows (seeded) of y, one endogenous and three exogenous numbers and two instruments; whole processes, one
// after the other in each round, ratios round by round, since shared machines drift. Least squares is of the structural terms, as
// trained by default (10 folds), and without folds, for there are none with instruments. Build first.
import { closeSync, existsSync, mkdirSync, openSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { againstFirst } from "./against-first.js";
import { uniform } from "./generate.js";
import { run } from "./run.js";

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
mkdirSync(here("data"), { recursive: true });
const path = here("data/instruments-1000000.csv");
if (!existsSync(path)) generate(path);
run(["cat", path]);
const train = (formula, ...more) => [
  process.execPath,
  here("../bin/goml.js"),
  "train",
  path,
  "-q",
  "-m",
  here("data/instruments-model.json"),
  "--formula",
  formula,
  ...more,
];
const structural = "y ~ x + w1 + w2 + w3";
const equation = "y ~ w1 + w2 + w3 | 0 | x ~ z1 + z2";
const cases = [
  ["least squares", train(structural)],
  ["least squares, no folds", train(structural, "--folds", "1")],
  ["2SLS", train(equation)],
  ["LIML", train(equation, "--iv", "liml")],
  ["2SLS, hc1", train(equation, "--vcov", "hc1")],
  ["two-step GMM", train(equation, "--iv", "gmm")],
];
againstFirst(cases, Number(flags.rounds), "1,000,000 rows");

/** Writes the rows: x is moved by the instruments and by what also moves y. */
function generate(file) {
  const next = uniform(1);
  const fd = openSync(file, "w");
  let text = "y,x,w1,w2,w3,z1,z2\n";
  for (let i = 0; i < 1_000_000; i++) {
    const [w1, w2, w3, z1, z2, u] = Array.from({ length: 6 }, next);
    const x = z1 + z2 / 2 + w1 / 3 + u + next();
    const y = 1 + x - w1 + w2 / 2 + w3 + 2 * u + next();
    text += `${[y, x, w1, w2, w3, z1, z2].map((value) => value.toFixed(5)).join()}\n`;
    if (text.length > 1 << 20) {
      writeSync(fd, text);
      text = "";
    }
  }
  writeSync(fd, text);
  closeSync(fd);
}
