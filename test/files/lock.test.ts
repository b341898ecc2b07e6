import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lockBeside, lockName } from "../../src/files/lock.js";
import { machineMark } from "../../src/files/owner.js";
import { scratchFolder } from "../csv/scratch.js";

const scratch = scratchFolder();
/** The number of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ["-e", ""]).pid;

describe("lockBeside", () => {
  test("is held by one at a time, under whatever name", async () => {
    const path = scratch.file("a.json", "{}");
    symlinkSync(path, join(scratch.path, "link.json"));
    let holders = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const lock = await lockBeside(i % 2 === 0 ? path : join(scratch.path, "link.json"));
        most = Math.max(most, ++holders);
        await new Promise((resolve) => setTimeout(resolve, 5));
        holders--;
        lock.release();
      }),
    );
    expect(most).toBe(1);
    expect(existsSync(lockName(path))).toBe(false);
  });

  test("of a dead process is taken over, by one of many that wait", async () => {
    const path = scratch.file("b.json", "{}");
    writeFileSync(lockName(path), `${machineMark()} ${deadPid()}\n`);
    const script = `
      import { appendFileSync } from "node:fs";
      import { lockBeside } from "./dist/files/lock.js";
      const lock = await lockBeside(process.argv[1]);
      appendFileSync(process.argv[2], "in ");
      await new Promise((resolve) => setTimeout(resolve, 10));
      appendFileSync(process.argv[2], "out\\n");
      lock.release();`;
    const log = join(scratch.path, "log");
    await Promise.all(
      Array.from({ length: 6 }, () => {
        const child = spawn(process.execPath, ["--input-type=module", "-e", script, path, log]);
        return new Promise((resolve) => child.on("close", resolve));
      }),
    );
    expect(readFileSync(log, "utf8")).toBe("in out\n".repeat(6));
    expect(readdirSync(scratch.path).filter((name) => /lock|tmp/.test(name))).toEqual([]);
  });

  test("of another machine is refused after a while, and says what to do", async () => {
    const path = scratch.file("c.json", "{}");
    writeFileSync(lockName(path), "00000000 1\n");
    await expect(lockBeside(path, { patience: 50 })).rejects.toMatchObject({
      kind: "data",
      message: `${path}: a process on another machine is changing it`,
      hint: expect.stringContaining(lockName(path)),
    });
  });

  test("is not waited for after an abort", async () => {
    const path = scratch.file("d.json", "{}");
    const held = await lockBeside(path);
    const controller = new AbortController();
    const waiting = lockBeside(path, { signal: controller.signal, onWait: () => controller.abort() });
    await expect(waiting).rejects.toMatchObject({ kind: "interrupted" });
    held.release();
  });
});
