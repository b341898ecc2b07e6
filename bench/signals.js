// How long after a signal a command ends, in every phase: `node bench/signals.js [--only NAME] [--count 20] [--seed 1]`.
//
// Each case is run to its end once, then again with a signal (SIGINT, SIGTERM, SIGHUP by turns) at seeded moments of that
// time. Checked each time: that what the case writes is whole or not there, that no temporary file is left, and that the
// exit code is the signal's. Beside it a process that does nothing gets the same signal: what that takes is the machine's
// share, and is taken off; and on Linux the CPU time that the command takes after the signal is told, for on a busy machine
// that is what says whether it listened. Sizes are such that phases which cannot be ended would show.
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { generate, normal, uniform } from "./generate.js";
import { generatePanel } from "./generate-panel.js";

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const SIGNALS = Object.keys(CODES);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs a command to its end once, then again `count` times with SIGINT at moments spread over that time; gives the moments
 * and the milliseconds from the signal to the end. Throws where it does not end with 130.
 */
export async function signalLatencies([program, ...args], count) {
  const start = () => {
    const child = spawn(program, args, { stdio: "ignore" });
    return { child, end: new Promise((resolve) => child.on("close", resolve)) };
  };
  const began = performance.now();
  await start().end;
  const whole = performance.now() - began;
  const found = [];
  for (let i = 1; i <= count; i++) {
    const { child, end } = start();
    const after = (whole * i) / (count + 1);
    await pause(after);
    if (child.exitCode !== null) break;
    const sent = performance.now();
    child.kill("SIGINT");
    const code = await end;
    if (code === 0) break;
    if (code !== 130) throw new Error(`ended with ${code}, expected 130`);
    found.push({ after, latency: performance.now() - sent });
  }
  return found;
}

const bin = fileURLToPath(new URL("../bin/goml.js", import.meta.url));
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
function cases() {
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

/** Milliseconds of CPU time that a process has taken, all threads together, by Linux's 10 ms; undefined where it is gone. */
function cpuOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1).split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return undefined;
  }
}

/** Starts a command in a folder; `end` gives its exit code or its signal. */
function start(folder, { args, input }) {
  const child = input
    ? spawn("/bin/sh", ["-c", 'exec "$0" "$@" < "$FILE"', process.execPath, bin, ...args], {
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, FILE: input, NO_COLOR: "1" },
      })
    : spawn(process.execPath, [bin, ...args], {
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, NO_COLOR: "1" },
      });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  return {
    child,
    end: new Promise((resolve) =>
      child.on("close", (code, by) => resolve({ code, by, stderr, at: performance.now() })),
    ),
  };
}

/** A process that waits for a signal, as the command does. */
async function idle() {
  const child = spawn(
    process.execPath,
    [
      "-e",
      'for (const s of ["SIGINT","SIGTERM","SIGHUP"]) process.on(s, () => process.exit(9)); setInterval(() => {}, 1e6); console.log("on")',
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return { child, end: new Promise((resolve) => child.on("close", () => resolve(performance.now()))) };
}

const contents = (folder) =>
  Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))]),
  );

