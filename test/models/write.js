// Writes the frozen model files of one version of the format:
//
//   node test/models/write.js data         the data, test/models/data/*.csv
//   node test/models/write.js v1 [folder]  the models, test/models/v1/*.json, by the build in that folder, and what
//                                          they gave when they were new: predicted/*.csv, inspected/*.json beside
//
// v1 is schema 1 as goml 0.1.0 wrote it at commit a9accc0, v2 schema 2 before version 0.2: factors by their cells, effects
// absorbed, groups side by side, numbered shards, penalties with limits. v2b is schema 2 with what came to it before that
// version: contrasts, bases, offsets, kinds of weights, instruments, conformal intervals, what robust errors are made of,
// clusters' shares, draws, decay, sources that were forgotten. They must load for ever and predict the same
// bytes, so they are never written again: the script refuses. A later schema gets a list of commands of its own, and a
// folder.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));

/** Uniform numbers in [0, 1) from a seed: mulberry32. */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const quoted = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function writeCsv(name, columns, rows) {
  const lines = [columns, ...rows].map((row) => row.map((cell) => quoted(String(cell))).join(","));
  writeFileSync(`data/${name}.csv`, `${lines.join("\n")}\n`);
}

/**
 * Rows of a panel: numbers, a text factor, a numeric factor, firms to cluster by, weights; some cells missing. `far`
 * has one region of two rows, too few for a model of its own.
 */
