import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SHA256_BYTES } from "../../src/csv/content.js";
import { bytesSource, openSource, streamSource } from "../../src/csv/open-source.js";
import type { Source } from "../../src/csv/source.js";
import { xxh128Reference } from "../../src/kernels/reference/xxh128.js";
import { LinearModel } from "../../src/linear/model/model.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { uniform } from "../uniform.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();

/** Rows of two numbers, so many bytes of them or a few more. */
function rows(bytes: number): Buffer {
  const next = uniform(5);
  const lines = ["x,y"];
  for (let length = 4; length < bytes; ) {
    const x = next();
    const line = `${x},${2 * x + next()}`;
    lines.push(line);
    length += line.length + 1;
  }
  return Buffer.from(`${lines.join("\n")}\n`);
}

async function contentOf(source: Source, sha256?: boolean) {
  source.keepContent(sha256);
  for await (const _piece of source.chunks());
  const content = await source.content();
  await source.close();
  return content;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("a content is known by the same hash wherever it comes from", () => {
  const all = rows(SHA256_BYTES + 1000);
  test.each([
    ["100 bytes", 100],
    ["just so many that SHA-256 is taken", SHA256_BYTES],
    ["a byte more", SHA256_BYTES + 1],
  ])("%s", async (_, length) => {
    const bytes = all.subarray(0, length);
    const long = bytes.length > SHA256_BYTES;
    const expected = {
      bytes: bytes.length,
      ...(long ? { xxh128: xxh128Reference(bytes) } : { sha256: sha256(bytes) }),
    };
    const path = scratch.file("plain.csv", bytes);
    expect(await contentOf(await openSource(path))).toEqual(expected);
    const gzip = scratch.file("packed.csv.gz", gzipSync(bytes, { level: 1 }));
    expect(await contentOf(await openSource(gzip))).toEqual(expected);
    const pieces = async function* () {
      for (let from = 0; from < bytes.length; from += 65_000) yield bytes.subarray(from, from + 65_000);
    };
    expect(await contentOf(streamSource("pipe", pieces(), () => {}))).toEqual(expected);
    // Whoever knows long contents by SHA-256 has that, too.
    const both = { ...expected, sha256: sha256(bytes) };
    expect(await contentOf(await openSource(path), true)).toEqual(both);
    expect(await contentOf(await openSource(gzip), true)).toEqual(both);
  });

  test("bytes in memory have none", async () => {
    expect(await contentOf(bytesSource(all, "memory"))).toBeUndefined();
  });
});

test("rows are not added twice to a model that knows them by their SHA-256", async () => {
  const bytes = rows(SHA256_BYTES + 5000);
  const path = scratch.file("long.csv", bytes);
  const { model } = await fitCsv(path, { folds: 1 });
  const { sources, source, ...rest } = JSON.parse(JSON.stringify(model));
  expect(sources).toEqual([{ bytes: bytes.length, xxh128: xxh128Reference(bytes), firstRow: 0, seed: 1 }]);
  expect(source.xxh128).toBe(sources[0].xxh128);
  await expect(updateCsv(model, path)).rejects.toThrow("are in the model already");
  const known = [{ bytes: bytes.length, sha256: sha256(bytes), firstRow: 0, seed: 1 }];
  const older = LinearModel.fromJSON({ ...rest, source, sources: known });
  await expect(updateCsv(older, path)).rejects.toThrow("are in the model already");
  const other = LinearModel.fromJSON({
    ...rest,
    source,
    sources: [{ ...known[0], sha256: sha256(bytes.subarray(1)) }],
  });
  expect((await updateCsv(other, path)).model.n).toBe(2 * model.n);
}, 30_000);
