// goml beside what a user would reach for instead: `npm run bench:peers [-- --rounds 5 --quick --only machine]`.
//
// Generated data (seeded), all contenders of a job one after the other in each round, ratios round by round, since
// shared machines drift. Coefficients are compared before anything is timed. Needs whatever peers are installed
// (Debian: python3-sklearn python3-pandas r-base-core r-cran-data.table miller time; npm: @duckdb/node-api); one
// that is not is said to be missing. Writes bench/results/peers.md and peers.json.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../dist/stats/quantile.js";
import { generate } from "./generate.js";
import { run } from "./run.js";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string" }, quick: { type: "boolean" }, only: { type: "string" } },
});
if (flags.only !== undefined && flags.only !== "machine")
  throw new Error(`--only is machine, got ${flags.only}`);
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const data = (name) => here(`data/${name}`);
const goml = here("../bin/goml.js");
const require = createRequire(import.meta.url);
const node = process.execPath;
mkdirSync(here("data"), { recursive: true });
mkdirSync(here("results"), { recursive: true });
// The distribution's own Python has the peers' packages where several Pythons are installed.
const python = ["/usr/bin/python3", "python3"].find((name) => run([name, "-c", "import numpy"]).ok);

const version = (command, pattern = /(\d+\.\d+(\.\d+)?)/) => {
  const { stdout, stderr } = run(command);
  return pattern.exec(stdout + stderr)?.[1];
};
const pythonModule = (name) =>
  python && version([python, "-c", `import ${name}; print(${name}.__version__)`]);
const npmPackage = (name) => {
  try {
    const entry = require.resolve(name).split(`node_modules/${name}/`)[0];
    return JSON.parse(readFileSync(`${entry}node_modules/${name}/package.json`, "utf8")).version;
  } catch {
    return undefined;
  }
};
const versions = {
  node: process.versions.node,
  pandas: pythonModule("pandas"),
  "scikit-learn": pythonModule("sklearn"),
  NumPy: pythonModule("numpy"),
  R: run(["Rscript", "-e", "library(data.table)"]).ok ? version(["Rscript", "--version"]) : undefined,
  DuckDB: npmPackage("@duckdb/node-api"),
  Miller: version(["mlr", "--version"]),
  "csv-parse": npmPackage("csv-parse"),
  "ml-matrix": npmPackage("ml-matrix"),
  Go: version(["go", "version"]),
};
const have = (...names) => names.every((name) => versions[name] !== undefined);

const file = (rows, features) => {
  const path = data(`${rows}x${features}.csv`);
  if (!existsSync(path)) generate(rows, features, path, 1);
  // Into the page cache, for all alike.
  run(["cat", path]);
  return path;
};

const train = (path) => [
  { name: "goml", command: [node, goml, "train", path, "--json", "-m", data("model.json")] },
  have("pandas", "scikit-learn") && {
    name: "pandas + scikit-learn",
    command: [python, here("peers/sklearn_train.py"), path],
  },
  have("R") && { name: "R fread + lm + summary", command: ["Rscript", here("peers/lm.R"), path] },
  have("DuckDB") && { name: "DuckDB covar_pop SQL", command: [node, here("peers/duckdb_train.js"), path] },
  have("NumPy") && {
    name: "NumPy normal equation",
    command: [python, here("peers/numpy_train.py"), path],
    slow: true,
  },
  {
    name: "csv-parse + ml-matrix",
    command: [node, "--max-old-space-size=8000", here("peers/node_train.js"), path],
    slow: true,
  },
];
const predict = (path) => {
  const theta = data("theta.json");
  const model = data("model.json");
  run([node, goml, "train", path, "-q", "-m", model]);
  const { coefficients } = JSON.parse(readFileSync(model, "utf8"));
  writeFileSync(theta, JSON.stringify(coefficients));
  const sum = coefficients.slice(1).map((b, j) => `${b} * $x${j + 1}`);
  const expression = `$prediction = ${[coefficients[0], ...sum].join(" + ")}`;
  return [
    { name: "goml", command: [node, goml, "predict", path, "-c", "-q", "-m", model, "-o", data("goml.csv")] },
    have("pandas", "scikit-learn") && {
      name: "pandas + scikit-learn",
      command: [python, here("peers/sklearn_predict.py"), path, theta, data("sklearn.csv")],
      output: data("sklearn.csv"),
    },
    have("R") && {
      name: "R fread + X %*% θ + fwrite",
      command: ["Rscript", here("peers/predict.R"), path, theta, data("r.csv")],
      output: data("r.csv"),
    },
    have("DuckDB") && {
      name: "DuckDB COPY",
      command: [node, here("peers/duckdb_predict.js"), path, theta, data("duckdb.csv")],
      output: data("duckdb.csv"),
    },
    have("Miller") && {
      name: "Miller put",
      command: [
        "sh",
        "-c",
        `mlr --csv put '${expression}' then cut -f prediction '${path}' > '${data("miller.csv")}'`,
      ],
      output: data("miller.csv"),
      slow: true,
    },
  ];
};

