// How often conformal and normal 90 % prediction intervals cover new rows whose errors are skewed and of unequal variance:
//   node bench/conformal.js [--rows 60] [--samples 200] [--seed 1]
// y = 1 + x + (0.3 + x) (E − 1), E exponential; each sample is fitted, and 200 new rows are predicted.
// Build first. Seeded: the same figures every time.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fitCsv, predictCsv } from "../dist/index.js";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "60" },
    samples: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
  },
});
const [n, samples, seed] = [values.rows, values.samples, values.seed].map(Number);

let state = seed | 0;
/** Mulberry32. */
function uniform() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

const NEW = 200;
const csv = (count) =>
  `x,y\n${Array.from({ length: count }, () => {
    const x = 2 * uniform();
    return `${x},${1 + x + (0.3 + x) * (-Math.log(1 - uniform()) - 1)}\n`;
  }).join("")}`;

const folder = mkdtempSync(join(tmpdir(), "goml-conformal-"));
const [train, fresh, output] = ["train.csv", "new.csv", "out.csv"].map((name) => join(folder, name));
const kinds = ["prediction", "split", "cv+", "jackknife+"];
const covered = Object.fromEntries(kinds.map((kind) => [kind, 0]));
const widths = Object.fromEntries(kinds.map((kind) => [kind, 0]));
try {
  for (let sample = 0; sample < samples; sample++) {
    writeFileSync(train, csv(n));
    const rows = csv(NEW);
    writeFileSync(fresh, rows);
    const y = rows
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => Number(line.split(",")[1]));
    for (const kind of kinds) {
      const conformal = kind === "prediction" ? undefined : kind;
      const { model } = await fitCsv(train, { conformal });
      const interval = kind === "prediction" ? "prediction" : "conformal";
      await predictCsv(model, fresh, { output, interval, level: 0.9 });
      const bounds = readFileSync(output, "utf8").trim().split("\n").slice(1);
      for (const [i, line] of bounds.entries()) {
        const [, lower, upper] = line.split(",").map(Number);
        if (lower <= y[i] && y[i] <= upper) covered[kind]++;
        widths[kind] += upper - lower;
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${samples} samples of ${n} rows, ${NEW} new rows each, level 0.9`);
for (const kind of kinds) {
  const share = ((100 * covered[kind]) / samples / NEW).toFixed(1);
  console.log(
    `${kind.padEnd(12)} covers ${share} %, mean width ${(widths[kind] / samples / NEW).toFixed(2)}`,
  );
}