function panelRows(count, seed, regions) {
  const next = uniform(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Array.from({ length: count }, (_, i) => {
    const region = i === 17 || i === 40 ? "far" : regions[Math.floor(next() * regions.length)];
    const grade = [1, 2.5, -3, 10][Math.floor(next() * 4)];
    const firm = `f${Math.floor(next() * 11)}`;
    const [x1, x2, z] = [normal(), 5 + 2 * normal(), Math.exp(normal())].map((v) => +v.toFixed(4));
    const w = i % 19 === 0 ? 0 : +(0.5 + 2 * next()).toFixed(3);
    const y =
      3 + 1.5 * x1 - 0.7 * x2 + Math.log(z) + grade / 4 + region.length + normal() * (1 + Math.abs(x1));
    const cells = [x1, x2, z, region, grade, firm, w, y.toFixed(4)];
    if (i % 29 === 5) cells[i % 3] = "NA";
    return cells;
  });
}

function writeData() {
  mkdirSync("data", { recursive: true });
  const panel = ["x1", "x2", "z", "region", "grade", "firm", "w", "y"];
  const rows = panelRows(120, 1, ["north", "south", "east", "west"]);
  writeCsv("panel", panel, rows);
  // The same rows in two shards, and rows that come later, with a level of their own.
  writeCsv("panel-first", panel, rows.slice(0, 70));
  writeCsv("panel-second", panel, rows.slice(70));
  writeCsv("panel-later", panel, panelRows(30, 2, ["north", "south", "abroad"]));
  // Rows to predict: with missing cells, and with levels that no model knows.
  const fresh = panelRows(24, 3, ["north", "south", "east", "west"]);
  fresh[3][3] = "nowhere";
  fresh[5][4] = 4;
  fresh[7][1] = "";
  writeCsv("panel-new", panel, fresh);

  // Names and levels that quoting, keys and JSON might get wrong.
  const odd = ["größe (m²)", "x:y", "`tick`", "constructor", "日本 🙂", "__proto__", "a]b\\c", "log(price)"];
  const places = ["Tromsø", "a:b", "x]y\\z", 'say "hi", twice', "🙂", "\uff21", "(Intercept)"];
  const kinds = ["toString", "b", "B", "__proto__"];
  const oddRows = (count, seed) => {
    const next = uniform(seed);
    return Array.from({ length: count }, () => {
      const numbers = Array.from({ length: 4 }, () => +(10 * next() - 3).toFixed(3));
      const place = places[Math.floor(next() * places.length)];
      const kind = kinds[Math.floor(next() * kinds.length)];
      const price = 2 + 0.3 * numbers[0] - numbers[1] + numbers[2] * 0.1 + place.length / 3 + next();
      const [size, xy, tick, bracket] = numbers;
      return [size, xy, tick, kind, place, +next().toFixed(2), bracket, price.toFixed(4)];
    });
  };
  writeCsv("odd", odd, oddRows(80, 4));
  writeCsv("odd-new", odd, oddRows(12, 5));

  // Columns far from zero and nearly dependent, one exactly dependent, and numbers of many sizes as levels.
  const hard = ["t", "t2", "sum", "small", "size", "y"];
  const hardRows = (count, seed) => {
    const next = uniform(seed);
    return Array.from({ length: count }, () => {
      const t = 1e6 + Math.round(next() * 1000);
      const small = +(next() * 1e-6).toPrecision(6);
      const size = [1e-7, 0.1, 1e21, -0.5, 100][Math.floor(next() * 5)];
      const y = 1e9 + 3 * t - 1e6 * small + Math.log10(Math.abs(size)) + +next().toFixed(6);
      return [t, t * 2 + Math.round(next() * 3), 3 * t + 1, small, size, y];
    });
  };
  // Counts to weigh by, keys to fold by, times and units, an instrument.
  const counts = ["id", "unit", "time", "sex", "dose", "z", "x", "count", "y"];
  const countRows = (count, seed) => {
    const next = uniform(seed);
    const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return Array.from({ length: count }, (_, i) => {
      const [sex, dose] = [next() < 0.5 ? "m" : "f", Math.floor(next() * 3)];
      const [z, v] = [normal(), normal()];
      const x = +(z + v).toFixed(4);
      const y = (1 + x + dose - (sex === "m" ? 1 : 0) + v + normal() * (1 + dose)).toFixed(4);
      return [
        1000 + 7 * i,
        `u${i % 9}`,
        Math.floor(i / 9),
        sex,
        dose,
        z.toFixed(4),
        x,
        Math.floor(next() * 4),
        y,
      ];
    });
  };
  writeCsv("counts", counts, countRows(99, 8));
  writeCsv("counts-first", counts, countRows(99, 8).slice(0, 60));
  writeCsv("counts-second", counts, countRows(99, 8).slice(60));
  writeCsv("counts-new", counts, countRows(12, 9));
  writeCsv("hard", hard, hardRows(90, 6));
  writeCsv("hard-new", hard, hardRows(12, 7));
}

const panel = (...options) => ["train", "data/panel.csv", "-t", "y", ...options];
const formula = (text, ...options) => ["train", "data/panel.csv", "--formula", text, ...options];
const odd = (...options) => ["train", "data/odd.csv", ...options];
const hard = (...options) => ["train", "data/hard.csv", ...options];
const counts = (text, ...options) => ["train", "data/counts.csv", "--formula", text, ...options];
const plain = ["-f", "x1,x2,z"];
const cells = ["--formula", "y ~ sex + dose", "--vcov", "hc2", "--keep-meat", "cells", "--folds", "2"];
const weighed = (kind) => ["--weights", "count", "--weights-kind", kind, "--folds", "2"];
const clustered = (...how) => counts("y ~ x + sex", "--folds", "1", "--vcov", ...how);
const iv = (...how) => counts("y ~ sex | 0 | x ~ z + dose", ...how);
const conformal = (...how) => counts("y ~ x + sex", "--folds", "3", "--conformal", ...how);
const shared = ["--formula", "y ~ x1 + region + x2", "--folds", "4"];
const groups = ["--formula", "y ~ x1 + x2", "--group-by", "region", "--folds", "2"];
const absorbed = ["--formula", "y ~ x1 + x2 | firm + region"];

/**
 * Each version's models: the data set and a name, and the command that wrote it (without --model and --quiet) or the
 * call of the library. In order, for some are made of those before them.
 */
const versions = {
  v1: {
    "panel.plain": panel(...plain),
    "panel.normal": panel(...plain, "--solver", "normal"),
    "panel.texts": panel("-f", "x1,region,grade", "--solver", "normal", "--folds", "3"),
    "panel.formula": formula(
      "log(z) ~ x1 * region + I(x2^2 / (1 + abs(x1))) + sqrt(exp(x1)) + log(w + 2, 3)",
      "--solver",
      "normal",
      "--folds",
      "2",
    ),
    "panel.polynomial": formula("y ~ poly(x2, 3, raw = TRUE) * factor(grade) + x1:region", "--folds", "1"),
    "panel.factors": formula("y ~ region * factor(grade) - region", "--solver", "normal", "--folds", "1"),
    "panel.no-intercept": panel(...plain, "--no-intercept", "--folds", "5"),
    "panel.no-intercept-factor": formula("y ~ region + x1 - 1", "--folds", "2"),
    "panel.mean": formula("y ~ 1", "--folds", "2"),
    "panel.weights": panel(...plain, "--weights", "w", "--folds", "3"),
    "panel.weights-formula": formula(
      "y ~ x1 * region",
      "--weights",
      "w",
      "--solver",
      "normal",
      "--folds",
      "2",
    ),
    "panel.reference": formula(
      "y ~ region + C(grade)",
      "--reference",
      "region=south",
      "--reference",
      "grade=2.5",
      "--folds",
      "2",
    ),
    "panel.ridge": panel(...plain, "--lambda", "0.5", "--solver", "normal"),
    "panel.elastic-net": formula("y ~ x1 + x2 + region", "--lambda", "0.2", "--alpha", "0.5", "--folds", "3"),
    "panel.lasso-path": panel("-f", "x1,x2,z,grade", "--lambda", "path", "--alpha", "1", "--weights", "w"),
    "panel.hc0": panel(...plain, "--vcov", "hc0", "--folds", "1"),
    "panel.hc1": panel(...plain, "--vcov", "hc1", "--weights", "w", "--folds", "1"),
    "panel.hc2": formula("y ~ x1 * grade", "--vcov", "hc2", "--folds", "1", "--solver", "normal"),
    "panel.hc3": panel(...plain, "--vcov", "hc3", "--no-intercept", "--folds", "1"),
    "panel.cluster": panel(...plain, "--vcov", "cluster", "--cluster", "firm", "--folds", "2"),
    "panel.groups": panel("-f", "x1,x2", "--group-by", "region", "--folds", "2"),
    "panel.groups-formula": formula(
      "y ~ x1 + factor(grade)",
      "--group-by",
      "firm",
      "--weights",
      "w",
      "--lambda",
      "0.1",
      "--test-size",
      "0.1",
      "--solver",
      "normal",
      "--folds",
      "1",
    ),
    "panel.in-memory": ({ fit }) =>
      fit(
        [4, 8, 1, 9, 3, 7, 5, 2].map((x1, i) => [x1, (i * i) / 3]),
        [1, 5, 2, 9, 6, 5, 3, 5],
        { terms: ["x1", "x2"], weights: Float64Array.of(1, 2, 1, 0.5, 1, 3, 1, 1), vcov: "hc1" },
      ),
    "panel.saturated": ({ fit }) => fit([[1], [3]], [2, 7]),
    "panel.qr": panel(...plain, "--solver", "qr"),
    "panel.gd": formula("y ~ x1 + x2 + region", "--solver", "gd", "--folds", "1"),
    "panel.held-out": panel(...plain, "--test-size", "0.25", "--seed", "7", "--folds", "4"),
    "panel.first": ["train", "data/panel-first.csv", ...shared],
    "panel.second": ["train", "data/panel-second.csv", ...shared, "--first-row", "70"],
    "panel.whole": ["train", "data/panel.csv", ...shared],
    "panel.merged": ["merge", "v1/panel.first.json", "v1/panel.second.json"],
    "panel.updated": ["update", "v1/panel.merged.json", "data/panel-later.csv"],
    "panel.forgotten": ["forget", "v1/panel.merged.json", "v1/panel.second.json"],
    "panel.refitted": ["refit", "v1/panel.merged.json", "--reference", "region=west"],
    "panel.refitted-target": ["refit", "v1/panel.normal.json", "--target", "z", "-f", "y,x1"],
    "panel.refitted-lambda": ["refit", "v1/panel.weights.json", "--lambda", "0.3"],
    "odd.names": odd("--folds", "1"),
    "odd.formula": odd(
      "--formula",
      "`log(price)` ~ `日本 🙂` + constructor:`x:y` + `\\`tick\\``",
      "--folds",
      "1",
    ),
    "hard.double": hard("-t", "y", "-f", "t,small", "--solver", "normal", "--folds", "2"),
    "hard.extended": hard("-t", "y", "-f", "t,t2,small", "--folds", "3"),
    "hard.polynomial": hard("--formula", "y ~ poly(t, 2, raw = TRUE) + small", "--folds", "1"),
    "hard.aliased": hard("-t", "y", "-f", "t,sum,small", "--folds", "2"),
    "hard.levels": hard("--formula", "y ~ t + factor(size)", "--folds", "2"),
  },
  v2: {
    "panel.plain": panel(...plain, "--solver", "normal", "--folds", "3"),
    "panel.factors": formula("y ~ x1 * region + factor(grade)", "--solver", "normal", "--folds", "3"),
    "panel.factors-extended": formula("y ~ x1 + region", "--solver", "extended", "--folds", "2"),
    "panel.factors-weights": formula("y ~ x1 + region + firm", "--weights", "w", "--folds", "2"),
    "panel.factors-contrasts": formula("y ~ region:factor(grade) + x2 - 1", "--folds", "1"),
    "panel.where": panel(...plain, "--where", "region != 'far' & x1 < 2", "--folds", "2"),
    "panel.held-out": formula("y ~ x1 + region", "--test-size", "0.25", "--seed", "7", "--folds", "2"),
    "panel.absorbed": panel("-f", "x1,x2", "--absorb", "firm"),
    "panel.absorbed-two": formula("y ~ x1 + x2 | firm + region", "--solver", "normal"),
    "panel.absorbed-slopes": formula("y ~ x2 | firm[x1] + region", "--folds", "1"),
    "panel.absorbed-folds": formula("y ~ x1 + x2 | firm", "--folds", "3"),
    "panel.absorbed-weights": formula("y ~ x1 + grade | region", "--weights", "w"),
    "panel.absorbed-cluster": formula("y ~ x1 + x2 | region", "--vcov", "cluster", "--cluster", "firm"),
    "panel.absorbed-singletons": formula("y ~ x1 | firm + region", "--drop-singletons"),
    "panel.absorbed-lasso": formula("y ~ x1 + x2 + z | firm", "--lambda", "0.1", "--alpha", "1"),
    "panel.cluster": panel(...plain, "--vcov", "cluster", "--cluster", "firm", "--folds", "2"),
    "panel.cluster-factors": formula(
      "y ~ x1 + region",
      "--vcov",
      "cluster",
      "--cluster",
      "firm",
      "--folds",
      "1",
    ),
    "panel.hc3": formula("y ~ x1 + region", "--vcov", "hc3", "--weights", "w", "--folds", "1"),
    "panel.ridge": panel(...plain, "--lambda", "0.5", "--folds", "2"),
    "panel.elastic-net": formula(
      "y ~ x1 + x2 + region",
      "--lambda",
      "0.2",
      "--alpha",
      "0.5",
      "--penalty-factors",
      "x1=0,region=2",
      "--folds",
      "3",
    ),
    "panel.relaxed": panel(
      "-f",
      "x1,x2,z,grade",
      "--lambda",
      "path",
      "--alpha",
      "1",
      "--relax",
      "--folds",
      "3",
    ),
    "panel.bounded": panel("-f", "x1,x2,z,grade", "--lower", "0", "--upper", "x1=1", "--folds", "2"),
    "panel.groups": panel("-f", "x1,x2", "--group-by", "region", "--solver", "normal", "--folds", "2"),
    "panel.groups-weights": panel("-f", "x1,x2", "--group-by", "firm", "--weights", "w", "--folds", "1"),
    "panel.groups-factors": formula("y ~ x1 + factor(grade)", "--group-by", "region", "--folds", "2"),
    "panel.groups-absorbed": formula("y ~ x1 | firm", "--group-by", "region"),
    "panel.groups-ridge": panel("-f", "x1,x2", "--group-by", "region", "--lambda", "0.5", "--folds", "1"),
    "panel.groups-first": ["train", "data/panel-first.csv", ...groups, "--shard-id", "1/2"],
    "panel.groups-second": [
      "train",
      "data/panel-second.csv",
      ...groups,
      "--shard-id",
      "2/2",
      "--first-row",
      "70",
    ],
    "panel.groups-merged": ["merge", "v2/panel.groups-first.json", "v2/panel.groups-second.json"],
    "panel.groups-updated": ["update", "v2/panel.groups-merged.json", "data/panel-later.csv"],
    "panel.groups-forgotten": ["forget", "v2/panel.groups-merged.json", "v2/panel.groups-second.json"],
    "panel.first": ["train", "data/panel-first.csv", ...shared, "--shard-id", "1/2"],
    "panel.second": ["train", "data/panel-second.csv", ...shared, "--shard-id", "2/2", "--first-row", "70"],
    "panel.merged": ["merge", "v2/panel.first.json", "v2/panel.second.json"],
    "panel.whole": ["train", "data/panel.csv", ...shared],
    "panel.updated": ["update", "v2/panel.merged.json", "data/panel-later.csv"],
    "panel.forgotten": ["forget", "v2/panel.merged.json", "v2/panel.second.json"],
    "panel.absorbed-first": ["train", "data/panel-first.csv", ...absorbed],
    "panel.absorbed-second": ["train", "data/panel-second.csv", ...absorbed, "--first-row", "70"],
    "panel.absorbed-merged": ["merge", "v2/panel.absorbed-first.json", "v2/panel.absorbed-second.json"],
    "panel.absorbed-updated": ["update", "v2/panel.absorbed-merged.json", "data/panel-later.csv"],
    "panel.refitted": ["refit", "v2/panel.merged.json", "--reference", "region=west"],
    "odd.names": odd("--folds", "2"),
    "odd.absorbed": odd("--formula", "`log(price)` ~ `x:y` | constructor + `日本 🙂`"),
    "odd.groups": odd("-f", "größe (m²),x:y", "-t", "log(price)", "--group-by", "日本 🙂", "--folds", "1"),
    "hard.extended": hard("-t", "y", "-f", "t,t2,small", "--folds", "3"),
    "hard.aliased": hard("-t", "y", "-f", "t,sum,small", "--folds", "2"),
    "hard.levels": hard("--formula", "y ~ t + factor(size)", "--folds", "2"),
  },
  v2b: {
    "panel.contrasts": formula("y ~ x1 * C(region, sum) + C(grade, helmert)", "--folds", "2"),
    "panel.contrasts-option": formula("y ~ region + x2", "--contrasts", "region=SAS", "--folds", "2"),
    "panel.contrasts-recoded": ["refit", "v2b/panel.contrasts-option.json", "--contrasts", "region=sum"],
    "panel.ordered": formula("y ~ ordered(grade) + relevel(factor(region), ref = 'south')", "--folds", "1"),
    "panel.levels": formula("y ~ factor(region, levels = c('west', 'east', 'north')) + x1", "--folds", "1"),
    "panel.poly": formula("y ~ poly(x1, 3) + scale(z)", "--folds", "2"),
    "panel.splines": formula("y ~ ns(x2, df = 3) + bs(x1, knots = c(-0.5, 0.5), degree = 2)", "--folds", "1"),
    "panel.conditions": formula(
      "y ~ ifelse(x1 > 0, x2, 0) + (z > 1 & x2 < 5) + pmax(x1, 0) + cut(x2, c(-Inf, 3, 6, Inf))",
      "--folds",
      "1",
    ),
    "panel.offset": formula("y ~ x1 + region + offset(x2 / 2)", "--folds", "2"),
    "panel.offset-absorbed": formula("y ~ x1 + offset(x2) | firm", "--folds", "2"),
    "panel.adaptive": panel(...plain, "--lambda", "path", "--alpha", "1", "--adaptive", "--folds", "3"),
    "panel.decayed": ["update", "v2/panel.plain.json", "data/panel-later.csv", "--decay", "0.98"],
    "panel.quartic": panel("-f", "x1,x2", "--vcov", "hc1", "--keep-meat", "quartic", "--folds", "1"),
    "panel.hc5": panel(...plain, "--vcov", "hc5", "--folds", "1"),
    "panel.groups-contrasts": formula(
      "y ~ C(grade, sum) + offset(x1)",
      "--group-by",
      "region",
      "--folds",
      "1",
    ),
    "counts.analytic": counts("y ~ x + sex", ...weighed("analytic")),
    "counts.frequency": counts("y ~ x + sex", ...weighed("frequency")),
    "counts.probability": counts("y ~ x + sex", ...weighed("probability")),
    "counts.cells": ["train", "data/counts.csv", ...cells],
    "counts.cells-first": ["train", "data/counts-first.csv", ...cells],
    "counts.cells-second": ["train", "data/counts-second.csv", ...cells, "--first-row", "60"],
    "counts.cells-merged": ["merge", "v2b/counts.cells-first.json", "v2b/counts.cells-second.json"],
    "counts.cells-forgotten": ["forget", "v2b/counts.cells-merged.json", "v2b/counts.cells-second.json"],
    "counts.cells-refitted": ["refit", "v2b/counts.cells.json", "--formula", "y ~ sex"],
    "counts.buckets": counts("y ~ x", "--vcov", "hc0", "--keep-meat", "buckets", "--folds", "1"),
    "counts.fold-by": counts("y ~ x + sex", "--fold-by", "id", "--folds", "3", "--test-size", "0.2"),
    "counts.two-ways": clustered("cluster", "--cluster", "unit,sex"),
    "counts.cr2": clustered("cr2", "--cluster", "unit"),
    "counts.cr3": clustered("cr3", "--cluster", "unit", "--df", "clusters"),
    "counts.jackknife": clustered("jackknife", "--cluster", "unit"),
    "counts.wild": clustered("bootstrap", "--cluster", "unit", "--draws", "99", "--draw", "webb"),
    "counts.pairs": clustered("bootstrap", "--draw", "pairs", "--draws", "99"),
    "counts.hac": clustered("hac", "--time", "time", "--unit", "unit", "--lag", "2"),
    "counts.dk": clustered("dk", "--time", "time", "--kernel", "parzen"),
    "counts.ssc": clustered("hc1", "--ssc", "adj=false"),
    "counts.2sls": iv(),
    "counts.liml": iv("--iv", "liml", "--vcov", "hc1"),
    "counts.fuller": iv("--iv", "fuller:4", "--vcov", "cluster", "--cluster", "unit"),
    "counts.gmm": iv("--iv", "gmm"),
    "counts.iv-absorbed": counts("y ~ sex | dose | x ~ z", "--weights", "count"),
    "counts.split": conformal("split"),
    "counts.split-by": conformal("split", "--conformal-by", "sex", "--calibration", "0.4"),
    "counts.cv-plus": conformal("cv+", "--conformal-by", "dose"),
    "counts.jackknife-plus": conformal("jackknife+"),
  },
};

/** The fields of `inspect --json` that are the model's, not the build's or the machine's. */
function steady({ goml: _, command: __, timing: ___, ...document }) {
  return {
    ...document,
    data: { ...document.data, path: undefined },
    model: { ...document.model, path: undefined },
  };
}

async function writeVersion(version, build) {
  if (existsSync(version)) throw new Error(`${version} is frozen: never write it again`);
  for (const folder of ["predicted", "inspected"]) mkdirSync(`${version}/${folder}`, { recursive: true });
  const goml = (...args) =>
    execFileSync(process.execPath, [`${build}/bin/goml.js`, ...args], { encoding: "utf8", stdio: "pipe" });
  const library = await import(pathToFileURL(`${build}/dist/index.js`));
  for (const [name, how] of Object.entries(versions[version])) {
    const path = `${version}/${name}.json`;
    if (typeof how === "function") writeFileSync(path, `${JSON.stringify(how(library))}\n`);
    else goml(...how, "--quiet", "--model", path);
    const [data] = name.split(".");
    const to = ["-q", "-o", `${version}/predicted/${name}.csv`];
    const predict = ["predict", `data/${data}-new.csv`, "-m", path, "--unseen", "na"];
    const { conformal } = JSON.parse(readFileSync(path, "utf8"));
    try {
      goml(...predict, "--interval", conformal === undefined ? "prediction" : "conformal", ...to);
    } catch {
      // With a penalty, and with a robust covariance beside absorbed effects, there are none.
      goml(...predict, ...to);
    }
    const inspected = steady(JSON.parse(goml("inspect", path, "--json")));
    writeFileSync(`${version}/inspected/${name}.json`, `${JSON.stringify(inspected, null, 1)}\n`);
  }
}

const [what, build = fileURLToPath(new URL("../..", import.meta.url))] = process.argv.slice(2);
if (what === "data") writeData();
else await writeVersion(what, build);
