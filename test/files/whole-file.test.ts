import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeFileAtomic } from "../../src/csv/write.js";
import { machineMark } from "../../src/files/owner.js";
import { scratchFolder } from "../csv/scratch.js";

const scratch = scratchFolder();

describe("a file that is written whole", () => {
  test("makes the file that a dangling link leads to, by way of other links", async () => {
    mkdirSync(join(scratch.path, "there"));
    symlinkSync("there/second", join(scratch.path, "first"));
    symlinkSync("third", join(scratch.path, "there/second"));
    await writeFileAtomic(join(scratch.path, "first"), "new\n");
    expect(lstatSync(join(scratch.path, "first")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(scratch.path, "there/third"), "utf8")).toBe("new\n");
    expect(readdirSync(join(scratch.path, "there")).sort()).toEqual(["second", "third"]);
  });

  test("links that lead to each other are named as that", async () => {
    symlinkSync("round", join(scratch.path, "around"));
    symlinkSync("around", join(scratch.path, "round"));
    await expect(writeFileAtomic(join(scratch.path, "round"), "x")).rejects.toThrow(
      /its links lead to each other/,
    );
  });

  test.each([["x".repeat(240)], ["x".repeat(255)], ["é".repeat(127)], ["😀".repeat(63)]])(
    "may have a long name: %s",
    async (name) => {
      await writeFileAtomic(join(scratch.path, name), "long\n");
      expect(readFileSync(join(scratch.path, name), "utf8")).toBe("long\n");
    },
  );

  test("takes away what dead processes had begun, and nothing else", async () => {
    const path = join(scratch.path, "swept.csv");
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const beside = (name: string) => join(scratch.path, name);
    const stale = beside(`.swept.csv.${machineMark()}-${dead}-abc.tmp`);
    const others = [
      `.swept.csv.${machineMark()}-1-abc.tmp`,
      `.swept.csv.00000000-${dead}-abc.tmp`,
      `.other.csv.${machineMark()}-${dead}-abc.tmp`,
      `.swept.csv.${machineMark()}-${dead}-abc.tmp.kept`,
    ].map(beside);
    for (const name of [stale, ...others]) writeFileSync(name, "half");
    await writeFileAtomic(path, "whole\n");
    expect(existsSync(stale)).toBe(false);
    const left = readdirSync(scratch.path);
    for (const name of others) expect(left).toContain(basename(name));
  });

  test("what is refused at the last moment leaves the old one", async () => {
    const { openOutput } = await import("../../src/csv/write.js");
    const path = scratch.file("kept.csv", "old\n");
    const output = openOutput(path);
    await output.write("new\n");
    await expect(
      output.commit(() => {
        throw new Error("changed meanwhile");
      }),
    ).rejects.toThrow("changed meanwhile");
    output.abort();
    expect(readFileSync(path, "utf8")).toBe("old\n");
  });

  test("and so does what fails while the disk is waited for", async () => {
    const { openOutput } = await import("../../src/csv/write.js");
    const path = scratch.file("waited.csv", "old\n");
    const write = async (meanwhile: () => void) => {
      const output = openOutput(path);
      try {
        await output.write("new\n");
        await output.commit(undefined, meanwhile);
      } finally {
        output.abort();
      }
    };
    const failing = write(() => {
      throw new Error("no summary");
    });
    await expect(failing).rejects.toThrow("no summary");
    expect(readFileSync(path, "utf8")).toBe("old\n");
    expect(readdirSync(scratch.path).filter((name) => name.includes("waited"))).toEqual(["waited.csv"]);
    let during = "";
    await write(() => {
      during = readFileSync(path, "utf8");
    });
    expect([during, readFileSync(path, "utf8")]).toEqual(["old\n", "new\n"]);
  });
});
