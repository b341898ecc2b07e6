// How often 95 % intervals under clustered covariances hold the true coefficient, where clusters are few and of different sizes:
//   node bench/coverage.js [--clusters 8] [--samples 2000] [--seed 1]
// y = 1 + 0 · x + 0 · d + cluster effect + noise; x varies within clusters and correlates there, d is the same within each.
// Build first. Seeded: the same figures every time.
import { parseArgs } from "node:util";
import { fit } from "../dist/index.js";

const { values } = parseArgs({
  options: {
    clusters: { type: "string", default: "8" },
    samples: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
  },
});
const [G, samples, seed] = [values.clusters, values.samples, values.seed].map(Number);

/** Mulberry32, and normal deviates by Box and Muller. */
function generator(start) {
  let state = start | 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

const kinds = [
  ["hc1", { vcov: "hc1" }],
  ["cluster (CR1, G − 1)", { vcov: "cluster" }],
  ["cr2, Satterthwaite", { vcov: "cr2" }],
  ["cr3, Satterthwaite", { vcov: "cr3" }],
  ["jackknife, G − 1", { vcov: "jackknife" }],
  ["wild bootstrap, rademacher", { vcov: "bootstrap", draw: "rademacher", draws: 999 }],
  ["wild bootstrap, webb", { vcov: "bootstrap", draw: "webb", draws: 999 }],
];
const normal = generator(seed);
const sizes = Array.from({ length: G }, (_, g) => 10 + 5 * (g % 5));
const held = kinds.map(() => [0, 0]);
for (let s = 0; s < samples; s++) {
  const [X, y, clusters] = [[], [], []];
  for (let g = 0; g < G; g++) {
    const [own, shared, d] = [normal(), normal(), normal()];
    for (let i = 0; i < sizes[g]; i++) {
      X.push([0.7 * shared + normal(), d]);
      y.push(1 + own + normal());
      clusters.push(g);
    }
  }
  kinds.forEach(([, how], k) => {
    const model = fit(X, y, { ...how, ...(how.vcov === "hc1" ? {} : { clusters }), solver: "normal" });
    const rows = model.summary(0.95).coefficients;
    for (const j of [0, 1]) if (rows[j + 1].lower <= 0 && rows[j + 1].upper >= 0) held[k][j]++;
  });
}
const percent = (n) => `${((100 * n) / samples).toFixed(1)} %`.padStart(8);
const error = 100 * Math.sqrt((0.95 * 0.05) / samples);
console.log(
  `${samples} samples of ${G} clusters; of 95 % these hold (one standard error is ${error.toFixed(1)} %):`,
);
console.log(`${"".padEnd(28)} ${"within".padStart(8)} ${"between".padStart(8)}`);
for (const [k, [name]] of kinds.entries())
  console.log(`${name.padEnd(28)} ${percent(held[k][0])} ${percent(held[k][1])}`);
