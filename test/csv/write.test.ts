import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openOutput, quoteField, writeFileAtomic } from "../../src/csv/write.js";
import { DataError } from "../../src/errors.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();

describe("quoteField", () => {
  it("is read back by csv-parse, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string(), { minLength: 2, maxLength: 4 }),
        fc.constantFrom(",", ";", "\t"),
        (row, d) => {
          const line = row.map((cell) => quoteField(cell, d)).join(d);
          expect(parse(`${line}\n`, { delimiter: d, record_delimiter: "\n" })).toEqual([row]);
        },
      ),
    );
  });
});

describe("openOutput", () => {
  it("shows a file only when it is complete, and leaves the old one alone otherwise", async () => {
    const path = scratch.file("out.csv", "old\n");
    const given = openOutput(path);
    await given.write("new\n");
    expect(readFileSync(path, "utf8")).toBe("old\n");
    given.abort();
    expect(readFileSync(path, "utf8")).toBe("old\n");
    const kept = openOutput(path);
    await kept.write("new\n");
    await kept.write(Buffer.from("2\n"));
    await kept.commit();
    kept.abort();
    expect(readFileSync(path, "utf8")).toBe("new\n2\n");
    expect(readdirSync(scratch.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("writes through a link, which stays one", async () => {
    const target = scratch.file("target.csv", "old\n");
    symlinkSync(target, join(scratch.path, "link.csv"));
    await writeFileAtomic(join(scratch.path, "link.csv"), "new\n");
    expect(readFileSync(target, "utf8")).toBe("new\n");
  });

  it.each([
    ["no such folder", () => join(scratch.path, "missing", "out.csv")],
    ["it is a directory", () => scratch.path],
    ["goml writes nothing compressed", () => join(scratch.path, "out.csv.gz")],
    ["goml writes nothing compressed", () => join(scratch.path, "out.csv.ZST")],
  ])("says why it cannot: %s", async (message, path) => {
    const error = await writeFileAtomic(path(), "x").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toContain(message);
  });

  it("says that the disk is full", async () => {
    await expect(writeFileAtomic("/dev/full", "x")).rejects.toThrow(
      "/dev/full: cannot be written: no space left",
    );
  });

  it("leaves nothing behind when the process exits in the middle", () => {
    const path = join(scratch.path, "exit.csv");
    const script = `
      import { openOutput } from "./dist/csv/write.js";
      await openOutput(process.argv[1]).write("half");
      process.exit(3);`;
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", script, path]).status).toBe(3);
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(scratch.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("says that the reader of standard output has gone", () => {
    const script = `
      import { openOutput } from "./dist/csv/write.js";
      const output = openOutput();
      let lines = 0;
      while (lines < 1e5 && (await output.write("line\\n".repeat(100)))) lines++;
      process.exit(lines < 1e5 ? 7 : 1);`;
    const shell = `{ "$0" --input-type=module -e "$1"; echo "exit $?" >&2; } | head -n 1`;
    const { stdout, stderr } = spawnSync("sh", ["-c", shell, process.execPath, script], { encoding: "utf8" });
    expect(stdout).toBe("line\n");
    expect(stderr).toBe("exit 7\n");
  });
});
