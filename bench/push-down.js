// Sums made in the database. (1) DuckDB: `goml train --in-engine`, a whole process, beside one query of covar_pop over all
// pairs of the same columns in a process of its own, in turns, and the digits of a slope on times of seconds since 1970.
// (2) PostgreSQL on three foreign servers of this host, where Debian's is installed: bytes that cross, and the wall beside
// that of the slowest server's own sums, all three at once. Usage: node bench/push-down.js [--rows 1000000] [--rounds 5]
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";

const { values } = parseArgs({ options: { rows: { type: "string" }, rounds: { type: "string" } } });
const rows = Number(values.rows ?? 1_000_000);
const rounds = Number(values.rounds ?? 5);
const goml = fileURLToPath(new URL("../bin/goml.js", import.meta.url));
const folder = fileURLToPath(new URL("data/", import.meta.url));
mkdirSync(folder, { recursive: true });
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const names = Array.from({ length: 14 }, (_, j) => (j < 13 ? `x${j + 1}` : "y"));
const pairs = (form) => names.flatMap((a, i) => names.slice(0, i + 1).map((b) => form(a, b)));
console.log(
  `${rows} rows of 14 columns, ${rounds} rounds, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`,
);

const file = `${folder}push-down-${rows}.db`;
if (!existsSync(file)) {
  const instance = await DuckDBInstance.create(file);
  const connection = await instance.connect();
  await connection.run("SET threads = 1");
  await connection.run("SELECT setseed(0.5)");
  await connection.run(
    `CREATE TABLE t AS SELECT ${names.map((name, j) => `random() * ${j + 1} AS ${name}`).join(", ")} FROM range(${rows})`,
  );
  await connection.run(
    "CREATE TABLE epoch AS SELECT t, 0.5 * (t - 1.7e9) + random() AS y FROM (SELECT 1.7e9 + 60 * random() AS t FROM range(3000))",
  );
  connection.closeSync();
  instance.closeSync();
}
const inDuckdb = (sql) => `import { DuckDBInstance } from "@duckdb/node-api";
const c = await (await DuckDBInstance.create(${JSON.stringify(file)}, { access_mode: "READ_ONLY" })).connect();
console.log(JSON.stringify((await c.runAndReadAll(${JSON.stringify(sql)})).getRows()));`;
const covariances = `SELECT ${pairs((a, b) => `covar_pop(${a}, ${b})`).join(", ")}, ${names.map((name) => `avg(${name})`).join(", ")} FROM t`;
const script = (sql) => ["--input-type=module", "-e", inDuckdb(sql)];
const train = (table, ...more) => [
  goml,
  "train",
  `duckdb:${file}`,
  "--table",
  table,
  "-t",
  "y",
  "--in-engine",
  "-m",
  `${folder}push-down.json`,
  ...more,
];
const run = (args) => {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: folder });
  if (status !== 0) throw new Error(stderr);
  return { wall: (performance.now() - start) / 1000, stdout };
};
const [ours, theirs, exact] = [[], [], []];
for (let round = 0; round <= rounds; round++) {
  const [a, b, c] = [
    run(train("t", "-q")),
    run(script(covariances)),
    run(train("t", "-q", "--solver", "extended")),
  ];
  if (round === 0) continue;
  ours.push(a.wall);
  theirs.push(b.wall);
  exact.push(c.wall);
}
const over = (list) => median(list.map((wall, i) => wall / theirs[i])).toFixed(2);
console.log(`DuckDB, 105 × covar_pop            ${median(theirs).toFixed(2)} s`);
console.log(`goml train --in-engine             ${median(ours).toFixed(2)} s  ${over(ours)} × covar_pop`);
console.log(`the same in integers               ${median(exact).toFixed(2)} s  ${over(exact)} × covar_pop`);
const slope = (args) => JSON.parse(run(args).stdout).coefficients[1].estimate;
const right = slope(train("epoch", "--json", "--solver", "extended"));
const digits = (value) => Math.min(16, -Math.log10(Math.abs(value - right) / Math.abs(right))).toFixed(1);
const [[covariance]] = JSON.parse(run(script("SELECT covar_pop(t, y) / var_pop(t) FROM epoch")).stdout);
console.log(
  `digits of a slope on epoch times: covar_pop ${digits(covariance)}, --in-engine in double ${digits(slope(train("epoch", "--json", "--solver", "normal")))}`,
);

const root = "/usr/lib/postgresql";
const version = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a))[0] : undefined;
if (version === undefined) console.log("PostgreSQL: not here");
else await distributed(join(root, version, "bin"));

