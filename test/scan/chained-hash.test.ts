import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { ChainedHash } from "../../src/csv/chained-hash.js";
import { openSource } from "../../src/csv/open-source.js";
import { Source } from "../../src/csv/source.js";
import { InterruptedError } from "../../src/errors.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { Xxh128 } from "../../src/kernels/xxh128.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { scratchFolder } from "../csv/scratch.js";
import { uniform } from "../uniform.js";

const scratch = scratchFolder();

/** Some megabytes of rows behind a header of about so many bytes; with a cell at their end that is no number, perhaps. */
function table(header: number, bad = false): string {
  const next = uniform(1);
  const long = "x".repeat(Math.max(1, Math.floor(header / 2)));
  const lines = [`${long},z${long},y`];
  for (let i = 0; i < 200_000; i++) lines.push(`${next()},${(9 * next()).toFixed(3)},${i % 7}`);
  if (bad) lines.push("1,two,3");
  return `${lines.join("\n")}\n`;
}

function hashOf(path: string): string {
  const hash = new Xxh128(new Kernels());
  hash.update(readFileSync(path));
  return hash.digest();
}

test.each([3, 900, 1015, 1020, 1026, 3000])(
  "a file behind a header of %i bytes is hashed by the threads that read it",
  async (header) => {
    const path = join(scratch.path, "data.csv");
    writeFileSync(path, table(header));
    const expected = hashOf(path);
    for (const control of [{ threads: 1 }, { threads: 2 }, { threads: 3, callerWorks: true }]) {
      const chained = vi.spyOn(Source.prototype, "hashed");
      const { model } = await fitCsv(path, control);
      expect(model.sources[0]).toMatchObject({ bytes: readFileSync(path).length, xxh128: expected });
      expect(chained).toHaveBeenCalledOnce();
      chained.mockRestore();
    }
  },
);

test("and where the csv-parse lane has to go on, on its own", async () => {
  const path = join(scratch.path, "quoted.csv");
  const rest = Array.from({ length: 50 }, (_, i) => ` "${i}" ,2,${i % 3}`);
  writeFileSync(path, `${table(3)}${rest.join("\n")}\n`);
  for (const threads of [1, 2]) {
    const { model } = await fitCsv(path, { threads });
    expect(model.sources[0]).toMatchObject({ xxh128: hashOf(path) });
  }
});

test("a thread whose turn does not come hears that the scan has failed", () => {
  const chain = new ChainedHash();
  const kernels = new Kernels();
  expect(chain.add(1, kernels, { hash: () => {} })).toBe(false);
  expect(() => chain.sleep(1, { failed: true })).toThrow(InterruptedError);
  // One that may go on comes back, if only to look again.
  chain.sleep(1, { failed: false });
  expect(chain.add(0, kernels, { hash: () => {} })).toBe(true);
  expect([chain.has(1), chain.has(2)]).toEqual([true, false]);
});

test("a file is known by the bytes that were read, and one that changes before they are hashed is refused", async () => {
  const path = join(scratch.path, "small.csv");
  writeFileSync(path, "a,y\n1,2\n2,5\n3,6\n");
  const source = await openSource(path);
  source.keepContent();
  writeFileSync(path, "a,y\n1,2\n2,5\n3,61\n");
  await expect(source.content()).rejects.toThrow("changed");
  await source.close();
});

test("an error in a chunk ends a scan of several threads", async () => {
  const path = join(scratch.path, "bad.csv");
  writeFileSync(path, table(3, true));
  for (const control of [{ threads: 1 }, { threads: 3 }, { threads: 2, callerWorks: true }])
    await expect(fitCsv(path, control)).rejects.toThrow("two");
});
