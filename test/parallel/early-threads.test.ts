import { spawnSync } from "node:child_process";
import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { startEarly, takeEarly } from "../../src/parallel/early-threads.js";
import { WorkerPool } from "../../src/parallel/worker-pool.js";

const entry = new URL("./pool-worker.js", import.meta.url);

/** The threads that were started early and are free. */
function threadsOf(own: URL): Worker[] {
  const all = globalThis as { [key: symbol]: Map<string, Worker[]> | undefined };
  return all[Symbol.for("goml.early")]?.get(own.href) ?? [];
}

test("a pool takes threads that were started early, tells them what jobs have in common, and starts what lacks", async () => {
  startEarly(entry, 1);
  const data = new SharedArrayBuffer(16);
  const pool = new WorkerPool<object, unknown>(entry, { threads: 2, setup: data });
  expect(await Promise.all([1, 2, 3, 4].map((count) => pool.run({ count })))).toEqual([2, 4, 6, 8]);
  expect(pool.alive).toBe(2);
  expect(takeEarly(entry)).toBeUndefined();
  await pool.close();
});

test("a thread is had once, by the entry that it was started for", async () => {
  startEarly(entry, 2);
  expect(takeEarly(new URL("./none-worker.js", import.meta.url))).toBeUndefined();
  const [one, two, none] = [takeEarly(entry), takeEarly(entry), takeEarly(entry)];
  expect(one).toBeDefined();
  expect(two).toBeDefined();
  expect(one).not.toBe(two);
  expect(none).toBeUndefined();
  await Promise.all([one!.terminate(), two!.terminate()]);
});

test("one that ends before it is asked for is none", async () => {
  const exits = new URL("data:text/javascript,process.exit()");
  startEarly(exits, 1);
  const [worker] = threadsOf(exits);
  await new Promise((resolve) => worker!.once("exit", resolve));
  expect(takeEarly(exits)).toBeUndefined();
});

test("threads that nobody takes do not keep the process", () => {
  const code = `
    import { startEarly } from ${JSON.stringify(new URL("../../dist/parallel/early-threads.js", import.meta.url).href)};
    startEarly(new URL(${JSON.stringify(entry.href)}), 2);
    console.log("done");`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect([run.status, run.stdout, run.stderr]).toEqual([0, "done\n", ""]);
});