async function distributed(bin) {
  const scratch = mkdtempSync(join(tmpdir(), "goml-push-down-"));
  const asUser = process.getuid?.() === 0 ? ["runuser", ["-u", "postgres", "--"]] : ["env", []];
  if (asUser[0] === "runuser") execFileSync("chown", ["postgres", scratch]);
  const as = (...args) =>
    execFileSync(asUser[0], [...asUser[1], ...args], { cwd: scratch, stdio: ["ignore", "pipe", "ignore"] });
  const started = [];
  const start = async () => {
    const { server, port } = await listening(createServer());
    server.close();
    const data = join(scratch, String(port));
    as(join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync");
    as(
      join(bin, "pg_ctl"),
      "-D",
      data,
      "-w",
      "-l",
      `${data}.log`,
      "-o",
      `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c shared_buffers=512MB`,
      "start",
    );
    started.push(data);
    return port;
  };
  const psql = (port, sql) => [
    join(bin, "psql"),
    [
      "-q",
      "-v",
      "ON_ERROR_STOP=1",
      "-o",
      "/dev/null",
      `postgres://postgres@127.0.0.1:${port}/postgres`,
      "-c",
      sql,
    ],
  ];
  const timed = (program, args) =>
    new Promise((resolve, reject) => {
      const from = performance.now();
      const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
      child.on("close", (code) =>
        code === 0 ? resolve((performance.now() - from) / 1000) : reject(new Error(program)),
      );
    });
  let bytes = 0;
  const proxies = [];
  try {
    const coordinator = await start();
    const columns = `part int, ${names.map((name) => `${name} float8`).join(", ")}`;
    await timed(
      ...psql(
        coordinator,
        `CREATE EXTENSION postgres_fdw; CREATE TABLE t (${columns}) PARTITION BY LIST (part)`,
      ),
    );
    const ports = [];
    for (const part of [1, 2, 3]) {
      const port = await start();
      ports.push(port);
      await timed(
        ...psql(
          port,
          `CREATE TABLE part AS SELECT ${part} AS part, ${names.map((name, j) => `random() * ${j + 1} AS ${name}`).join(", ")} FROM generate_series(1, ${Math.ceil(rows / 3)})`,
        ),
      );
      await timed(...psql(port, "VACUUM ANALYZE part"));
      const { server, port: before } = await listening(
        createServer((client) => {
          const worker = connect(port, "127.0.0.1");
          client.pipe(worker).pipe(client);
          for (const socket of [client, worker]) socket.on("error", () => {});
          worker.on("data", (piece) => {
            bytes += piece.length;
          });
        }),
      );
      proxies.push(server);
      await timed(
        ...psql(
          coordinator,
          `CREATE SERVER w${part} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '${before}', dbname 'postgres', async_capable 'true', options '-c jit=off'); CREATE USER MAPPING FOR postgres SERVER w${part} OPTIONS (user 'postgres', password_required 'false'); CREATE FOREIGN TABLE t${part} PARTITION OF t FOR VALUES IN (${part}) SERVER w${part} OPTIONS (table_name 'part')`,
        ),
      );
    }
    // What each server would do by itself: the same two passes, on one process as a foreign scan's cursor has.
    const inner = names.map((name) => `CAST(${name} AS float8) - 0.5e0 AS ${name}`).join(", ");
    const ok = names.map((name) => `abs(CAST(${name} AS float8)) <= 1.7976931348623157e308`).join(" AND ");
    const own =
      "SET jit = off; SET max_parallel_workers_per_gather = 0; " +
      `SELECT count(*), ${names.map((name) => `avg(${name}), stddev_pop(${name}), min(${name}), max(${name})`).join(", ")} FROM part WHERE ${ok}; ` +
      `SELECT count(*), ${names.map((name) => `sum(${name})`).join(", ")}, ${pairs((a, b) => `sum(${a} * ${b})`).join(", ")} FROM (SELECT ${inner} FROM part WHERE ${ok}) q`;
    const args = [
      goml,
      "train",
      `postgres://postgres@127.0.0.1:${coordinator}/postgres`,
      "--table",
      "t",
      "-t",
      "y",
      "-x",
      "part",
      "--in-engine",
      "-q",
      "-m",
      `${folder}push-down.json`,
    ];
    const [all, slowest] = [[], []];
    let crossed = 0;
    for (let round = 0; round <= rounds; round++) {
      bytes = 0;
      const wall = await timed(process.execPath, args);
      crossed = bytes;
      const each = await Promise.all(ports.map((port) => timed(...psql(port, own))));
      if (round === 0) continue;
      all.push(wall);
      slowest.push(Math.max(...each));
    }
    console.log(
      `three PostgreSQL servers: ${median(all).toFixed(2)} s, ${median(all.map((wall, i) => wall / slowest[i])).toFixed(2)} × the slowest one's own two passes (${median(slowest).toFixed(2)} s); ${crossed} bytes from all three`,
    );
  } finally {
    for (const server of proxies) server.close();
    for (const data of started) as(join(bin, "pg_ctl"), "-D", data, "-m", "immediate", "stop");
    rmSync(scratch, { recursive: true, force: true });
  }
  process.exit(0);
}

function listening(server) {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve({ server, port: server.address().port }));
  });
}
