// The kernels against their TypeScript twins, paired: each round runs both, the figure is the best round.
// node bench/kernels.js, after npm run build. Numbers come from a seeded generator.
import { cpus } from "node:os";
import { BLOCK_ROWS } from "../dist/kernels/block-rows.js";
import { ExtendedAccumulator } from "../dist/kernels/extended.js";
import { LinearPredictor } from "../dist/kernels/gemv.js";
import { Kernels } from "../dist/kernels/kernels.js";
import { LevelTable } from "../dist/kernels/levels.js";
import { MomentsAccumulator } from "../dist/kernels/moments.js";
import { NumberWriter } from "../dist/kernels/number-writer.js";
import { countRows } from "../dist/kernels/reference/count.js";
import { predictRows } from "../dist/kernels/reference/gemv.js";
import { readRows } from "../dist/kernels/reference/rows.js";
import { RowParser, Stop } from "../dist/kernels/rows.js";
import { ExtendedMoments } from "../dist/stats/extended-moments.js";
import { Moments } from "../dist/stats/moments.js";

const SEED = 20240607;
const ROUNDS = 9;
const kernels = new Kernels();
console.log(`${cpus()[0].model}, Node ${process.version}, seed ${SEED}, best of ${ROUNDS} rounds\n`);

function generator(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = generator(SEED);

const seconds = (run) => {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start) / 1e9;
};

/** Prints what `work` units per second the kernel and its twin do; `less` divides the twin's work. */
function compare(name, unit, work, kernel, twin, twinWork = work) {
  let best = Infinity;
  let bestTwin = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    best = Math.min(best, seconds(kernel));
    bestTwin = Math.min(bestTwin, seconds(twin));
  }
  const rate = work / best;
  const twinRate = twinWork / bestTwin;
  const [a, b, c] = [rate.toFixed(2), twinRate.toFixed(3), (rate / twinRate).toFixed(1)];
  console.log(`${name.padEnd(44)} ${a.padStart(8)} ${unit.padEnd(10)} twin ${b.padStart(8)}   × ${c}`);
}

function placed(text) {
  const data = Buffer.from(text);
  const at = kernels.alloc(data.length + 80) + 16;
  kernels.bytes[at - 1] = 0x0a;
  kernels.bytes.set(data, at);
  kernels.bytes.fill(0, at + data.length, at + data.length + 64);
  return { at, data };
}

function parse(name, columns, rows, cell) {
  const lines = Array.from({ length: rows }, () => Array.from({ length: columns }, cell).join(","));
  const text = `${lines.join("\n")}\n`;
  const { at, data } = placed(text);
  const block = kernels.allocBlock(columns);
  const uses = Array.from({ length: columns }, (_, slot) => ({ read: "number", slot }));
  const parser = new RowParser(kernels, { columns: uses });
  const end = at + data.length;
  const part = text.slice(0, text.indexOf("\n", text.length >> 4) + 1);
  compare(
    `parse ${name}`,
    "GB/s",
    data.length / 1e9,
    () => {
      let from = at;
      while (parser.parse(block, from, end, end, true) === Stop.Full) from = parser.next;
    },
    () => readRows(part),
    part.length / 1e9,
  );
  return { at, data };
}

const short = parse("14 columns of 4 decimals", 14, 40000, () => (random() * 200 - 100).toFixed(4));
parse("14 columns of integers", 14, 60000, () => String(Math.floor(random() * 10000)));
parse("14 columns of full doubles", 14, 20000, () => String(random() * 200 - 100));
parse("14 columns of 18 digits and an exponent", 14, 20000, () => (random() * 200 - 100).toExponential(18));

const countTwin = short.data.subarray(0, short.data.length >> 4);
compare(
  "countRows",
  "GB/s",
  short.data.length / 1e9,
  () => kernels.countRows(short.at, short.data.length),
  () => countRows(countTwin, 0, countTwin.length),
  countTwin.length / 1e9,
);