/** One case: the moments and latencies, and what did not hold. */
async function measure(one, count, draw) {
  const fresh = () => {
    const folder = mkdtempSync(join(tmpdir(), "goml-signals-"));
    for (const [name, from] of Object.entries(one.copies ?? {})) cpSync(from, join(folder, name));
    return folder;
  };
  const first = fresh();
  const before = contents(first);
  const began = performance.now();
  const { child, end } = start(first, one);
  if (one.serves) setTimeout(() => child.kill("SIGTERM"), one.serves);
  const { code, stderr } = await end;
  const takes = performance.now() - began;
  const wanted = "ends" in one ? one.ends : 0;
  if (wanted !== undefined && code !== wanted)
    return { takes, faults: [`undisturbed: ${code} ${stderr.trim()}`], found: [] };
  const after = contents(first);
  rmSync(first, { recursive: true });
  const found = [];
  const faults = [];
  for (let i = 0; i < count; i++) {
    const signal = SIGNALS[i % SIGNALS.length];
    // One in each part of the time, at a place that the seed says.
    const moment = (takes * (i + draw())) / count;
    const folder = fresh();
    const waiting = await idle();
    const run = start(folder, one);
    await pause(moment);
    const used = cpuOf(run.child.pid);
    const sent = performance.now();
    const alive = run.child.kill(signal);
    waiting.child.kill(signal);
    let last = used;
    const watch = setInterval(() => {
      last = cpuOf(run.child.pid) ?? last;
    }, 5);
    const [ended, control] = await Promise.all([run.end, waiting.end]);
    clearInterval(watch);
    const left = contents(folder);
    rmSync(folder, { recursive: true });
    const where = `${signal} after ${moment.toFixed(0)} of ${takes.toFixed(0)} ms`;
    const rightEnd =
      ended.code === CODES[signal] ||
      ended.code === wanted ||
      ended.by === signal ||
      (one.serves && ended.code === 0);
    if (
      !rightEnd ||
      ended.stderr.includes("internal") ||
      (ended.code === CODES[signal] && /goml:/.test(ended.stderr))
    )
      faults.push(`${where}: ended with ${ended.code ?? ended.by} ${ended.stderr.trim().slice(0, 200)}`);
    for (const [name, bytes] of Object.entries(left)) {
      const whole = [before[name], after[name]].some((one) => one?.equals(bytes));
      if (!whole) faults.push(`${where}: left ${name}`);
    }
    for (const name of Object.keys(before)) if (!(name in left)) faults.push(`${where}: took ${name} away`);
    if (alive && ended.code !== wanted)
      found.push({ moment, latency: ended.at - sent, control: control - sent, cpu: last - used });
  }
  return { takes, found, faults };
}

async function report() {
  const { values: flags } = parseArgs({
    options: {
      only: { type: "string" },
      count: { type: "string", default: "12" },
      seed: { type: "string", default: "1" },
    },
  });
  mkdirSync(data, { recursive: true });
  const draw = uniform(Number(flags.seed));
  process.stdout.write(
    `${cpus()[0]?.model.trim()}, ${cpus().length} cores, load ${loadavg()[0].toFixed(1)}, Node ${process.versions.node}, ` +
      `seed ${flags.seed}\nms from the signal to the end, less those of an idle process beside it\n\n` +
      `${"".padEnd(40)} ${"takes".padStart(7)} ${"signals".padStart(7)} ${"median".padStart(7)} ${"most".padStart(7)}\n`,
  );
  const all = [];
  let bad = 0;
  for (const one of cases()) {
    if (flags.only !== undefined && !one.name.includes(flags.only)) continue;
    const { takes, found, faults } = await measure(one, Number(flags.count), draw);
    const own = found.map(({ latency, control }) => Math.max(0, latency - control)).sort((a, b) => a - b);
    all.push(...own);
    const cell = (value) => (value === undefined ? "–" : value.toFixed(0)).padStart(7);
    process.stdout.write(
      `${one.name.padEnd(40)} ${cell(takes)} ${cell(own.length)} ${cell(own[own.length >> 1])} ${cell(own.at(-1))}\n`,
    );
    for (const { moment, latency, control, cpu } of found)
      if (latency - control > 200)
        process.stdout.write(
          `  at ${moment.toFixed(0)}: ${latency.toFixed(0)} ms, idle ${control.toFixed(0)}, CPU ${cpu.toFixed(0)}\n`,
        );
    for (const fault of faults) process.stdout.write(`  ${fault}\n`);
    bad += faults.length;
  }
  all.sort((a, b) => a - b);
  const quantile = (p) => all[Math.min(all.length - 1, Math.floor(p * all.length))]?.toFixed(0);
  process.stdout.write(
    `\n${all.length} signals: median ${quantile(0.5)}, 90 % ${quantile(0.9)}, 99 % ${quantile(0.99)}, most ${all.at(-1)?.toFixed(0)} ms; ` +
      `${all.filter((ms) => ms > 200).length} above 200 ms; ${bad} faults\n`,
  );
  if (bad > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await report();
