// The commands whose phases `signals.js` and `stalls.js` look into, with the files that they need.
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate, normal, uniform } from "./generate.js";
import { generatePanel } from "./generate-panel.js";

export const bin = fileURLToPath(new URL("../bin/goml.js", import.meta.url));
const data = fileURLToPath(new URL("data", import.meta.url));
const at = (name) => join(data, name);

/** Writes a file once. */
function made(name, write) {
  if (!existsSync(at(name))) write(at(name));
  return at(name);
}

/** Lines of a file, written piece by piece. */
function lines(path, header, count, line) {
  writeFileSync(path, `${header}\n`);
  let text = "";
  for (let i = 0; i < count; i++) {
    text += `${line(i)}\n`;
    if (text.length > 1 << 20) {
      appendFileSync(path, text);
      text = "";
    }
  }
  appendFileSync(path, text);
}

/** A model, trained once. */
function trained(name, args) {
  return made(name, (path) => {
    const { status, stderr } = spawnSync(process.execPath, [bin, "train", ...args, "-q", "-m", path]);
    if (status !== 0) throw new Error(`train ${args.join(" ")}: ${stderr}`);
  });
}

/** The cases: what is run, in a folder of its own, beside copies of `copies`; all files they need are made first. */
export function cases() {
  mkdirSync(data, { recursive: true });
  const plain = (rows, features) => made(`${rows}x${features}.csv`, (path) => generate(rows, features, path));
  const panel = (rows, features, levels) =>
    made(`panel-${rows}x${features}-${levels.join("-")}.csv`, (path) =>
      generatePanel(rows, features, levels, path),
    );
  const tall = plain(1_000_000, 13);
  const middle = plain(6000, 300);
  const wide = plain(3000, 1200);
  const few = plain(5000, 20);
  const levels = panel(200_000, 3, [2000, 300]);
  const effects = panel(300_000, 3, [20_000, 500]);
  const groups = panel(400_000, 2, [20_000]);
  const odd = made("odd.csv", (path) => {
    const next = normal(3);
    lines(path, "t,x,y", 400_000, (i) => `5" pipe ${i % 7},"${next().toFixed(3)}",${next().toFixed(3)}`);
  });
  const grouped = made("thousands.csv", (path) => {
    const next = uniform(4);
    lines(
      path,
      "x;y",
      600_000,
      () => `1.${100 + Math.floor(900 * next())},5 EUR;${next().toFixed(2).replace(".", ",")}`,
    );
  });
  const columns = made("million-columns.csv", (path) => {
    const width = 1_000_000;
    const row = (cell) => Array.from({ length: width }, (_, j) => cell(j)).join();
    lines(
      path,
      row((j) => `c${j}`),
      3,
      (i) => row((j) => (j * 7919 + i * 104_729) % 1000),
    );
  });
  const records = made("records.jsonl", (path) => {
    const next = uniform(5);
    writeFileSync(path, "");
    lines(path, '{"x":1,"g":"a","y":2}', 500_000, (i) =>
      JSON.stringify({ x: next(), g: `g${i % 9}`, y: next() }),
    );
  });
  const wideModel = trained("signals-wide.json", [wide, "--folds", "3"]);
  const middleModel = trained("signals-middle.json", [middle]);
  const fewModel = trained("signals-few.json", [few]);
  const tallModel = trained("signals-tall.json", [tall]);
  const levelsModel = trained("signals-levels.json", [
    levels,
    "--formula",
    "y ~ x1 + x2 + factor(g1)",
    "--folds",
    "1",
  ]);
  const effectsModel = trained("signals-effects.json", [effects, "--absorb", "g1,g2"]);
  const groupsModel = trained("signals-groups.json", [groups, "-f", "x1,x2", "--group-by", "g1"]);
  const shard = trained("signals-shard.json", [plain(3001, 1200), "--folds", "3"]);
  const one = (name, args, more = {}) => ({ name, args, ...more });
  return [
    one("train, tall", ["train", tall, "-m", "out.json"]),
    one("train, tall, one thread", ["train", tall, "-m", "out.json", "--threads", "1"]),
    one("train, wide, 10 folds", ["train", wide, "--folds", "10", "-m", "out.json"]),
    one("train, 300 columns, double-double", ["train", middle, "--solver", "extended", "-m", "out.json"]),
    one("train, QR", ["train", middle, "--solver", "qr", "-m", "out.json"]),
    one("train, descent", ["train", few, "--solver", "gd", "-m", "out.json"]),
    one("train, elastic net", ["train", middle, "--lambda", "path", "--alpha", "0.5", "-m", "out.json"]),
    one("train, ridge by cross-validation", ["train", middle, "--lambda", "1se", "-m", "out.json"]),
    one("train, HC3", ["train", middle, "--vcov", "hc3", "-m", "out.json"]),
    one("train, factors of 2,000 and 300 levels", [
      "train",
      levels,
      "--formula",
      "y ~ x1 + factor(g1) + factor(g2)",
      "-m",
      "out.json",
    ]),
    one("train, absorbed 20,000 and 500", ["train", effects, "--absorb", "g1,g2", "-m", "out.json"]),
    one("train, absorbed, effects and folds", [
      "train",
      effects,
      "--absorb",
      "g1,g2",
      "--folds",
      "5",
      "--effects",
      "effects.csv",
      "-m",
      "out.json",
    ]),
    one("train, absorbed, clusters", [
      "train",
      effects,
      "--absorb",
      "g1",
      "--vcov",
      "cluster",
      "--cluster",
      "g2",
      "-m",
      "out.json",
    ]),
    one("train, 20,000 groups", ["train", groups, "-f", "x1,x2", "--group-by", "g1", "-m", "out.json"]),
    one("train, odd quotes", ["train", odd, "-m", "out.json"]),
    one("train, numbers with separators", [
      "train",
      grouped,
      "--thousands",
      ".",
      "--strip",
      "EUR",
      "-m",
      "out.json",
    ]),
    one("train, JSON lines", ["train", records, "-t", "y", "-m", "out.json"]),
    one("train, standard input", ["train", "-", "-m", "out.json"], { input: tall }),
    one("train, held out", ["train", tall, "--test-size", "0.3", "-m", "out.json"]),
    one("train, a million columns", ["train", columns, "-m", "out.json"], { ends: 4 }),
    one("train, two of a million columns", ["train", columns, "-f", "c3", "-t", "c5", "-m", "out.json"]),
    one("predict", ["predict", tall, "-m", tallModel, "-o", "out.csv"]),
    one("predict, intervals", [
      "predict",
      tall,
      "-m",
      tallModel,
      "--interval",
      "prediction",
      "-o",
      "out.csv",
    ]),
    one("predict, appended, threads", [
      "predict",
      tall,
      "-m",
      tallModel,
      "--append",
      "-c",
      "2",
      "-o",
      "out.csv",
    ]),
    one("predict, standard input", ["predict", "-", "-m", tallModel, "-o", "out.csv"], { input: tall }),
    one("predict, machine", ["predict", few, "-m", fewModel, "--machine", "go", "-o", "out.csv"]),
    one("predict, wide model, intervals", [
      "predict",
      wide,
      "-m",
      wideModel,
      "--interval",
      "confidence",
      "-o",
      "out.csv",
    ]),
    one("predict, absorbed", ["predict", effects, "-m", effectsModel, "-o", "out.csv"]),
    one("predict, groups", ["predict", groups, "-m", groupsModel, "-o", "out.csv"]),
    one("predict, odd quotes", ["predict", odd, "-m", trained("signals-odd.json", [odd]), "-o", "out.csv"]),
    one("evaluate", ["evaluate", tall, "-m", tallModel]),
    one("evaluate, levels", ["evaluate", levels, "-m", levelsModel]),
    one("diagnose", ["diagnose", tall, "-m", tallModel, "-o", "out.csv"]),
    one("diagnose, wide", ["diagnose", wide, "-m", wideModel, "-o", "out.csv"]),
    one("cv, wide model", ["cv", wideModel]),
    one("cv, data", ["cv", middle, "--folds", "20"]),
    one("select, stepwise", ["select", middleModel, "-m", "out.json"]),
    one("select, stepwise by cv", ["select", fewModel, "--criterion", "cv", "-m", "out.json"]),
    one("select, best", ["select", fewModel, "--direction", "best", "-m", "out.json"]),
    one("refit, wide", ["refit", wideModel, "--lambda", "0.1", "-m", "out.json"]),
    one("refit, elastic net", ["refit", middleModel, "--lambda", "path", "--alpha", "1", "-m", "out.json"]),
    one("refit, levels", ["refit", levelsModel, "--features", "x1", "-m", "out.json"]),
    one("refit, groups", ["refit", groupsModel, "--features", "x1", "-m", "out.json"]),
    one("update, in place", ["update", "model.json", more(), "--again"], {
      copies: { "model.json": wideModel },
      output: "model.json",
    }),
    one("update, groups", ["update", "model.json", groups, "--again"], {
      copies: { "model.json": groupsModel },
      output: "model.json",
    }),
    one("update, absorbed", ["update", "model.json", effects, "--again"], {
      copies: { "model.json": effectsModel },
      output: "model.json",
    }),
    one("merge, wide", ["merge", wideModel, shard, "-m", "out.json", "--again"]),
    one("forget, in place", ["forget", "model.json", wideModel, "-m", "out.json"], {
      copies: { "model.json": merged() },
    }),
    one("anova", ["anova", middleModel]),
    one("anova, levels", ["anova", levelsModel]),
    one("inspect, wide", ["inspect", wideModel]),
    one("inspect, wide, JSON", ["inspect", wideModel, "--json"]),
    one("inspect, groups", ["inspect", groupsModel]),
    one("inspect, levels", ["inspect", levelsModel, "--json"]),
    ...["onnx", "pmml", "sql", "ts", "json"].map((to) =>
      one(`export, ${to}`, ["export", levelsModel, "--to", to, "-o", "out.txt"]),
    ),
    one("export, absorbed", ["export", effectsModel, "--to", "sql", "-o", "out.txt"]),
    one("graph", ["graph", "-m", fewModel, "--run"], { ends: undefined }),
    one("bench", ["bench", few, "--quick"]),
    one("serve", ["serve", fewModel, wideModel, "--port", "0"], { serves: 3000 }),
  ];

  function more() {
    return plain(3002, 1200);
  }
  function merged() {
    return made("signals-merged.json", (path) => {
      const { status, stderr } = spawnSync(process.execPath, [
        bin,
        "merge",
        wideModel,
        shard,
        "-q",
        "-m",
        path,
      ]);
      if (status !== 0) throw new Error(String(stderr));
    });
  }
}