/** Coefficients on standard output: a JSON array, or goml's document. */
const coefficientsOf = (stdout) => {
  const value = JSON.parse(stdout);
  return Array.isArray(value) ? value : value.coefficients.map(({ estimate }) => estimate);
};
const firstRows = (path) => readFileSync(path, "utf8").split("\n", 50).slice(1).filter(Boolean).map(Number);

function agree(name, ours, theirs) {
  const off = ours.findIndex((v, i) => !(Math.abs(v - theirs[i]) <= 1e-6 * Math.max(Math.abs(v), 1e-3)));
  if (off >= 0 || ours.length !== theirs.length)
    throw new Error(`${name} does not agree with goml: ${theirs[off]} instead of ${ours[off]} at ${off}`);
}

/** Runs the contenders of a job in turn and gives a row for each; the first is what the ratios are about. */
function compare(title, contenders, check) {
  const present = contenders.filter(Boolean);
  process.stderr.write(`${title}: ${present.map(({ name }) => name).join(", ")}\n`);
  const results = present.map((contender) => {
    const first = run(contender.command, contender.env);
    if (!first.ok) throw new Error(`${contender.name} failed:\n${first.stderr}`);
    // A slow one is measured by this run alone.
    return { contender, first, runs: contender.slow ? [first] : [] };
  });
  check(results);
  for (let round = 0; round < rounds; round++)
    for (const { contender, runs } of results)
      if (!contender.slow) runs.push(run(contender.command, contender.env));
  const [ours] = results;
  return {
    title,
    rows: results.map(({ contender, runs }) => ({
      name: contender.name,
      wall: median(runs.map((r) => r.wall)),
      cpu: median(runs.map((r) => r.cpu)),
      memory: median(runs.map((r) => r.memory)),
      ratio: median(runs.map((r, i) => ours.runs[i].wall / r.wall)),
    })),
  };
}

const checkCoefficients = (results) => {
  const ours = coefficientsOf(results[0].first.stdout);
  for (const { contender, first } of results) agree(contender.name, ours, coefficientsOf(first.stdout));
};
const checkPredictions = (results) => {
  const ours = firstRows(data("goml.csv"));
  for (const { contender } of results)
    if (contender.output) agree(contender.name, ours, firstRows(contender.output));
};
const unchecked = () => {};

const scale = flags.quick ? 0.1 : 1;
const sized = (rows, features) => ({
  path: file(rows * scale, features),
  title: `${(rows * scale).toLocaleString("en-US")} × ${features}`,
});
const wholeProcesses = () => {
  const large = sized(1_000_000, 13);
  const wide = sized(100_000, 100);
  return [
    compare(`train ${large.title}`, train(large.path), checkCoefficients),
    compare(`train ${wide.title}`, train(wide.path), checkCoefficients),
    compare(`predict ${large.title}, CSV to CSV`, predict(large.path), checkPredictions),
    compare(
      "start-up: train data/boston.csv",
      [
        {
          name: "goml train",
          command: [node, goml, "train", here("../data/boston.csv"), "-q", "-m", data("boston.json")],
        },
        { name: "node -e 0", command: [node, "-e", "0"] },
        { name: "goml --version", command: [node, goml, "--version"] },
      ],
      unchecked,
    ),
  ];
};

/** Figures that a process measures of itself, round by round. */
function within(title, unit, contenders) {
  process.stderr.write(`${title}\n`);
  const present = contenders.filter(Boolean).map((contender) => ({ ...contender, values: [] }));
  for (let round = 0; round < rounds; round++)
    for (const { name, command, env, read, values } of present) {
      const result = run(command, env);
      if (!result.ok) throw new Error(`${name} failed:\n${result.stderr}`);
      values.push(read(result));
    }
  const [ours] = present;
  return {
    title,
    unit,
    rows: present.map(({ name, values }) => ({
      name,
      value: median(values),
      ratio: median(values.map((v, i) => ours.values[i] / v)),
    })),
  };
}

