// A formula of factors and interactions over 1,000,000 rows, goml against R (fread + lm + summary), in one run:
// `node bench/factors.js [--rows 1000000] [--rounds 5]`. The data are generated (seeded), the coefficients compared
// before anything is timed, the two run in turn, and ratios are taken round by round. Needs Rscript with data.table.
import { closeSync, existsSync, mkdirSync, openSync, writeSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { normal, uniform } from "./generate.js";
import { median, run } from "./run.js";

const { values: flags } = parseArgs({
  options: { rows: { type: "string", default: "1000000" }, rounds: { type: "string", default: "5" } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const rows = Number(flags.rows);

/** 38 coefficients: two factors of text, one of numbers, interactions with numbers, and functions. */
const FORMULA = "y ~ x1 * region + kind:x2 + factor(year) + I(x3^2) + log(x4) + region:x5";

/** Columns x1 … x5, region (8 levels), kind (5), year (10 numbers) and y. */
function generate(path) {
  const next = normal(1);
  const draw = uniform(2);
  const regions = ["east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];
  const kinds = ["barn", "flat", "house", "loft", "shed"];
  const fd = openSync(path, "w");
  let text = "x1,x2,x3,x4,x5,region,kind,year,y\n";
  for (let i = 0; i < rows; i++) {
    const [x1, x2, x3, x5] = [next(), next(), next(), next()].map((x) => Number((10 * x).toPrecision(6)));
    const x4 = Number((1 + 99 * draw()).toPrecision(6));
    const [r, k, t] = [8, 5, 10].map((count) => Math.floor(count * draw()));
    const y = 3 + 0.5 * x1 * (1 + r) + x2 * (k - 2) + 0.1 * x3 ** 2 + 2 * Math.log(x4) - x5 + t + 5 * next();
    text += `${x1},${x2},${x3},${x4},${x5},${regions[r]},${kinds[k]},${2000 + t},${Number(y.toPrecision(6))}\n`;
    if (text.length > 1 << 20) {
      writeSync(fd, text);
      text = "";
    }
  }
  writeSync(fd, text);
  closeSync(fd);
}

mkdirSync(here("data"), { recursive: true });
const path = here(`data/factors-${rows}.csv`);
if (!existsSync(path)) generate(path);
run(["cat", path]);

const goml = [
  process.execPath,
  here("../bin/goml.js"),
  "train",
  path,
  "--formula",
  FORMULA,
  "--json",
  "-m",
  here("data/factors.json"),
];
const lm = ["Rscript", here("peers/lm.R"), path, FORMULA];

const [ours, theirs] = [run(goml), run(lm)];
for (const { ok, stderr } of [ours, theirs]) if (!ok) throw new Error(stderr);
const document = JSON.parse(ours.stdout);
const expected = JSON.parse(theirs.stdout);
document.coefficients.forEach(({ term, estimate }, i) => {
  if (!(Math.abs(estimate - expected[i]) <= 1e-8 * Math.max(Math.abs(estimate), 1e-3)))
    throw new Error(`${term} is ${estimate} here and ${expected[i]} in R`);
});

const rounds = Array.from({ length: Number(flags.rounds) }, () => ({ goml: run(goml), lm: run(lm) }));
const ratio = (read) => median(rounds.map((round) => read(round.goml) / read(round.lm)));
const row = (name, runs) =>
  `${name.padEnd(24)} ${median(runs.map((r) => r.wall)).toFixed(2)} s wall  ` +
  `${median(runs.map((r) => r.cpu)).toFixed(2)} s CPU  ${median(runs.map((r) => r.memory)).toFixed(0)} MB\n`;
process.stdout.write(
  `${FORMULA}\n${rows} rows, ${expected.length} coefficients, solver ${document.model.solver}; ` +
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}\n\n` +
    row(
      "goml",
      rounds.map((round) => round.goml),
    ) +
    row(
      "R fread + lm + summary",
      rounds.map((round) => round.lm),
    ) +
    `ratio                    ${ratio((r) => r.wall).toFixed(3)} of the wall, ` +
    `${ratio((r) => r.memory).toFixed(3)} of the memory (medians of ${rounds.length} pairs)\n`,
);
