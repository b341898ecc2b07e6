import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import { readTable } from "../../src/csv/table.js";
import { scan } from "../../src/scan/scan.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-scan-on-workers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a scan that stops ends the wait of threads that have run ahead as far as they may", async () => {
  const path = join(folder, "data.csv");
  writeFileSync(path, `x\n${"1\n".repeat(20_000)}`);
  const source = await openSource(path);
  try {
    const table = await readTable(source, {});
    const job = {
      plan: null,
      create: () => ({ add: () => {}, finish: () => 0 }),
      entry: new URL("./stopping-worker.js", import.meta.url),
      collect: () => undefined,
    };
    const control = { threads: 3, inlineBytes: 0, chunkBytes: 1024, window: 3 };
    const scanning = scan(table, { numeric: [0], factors: [] }, job, control);
    await expect(scanning).rejects.toThrow("stop here");
  } finally {
    await source.close();
  }
});
