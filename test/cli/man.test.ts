import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const page = readFileSync("dist/goml.1", "utf8");

test("the manual page has all commands, and all options of each", async () => {
  const { stdout } = await inFolder({}, (folder) => goml(folder, ["--help"]));
  const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map((match) => match[1]!);
  expect(commands.length).toBeGreaterThan(16);
  const sections = page.split(/^\.SS /m);
  for (const command of commands) {
    const section = sections.find((one) => one.startsWith(`"goml ${command} `));
    expect(section, command).toBeDefined();
    const help = await inFolder({}, (folder) => goml(folder, ["help", command]));
    const options = [...help.stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map((match) => match[1]!);
    for (const option of options.filter((name) => name !== "--help" && name !== "--debug"))
      expect(section, command).toMatch(new RegExp(`^\\.B .*${option.replaceAll("-", "\\\\-")}( |$)`, "m"));
  }
});

const man = spawnSync("man", ["--version"]).status === 0;

test.skipIf(!man)("man sets it without a warning (skipped where man is not installed)", () => {
  const run = spawnSync("man", ["-l", "--warnings", "-E", "UTF-8", "dist/goml.1"], { encoding: "utf8" });
  expect([run.status, run.stderr]).toEqual([0, ""]);
  expect(run.stdout).toMatch(/^GOML\(1\)/);
});
