import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type EarlyThreads, startThreadsFor } from "../../../src/cli/program/early.js";
import { builtFile } from "../../../src/files/built-file.js";
import { takeEarly } from "../../../src/parallel/early-threads.js";
import { scratchFolder } from "../../csv/scratch.js";

const scratch = scratchFolder();
const entry = builtFile("bundle/scan-worker.js");
const use: EarlyThreads = {
  entry: "scan-worker",
  threads: ({ threads = "auto" }) => threads as number | "auto",
  from: { told: 4 << 20, auto: 64 << 20 },
};

/** How many threads were started, all of which are ended. */
async function started(words: readonly string[], options: Record<string, unknown>): Promise<number> {
  startThreadsFor(use, words, options);
  let count = 0;
  for (let worker = takeEarly(entry); worker !== undefined; worker = takeEarly(entry)) {
    await worker.terminate();
    count++;
  }
  return count;
}

/** A file of so many bytes, none of which is on the disk. */
function file(name: string, bytes: number): string {
  const path = join(scratch.path, name);
  writeFileSync(path, "");
  truncateSync(path, bytes);
  return path;
}

afterEach(() => expect(takeEarly(entry)).toBeUndefined());

test("threads start for a file that is large enough, all but this one", async () => {
  const [large, small] = [file("large.csv", 4 << 20), file("small.csv", 3 << 20)];
  expect(await started([small, large], { threads: 3 })).toBe(2);
  // Files are read one by one, and each of these on one thread.
  expect(await started([small, small], { threads: 3 })).toBe(0);
  expect(await started([large], {})).toBe(0);
  expect(await started([large], { threads: 1 })).toBe(0);
});

test("no more of them than there are pieces of a file to share", async () => {
  expect(await started([file("five.csv", 5 << 20)], { threads: 1000 })).toBe(4);
});

test("what is no file is passed over: whoever opens it says so", async () => {
  expect(
    await started([scratch.path, join(scratch.path, "none.csv"), "postgres://host/db", "a\0b"], {
      threads: 2,
    }),
  ).toBe(0);
});
