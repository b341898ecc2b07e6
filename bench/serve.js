// goml serve against what it must reach, in one run: `node bench/serve.js [--quick]` after `npm run build`.
//
// 1. 1-row JSON inference on one core against a bare Fastify route that returns a constant.
// 2. p99 of /v2/health/live, seen by a process of its own, while 1,000,000-row binary requests run without a pause,
//    against the same server answering them inline.
// 3. 1,000,000 × 13 rows over the binary extension against predicting them in memory plus the copy.
// 4. What a request of some rows holds the event loop up when it is answered inline: where inlineBytes comes from.
//
// Servers, clients and the prober are processes of their own; ratios come from alternating rounds.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import Fastify from "fastify";
import { fit } from "../dist/index.js";
import { createServer } from "../dist/serve/index.js";
import { median, quantilesOf } from "../dist/stats/quantile.js";

const COLUMNS = 13;
const ROWS = 1_000_000;
const quick = process.argv.includes("--quick");

/** A fixed generator (mulberry32): the data are the same in every run. */
function generator(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function matrix(rows, seed = 1) {
  const random = generator(seed);
  return Float64Array.from({ length: rows * COLUMNS }, random);
}

function model() {
  const n = 200;
  const X = matrix(n, 2);
  const y = Float64Array.from({ length: n }, (_, i) => X[i * COLUMNS] * 3 - X[i * COLUMNS + 5] + 1);
  return fit(X, y);
}

const tensor = (rows, more) => ({ name: "input", shape: [rows, COLUMNS], datatype: "FP64", ...more });
const jsonBody = (X) => JSON.stringify({ inputs: [tensor(X.length / COLUMNS, { data: Array.from(X) })] });

function binaryBody(X) {
  const size = { parameters: { binary_data_size: X.byteLength } };
  const head = Buffer.from(
    JSON.stringify({ inputs: [tensor(X.length / COLUMNS, size)], parameters: { binary_data_output: true } }),
  );
  return { headerLength: head.length, body: Buffer.concat([head, Buffer.from(X.buffer)]) };
}

// ---- the processes

const roles = {
  async bare() {
    const app = Fastify();
    app.get("/", async () => ({ ok: true }));
    app.post("/", async () => ({ ok: true }));
    await app.listen({ port: 0 });
    process.send({ port: app.server.address().port });
  },
  async library(inline) {
    const huge = Number.MAX_SAFE_INTEGER;
    const app = createServer(
      { m: model() },
      inline === "inline" ? { inlineBytes: { json: huge, csv: huge, binary: huge } } : {},
    );
    await app.listen({ port: 0 });
    process.send({ port: app.server.address().port });
  },
  /** Sends 1,000,000-row requests one after the other and tells how long each took. */
  async load(port, seconds) {
    const { body, headerLength } = binaryBody(matrix(ROWS));
    const agent = new http.Agent({ keepAlive: true });
    const until = performance.now() + Number(seconds) * 1000;
    const times = [];
    while (performance.now() < until) {
      const started = performance.now();
      await post(agent, Number(port), "/v2/models/m/infer", body, {
        "inference-header-content-length": headerLength,
      });
      times.push(performance.now() - started);
    }
    process.send({ times });
    agent.destroy();
  },
  async probe(port, seconds) {
    const agent = new http.Agent({ keepAlive: true });
    const until = performance.now() + Number(seconds) * 1000;
    const times = [];
    while (performance.now() < until) {
      const started = performance.now();
      await get(agent, Number(port), "/v2/health/live");
      times.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    process.send({ times });
    agent.destroy();
  },
};

function get(agent, port, path) {
  return new Promise((resolve, reject) => {
    http
      .get({ agent, port, host: "127.0.0.1", path }, (answer) => {
        answer.resume();
        answer.on("end", resolve);
      })
      .on("error", reject);
  });
}

function post(agent, port, path, body, headers) {
  return new Promise((resolve, reject) => {
    const options = { agent, port, host: "127.0.0.1", path, method: "POST" };
    const request = http.request(
      { ...options, headers: { ...headers, "content-length": body.length } },
      (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => {
          if (answer.statusCode === 200) resolve({ headers: answer.headers, body: Buffer.concat(chunks) });
          else reject(new Error(`status ${answer.statusCode}: ${Buffer.concat(chunks)}`));
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

const self = fileURLToPath(import.meta.url);
const bin = fileURLToPath(new URL("../bin/goml.js", import.meta.url));
const pinnable = spawnSync("taskset", ["-c", "0", "true"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "goml-bench-"));
const children = new Set();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** Starts a node process; `core` pins it, where taskset is there. */
function launch(args, core, stdio) {
  const [command, ...rest] = [
    ...(core !== undefined && pinnable ? ["taskset", "-c", String(core)] : []),
    process.execPath,
    ...args,
  ];
  const child = spawn(command, rest, { stdio });
  children.add(child);
  const stop = () => {
    child.removeAllListeners("exit");
    children.delete(child);
    child.kill("SIGKILL");
  };
  /** Seconds of processor time that the process has taken; Linux counts them in hundredths. */
  const cpu = () => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  return { child, cpu, stop };
}

/** Starts a role of this file. */
function start(role, args = [], core = undefined) {
  const { child, cpu, stop } = launch([self, "--role", role, ...args.map(String)], core, [
    "ignore",
    "inherit",
    "inherit",
    "ipc",
  ]);
  const first = new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`${role} ended with ${code}`)));
  });
  return { first, cpu, stop };
}

/** Starts the command, `goml serve`, whose log is read and dropped. */
function serve(core = undefined) {
  const path = join(folder, "m.json");
  writeFileSync(path, JSON.stringify(model()));
  const { child, cpu, stop } = launch([bin, "serve", path, "--port", "0"], core, [
    "ignore",
    "pipe",
    "inherit",
  ]);
  const first = new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (part) => {
      if (text.length < 10_000) text += part;
      const port = /"urls":\["http:\/\/127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
      if (port !== undefined) resolve({ port: Number(port) });
    });
    child.once("exit", (code) => reject(new Error(`goml serve ended with ${code}`)));
  });
  return { first, cpu, stop };
}

// ---- the measurements

/** Requests per second: by wrk where it is there, whose client costs least, else by autocannon. */
async function throughput(port, path, body, seconds) {
  const url = `http://127.0.0.1:${port}${path}`;
  if (spawnSync("wrk", ["--version"]).error === undefined) {
    const script =
      body === undefined ? [] : ["-s", fileURLToPath(new URL("./serve-post.lua", import.meta.url))];
    const client = pinnable && availableParallelism() > 1 ? ["taskset", "-c", "1"] : [];
    const [command, ...args] = [...client, "wrk", "-t1", "-c16", `-d${seconds}s`, ...script, url];
    const text = execFileSync(command, args, { env: { ...process.env, BODY: body ?? "" }, encoding: "utf8" });
    if (/Non-2xx|Socket errors/.test(text)) throw new Error(text);
    return Number(/Requests\/sec:\s+([0-9.]+)/.exec(text)[1]);
  }
  const method = body === undefined ? "GET" : "POST";
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const result = await autocannon({ url, method, body, headers, connections: 16, duration: seconds });
  if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} errors`);
  return result.requests.average;
}

async function oneRow() {
  const servers = {
    bare: start("bare", [], 0),
    library: start("library", [], 0),
    command: serve(0),
  };
  const port = {};
  for (const [name, { first }] of Object.entries(servers)) port[name] = (await first).port;
  const body = jsonBody(matrix(1));
  const seconds = quick ? 1 : 3;
  const infer = "/v2/models/m/infer";
  const cases = {
    "bare route, GET, constant": ["bare", "/", undefined],
    "bare route, POST of the same body, constant": ["bare", "/", body],
    "createServer, 1 row": ["library", infer, body],
    "goml serve with its log, 1 row": ["command", infer, body],
  };
  const rounds = Object.fromEntries(Object.keys(cases).map((name) => [name, { rate: [], cpu: [] }]));
  for (let round = -1; round < (quick ? 2 : 5); round++)
    for (const [name, [server, path, sent]] of Object.entries(cases)) {
      const before = servers[server].cpu();
      const rate = await throughput(port[server], path, sent, seconds);
      if (round < 0) continue;
      rounds[name].rate.push(rate);
      rounds[name].cpu.push((servers[server].cpu() - before) / (rate * seconds));
    }
  for (const { stop } of Object.values(servers)) stop();
  const get = rounds["bare route, GET, constant"];
  const post = rounds["bare route, POST of the same body, constant"];
  const ratio = (values, base, of) =>
    median(values.map((v, i) => (of === "rate" ? v / base[i] : base[i] / v))).toFixed(2);
  console.log("\n1. 1-row JSON inference on one core (target: at least 0.6 of the bare route)");
  console.log(`   ${"".padEnd(46)} requests/s  of POST  of GET   CPU/request  of POST  of GET`);
  for (const [name, { rate, cpu }] of Object.entries(rounds))
    console.log(
      `   ${name.padEnd(46)} ${median(rate).toFixed(0).padStart(10)} ${ratio(rate, post.rate, "rate").padStart(8)}` +
        `${ratio(rate, get.rate, "rate").padStart(8)} ${(median(cpu) * 1e6).toFixed(1).padStart(10)} µs` +
        `${ratio(cpu, post.cpu, "cpu").padStart(9)}${ratio(cpu, get.cpu, "cpu").padStart(8)}`,
    );
}

async function health() {
  const seconds = quick ? 3 : 10;
  console.log("\n2. /v2/health/live under 1,000,000-row binary requests (target: p99 at most 10 ms)");
  for (const mode of ["workers", "inline", "workers", "inline"]) {
    const server = mode === "inline" ? start("library", ["inline"]) : serve();
    const { port } = await server.first;
    const load = start("load", [port, seconds + 2]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const probe = start("probe", [port, seconds]);
    const { times } = await probe.first;
    const requests = (await load.first).times;
    server.stop();
    const at = quantilesOf(times);
    const ms = (q) => `${at(q).toFixed(2)} ms`;
    console.log(
      `   ${mode.padEnd(8)} p50 ${ms(0.5)}, p99 ${ms(0.99)}, worst ${ms(1)} of ${times.length} probes; ` +
        `${requests.length} requests of ${ROWS} rows, ${median(requests).toFixed(0)} ms each`,
    );
  }
}

async function million() {
  const m = model();
  const X = matrix(ROWS);
  const out = new Float64Array(ROWS);
  const server = serve();
  const { port } = await server.first;
  const { body, headerLength } = binaryBody(X);
  const agent = new http.Agent({ keepAlive: true });
  const ask = () =>
    post(agent, port, "/v2/models/m/infer", body, { "inference-header-content-length": headerLength });
  const answer = await ask();
  m.predict(X, out);
  const from = Number(answer.headers["inference-header-content-length"]);
  if (!answer.body.subarray(from).equals(Buffer.from(out.buffer))) throw new Error("the predictions differ");
  const times = { predict: [], copy: [], http: [] };
  const timed = async (name, work) => {
    const started = performance.now();
    await work();
    times[name].push(performance.now() - started);
  };
  for (let round = 0; round < (quick ? 5 : 15); round++) {
    await timed("predict", () => m.predict(X, out));
    await timed("copy", () => new Float64Array(new SharedArrayBuffer(X.byteLength)).set(X));
    await timed("http", ask);
  }
  agent.destroy();
  server.stop();
  const both = times.predict.map((v, i) => v + times.copy[i]);
  const ratio = median(times.http.map((v, i) => v / both[i]));
  console.log(
    `\n3. ${ROWS} × ${COLUMNS} rows over the binary extension (target: at most 3 × predict plus copy)`,
  );
  const show = Object.entries(times).map(([name, values]) => `${name} ${median(values).toFixed(1)} ms`);
  console.log(`   ${show.join(", ")}: ${ratio.toFixed(2)} × predict plus copy`);
}

async function threshold() {
  const inline = start("library", ["inline"]);
  const { port } = await inline.first;
  const agent = new http.Agent({ keepAlive: true });
  const csvBody = (X) => {
    const lines = [Array.from({ length: COLUMNS }, (_, j) => `x${j + 1}`).join(",")];
    for (let i = 0; i < X.length; i += COLUMNS) lines.push(X.subarray(i, i + COLUMNS).join(","));
    return Buffer.from(`${lines.join("\n")}\n`);
  };
  console.log("\n4. What a request costs inline, by bytes of body (round trip less that of one row)");
  const kinds = {
    json: (X) => ["/v2/models/m/infer", Buffer.from(jsonBody(X)), {}],
    csv: (X) => ["/invocations", csvBody(X), { "content-type": "text/csv" }],
    binary: (X) => {
      const { body, headerLength } = binaryBody(X);
      return ["/v2/models/m/infer", body, { "inference-header-content-length": headerLength }];
    },
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const cells = [];
    let base = 0;
    for (const kib of [0, 4, 8, 16, 32, 64, 128, 256, 512, 1024]) {
      const bytesPerRow = kind === "binary" ? 8 * COLUMNS : 19.5 * COLUMNS;
      const [path, body, headers] = make(matrix(Math.max(1, Math.round((kib * 1024) / bytesPerRow))));
      const times = [];
      for (let i = 0; i < 60; i++) {
        const started = performance.now();
        await post(agent, port, path, body, headers);
        times.push(performance.now() - started);
      }
      const ms = median(times.slice(20));
      if (kib === 0) base = ms;
      else cells.push(`${kib} KiB ${(ms - base).toFixed(2)} ms`);
    }
    console.log(`   ${kind.padEnd(7)} ${cells.join(", ")}`);
  }
  agent.destroy();
  inline.stop();
}

const role = process.argv.indexOf("--role");
if (role >= 0) {
  await roles[process.argv[role + 1]](...process.argv.slice(role + 2));
  if (["load", "probe"].includes(process.argv[role + 1])) process.disconnect();
} else {
  const only = process.argv.slice(2).filter((word) => /^[1-4]$/.test(word));
  console.log(`${cpus()[0].model}, ${availableParallelism()} cores, node ${process.version}`);
  const parts = { 1: oneRow, 2: health, 3: million, 4: threshold };
  for (const [name, part] of Object.entries(parts))
    if (only.length === 0 || only.includes(name)) await part();
}
