// A formula of factors and interactions over 1,000,000 rows, goml against R (fread + lm + summary), in one run:
// `node bench/factors.js [--rows 1000000] [--rounds 5]`. The data are generated (seeded), the coefficients compared
// before anything is timed, the two run in turn, and ratios are taken round by round. Needs Rscript with data.table.
import { existsSync, mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../dist/stats/quantile.js";
import { generateFactors } from "./generate.js";
import { run } from "./run.js";

const { values: flags } = parseArgs({
  options: { rows: { type: "string", default: "1000000" }, rounds: { type: "string", default: "5" } },
});
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const rows = Number(flags.rows);

/** 38 coefficients: two factors of text, one of numbers, interactions with numbers, and functions. */
const FORMULA = "y ~ x1 * region + kind:x2 + factor(year) + I(x3^2) + log(x4) + region:x5";

mkdirSync(here("data"), { recursive: true });
const path = here(`data/factors-${rows}.csv`);
if (!existsSync(path)) generateFactors(rows, path);
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