for (const levels of [10, 10000]) {
  const names = Array.from({ length: 100000 }, () => `level ${Math.floor(random() * levels)}`);
  const { at } = placed(names.join(""));
  const cells = kernels.alloc(8 * names.length);
  const codes = kernels.alloc(4 * names.length);
  let place = at;
  for (const [r, name] of names.entries()) {
    kernels.ints.set([place, name.length], cells / 4 + 2 * r);
    place += name.length;
  }
  compare(
    `internCells, ${levels} levels`,
    "Mcells/s",
    names.length / 1e6,
    () => new LevelTable(kernels).intern(cells, 0, names.length, codes),
    () => {
      const table = new Map();
      for (let r = 0; r < names.length; r++) {
        const [from, length] = kernels.ints.subarray(cells / 4 + 2 * r, cells / 4 + 2 * r + 2);
        const name = Buffer.from(kernels.bytes.buffer, from, length).latin1Slice();
        if (!table.has(name)) table.set(name, table.size);
      }
    },
  );
}

for (const p of [14, 100, 1000]) {
  const values = Float64Array.from({ length: p * BLOCK_ROWS }, () => random() * 10);
  const block = kernels.allocBlock(p);
  const flops = (BLOCK_ROWS * p * (p + 1)) / 1e9;
  const repeat = Math.ceil(0.1 / flops);
  const twinRepeat = Math.ceil(repeat / 10);
  const names = Array.from({ length: p }, (_, j) => `x${j}`);
  const run = (accumulator) => {
    kernels.doubles.set(values, block / 8);
    accumulator.add(block, BLOCK_ROWS);
  };
  const moments = new MomentsAccumulator(kernels, p);
  const twin = Moments.empty(names);
  compare(
    `moments of 128 × ${p}`,
    "GFlop/s",
    flops * repeat,
    () => {
      for (let i = 0; i < repeat; i++) run(moments);
    },
    () => {
      for (let i = 0; i < twinRepeat; i++) twin.updateBlock(values, BLOCK_ROWS, BLOCK_ROWS);
    },
    flops * twinRepeat,
  );
  if (p > 100) continue;
  const extended = new ExtendedAccumulator(kernels, p);
  const extendedTwin = ExtendedMoments.empty(names);
  compare(
    `double-double moments of 128 × ${p}`,
    "GFlop/s",
    flops * twinRepeat,
    () => {
      for (let i = 0; i < twinRepeat; i++) run(extended);
    },
    () => extendedTwin.updateBlock(values, undefined, BLOCK_ROWS, BLOCK_ROWS),
    flops,
  );
}

for (const shared of [false, true]) {
  const [n, p] = [1000000, 13];
  const X = new Float64Array(shared ? new SharedArrayBuffer(8 * n * p) : n * p);
  for (let i = 0; i < X.length; i++) X[i] = random();
  const theta = Float64Array.from({ length: p }, () => random() - 0.5);
  const out = new Float64Array(n);
  const predictor = new LinearPredictor(kernels, theta, 1);
  compare(
    `predict 1,000,000 × 13${shared ? ", shared memory" : ""}`,
    "Mrows/s",
    n / 1e6,
    () => predictor.rows(X, out),
    () => predictRows(X, theta, 1, out),
  );
}

for (const [name, number] of [
  ["full doubles", () => random() * 100],
  ["2 decimals", () => Math.round(random() * 10000) / 100],
  ["integers", () => Math.floor(random() * 1e6)],
]) {
  const values = Float64Array.from({ length: 50000 }, number);
  const at = kernels.alloc(8 * values.length);
  kernels.doubles.set(values, at / 8);
  const writer = new NumberWriter(kernels);
  compare(
    `write ${name}, against String(x)`,
    "Mnumbers/s",
    values.length / 1e6,
    () => {
      for (let i = 0; i < values.length; i += BLOCK_ROWS)
        writer.rows(at + 8 * i, Math.min(BLOCK_ROWS, values.length - i));
    },
    () => {
      // A fresh sum each time, as the engine remembers the strings of numbers it has just written.
      const step = random() * 1e-9;
      let text = "";
      for (let i = 0; i < values.length; i++) text += `${values[i] + step}\n`;
      Buffer.from(text, "latin1");
    },
  );
}
