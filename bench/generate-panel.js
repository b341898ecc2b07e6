// Writes a seeded panel for the benchmarks: rows of numbers x1 … xk, levels of factors g1 … gm, and y.
import { closeSync, openSync, writeSync } from "node:fs";
import { uniform } from "./generate.js";

/** Writes the file: every factor's levels are drawn alike, and y depends on all. */
export function generatePanel(rows, features, levels, file, seed = 1) {
  const next = uniform(seed);
  const fd = openSync(file, "w");
  const names = [
    ...Array.from({ length: features }, (_, j) => `x${j + 1}`),
    ...levels.map((_, f) => `g${f + 1}`),
  ];
  let text = `${[...names, "y"].join(",")}\n`;
  for (let i = 0; i < rows; i++) {
    const codes = levels.map((size) => Math.floor(size * next()));
    let y = next();
    codes.forEach((code, f) => {
      y += Math.sin(code + f);
    });
    for (let j = 0; j < features; j++) {
      const x = next() + (codes[j % codes.length] ?? 0) / (levels[j % levels.length] ?? 1);
      y += ((j & 1) === 0 ? x : -x) / (j + 1);
      text += `${x.toFixed(5)},`;
    }
    codes.forEach((code, f) => {
      text += `${"abc"[f % 3]}${code},`;
    });
    text += `${y.toFixed(5)}\n`;
    if (text.length > 1 << 20) {
      writeSync(fd, text);
      text = "";
    }
  }
  writeSync(fd, text);
  closeSync(fd);
}
