import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { normal } from "../normal.js";

let folder: string;
const file = (name: string) => join(folder, name);
const goml = (args: string[]) => spawn(process.execPath, ["bin/goml.js", ...args], { cwd: process.cwd() });

/** The resident memory of a process and its most so far, in MB. */
function memory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const figure = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return { now: figure("VmRSS"), peak: figure("VmHWM") };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goml-predict-"));
  const next = normal(1);
  const rows = Array.from({ length: 20_000 }, () =>
    Array.from({ length: 5 }, () => next().toPrecision(6)).join(","),
  );
  const body = `${rows.join("\n")}\n`;
  writeFileSync(file("small.csv"), `a,b,c,d,y\n${body}`);
  writeFileSync(file("large.csv"), `a,b,c,d,y\n${body}`);
  for (let i = 0; i < 79; i++) appendFileSync(file("large.csv"), body);
  await new Promise((resolve) =>
    goml(["train", file("small.csv"), "-m", file("m.json"), "-q"]).on("exit", resolve),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// /proc tells the memory of another process; where there is none the test says so and does nothing.
const linux = process.platform === "linux";

test.runIf(linux)(
  "a slow reader of standard output slows predict, and its memory does not grow",
  async () => {
    const child = goml(["predict", file("large.csv"), "-m", file("m.json"), "--append", "-c", "2", "-q"]);
    // Nothing is read for a while: the pipe is full at once, and the file of 80 MB must wait where it is.
    await sleep(1500);
    const before = memory(child.pid!).now;
    await sleep(1500);
    const after = memory(child.pid!).now;
    expect(after).toBeLessThan(before + 16);
    let bytes = 0;
    let peak = 0;
    for await (const chunk of child.stdout) {
      bytes += chunk.length;
      if (bytes < 5e7) peak = Math.max(peak, memory(child.pid!).peak);
    }
    expect(bytes).toBeGreaterThan(8e7);
    // The process itself is about 100 MB; the output alone, had it been kept, would be as much again.
    expect(peak).toBeLessThan(160);
  },
);

test.runIf(linux)("memory does not grow with the file", async () => {
  const peak = async (name: string) => {
    const child = goml(["predict", file(name), "-m", file("m.json"), "-o", file("out.csv"), "-q"]);
    let most = 0;
    const timer = setInterval(() => {
      try {
        // Once it has ended, and before its parent has taken note, the file is there without the figures.
        most = Math.max(most, memory(child.pid!).peak || 0);
      } catch {
        // It has ended between two looks.
      }
    }, 5);
    await new Promise((resolve) => child.on("exit", resolve));
    clearInterval(timer);
    return most;
  };
  const [small, large] = [await peak("small.csv"), await peak("large.csv")];
  // Eighty times the rows; room for what the garbage collector has not looked at yet.
  expect(large).toBeLessThan(small + 24);
});