const insideProcesses = () => {
  const huge = sized(4_000_000, 13);
  const large = sized(1_000_000, 13);
  const scanMs = ({ stdout }) => JSON.parse(stdout).timing.scanMs;
  const trainOn = (threads, { path } = huge) => [
    node,
    goml,
    "train",
    path,
    "--json",
    "--threads",
    String(threads),
    "-m",
    data("huge.json"),
  ];
  const shape = [String(1_000_000 * scale), "13"];
  const library = (what, name, ...size) => ({
    name,
    command: [node, here("peers/goml_library.js"), what, ...size],
    read: ({ stdout }) => JSON.parse(stdout)[name],
  });
  const one = { OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1" };
  return [
    within(`scan of ${huge.title}, past start-up`, "ms", [
      { name: "2 threads", command: trainOn(2), read: scanMs },
      { name: "1 thread", command: trainOn(1), read: scanMs },
    ]),
    within(`scan of ${large.title}, past start-up`, "ms", [
      { name: "2 threads", command: trainOn(2, large), read: scanMs },
      { name: "1 thread", command: trainOn(1, large), read: scanMs },
    ]),
    within("a fit of data/boston.csv in memory, in a loop", "ms", [
      library("fit", "fit"),
      library("fit", "ml-matrix"),
      library("fit", "fit in double"),
      library("fit", "fit and summary"),
    ]),
    within(`in-memory predict ${large.title} from shared memory`, "ms", [
      library("predict", "SharedArrayBuffer", ...shape),
      library("predict", "ArrayBuffer", ...shape),
    ]),
    within("peak memory of train by rows", "MB", [
      { name: huge.title, command: trainOn(2), read: ({ memory }) => memory },
      {
        name: large.title,
        command: [node, goml, "train", large.path, "-q", "--threads", "2", "-m", data("model.json")],
        read: ({ memory }) => memory,
      },
    ]),
    within(`in-memory predict ${large.title}, one thread`, "ms", [
      {
        name: "goml",
        command: [node, here("peers/goml_memory.js"), ...shape],
        read: ({ stdout }) => Number(stdout),
      },
      have("NumPy") && {
        name: "NumPy X @ θ",
        command: [python, here("peers/numpy_memory.py"), ...shape],
        env: one,
        read: ({ stdout }) => Number(stdout),
      },
    ]),
  ];
};

/** The article's equation on goml's machines, and on goroutines with channels: the Go program is built first. */
const machines = () => {
  process.stderr.write("σ(w·x + b) on machines\n");
  const program = data("machine");
  const built = have("Go") && run(["go", "build", "-o", program, here("peers/machine.go")]).ok;
  const measured = (command) => {
    const result = run(command);
    if (!result.ok) throw new Error(`${command.join(" ")} failed:\n${result.stderr}`);
    return JSON.parse(result.stdout);
  };
  const turns = Array.from({ length: rounds }, () => ({
    goml: measured([node, here("peers/goml_machine.js")]),
    go: built ? measured([program]) : undefined,
  }));
  const contenders = [
    ["goml, go machine", ({ goml }, name) => goml[name].go],
    ["goml, tape machine", ({ goml }, name) => goml[name].tape],
    built && ["Go, goroutines and channels made for each run", ({ go }, name) => go[name].fresh],
    built && ["Go, goroutines and channels kept", ({ go }, name) => go[name].kept],
  ].filter(Boolean);
  const ours = (turn, name) => turn.goml[name].go;
  return [
    ["bare", "σ(w·x + b), bare"],
    ["chain", "σ(w·x + b), 50 µs per op"],
    ["sixteen", "16 × σ(w·x + b), 50 µs per op"],
  ].map(([name, title]) => ({
    title,
    unit: "µs",
    rows: contenders.map(([label, of]) => ({
      name: label,
      value: median(turns.map((turn) => of(turn, name))),
      ratio: median(turns.map((turn) => ours(turn, name) / of(turn, name))),
    })),
  }));
};

const tables = flags.only ? [] : wholeProcesses();
const inner = [...(flags.only ? [] : insideProcesses()), ...machines()];

const machine = `${cpus()[0].model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
const missing = Object.entries(versions).filter(([, v]) => v === undefined);
const fixed = (x, digits) => (Number.isFinite(x) ? x.toFixed(digits) : "–");
const markdown = [
  `${machine}; median of ${rounds} ${rounds === 1 ? "round" : "rounds"}; "ratio" is goml's figure divided by the peer's, round by round.`,
  Object.entries(versions)
    .filter(([, v]) => v !== undefined)
    .map(([name, v]) => `${name} ${v}`)
    .join(", "),
  ...(missing.length > 0 ? [`Not installed: ${missing.map(([name]) => name).join(", ")}.`] : []),
  ...tables.map(({ title, rows }) =>
    [
      `### ${title}\n`,
      "| | wall s | CPU s | peak MB | ratio |",
      "|---|---:|---:|---:|---:|",
      ...rows.map(
        (r) =>
          `| ${r.name} | ${fixed(r.wall, 3)} | ${fixed(r.cpu, 2)} | ${fixed(r.memory, 0)} | ${fixed(r.ratio, 3)} |`,
      ),
    ].join("\n"),
  ),
  ...inner.map(({ title, unit, rows }) =>
    [
      `### ${title}\n`,
      `| | ${unit} | ratio |`,
      "|---|---:|---:|",
      ...rows.map((r) => `| ${r.name} | ${fixed(r.value, 2)} | ${fixed(r.ratio, 3)} |`),
    ].join("\n"),
  ),
].join("\n\n");
writeFileSync(here("results/peers.md"), `${markdown}\n`);
writeFileSync(
  here("results/peers.json"),
  `${JSON.stringify({ machine, versions, rounds, tables, inner }, null, 2)}\n`,
);
process.stdout.write(`${markdown}\n`);
