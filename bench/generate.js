// Writes seeded CSV files for the benchmarks: `node bench/generate.js ROWS FEATURES FILE [SEED]`.
// Columns x1 … xk and y = 1 + Σ (±1/j) xj + noise; six significant digits, about 8 bytes a cell.
import { closeSync, openSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Uniform numbers in [0, 1) from a seed: mulberry32. */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Standard normal numbers: Box and Muller, one of each pair. */
export function normal(seed) {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** Writes the file; rows are made in pieces, so that memory stays flat. */
export function generate(rows, features, file, seed = 1) {
  const next = normal(seed);
  const fd = openSync(file, "w");
  const names = Array.from({ length: features }, (_, j) => `x${j + 1}`);
  let text = `${[...names, "y"].join(",")}\n`;
  for (let i = 0; i < rows; i++) {
    let y = 1 + next();
    for (let j = 0; j < features; j++) {
      const x = Number((10 * next()).toPrecision(6));
      y += (((j & 1) === 0 ? 1 : -1) * x) / (j + 1);
      text += `${x},`;
    }
    text += `${Number(y.toPrecision(6))}\n`;
    if (text.length > 1 << 20) {
      writeSync(fd, text);
      text = "";
    }
  }
  writeSync(fd, text);
  closeSync(fd);
}

/** Writes a file of columns x1 … x5, region (8 levels), kind (5), year (10 numbers) and y. */
export function generateFactors(rows, path) {
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

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [rows, features, file, seed] = process.argv.slice(2);
  generate(Number(rows), Number(features), file, Number(seed ?? 1));
}
