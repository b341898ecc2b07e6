import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import { PoolClosedError, WorkerDiedError, WorkerPool } from "../../src/parallel/worker-pool.js";

const entry = new URL("./pool-worker.js", import.meta.url);
const pools: WorkerPool<object, unknown>[] = [];

function open(threads: number, data?: SharedArrayBuffer): WorkerPool<object, unknown> {
  const pool = new WorkerPool<object, unknown>(entry, { threads, setup: data });
  pools.push(pool);
  return pool;
}

afterEach(async () => {
  for (const pool of pools.splice(0)) {
    await pool.close();
    expect([pool.alive, pool.pending]).toEqual([0, 0]);
  }
});

test("answers every job with its own answer, on no more threads than allowed", async () => {
  const data = new SharedArrayBuffer(16);
  const pool = open(2, data);
  const jobs = Array.from({ length: 40 }, (_, i) => i);
  expect(await Promise.all(jobs.map((count) => pool.run({ count })))).toEqual(jobs.map((i) => i * 2));
  expect(pool.alive).toBeLessThanOrEqual(2);
  expect(new Int32Array(data)[1]).toBeLessThanOrEqual(2);
  expect(pool.pending).toBe(0);
});

test("threads start only when there is work", async () => {
  const pool = open(4);
  expect(pool.alive).toBe(0);
  for (let i = 0; i < 5; i++) await pool.run({ i });
  expect(pool.alive).toBe(1);
});

test("an error keeps its class, message, hint and kind, and the thread goes on", async () => {
  const pool = open(1);
  await expect(pool.run({ fail: "usage" })).rejects.toBeInstanceOf(UsageError);
  await expect(pool.run({ fail: "usage" })).rejects.toMatchObject({
    name: "UsageError",
    message: "no such job",
    hint: "give another",
    kind: "usage",
  });
  await expect(pool.run({ fail: "plain" })).rejects.toMatchObject({
    name: "RangeError",
    message: "out of range",
  });
  expect(await pool.run({ hello: 1 })).toEqual({ hello: 1 });
  expect(pool.alive).toBe(1);
});

test("a thread that ends fails its job alone, and is replaced", async () => {
  const pool = open(1);
  const [died, next] = await Promise.allSettled([pool.run({ exit: 3 }), pool.run({ next: 1 })]);
  expect(died.status === "rejected" && died.reason).toBeInstanceOf(WorkerDiedError);
  expect(String(died.status === "rejected" && died.reason)).toContain("code 3");
  expect(next).toEqual({ status: "fulfilled", value: { next: 1 } });
});

test("an entry file that is not there fails the job, not the process", async () => {
  const pool = new WorkerPool(new URL("./none-worker.js", import.meta.url), { threads: 1 });
  await expect(pool.run({})).rejects.toBeInstanceOf(WorkerDiedError);
  await pool.close();
});

test("abort drops a job in line at once and joins the one that runs", async () => {
  const data = new SharedArrayBuffer(16);
  const view = new Int32Array(data);
  const pool = open(1, data);
  const stop = new AbortController();
  const outcomes: string[] = [];
  const running = pool.run({ block: true }, stop.signal).catch((e) => outcomes.push(`running ${e.message}`));
  const queued = pool.run({ count: 1 }, stop.signal).catch((e) => outcomes.push(`queued ${e.message}`));
  while (Atomics.load(view, 3) === 0) await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error("stop"));
  await queued;
  expect(outcomes).toEqual(["queued stop"]);
  Atomics.store(view, 2, 1);
  Atomics.notify(view, 2);
  await running;
  expect(outcomes).toEqual(["queued stop", "running stop"]);
  expect(pool.pending).toBe(0);
  await expect(pool.run({}, stop.signal)).rejects.toThrow("stop");
});

test("close stops threads in the middle of a job, and the jobs fail with PoolClosedError", async () => {
  const data = new SharedArrayBuffer(16);
  const pool = open(1, data);
  const jobs = Promise.allSettled([pool.run({ block: true }), pool.run({ count: 1 })]);
  while (Atomics.load(new Int32Array(data), 3) === 0) await new Promise((resolve) => setImmediate(resolve));
  await pool.close();
  for (const job of await jobs)
    expect(job.status === "rejected" && job.reason).toBeInstanceOf(PoolClosedError);
  await expect(pool.run({})).rejects.toBeInstanceOf(PoolClosedError);
});

test("idle threads do not keep the process alive", () => {
  const script = `
    import { WorkerPool } from ${JSON.stringify(new URL("../../dist/parallel/worker-pool.js", import.meta.url).href)};
    const pool = new WorkerPool(new URL(${JSON.stringify(entry.href)}), { threads: 2 });
    console.log(JSON.stringify(await Promise.all([pool.run({ a: 1 }), pool.run({ b: 2 })])), pool.alive);`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    encoding: "utf8",
    timeout: 20_000,
  });
  expect([run.status, run.stdout, run.stderr]).toEqual([0, '[{"a":1},{"b":2}] 2\n', ""]);
});

test.each([0, 1.5, Number.NaN])("%s threads are refused", (threads) => {
  expect(() => new WorkerPool(entry, { threads })).toThrow(UsageError);
});
