import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import { readTable } from "../../src/csv/table.js";
import { InterruptedError } from "../../src/errors.js";
import { scan } from "../../src/scan/scan.js";
import type { ScanControl } from "../../src/scan/scan-options.js";

const CHUNKS = 60;
const WINDOW = 6;
const text = `x\n${"1\n".repeat((1024 * CHUNKS) / 2 - 1)}`;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-abort-"));
  writeFileSync(join(folder, "plain.csv"), text);
  writeFileSync(join(folder, "zipped.csv"), gzipSync(text));
  // Lines that end in CR alone are read by csv-parse.
  writeFileSync(join(folder, "cr.csv"), text.replaceAll("\n", "\r"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Scans a file in chunks of 1 KiB; aborts from within the collecting of chunk `at`. */
async function scanned(file: string, control: ScanControl, at = Number.POSITIVE_INFINITY) {
  const source = await openSource(join(folder, file));
  const controller = new AbortController();
  const shared = () => new Int32Array(new SharedArrayBuffer(4));
  const plan = { read: shared(), sleep: shared() };
  const seen = { collected: 0, read: 0, error: undefined as unknown };
  try {
    const job = {
      plan,
      // As in the worker.
      create: () => ({
        add: () => {},
        finish: () => {
          Atomics.wait(plan.sleep, 0, 0, 2);
          return Atomics.add(plan.read, 0, 1);
        },
      }),
      entry: new URL("./counting-worker.js", import.meta.url),
      collect: (_result: number, chunk: number): undefined => {
        seen.collected++;
        if (chunk === at) controller.abort();
      },
    };
    const { signal } = controller;
    const how = { ...control, signal, chunkBytes: 1024, window: WINDOW };
    await scan(await readTable(source, {}), { numeric: [0], factors: [] }, job, how);
  } catch (error) {
    seen.error = error;
  } finally {
    await source.close();
  }
  seen.read = plan.read[0]!;
  return seen;
}

describe("an abort ends a scan before the chunks are read that were not under way", () => {
  test.each<[lane: string, file: string, control: ScanControl]>([
    ["on the calling thread", "plain.csv", { threads: 1 }],
    ["on threads", "plain.csv", { threads: 3, inlineBytes: 0 }],
    ["on threads, the caller's among them", "plain.csv", { threads: 3, inlineBytes: 0, callerWorks: true }],
    ["a stream", "zipped.csv", { threads: 1 }],
    ["a stream, on threads", "zipped.csv", { threads: 3 }],
    ["by csv-parse", "cr.csv", { threads: 1 }],
  ])("%s", async (_, file, control) => {
    const whole = await scanned(file, control);
    expect(whole).toEqual({ collected: CHUNKS, read: CHUNKS, error: undefined });
    const aborted = await scanned(file, control, 2);
    expect(aborted.error).toBeInstanceOf(InterruptedError);
    // What may run on: one thread to the end of its stretch of 10 ms, which is five chunks; several as far as the
    // window (a stream's is twice the threads) and what each has in hand.
    expect(aborted.read).toBeLessThanOrEqual(3 + 2 * WINDOW);
    expect(aborted.collected).toBeLessThanOrEqual(aborted.read);
  });
});
