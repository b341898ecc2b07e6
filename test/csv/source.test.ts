import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, truncateSync } from "node:fs";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import type { Source } from "../../src/csv/source.js";
import { DataError } from "../../src/errors.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();
const read = async (source: Source): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.chunks()) chunks.push(chunk);
  return Buffer.concat(chunks);
};

describe("Source", () => {
  it("gives the same bytes plain and gzip, by content not by name, any number of times", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 3, maxLength: 5000 }),
        fc.boolean(),
        async (bytes, twice) => {
          fc.pre(bytes[0] !== 0x1f);
          const packed = twice
            ? Buffer.concat([gzipSync(bytes.subarray(0, 2)), gzipSync(bytes.subarray(2))])
            : gzipSync(bytes);
          for (const [name, content] of [["plain.gz", bytes] as const, ["packed.csv", packed] as const]) {
            const source = await openSource(scratch.file(name, content));
            try {
              expect(source.packed).toBe(content === packed ? "gzip" : undefined);
              const { bytes: head, whole } = await source.peek(3);
              expect([...head]).toEqual([...bytes.subarray(0, 3)]);
              expect(whole).toBe(bytes.length === 3);
              expect(Buffer.compare(await read(source), bytes)).toBe(0);
              expect(Buffer.compare(await read(source), bytes)).toBe(0);
              expect(source.progress()).toEqual({ read: content.length, total: content.length });
              const { size } = await source.seekable();
              expect(size).toBe(bytes.length);
              expect(Buffer.compare(await read(source), bytes)).toBe(0);
            } finally {
              await source.close();
            }
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it.each([
    ["no such file", () => `${scratch.path}/missing.csv`],
    ["it is a directory", () => scratch.path],
    ["not a directory", () => `${scratch.file("plain.csv", "a\n1\n")}/inside.csv`],
    ["the file is empty", () => scratch.file("empty.csv", "")],
  ])("refuses a path: %s", async (message, path) => {
    const error = await openSource(path()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toContain(message);
    expect((error as DataError).hint).toBeTruthy();
  });

  it("says that gzip is truncated, damaged or empty", async () => {
    const packed = gzipSync(Buffer.from("a,b\n1,2\n".repeat(10_000)));
    const damaged = Buffer.from(packed);
    damaged[40]! ^= 0xff;
    for (const [bytes, message] of [
      [packed.subarray(0, packed.length - 20), /truncated/],
      [damaged, /damaged/],
    ] as const) {
      const source = await openSource(scratch.file("bad.csv", bytes));
      await expect(read(source)).rejects.toThrow(message);
      await source.close();
    }
    const source = await openSource(scratch.file("nothing.gz", gzipSync("")));
    await expect(source.peek(10)).rejects.toThrow("the file is empty");
    await source.close();
  });

  it("notices a file that grows or shrinks while it is read", async () => {
    for (const change of [
      (path: string) => appendFileSync(path, "3,4\n"),
      (path: string) => truncateSync(path, 4),
    ]) {
      const path = scratch.file("changing.csv", "a,b\n1,2\n");
      const source = await openSource(path);
      change(path);
      await expect(read(source)).rejects.toThrow(
        /changed while it was being read \(8 bytes at first, (12|4) bytes now/,
      );
      expect(() => source.checkUnchanged()).toThrow(DataError);
      await source.close();
    }
  });

  it("reads a pipe by path, and standard input as a pipe, a file, gzip, a closed or empty one", () => {
    const script = `
      import { openSource } from "./dist/csv/open-source.js";
      import { openStandardInput } from "./dist/csv/standard-input.js";
      const source = process.argv[1] === "path" ? await openSource("/dev/fd/0") : await openStandardInput();
      if (!source) console.log("nothing");
      else {
        const { bytes, whole } = await source.peek(4);
        await source.seekable();
        let size = 0;
        for await (const chunk of source.chunks()) size += chunk.length;
        console.log(source.name, Buffer.from(bytes).toString(), whole, size);
        await source.close();
      }`;
    const TMPDIR = `${scratch.path}/spool`;
    mkdirSync(TMPDIR);
    const env = { ...process.env, TMPDIR };
    const run = (input: Uint8Array | undefined, redirect: string, how: string): string =>
      spawnSync(
        "sh",
        ["-c", `"$0" --input-type=module -e "$1" ${how} ${redirect}`, process.execPath, script],
        {
          input,
          env,
          encoding: "utf8",
        },
      ).stdout.trim();
    const rows = Buffer.from("a,b\n1,2\n".repeat(50_000));
    const path = scratch.file("stdin.csv", rows);
    expect(run(rows, "", "stdin")).toBe("standard input a,b\n false 400000");
    expect(run(gzipSync(rows), "", "stdin")).toBe("standard input a,b\n false 400000");
    expect(run(undefined, `< ${path}`, "stdin")).toBe("standard input a,b\n false 400000");
    const half = `(head -c 8 > /dev/null; "$0" --input-type=module -e "$1" stdin) < ${path}`;
    const rest = spawnSync("sh", ["-c", half, process.execPath, script], { encoding: "utf8" });
    expect(rest.stdout.trim()).toBe("standard input a,b\n false 399992");
    expect(run(undefined, `< ${path}`, "path")).toBe("/dev/fd/0 a,b\n false 400000");
    const piped = spawnSync("sh", [
      "-c",
      `cat ${path} | "$0" --input-type=module -e "$1" path`,
      process.execPath,
      script,
    ]);
    expect(piped.stdout.toString().trim()).toBe("/dev/fd/0 a,b\n false 400000");
    expect(run(Buffer.alloc(0), "", "stdin")).toBe("nothing");
    expect(run(undefined, "< /dev/null", "stdin")).toBe("nothing");
    expect(run(undefined, "<&-", "stdin")).toBe("nothing");
    expect(readdirSync(TMPDIR)).toEqual([]);
  });
});
