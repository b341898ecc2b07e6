// Trains on the same rows as CSV, Parquet and Arrow, in turns, whole processes; pandas + scikit-learn beside them where
// Python has them. Prints medians of wall seconds, and of the rounds' ratios to CSV.
// With --postgres URL, of a server that may be written to, a table of them there too, beside psql's COPY to nowhere.
// Usage: node bench/sources.js [--rows 1000000] [--rounds 5] [--python python3] [--postgres postgres://…]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { Table, tableFromArrays, tableToIPC } from "apache-arrow";

const text = { type: "string" };
const { values } = parseArgs({ options: { rows: text, rounds: text, python: text, postgres: text } });
const rows = Number(values.rows ?? 1_000_000);
const rounds = Number(values.rounds ?? 5);
const goml = fileURLToPath(new URL("../bin/goml.js", import.meta.url));
const folder = fileURLToPath(new URL("data/", import.meta.url));
mkdirSync(folder, { recursive: true });

// 13 features and a target of 53 random bits each, seed 0.5; and the same rounded to four decimals, which Parquet packs
// less well than CSV does.
const kinds = { full: (x) => x, rounded: (x) => `round(${x}, 4)` };
for (const [kind, form] of Object.entries(kinds)) {
  const csv = `${folder}sources-${kind}-${rows}.csv`;
  if (existsSync(csv)) continue;
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run("SET threads = 1");
  await connection.run("SELECT setseed(0.5)");
  const columns = Array.from(
    { length: 14 },
    (_, j) => `${form(`random() * ${j + 1}`)} AS ${j < 13 ? `x${j + 1}` : "y"}`,
  );
  await connection.run(`CREATE TABLE t AS SELECT ${columns.join(", ")} FROM range(${rows})`);
  await connection.run(`COPY t TO '${csv.replace(/csv$/, "parquet")}' (FORMAT parquet)`);
  await connection.run(`COPY t TO '${csv}'`);
  connection.closeSync();
}
// The same as Arrow, in batches of as many rows as DuckDB's row groups have.
for (const kind of Object.keys(kinds)) {
  const path = `${folder}sources-${kind}-${rows}`;
  if (existsSync(`${path}.arrow`)) continue;
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const read = await connection.runAndReadAll(`FROM '${path}.parquet'`);
  const names = read.columnNames();
  const columns = read.getColumnsJS().map((values) => Float64Array.from(values));
  const batches = [];
  for (let from = 0; from < rows; from += 122_880) {
    const cut = columns.map((values, j) => [names[j], values.slice(from, from + 122_880)]);
    batches.push(...tableFromArrays(Object.fromEntries(cut)).batches);
  }
  writeFileSync(`${path}.arrow`, tableToIPC(new Table(batches), "file"));
  connection.closeSync();
}

const python = (path) => `import pandas, sklearn.linear_model as m
t = pandas.read_parquet(${JSON.stringify(path)})
m.LinearRegression().fit(t.drop(columns="y"), t["y"])`;
const train = (path) => [
  process.execPath,
  [goml, "train", path, "-t", "y", "-q", "-m", `${folder}sources.json`],
];
const cases = Object.keys(kinds).flatMap((kind) => {
  const path = `${folder}sources-${kind}-${rows}`;
  return [
    { kind, name: "goml, CSV", run: train(`${path}.csv`) },
    { kind, name: "goml, Parquet", run: train(`${path}.parquet`) },
    { kind, name: "goml, Arrow", run: train(`${path}.arrow`) },
    {
      kind,
      name: "pandas + scikit-learn, Parquet",
      run: [values.python ?? "python3", ["-c", python(`${path}.parquet`)]],
    },
  ];
});
if (values.postgres !== undefined) {
  const url = values.postgres;
  const sql = (...statements) => spawnSync("psql", ["-q", url, ...statements.flatMap((one) => ["-c", one])]);
  const names = Array.from({ length: 14 }, (_, j) => `${j < 13 ? `x${j + 1}` : "y"} float8`).join(", ");
  sql(
    "DROP TABLE IF EXISTS goml_bench",
    `CREATE TABLE goml_bench (${names})`,
    `\\copy goml_bench FROM '${folder}sources-full-${rows}.csv' WITH (FORMAT csv, HEADER)`,
    "VACUUM ANALYZE goml_bench",
  );
  const copy = ["-q", url, "-c", "COPY goml_bench TO STDOUT (FORMAT csv)"];
  cases.push(
    { kind: "postgres", name: "psql, COPY to nowhere", run: ["psql", copy] },
    {
      kind: "postgres",
      name: "goml, PostgreSQL",
      run: [process.execPath, [...train(url)[1], "--table", "goml_bench"]],
    },
  );
}
const times = new Map(cases.map((one) => [one, []]));
for (let round = 0; round <= rounds; round++)
  for (const one of cases) {
    const start = performance.now();
    const { status } = spawnSync(...one.run, { stdio: "ignore" });
    const wall = (performance.now() - start) / 1000;
    if (status !== 0) times.delete(one);
    else if (round > 0) times.get(one)?.push(wall);
  }
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
console.log(
  `${rows} rows of 14 columns, ${rounds} rounds, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`,
);
for (const one of cases) {
  const own = times.get(one);
  if (own === undefined) {
    console.log(`${one.kind.padEnd(8)} ${one.name.padEnd(32)} not here`);
    continue;
  }
  // The first of its kind is what the others are compared with.
  const base = cases.find(({ kind }) => kind === one.kind);
  const csv = times.get(base);
  const ratio = median(own.map((wall, i) => wall / csv[i]));
  console.log(
    `${one.kind.padEnd(8)} ${one.name.padEnd(32)} ${median(own).toFixed(2)} s  ${ratio.toFixed(2)} × ${base.name}`,
  );
}
