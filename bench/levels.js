// Wide designs and many levels beside their peers, in one run: `npm run bench:levels [-- --rounds 5 --quick --cpu --before FOLDER]`.
//
// Generated data (seeded), contenders one after the other in each round, ratios round by round, since shared machines
// drift; answers are compared before anything is timed. Peers: scikit-learn and NumPy (Debian: python3-sklearn
// python3-pandas, and libopenblas0 beside the slow reference BLAS: what is loaded is printed), and DuckDB
// (npm: @duckdb/node-api). `--python` names the interpreter that has them, for NumPy's own wheels bring OpenBLAS; `--before`
// another built checkout of goml, against which plain columns are timed. `--cpu` takes the CPU time of processes in place of
// wall time, which tells little where others work on the machine.
import { existsSync, mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../dist/stats/quantile.js";
import { generate } from "./generate.js";
import { generatePanel } from "./generate-panel.js";
import { run } from "./run.js";
import { signalLatencies } from "./signals.js";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    quick: { type: "boolean" },
    before: { type: "string" },
    only: { type: "string" },
    python: { type: "string" },
    cpu: { type: "boolean" },
  },
});
const rounds = flags.quick ? 1 : Number(flags.rounds);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const node = process.execPath;
const bin = here("../bin/goml.js");
const model = here("data/levels-model.json");
const python = [flags.python ?? "/usr/bin/python3", "python3"].find(
  (name) => run([name, "-c", "import sklearn, pandas"]).ok,
);
mkdirSync(here("data"), { recursive: true });

const file = (rows, features) => {
  const path = here(`data/${rows}x${features}.csv`);
  if (!existsSync(path)) generate(rows, features, path, 1);
  run(["cat", path]);
  return path;
};
const panel = (rows, features, levels) => {
  const path = here(`data/panel-${rows}x${features}-${levels.join("-")}.csv`);
  if (!existsSync(path)) generatePanel(rows, features, levels, path, 1);
  run(["cat", path]);
  return path;
};
const train = (entry, path, ...more) => [node, entry, "train", path, "-q", "-m", model, ...more];
/** Wall seconds of a process, or CPU seconds; throws where it fails. */
const wall = (command) => {
  const { ok, wall: seconds, cpu, stderr } = run(command);
  if (!ok) throw new Error(`${command.join(" ")}: ${stderr}`);
  return flags.cpu ? cpu : seconds;
};
/** The seconds that a process prints. */
const printed = (command) => {
  const { ok, stdout, stderr } = run(command);
  if (!ok) throw new Error(`${command.join(" ")}: ${stderr}`);
  return JSON.parse(stdout);
};
const close = (a, b, what) => {
  if (!(Math.abs(a - b) <= 1e-8 * Math.max(1, Math.abs(b))))
    throw new Error(`${what}: ${a} here, ${b} there`);
};

/** Times contenders in turn and prints medians, and ratios to the first, round by round. */
function race(job, target, contenders) {
  const times = contenders.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, { time }] of contenders.entries()) times[i].push(time());
  process.stdout.write(`${job}${target === undefined ? "" : ` (at most ${target})`}\n`);
  for (const [i, { name }] of contenders.entries()) {
    const ratio = median(times[0].map((t, round) => t / times[i][round]));
    process.stdout.write(
      `  ${name.padEnd(44)} ${median(times[i]).toFixed(3).padStart(8)} s` +
        `${i === 0 ? "" : `   goml takes ${ratio.toFixed(2)} × that`}\n`,
    );
  }
}

const jobs = {
  "6,000 × 2,000 columns, 10 folds"() {
    const path = file(6000, 2000);
    const sklearn = (folds) => [python, here("peers/sklearn_cv.py"), path, folds];
    const contenders = [
      { name: "goml train --folds 10", time: () => wall(train(bin, path, "--folds", "10")) },
    ];
    contenders.push({ name: "goml train, no folds", time: () => wall(train(bin, path)) });
    if (python !== undefined) {
      const theirs = printed(sklearn("1"));
      const ours = printed([node, bin, "train", path, "--json", "-m", model]).coefficients;
      theirs.forEach((value, i) => {
        close(ours[i].estimate, value, ours[i].term);
      });
      contenders.push({ name: "pandas + scikit-learn, no folds", time: () => wall(sklearn("1")) });
      contenders.push({ name: "pandas + scikit-learn, 10 folds", time: () => wall(sklearn("10")) });
    }
    race("6,000 × 2,000 columns, 10 folds, whole processes", "0.5 × scikit-learn", contenders);
  },
  "5,000-column solve"() {
    const ours = (...more) => printed([node, here("peers/goml_solve.js"), "5000", ...more]);
    const theirs = () => printed([python, here("peers/numpy_solve.py"), "5000"]);
    const contenders = [{ name: "goml, factor and solution", time: () => ours().seconds }];
    contenders.push({ name: "goml, and the inverse", time: () => ours("inverse").seconds });
    if (python !== undefined) {
      close(ours().sum, theirs().sum, "bᵀA⁻¹b");
      contenders.push({ name: "numpy.linalg.solve", time: () => theirs().seconds });
    }
    race("5,000 × 5,000-column solve", "3 × NumPy", contenders);
  },
  "plain columns"() {
    const path = file(1_000_000, 13);
    const contenders = [{ name: "goml train", time: () => wall(train(bin, path)) }];
    if (flags.before !== undefined)
      contenders.push({ name: "goml before", time: () => wall(train(`${flags.before}/bin/goml.js`, path)) });
    race("1,000,000 × 13, plain", "1 × before", contenders);
  },
  "refused before the scan"() {
    const path = file(60, 20_000);
    const refused = () => {
      const { ok, wall: seconds, stderr } = run(train(bin, path));
      if (ok || !stderr.includes("cannot determine")) throw new Error(`not refused: ${stderr}`);
      return seconds;
    };
    race("60 rows × 20,001 columns, refused", "1 s", [{ name: "goml train", time: refused }]);
  },
  "a factor of 300 levels"() {
    const path = panel(1_000_000, 2, [300]);
    const formula = (right) => ["--formula", `y ~ ${right}`, "--folds", "10"];
    race("1,000,000 rows, 2 numbers + factor of 300 levels, 10 folds", "2 × without the factor", [
      { name: "goml train, with the factor", time: () => wall(train(bin, path, ...formula("x1 + x2 + g1"))) },
      { name: "goml train, without it", time: () => wall(train(bin, path, ...formula("x1 + x2"))) },
    ]);
  },
  "10,000 levels absorbed"() {
    const path = panel(1_000_000, 2, [10_000]);
    race("1,000,000 rows, 2 numbers, 10,000 levels absorbed", "3 × without the factor", [
      { name: "goml train, absorbed", time: () => wall(train(bin, path, "--formula", "y ~ x1 + x2 | g1")) },
      {
        name: "goml train, without it, 10 folds",
        time: () => wall(train(bin, path, "--formula", "y ~ x1 + x2", "--folds", "10")),
      },
    ]);
  },
  "two-way"() {
    const path = panel(1_000_000, 3, [100_000, 50]);
    const formula = ["--formula", "y ~ x1 + x2 + x3 | g1 + g2"];
    const contenders = [
      { name: "goml train, model file written", time: () => wall(train(bin, path, ...formula)) },
    ];
    const duckdb = [node, here("peers/duckdb_within.js"), path, "3"];
    const { ok, stdout, stderr } = run(duckdb);
    if (ok) {
      const ours = printed([node, bin, "train", path, ...formula, "--json", "-m", model]).coefficients;
      JSON.parse(stdout).forEach((value, i) => {
        close(ours[i].estimate, value, ours[i].term);
      });
      contenders.push({ name: "DuckDB, demeaned in SQL", time: () => wall(duckdb) });
    } else
      process.stdout.write(
        stderr.includes("@duckdb/node-api") ? "no DuckDB: npm install @duckdb/node-api\n" : stderr,
      );
    race("two-way: 1,000,000 rows, 100,000 × 50 levels, 3 features", "1.5 s", contenders);
  },
  "groups, 1,000,000 rows, 2 features"() {
    for (const [groups, most] of [
      [2000, "2 × the plain fit, 150 MB"],
      [100_000, "4 × the plain fit, 600 MB"],
    ]) {
      const path = panel(1_000_000, 2, [groups]);
      const plain = train(bin, path, "-t", "y", "-f", "x1,x2");
      const grouped = [...plain, "--group-by", "g1"];
      const { memory } = run(grouped);
      race(`${groups} groups, 1,000,000 rows, 2 features: ${memory.toFixed(0)} MB`, most, [
        { name: "goml train --group-by g1", time: () => wall(grouped) },
        { name: "goml train", time: () => wall(plain) },
      ]);
    }
  },
  async signals() {
    const path = file(6000, 2000);
    const moments = await signalLatencies(train(bin, path, "--folds", "10"), flags.quick ? 4 : 20);
    process.stdout.write("SIGINT during 6,000 × 2,000 columns, 10 folds (within 200 ms)\n");
    for (const { after, latency } of moments)
      process.stdout.write(`  after ${(after / 1e3).toFixed(2).padStart(6)} s: ${latency.toFixed(0)} ms\n`);
  },
};

const blas =
  python &&
  run([
    python,
    "-c",
    "import numpy, threadpoolctl; print([i['internal_api'] for i in threadpoolctl.threadpool_info()] or 'reference')",
  ]).stdout.trim();
process.stdout.write(
  `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.versions.node}, BLAS of NumPy: ${blas ?? "none"}, ` +
    `${flags.cpu ? "CPU time, " : ""}medians of ${rounds} rounds\n\n`,
);
for (const [name, job] of Object.entries(jobs))
  if (flags.only === undefined || name.includes(flags.only)) {
    await job();
    process.stdout.write("\n");
  }
